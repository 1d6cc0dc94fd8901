"""A person is erased: what says who it was goes, what was done and bought stays without a name, so that reports go on to add up.

Of key and mail address, and of nothing else, a digest is kept, so that a file does not silently bring somebody back. A digest cannot be
read, but whoever has the table can try whether a given address is in it. Telephone numbers and places to live are shared by whole
households: a digest of those would keep out people who never asked.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal

import numpy as np
from sqlalchemy import Row, Text, cast, delete, literal, null, or_, select, update
from sqlmodel import Session

from customers.attributes import profile_table
from customers.consent import EVERYTHING, ConsentChange, Source, record_consent
from customers.tables import (
    Choice,
    ConsentEvent,
    Contact,
    Customer,
    CustomerId,
    ErasedMark,
    Purchase,
    StatedPreference,
    Suppression,
    table_of,
)
from customers.texts import one_of
from store.bulk import Ids, among, insert_rows, update_rows
from store.clock import to_micros
from store.columns import json_or_none

Known = Literal["key", "email"]  # the attributes of a customer of which digests are kept
PERSONAL = (
    *("first_name", "last_name", "email", "phone", "street", "postcode", "city"),
    *("country", "language", "timezone", "birth_date"),
)
# What of a contact's detail we wrote ourselves, of closed lists; all else may hold somebody's words.
_OURS = frozenset({"reason", "bounce", "source", "purpose", "channel", "goal", "name", "why"})
_OWN_KEY = re.compile(r"[a-z_]+:\d+(:[\d-]+)*(:machine)?")  # of a message of ours; the keys of others may hold an address
_BATCH = 1_000

_customer, _contact, _purchase, _suppression = table_of(Customer), table_of(Contact), table_of(Purchase), table_of(Suppression)


def digest_of(known: Known, text: str) -> str:
    """What is kept of a key or a mail address, in hexadecimal: the same in every workspace, and not to be turned back."""
    same = text.strip().lower() if known == "email" else text  # an address is the same however it is written, a key is not
    return hashlib.blake2b(f"{known}:{same}".encode(), digest_size=20).hexdigest()


def anyone_erased(session: Session) -> bool:
    """Whether there is a digest at all."""
    return session.execute(select(table_of(ErasedMark).c.digest).limit(1)).first() is not None


def erased_among(session: Session, known: Known, texts: Collection[str]) -> frozenset[str]:
    """Those of the keys or addresses by which somebody was known who was erased; one statement."""
    mark = table_of(ErasedMark).c
    digests = {digest_of(known, text): text for text in texts}
    found = session.execute(select(mark.digest).where(one_of(session, mark.digest, list(digests)))).scalars()
    marked = set(found)
    return frozenset(text for text in texts if digest_of(known, text) in marked)


def erase_person(session: Session, customer_id: CustomerId, at: datetime, source: Source, addresses: Collection[str] = ()) -> None:
    """Take away all that these tables say of who a customer is. The caller has locked the customer's row.

    Purchases, contacts, arms and the dates of consent stay. Everything is refused from now on. `addresses` are those that messages went to:
    they are taken off the list of suppressed addresses, unless somebody else has them.
    """
    row = session.execute(select(_customer.c.key, _customer.c.email, _customer.c.phone).where(_customer.c.id == customer_id)).one()
    _mark(session, row.key, row.email, at)
    _lift(session, customer_id, {each for each in (row.email, row.phone, *addresses) if each})
    gone: dict[str, Any] = dict.fromkeys(PERSONAL)
    changed = update(_customer).where(_customer.c.id == customer_id)
    session.execute(changed.values(key=f"erased-{customer_id}", erased_at=at, changed_at=at, **gone))
    for table in (profile_table({}), table_of(StatedPreference), table_of(Choice)):
        session.execute(delete(table).where(table.c.customer_id == customer_id))
    _refuse(session, customer_id, at, source)
    clear_contacts(session, np.array([customer_id], np.int64))
    mine = update(_purchase).where(_purchase.c.customer_id == customer_id)
    session.execute(mine.values(key=literal("erased-") + cast(_purchase.c.id, Text)))


def clear_contacts(session: Session, customer_ids: Ids) -> None:
    """Take out of the contact log whatever may hold words or addresses of these customers; that something happened, and when, stays."""
    about = (_contact.c[name] for name in ("id", "key", "detail", "message_id", "member_id"))
    theirs = among(session, _contact.c.customer_id, customer_ids)
    told = select(*about).where(theirs, or_(_contact.c.detail.is_not(None), _contact.c.key.is_not(None)))
    after = 0
    while rows := session.execute(told.where(_contact.c.id > after).order_by(_contact.c.id).limit(_BATCH)).all():
        after = rows[-1].id
        cleared = [(_key(row.key), json_or_none(_detail(row)), row.id) for row in rows]
        update_rows(session, _contact, "id", ("key", "detail"), cleared)


def _mark(session: Session, key: str, email: str | None, at: datetime) -> None:
    digests = [digest_of("key", key), *([digest_of("email", email)] if email else [])]
    rows = ((digest, to_micros(at)) for digest in digests)
    insert_rows(session, table_of(ErasedMark), ("digest", "at"), rows, keep_existing=True)


def _lift(session: Session, customer_id: CustomerId, addresses: set[str]) -> None:
    others = select(_customer.c.email, _customer.c.phone).where(
        _customer.c.id != customer_id, or_(_customer.c.email.in_(addresses), _customer.c.phone.in_(addresses))
    )
    alone = addresses - {address for row in session.execute(others) for address in row}
    session.execute(delete(_suppression).where(_suppression.c.address.in_(alone)))


def _refuse(session: Session, customer_id: CustomerId, at: datetime, source: Source) -> None:
    """Refuse everything, and leave of earlier evidence what was allowed when, without what was seen or said."""
    event = table_of(ConsentEvent)
    session.execute(update(event).where(event.c.customer_id == customer_id).values(evidence=null()))
    change = ConsentChange(customer_id, EVERYTHING, EVERYTHING, granted=False, at=at, source=source, evidence={"erased": True})
    record_consent(session, [change])


def _key(key: str | None) -> str | None:
    return key if key and _OWN_KEY.fullmatch(key) else None


def _detail(row: Row[Any]) -> Mapping[str, Any] | None:
    """What stays of a contact's detail. What came in a file, about no message of ours, may use the same words for something else."""
    stays = _OURS if row.message_id or row.member_id else {"name"}
    kept = {name: value for name, value in row.detail.items() if name in stays} if isinstance(row.detail, dict) else {}
    return kept or None
