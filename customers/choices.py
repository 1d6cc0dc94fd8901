"""What customers chose about how to be written to: topics, a pause, how often, and when. Dated rows, of which the newest counts.

These are wishes beside consent: a pause and a rhythm hold messages back that consent would let through, a preferred part of the day
makes them wait, and none allows anything.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, func, select, type_coerce
from sqlmodel import Session

from customers.consent import EVERYTHING
from customers.contact_log import WRITTEN_TO
from customers.tables import Choice, Contact, CustomerId, table_of
from store.bulk import Ids, among, insert_rows
from store.clock import to_micros
from store.columns import json_or_none

FREELY = 0  # as a rhythm: no limit. As a pause: it is over


class ChoiceKind(StrEnum):
    """What a choice is of, and what its value means."""

    TOPIC = "topic"  # about a topic: 1 wants to read of it, 0 does not
    PAUSE = "pause"  # about a purpose: no message until this moment, in microseconds since 1970; 0 ends a pause
    RHYTHM = "rhythm"  # about a purpose: at most one message in so many days; 0 is without a limit
    MOMENT = "moment"  # about everything: a part of the day, of customers/preferred.py


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice, by its kind and subject."""

    kind: ChoiceKind
    about: str
    value: int


def record_choices(session: Session, customer_id: CustomerId, choices: Sequence[Chosen], at: datetime, evidence: Any) -> int:
    """Write choices down as made at this moment, and give their number. `evidence` says where, without personal data."""
    document, moment = json_or_none(evidence), to_micros(at)
    rows = ((customer_id, each.kind.value, each.about, each.value, moment, document) for each in choices)
    return insert_rows(session, table_of(Choice), ("customer_id", "kind", "about", "value", "at", "evidence"), rows)


def choices_of(session: Session, customer_id: CustomerId) -> Mapping[tuple[ChoiceKind, str], int]:
    """What stands for one customer, by kind and subject; one statement."""
    choice = table_of(Choice).c
    asked = select(choice.kind, choice.about, choice.value).where(choice.customer_id == customer_id).order_by(choice.at, choice.id)
    return {(ChoiceKind(kind), about): value for kind, about, value in session.execute(asked)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What customers, in the order asked, wish for one purpose."""

    paused_until: NDArray[np.int64]  # microseconds since 1970
    rhythm_days: NDArray[np.int64]  # one message in so many days; 0 is any
    part: NDArray[np.int64]  # of the day, as in customers/preferred.py

    @classmethod
    def none(cls, number: int) -> "Wishes":
        """Nobody of so many wishes anything."""
        nothing = np.full(number, FREELY, np.int64)
        return cls(nothing, nothing, nothing)


def wishes_of(session: Session, customer_ids: Ids, purpose: str) -> Wishes:
    """The wishes that stand for this purpose; one statement."""
    choice = table_of(Choice).c
    for_purpose = (choice.about == purpose) & choice.kind.in_((ChoiceKind.PAUSE.value, ChoiceKind.RHYTHM.value))
    for_all = (choice.about == EVERYTHING) & (choice.kind == ChoiceKind.MOMENT.value)
    asked = select(choice.customer_id, choice.kind, choice.value).where(among(session, choice.customer_id, customer_ids))
    newest = {(row[0], row[1]): row[2] for row in session.execute(asked.where(for_purpose | for_all).order_by(choice.at, choice.id))}
    kinds, people = (ChoiceKind.PAUSE, ChoiceKind.RHYTHM, ChoiceKind.MOMENT), customer_ids.tolist()
    return Wishes(*(np.array([newest.get((customer_id, kind), FREELY) for customer_id in people], np.int64) for kind in kinds))


def last_written(session: Session, customer_ids: Ids, campaigns: Collection[str], since: datetime) -> NDArray[np.int64]:
    """When one of these campaigns last wrote to each customer, as of `since`; microseconds since 1970, -1 for never. One statement."""
    contact = table_of(Contact).c
    asked = select(contact.customer_id, func.max(type_coerce(contact.at, BigInteger)))
    asked = asked.where(among(session, contact.customer_id, customer_ids), contact.at >= since)
    asked = asked.where(contact.direction == "out", contact.kind.in_([kind.value for kind in WRITTEN_TO]), contact.campaign.in_(campaigns))
    found: dict[int, int] = dict(session.execute(asked.group_by(contact.customer_id)).tuples().all())
    return np.array([found.get(customer_id, -1) for customer_id in customer_ids.tolist()], np.int64)


def counts_from(days: int, zone: ZoneInfo, moment: datetime) -> datetime:
    """When the day began from which on a message counts: with one in 7 days, 6 days before the day of `moment`.

    Days, not hours: a weekly campaign that leaves a second earlier than last week does not skip a week.
    """
    day = moment.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime.combine(day, time(), zone)
