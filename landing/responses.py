"""What recipients do, written to the contact log: visits, answers, opt-outs. Each wakes whoever waits for it.

Every writer first holds the customer's row, so that two requests about one customer go one after the other, and a form that
is sent twice, even at once, is one answer. Nothing is committed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import bindparam, func, select
from sqlmodel import Session

from customers.consent import EVERYTHING, ConsentChange, Source, consent_of, record_consent
from customers.contact_log import Entry, Kind, log
from customers.tables import Contact, Customer, CustomerId, table_of
from engine.wake import wake
from landing.fields import Value
from landing.recipients import GONE, Recipient
from store.errors import TokenError

WEB = "web"
PATIENCE_SECONDS = 5
OPT_OUT_REASON = "opt_out_reason"
Scope = Literal["channel", "all"]
_CONTACT, _CUSTOMER = table_of(Contact), table_of(Customer)
_MINE = (_CONTACT.c.customer_id == bindparam("customer"), _CONTACT.c.message_id == bindparam("message"))
_OF_KIND = (*_MINE, _CONTACT.c.kind == bindparam("kind"))
# Built once, as in recipients.py.
_STORY = select(_CONTACT.c.kind, _CONTACT.c.key).where(*_MINE)
_NUMBER = select(func.count()).where(*_OF_KIND)
_THERE = (_CUSTOMER.c.id.in_(bindparam("ids", expanding=True)), _CUSTOMER.c.erased_at.is_(None))
_HELD = select(_CUSTOMER.c.id).where(*_THERE).order_by(_CUSTOMER.c.id).with_for_update(key_share=True)


@dataclass(frozen=True, slots=True)
class CustomerResponse:
    """Something that a customer did on a page, stored and committed; told to whoever carries campaigns out."""

    customer_id: CustomerId
    message_id: int
    campaign: str
    kind: Kind
    at: datetime


def visited_key(message_id: int, at: datetime, zone: ZoneInfo, *, human: bool) -> str:
    """One visit a message and day in the workspace's zone is logged; a machine's does not hide a person's."""
    day = at.astimezone(zone).date().isoformat()
    return f"visited:{message_id}:{day}" + ("" if human else ":machine")


@dataclass(frozen=True, slots=True)
class Story:
    """What has been logged of one message's recipient, as far as their page asks."""

    keys: frozenset[str]
    answered: bool


def story_of(session: Session, recipient: Recipient) -> Story:
    """The keys of everything logged about this message, and whether its recipient has answered; one statement."""
    about = {"customer": recipient.customer_id, "message": recipient.message_id}
    rows = session.connection().execute(_STORY, about).all()
    return Story(frozenset(row.key for row in rows if row.key), any(row.kind == Kind.ANSWERED for row in rows))


def log_visit(session: Session, recipient: Recipient, at: datetime, key: str, *, human: bool) -> bool:
    """Log that the page was opened, once per key; a person's visit wakes whoever waits."""
    hold(session, recipient.customer_id)
    if key in story_of(session, recipient).keys:
        return False
    log(session, [entry_of(recipient, Kind.VISITED, at, key, human=human)])
    if human:
        wake(session, [recipient.customer_id], at)
    return True


def opt_out(session: Session, recipient: Recipient, scope: Scope, source: Source, at: datetime) -> bool:
    """Refuse this channel, or every channel, for the campaign's purpose; False when that was refused already.

    A campaign without a purpose is refused for every purpose. Whoever was erased has refused everything.
    """
    if recipient.is_erased:
        return False
    hold(session, recipient.customer_id)
    purpose = recipient.header.purpose or EVERYTHING
    channel = EVERYTHING if scope == "all" else recipient.channel
    if consent_of(session, np.array([recipient.customer_id]), purpose, channel).refused[0]:
        return False
    evidence = {"message_id": recipient.message_id, "campaign": recipient.campaign, "node": recipient.node, "scope": scope}
    change = ConsentChange(recipient.customer_id, purpose, channel, granted=False, at=at, source=source, evidence=evidence)
    record_consent(session, [change])
    number = _count(session, recipient, Kind.OPTED_OUT) + 1
    detail = {"purpose": purpose, "channel": channel, "source": source.value}
    log(session, [entry_of(recipient, Kind.OPTED_OUT, at, f"opted_out:{recipient.message_id}:{number}", detail=detail)])
    wake(session, [recipient.customer_id], at)
    return True


def tell_why(session: Session, recipient: Recipient, why: str, at: datetime) -> None:
    """Log why, as an event of its own, when there was an opt-out by this message that has no reason yet. It wakes nobody."""
    if recipient.is_erased:
        return
    hold(session, recipient.customer_id)
    number = _count(session, recipient, Kind.OPTED_OUT)
    key = f"opt_out_reason:{recipient.message_id}:{number}"
    if number and key not in story_of(session, recipient).keys:
        detail = {"name": OPT_OUT_REASON, "why": why}
        log(session, [entry_of(recipient, Kind.EVENT, at, key, detail=detail)])


def _count(session: Session, recipient: Recipient, kind: Kind) -> int:
    return int(session.connection().execute(_NUMBER, _of_kind(recipient, kind)).scalar_one())


def _of_kind(recipient: Recipient, kind: Kind) -> dict[str, Any]:
    return {"customer": recipient.customer_id, "message": recipient.message_id, "kind": kind.value}


def spoken(value: Value) -> str:
    """An answer as conditions see it: `answer NAME = 'true'` for a ticked box."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def hold(session: Session, customer_id: CustomerId) -> None:
    """Let requests about one customer go one after the other, until the session's work is committed.

    Raises TokenError when the customer was erased since the page looked: nothing is to be written of them any more.
    """
    if not held(session, [customer_id]):
        raise TokenError(GONE)


def held(session: Session, customer_ids: Sequence[CustomerId]) -> set[int]:
    """The same of several; gives those who are not erased."""
    return set(session.connection().execute(_HELD, {"ids": customer_ids}).scalars())


def entry_of(recipient: Recipient, kind: Kind, at: datetime, key: str, *, human: bool = True, detail: Any = None) -> Entry:
    """What a recipient did, as it stands in the contact log."""
    return Entry(
        at=at,
        customer_id=recipient.customer_id,
        direction="in",
        channel=WEB,
        kind=kind,
        campaign=recipient.campaign,
        version=recipient.version,
        node=recipient.node,
        arm=recipient.arm,
        message_id=recipient.message_id,
        member_id=recipient.member_id,
        key=key,
        human=human,
        detail=as_seen(recipient, detail),
    )


def as_seen(recipient: Recipient, detail: Any) -> Any:
    """The detail with the variant of the page that it was done on, where the page has any."""
    return {**(detail or {}), "page_variant": recipient.page_variant} if recipient.page_variant else detail
