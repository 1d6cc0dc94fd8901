"""What comes back about messages, made true: the log, what was unknown, addresses that are given up, consent, and who waits.

Any piece may come twice, late, or before what it follows from; the outcome is the same. What stands in the contact log is never
changed by it; a message that left stays *sent* when it bounces, and its bounce is a line of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, select
from sqlmodel import Session

from channels.contract import MessageKey
from channels.feedback import Feedback, Happening
from customers.consent import EVERYTHING, ConsentChange, Source, record_consent, suppress
from customers.contact_log import Entry, Kind, log
from customers.tables import Contact, Customer, CustomerId, table_of
from customers.texts import one_of
from engine.bounces import suppress_unreachable
from engine.header import header_of
from engine.outbox import State
from engine.tables import FlowVersion, OutboxMessage
from engine.wake import wake
from store.bulk import Ids, among, update_alike

KINDS: Mapping[Happening, Kind] = {
    Happening.DELAYED: Kind.DELAYED,
    Happening.DELIVERED: Kind.DELIVERED,
    Happening.BOUNCED_HARD: Kind.BOUNCED,
    Happening.BOUNCED_SOFT: Kind.BOUNCED,
    Happening.COMPLAINED: Kind.COMPLAINED,
    Happening.UNSUBSCRIBED: Kind.OPTED_OUT,
    Happening.OPENED: Kind.OPENED,
    Happening.CLICKED: Kind.CLICKED,
    Happening.REPLIED: Kind.REPLIED,
    Happening.AUTO_REPLIED: Kind.AUTO_REPLIED,
}  # PASSED_ON is not a contact: it only tells that an unknown message did leave
NEEDS_PROOF = frozenset({Happening.PASSED_ON, Happening.DELIVERED, Happening.BOUNCED_HARD, Happening.BOUNCED_SOFT})
REFUSES = frozenset({Happening.COMPLAINED, Happening.UNSUBSCRIBED})
GIVES_UP = frozenset({Happening.COMPLAINED, Happening.BOUNCED_HARD})
WAKES = frozenset({Happening.OPENED, Happening.CLICKED, Happening.REPLIED, Happening.BOUNCED_HARD, *REFUSES})
PROVES_LEFT = tuple(kind.value for kind in dict.fromkeys(KINDS.values()))
_ATTRIBUTES = {"email": "email", "sms": "phone"}
_MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the pieces; together they are all that were given. Those of `customers` may now be due."""

    taken: int = 0
    repeated: int = 0  # known already
    unproven: int = 0  # it may be invented, and would cost somebody the message
    strange: int = 0  # about no message and no customer of ours
    resolved: int = 0  # messages that were unknown, and did leave (not one of the sum)
    customers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    """A piece, and the message or the customers that it is about."""

    piece: Feedback
    message: Row[Any] | None
    customers: tuple[int, ...]

    @property
    def channel(self) -> str:
        return self.message.channel if self.message else self.piece.channel

    @property
    def address(self) -> str | None:
        return self.message.address if self.message else self.piece.address

    @property
    def purpose(self) -> str:
        return (header_of(self.message.source, self.message.campaign).purpose if self.message else None) or EVERYTHING

    @property
    def is_believed(self) -> bool:
        piece = self.piece
        return piece.proven or piece.happening not in NEEDS_PROOF or _same(piece.address, self.address)


def take_in(session: Session, feedback: Sequence[Feedback], now: datetime) -> Taken:
    """Take in what came back, in the caller's transaction; a constant number of statements, but for complaints without a message."""
    messages = _messages(session, feedback)
    known = [_known(session, piece, messages) for piece in feedback]
    ours = [each for each in known if each.customers]
    believed = [each for each in ours if each.is_believed]
    new = _unseen(session, believed)
    resolved = _resolve(session, [each.message for each in believed if each.message is not None])
    log(session, _entries(new, now))
    record_consent(session, _refusals(new, now))
    _give_up(session, new, now)
    customers = {customer for each in new if each.piece.happening in WAKES and each.piece.human for customer in each.customers}
    wake(session, [CustomerId(each) for each in sorted(customers)], now)
    strange, unproven = len(known) - len(ours), len(ours) - len(believed)
    return Taken(len(new), len(believed) - len(new), unproven, strange, resolved, frozenset(customers))


def resolve_by_log(session: Session, messages: Sequence[Row[Any]]) -> int:
    """Of these unknown messages, those of which something came back already did leave; gives how many."""
    if not messages:
        return 0
    contact = table_of(Contact).c
    ids, customers = _column(messages, "id"), _column(messages, "customer_id")
    told = select(contact.message_id).where(among(session, contact.customer_id, customers), contact.kind.in_(PROVES_LEFT))
    found = set(session.execute(told.where(among(session, contact.message_id, ids))).scalars())
    return _mark_sent(session, sorted(found))


def _messages(session: Session, feedback: Sequence[Feedback]) -> Mapping[MessageKey, Row[Any]]:
    """The messages that are named, held until the end of the transaction, so that two who tell the same go one after the other.

    Of whoever was erased nothing is taken in any more: it may hold an address or words.
    """
    outbox, version = table_of(OutboxMessage), table_of(FlowVersion).c
    ids = np.array(sorted({int(number) for _, number in map(_parts, feedback) if number.isdecimal() and len(number) < 19}), np.int64)
    names = ("id", "member_id", "customer_id", "node", "channel", "arm", "state", "address", "queued_at")
    query = select(*(outbox.c[name] for name in names), version.campaign, version.version, version.source)
    query = query.join(table_of(FlowVersion), version.id == outbox.c.version_id).where(among(session, outbox.c.id, ids))
    customer = table_of(Customer)
    query = query.join(customer, customer.c.id == outbox.c.customer_id).where(customer.c.erased_at.is_(None))
    rows = session.connection().execute(query.order_by(outbox.c.id).with_for_update(of=outbox))
    return {MessageKey(f"{row.version}.{row.id}"): row for row in rows}


