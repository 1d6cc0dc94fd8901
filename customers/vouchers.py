"""Vouchers: a code of a message's own, by which a purchase tells which message it came from, whoever bought and wherever."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from random import Random

import numpy as np
from sqlalchemy import func, select
from sqlmodel import Session

from customers.contact_log import Entry, Kind, log
from customers.tables import Contact, Customer, CustomerId, Voucher, table_of
from customers.texts import one_of
from store.bulk import among, insert_rows
from store.clock import to_micros
from store.errors import TokenError
from store.tokens import new_code, normalise_code

CHANNEL = "import"  # where a purchase is told


@dataclass(frozen=True, slots=True)
class Issued:
    """A voucher with the names that every contact-log row of its message carries."""

    code: str
    message_id: int
    customer_id: int
    member_id: int
    campaign: str
    version: str
    node: str
    arm: str | None


_NAMES = tuple(each.name for each in fields(Issued))


def codes_for(session: Session, message_ids: Sequence[int], random: Random) -> list[str]:
    """The code of each message: the one that it was given, or a new one that nobody has. Two statements; nothing is written."""
    voucher = table_of(Voucher).c
    given = select(voucher.message_id, voucher.code).where(among(session, voucher.message_id, np.array(message_ids, np.int64)))
    known = dict(session.execute(given).tuples().all())
    codes = [known.get(message_id) or new_code(random) for message_id in message_ids]
    taken = dict(session.execute(select(voucher.code, voucher.message_id).where(one_of(session, voucher.code, codes))).tuples().all())
    return [code if taken.get(code, id_) == id_ else new_code(random) for code, id_ in zip(codes, message_ids, strict=True)]


def issue(session: Session, vouchers: Sequence[Issued], at: datetime) -> None:
    """Write down what was given to whom; a message that has a voucher keeps it. One statement."""
    moment = to_micros(at)
    rows = ((*(getattr(each, name) for name in _NAMES), moment) for each in vouchers)
    insert_rows(session, table_of(Voucher), (*_NAMES, "issued_at"), rows, keep_existing=True)


def owners_of(session: Session, codes: Sequence[str]) -> Mapping[str, Issued | None]:
    """The vouchers among these texts, each as `as_code` reads it, by code; None for that of somebody who was erased. One statement."""
    voucher, customer = table_of(Voucher), table_of(Customer).c
    asked = select(customer.erased_at, *(voucher.c[name] for name in _NAMES)).join(voucher, voucher.c.customer_id == customer.id)
    found = session.execute(asked.where(one_of(session, voucher.c.code, codes))).tuples()
    return {issued[0]: None if erased_at else Issued(*issued) for erased_at, *issued in found}


@dataclass(frozen=True, slots=True)
class Given:
    """A voucher as a shop and a manager see it: without the person."""

    code: str
    node: str
    arm: str | None
    issued_at: datetime
    purchases: int  # that it was used for


def given_in(session: Session, campaign: str) -> list[Given]:
    """All vouchers of a campaign, the oldest first; one statement."""
    voucher, contact = table_of(Voucher).c, table_of(Contact).c
    used = select(contact.message_id, func.count().label("purchases")).where(
        contact.campaign == campaign, contact.kind == Kind.REDEEMED.value
    )
    redeemed = used.group_by(contact.message_id).subquery("redeemed")
    columns = (voucher.code, voucher.node, voucher.arm, voucher.issued_at, func.coalesce(redeemed.c.purchases, 0))
    asked = select(*columns).outerjoin(redeemed, redeemed.c.message_id == voucher.message_id)
    asked = asked.where(voucher.campaign == campaign).order_by(voucher.issued_at, voucher.code)
    return [Given(*row) for row in session.execute(asked).tuples()]


def as_code(text: str) -> str:
    """A text of a shop as a voucher of ours is stored, however it was typed; any other text, such as a shop's own code, as it is."""
    try:
        return normalise_code(text)
    except TokenError:
        return text


@dataclass(frozen=True, slots=True)
class Redemption:
    """A voucher that came back with a purchase, at a moment (aware UTC)."""

    voucher: Issued
    purchase: str  # its key
    at: datetime


def redeem(session: Session, redemptions: Sequence[Redemption]) -> int:
    """Log that vouchers were used, each once a purchase, and give how many are new. Two statements.

    It is told of whom the message went to, also where somebody else bought with it.
    """
    by_key = {f"redeemed:{each.voucher.code}:{each.purchase}": each for each in redemptions}
    contact = table_of(Contact).c
    seen = set(session.execute(select(contact.key).where(one_of(session, contact.key, list(by_key)))).scalars())
    return log(session, [_entry(key, each) for key, each in by_key.items() if key not in seen])


def _entry(key: str, redemption: Redemption) -> Entry:
    about = asdict(redemption.voucher)
    code, customer_id = about.pop("code"), CustomerId(about.pop("customer_id"))
    detail = {"voucher": code, "purchase": redemption.purchase}
    return Entry(redemption.at, customer_id, "in", CHANNEL, Kind.REDEEMED, key=key, detail=detail, **about)
