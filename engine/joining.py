"""Somebody whom nobody may know yet asks to join a campaign: who they are, and what is forgotten when it never was confirmed.

An address that is typed into a form is a stranger's word. Nothing is allowed by it: one mail asks whether it was them, and says no more
than that. A customer who is known by the address is not changed, and one who allows what is asked for already gets nothing.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Text, and_, cast, delete, func, insert, literal, select, update
from sqlmodel import Session

from customers.consent import EVERYTHING, consent_of
from customers.erasure import clear_contacts
from customers.tables import ConsentEvent, Customer, CustomerId, Purchase, table_of
from engine.asked import LATER, REFUSED, OpenRequest, Outcome, RequestKind, campaign_for, come_in, is_paused
from engine.links import CONFIRM_LIFE
from engine.nodes.request import JOIN
from engine.outbox import forget_content
from engine.tables import Request
from engine.workspace import Workspace
from store.bulk import Ids, among

CHANNEL = "email"
NEW = "join-"  # before the number of the request that made a customer: their key
MOST_MAILS, WITHIN_DAYS = 3, 30  # that an address gets because of strangers, at most
NO_HOLDS_DAYS = 366  # how long a stop that answers such a mail is known
FORGOTTEN_AFTER = CONFIRM_LIFE + timedelta(days=1)  # the link is of use for up to an hour longer than it says
_PERSONAL = ("first_name", "last_name", "email", "language")  # that a form to join can have given

_CUSTOMER, _REQUEST = table_of(Customer), table_of(Request)


def join(session: Session, workspace: Workspace, asked: OpenRequest, now: datetime) -> Outcome:
    """Let in whoever has the address that was filled in; a new customer, when nobody has it.

    `asked.given` is ``{"email": ..., "first_name": ..., "language": ..., "form": FILE, "said": TEXT}``. Of that, the form and what it said
    is kept, as the evidence of a consent that may come.
    """
    running, given = campaign_for(session, workspace, JOIN, asked.campaign), asked.given
    if running is None or asked.at < now - CONFIRM_LIFE:  # after a long pause nobody remembers what they asked for
        return REFUSED
    if is_paused(session, running):
        return LATER
    _hold_address(session, given["email"])
    known = _known_by(session, given["email"])
    purpose = running.graph.campaign.purpose or ""
    if len(known) and consent_of(session, np.array(known, np.int64), purpose, CHANNEL).granted.any():
        return Outcome()
    if _is_pestered(session, asked, now) or _said_no(session, asked, purpose):
        return REFUSED
    customer_id = known[0] if known else _new_customer(session, asked, now)
    member_id = come_in(session, running, JOIN, customer_id, now)
    if member_id is None:
        return REFUSED
    evidence = {name: given[name] for name in ("form", "said", "language") if given.get(name)}
    return Outcome("done", customer_id, member_id, document=evidence)


def join_key(campaign: str, digest: str, day: date) -> str:
    """What makes requests of one address, campaign and day one request. `digest` stands for the address, and has no colon in it."""
    return f"{RequestKind.JOIN}:{campaign}:{digest}:{day.isoformat()}"


def unconfirmed(session: Session, now: datetime) -> Ids:
    """The new customers that never confirmed in time. To be asked while nobody waits for us: all who ever joined are gone through."""
    return np.array(session.connection().execute(_unconfirmed(now)).scalars().all(), np.int64)


def forget_unconfirmed(session: Session, found: Ids, now: datetime) -> int:
    """Take away who these new customers were, unless they have confirmed by now; gives how many. Nobody who was known before is touched."""
    still = _unconfirmed(now).where(among(session, _CUSTOMER.c.id, found))
    ids = np.array(session.connection().execute(still).scalars().all(), np.int64)
    if len(ids):
        forget_content(session, ids)
        clear_contacts(session, ids)  # what came back of a mail to an address that nobody has says that address
        gone: dict[str, Any] = {**dict.fromkeys(_PERSONAL), "changed_at": now}
        session.connection().execute(update(_CUSTOMER).where(among(session, _CUSTOMER.c.id, ids)).values(gone))
    return len(ids)


def forget_fruitless(session: Session, now: datetime) -> int:
    """Delete old requests to join that led to nobody, and give how many: anybody may write down as many as they like. One statement."""
    about_nobody = (_REQUEST.c.kind == RequestKind.JOIN.value, _REQUEST.c.customer_id.is_(None), _REQUEST.c.state != "open")
    old = _REQUEST.c.settled_at < now - timedelta(days=WITHIN_DAYS)
    return session.connection().execute(delete(_REQUEST).where(*about_nobody, old)).rowcount


def _unconfirmed(now: datetime) -> Any:
    event, purchase = table_of(ConsentEvent), table_of(Purchase)
    allowed = select(event.c.id).where(event.c.customer_id == _CUSTOMER.c.id, event.c.granted).exists()
    bought = select(purchase.c.id).where(purchase.c.customer_id == _CUSTOMER.c.id).exists()
    other = _REQUEST.alias("other")
    lately = select(other.c.id).where(other.c.customer_id == _CUSTOMER.c.id, other.c.at > now - FORGOTTEN_AFTER).exists()
    made_by_it = and_(_CUSTOMER.c.id == _REQUEST.c.customer_id, _CUSTOMER.c.key == literal(NEW) + cast(_REQUEST.c.id, Text))
    joined = select(_CUSTOMER.c.id).join(_REQUEST, made_by_it).where(_REQUEST.c.kind == RequestKind.JOIN.value)
    return joined.where(_CUSTOMER.c.email.is_not(None), ~allowed, ~bought, ~lately)


def _hold_address(session: Session, address: str) -> None:
    """Let requests of one address go one after the other, so that a stranger becomes one customer; SQLite has one writer anyway."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(address.lower(), 0))))