def _parts(piece: Feedback) -> tuple[str, str]:
    version, _, number = (piece.key or "").rpartition(".")
    return version, number if number.isascii() else ""


def _known(session: Session, piece: Feedback, messages: Mapping[MessageKey, Row[Any]]) -> _Known:
    message = messages.get(piece.key) if piece.key else None
    if message is not None:
        return _Known(piece, message, (message.customer_id,))
    # Whoever wants no more is heard, also when nobody can tell which message it was.
    return _Known(piece, None, _owners(session, piece) if piece.happening in REFUSES and piece.address else ())


def _owners(session: Session, piece: Feedback) -> tuple[int, ...]:
    attribute = _ATTRIBUTES.get(piece.channel)
    if attribute is None or piece.address is None:
        return ()
    customer, address = table_of(Customer).c, piece.address.strip().strip("<>")
    spellings = {address, address.lower()}
    return tuple(session.execute(select(customer.id).where(customer[attribute].in_(spellings)).order_by(customer.id)).scalars())


def _unseen(session: Session, known: Sequence[_Known]) -> list[_Known]:
    """Those that are not in the log, each once."""
    keys = {_key(each, customer): each for each in known for customer in each.customers}
    contact = table_of(Contact).c
    seen = set(session.execute(select(contact.key).where(one_of(session, contact.key, list(keys)))).scalars())
    return list({id(each): each for key, each in keys.items() if key not in seen}.values())


def _key(known: _Known, customer: int) -> str:
    """The log's name for a piece. One without a message may be about several customers who share an address."""
    piece = known.piece
    return f"{piece.source}:{piece.id}" if known.message else f"{piece.source}:{piece.id}:{customer}"


def _entries(new: Sequence[_Known], now: datetime) -> Iterator[Entry]:
    for each in new:
        kind = KINDS.get(each.piece.happening)
        for customer in each.customers if kind else ():
            assert kind is not None
            yield _entry(each, kind, CustomerId(customer), now)


def _entry(known: _Known, kind: Kind, customer: CustomerId, now: datetime) -> Entry:
    piece, at, key = known.piece, _moment(known, now), _key(known, customer)
    entry = Entry(at, customer, "in", known.channel, kind, key=key, human=piece.human, detail=_detail(known))
    message = known.message
    if message is None:
        return entry
    names = {name: getattr(message, name) for name in ("campaign", "version", "node", "arm", "member_id")}
    return replace(entry, message_id=message.id, **names)


def _detail(known: _Known) -> dict[str, str]:
    piece = known.piece
    about: dict[str, str] = {"source": piece.source}
    if piece.happening in (Happening.BOUNCED_HARD, Happening.BOUNCED_SOFT):
        about["bounce"] = piece.happening.removeprefix("bounced_")
    if piece.happening is Happening.UNSUBSCRIBED:
        about |= {"purpose": known.purpose, "channel": known.channel}
    return about | {
        name: value for name, value in (("code", piece.code), ("detail", piece.detail), ("text", piece.text[:_MOST_TEXT])) if value
    }


def _moment(known: _Known, now: datetime) -> datetime:
    """When it happened, as far as that can be: after the message was queued, and not after now (also in a rehearsal's time)."""
    at = min(known.piece.at, now)
    return max(at, known.message.queued_at) if known.message else at


def _refusals(new: Sequence[_Known], now: datetime) -> Iterator[ConsentChange]:
    for each in new:
        piece, message = each.piece, each.message
        if piece.happening not in REFUSES:
            continue
        named = {"message_id": message.id, "campaign": message.campaign, "node": message.node} if message else {}
        evidence = {"happening": piece.happening.value, "source": piece.source, **named}
        for customer in each.customers:
            who = (CustomerId(customer), each.purpose, each.channel)
            yield ConsentChange(*who, granted=False, at=_moment(each, now), source=Source.PROVIDER, evidence=evidence)


def _give_up(session: Session, new: Sequence[_Known], now: datetime) -> None:
    reasons: dict[str, dict[str, str]] = {}
    soft: dict[str, list[int]] = {}
    for each in new:
        happening, address = each.piece.happening, each.address
        if happening in GIVES_UP and address:
            reason = "complaint" if happening is Happening.COMPLAINED else f"{each.piece.code} {each.piece.detail}".strip() or "bounced"
            reasons.setdefault(each.channel, {}).setdefault(address, reason)
        if happening is Happening.BOUNCED_SOFT:
            soft.setdefault(each.channel, []).extend(each.customers)
    for channel, addresses in reasons.items():
        suppress(session, channel, addresses, now)
    for channel, customers in soft.items():
        suppress_unreachable(session, channel, np.unique(np.array(customers, np.int64)), now)


def _resolve(session: Session, messages: Sequence[Row[Any]]) -> int:
    return _mark_sent(session, sorted({message.id for message in messages if message.state == State.UNKNOWN}))


def _mark_sent(session: Session, ids: Sequence[int]) -> int:
    if ids:
        update_alike(session, table_of(OutboxMessage), "id", ids, {"state": State.SENT.value, "reason": None})
    return len(ids)


def _column(rows: Sequence[Row[Any]], name: str) -> Ids:
    return np.unique(np.array([getattr(row, name) for row in rows], np.int64))


def _same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and str(one).strip().strip("<>").casefold() == str(other).casefold()
