"""The global hold-out: a random part of all customers, to whom no campaign writes, so that all campaigns together can be measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, select
from sqlmodel import Session

from customers.tables import Customer, table_of
from engine.campaign import CampaignSpec
from engine.members import Int, Mask
from engine.tables import Programme
from store.bulk import id_table, insert_rows
from store.clock import to_micros
from store.hashing import fractions

SALT = "programme"  # with the customer's number it decides who is held out; unlike the salt of any arm (campaign/node)


@dataclass(frozen=True, slots=True)
class HoldOut:
    """The part (0..1) of customers that is held out of every campaign from now on. Who was drawn before stays where they are."""

    share: float

    def draws(self, customer_ids: Int) -> Mask:
        """Who of them is held out, when they are drawn by this share."""
        mask: Mask = fractions(SALT, customer_ids) < self.share
        return mask


def binds(hold_out: HoldOut | None, campaign: CampaignSpec) -> bool:
    """Whether this campaign leaves the held-out customers alone: there is a hold-out, and the flow does not say `programme: exempt`."""
    return hold_out is not None and campaign.programme is None


def write_down(session: Session, hold_out: HoldOut, now: datetime, after: int, up_to: int) -> int:
    """Draw the customers numbered `after` < id <= `up_to` who have not been drawn yet, and give their number.

    Two statements, however many they are. What is written down is never changed: not by another share, nor by a second runner.
    """
    customer, programme = table_of(Customer), table_of(Programme)
    drawn = select(programme.c.customer_id).where(programme.c.customer_id == customer.c.id).exists()
    new = select(customer.c.id).where(customer.c.id > after, customer.c.id <= up_to, ~drawn).order_by(customer.c.id)
    ids = np.array(session.connection().execute(new).scalars().all(), np.int64)
    columns, moment = ("customer_id", "held_out", "share", "at"), to_micros(now)
    rows = ((customer_id, held, hold_out.share, moment) for customer_id, held in _pairs(ids, hold_out.draws(ids)))
    return insert_rows(session, programme, columns, rows, keep_existing=True)


def is_held_out(customer_id: ColumnElement[int]) -> ColumnElement[bool]:
    """True for a customer whose hold-out is written down, in a statement over customers."""
    programme = table_of(Programme)
    return select(programme.c.customer_id).where(programme.c.customer_id == customer_id, programme.c.held_out).exists()


def held_out(session: Session, hold_out: HoldOut, customer_ids: Int) -> Mask:
    """Who of them is held out: as written down, or as they would be drawn. Writes nothing; one statement."""
    programme, given = table_of(Programme), id_table(session, customer_ids)
    known = select(programme.c.customer_id, programme.c.held_out).join(given, given.c.id == programme.c.customer_id)
    written = dict(session.connection().execute(known).tuples().all())
    drawn = hold_out.draws(customer_ids)
    return np.fromiter((written.get(customer_id, held) for customer_id, held in _pairs(customer_ids, drawn)), np.bool_, len(customer_ids))


def _pairs(ids: Int, held: Mask) -> Iterator[tuple[int, bool]]:
    return zip(ids.tolist(), held.tolist(), strict=True)