def _known_by(session: Session, address: str) -> Sequence[CustomerId]:
    """Who has the address, the first who got it first. Whoever writes customers writes addresses in small letters, as it is looked up."""
    query = select(_CUSTOMER.c.id).where(_CUSTOMER.c.email == address.lower()).order_by(_CUSTOMER.c.id)
    return [CustomerId(each) for each in session.connection().execute(query).scalars()]


def _new_customer(session: Session, asked: OpenRequest, now: datetime) -> CustomerId:
    given = asked.given
    values = {"key": f"{NEW}{asked.id}", "email": given["email"].lower(), "created_at": now, "changed_at": now}
    values |= {name: given.get(name) or None for name in ("first_name", "language")}
    return CustomerId(session.connection().execute(insert(_CUSTOMER).values(values).returning(_CUSTOMER.c.id)).scalar_one())


def _is_pestered(session: Session, asked: OpenRequest, now: datetime) -> bool:
    """Whether the address got so many mails of this kind lately that it gets no more."""
    lately = _REQUEST.c.key.in_(list(_keys_of(asked, WITHIN_DAYS)))
    query = select(func.count()).where(lately, _REQUEST.c.member_id.is_not(None), _REQUEST.c.at <= now)
    return int(session.connection().execute(query).scalar_one()) >= MOST_MAILS


def _said_no(session: Session, asked: OpenRequest, purpose: str) -> bool:
    """Whether somebody at the address answered the mail of an earlier request with a stop, and has allowed nothing since."""
    event = table_of(ConsentEvent).c
    covers = (event.purpose.in_((purpose, EVERYTHING)), event.channel.in_((CHANNEL, EVERYTHING)))
    since = select(event.id).where(event.customer_id == _REQUEST.c.customer_id, event.at >= _REQUEST.c.at, *covers).correlate(_REQUEST)
    stopped, allowed = since.where(~event.granted).exists(), since.where(event.granted).exists()
    earlier = select(_REQUEST.c.id).where(_REQUEST.c.key.in_(list(_keys_of(asked, NO_HOLDS_DAYS))), stopped, ~allowed)
    return session.connection().execute(earlier.limit(1)).first() is not None


def _keys_of(asked: OpenRequest, days: int) -> Iterator[str]:
    """The keys of the same address's requests on the days before."""
    prefix, _, day = asked.key.rpartition(":")
    return (f"{prefix}:{date.fromisoformat(day) - timedelta(days=ago)}" for ago in range(1, days))
