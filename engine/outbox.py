"""The outbox: a message's states, and the statements that take it from one to the next.

::

    queued -> claimed -> sending -> sent
      ^          |          |-----> failed       refused for good, or given up
      |          |          |-----> unknown      the sender died with it on the wire; never re-sent by itself
      |          |-> suppressed                  consent, address, freshness: checked at the moment of sending
      |----------|----------|                    the claim's owner died before the wire; or try again later

Whoever claims a row owns it until `claimed_until` (of the machine's clock); engine/recovery.py looks after the dead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Row, select, type_coerce, update
from sqlmodel import Session

from channels.contract import MessageKey, Receipt
from customers.tables import Customer, table_of
from engine.reasons import Reason
from engine.tables import FlowVersion, Member, OutboxMessage
from store.bulk import Ids, among, chosen, update_rows
from store.clock import to_micros

CLAIM = timedelta(minutes=15)  # the longest that one batch may take; a living owner on this machine keeps it longer
ATTEMPTS = 6
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 480, 1440))


class State(StrEnum):
    """Where a message is. Open: queued, claimed, sending. The others are final."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"


FINAL = (State.SENT, State.SUPPRESSED, State.FAILED, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a message has come to: a final state, or queued again for a later attempt at `due_at`."""

    id: int
    state: State
    reason: Reason | None = None
    answer: str = ""
    provider_id: str | None = None
    due_at: datetime | None = None
    cost_millicents: int = 0


def message_key(version: str, message_id: int) -> MessageKey:
    """A message's name outside: in Message-ID, manifest and callback."""
    return MessageKey(f"{version}.{message_id}")


def message_id_of(key: MessageKey) -> int:
    """The outbox row that a key names."""
    return int(key.rpartition(".")[2])


@dataclass(frozen=True, slots=True)
class Claim:
    """Who takes messages, until when (of the machine's clock), and how many at the most."""

    name: str
    until: datetime
    most: int


def messages_to(session: Session, customer_key: str) -> list[MessageKey]:
    """The keys of all messages to a customer, the oldest first; nothing when there is no such customer."""
    outbox, member, customer, version = table_of(OutboxMessage), table_of(Member), table_of(Customer), table_of(FlowVersion)
    query = select(version.c.version, outbox.c.id).join(member, member.c.id == outbox.c.member_id)
    query = query.join(customer, customer.c.id == member.c.customer_id).join(version, version.c.id == outbox.c.version_id)
    rows = session.execute(query.where(customer.c.key == customer_key).order_by(outbox.c.id))
    return [message_key(name, number) for name, number in rows]


_NEEDED = ("id", "member_id", "customer_id", "node", "channel", "arm", "attempts", "address", "units", "code")


def claim(session: Session, version_id: int, node: str, now: datetime, by: Claim) -> Sequence[Row[Any]]:
    """Take due messages of a node, and give of their rows what composing needs. A row is never given to two."""
    outbox = table_of(OutboxMessage)
    due = (
        select(outbox.c.id)
        .where(outbox.c.version_id == version_id, outbox.c.node == node, outbox.c.state == State.QUEUED, outbox.c.due_at <= now)
        .order_by(outbox.c.due_at)  # as the index has them: a batch costs the same, however many wait
        .limit(by.most)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(outbox)
        .where(chosen(session, outbox.c.id, due))  # and by nothing else, which would tempt PostgreSQL to look at all that is queued
        .values(state=State.CLAIMED, claim=by.name, claimed_until=by.until, attempts=outbox.c.attempts + 1)
        .returning(*(outbox.c[name] for name in _NEEDED), type_coerce(outbox.c.stale_at, BigInteger).label("stale_at"))
    )
    return session.connection().execute(taken).all()


def hold(session: Session, ids: Ids, by: Claim) -> frozenset[int]:
    """Those of the messages that are still ours, held until the end of the transaction: a claim that ran out may have been taken away."""
    outbox = table_of(OutboxMessage)
    ours = select(outbox.c.id).where(among(session, outbox.c.id, ids), outbox.c.claim == by.name, outbox.c.state == State.CLAIMED)
    return frozenset(session.connection().execute(ours.with_for_update()).scalars())


def postpone(session: Session, rows: Sequence[tuple[datetime, int, int]], by: Claim, why: Reason | None = None) -> None:
    """Put messages that are ours back into the queue, uncounted: (when they are due again, attempts with this one, id).

    `why` is for `explain`, as long as they wait.
    """
    ours = hold(session, np.array([id_ for _, _, id_ in rows], np.int64), by)
    columns = ("state", "reason", "due_at", "attempts", "claim", "claimed_until")
    values = ((State.QUEUED.value, why, to_micros(due), attempts - 1, None, None, id_) for due, attempts, id_ in rows if id_ in ours)
    update_rows(session, table_of(OutboxMessage), "id", columns, values)


def mark_sending(session: Session, rows: Iterable[tuple[str | None, int, str, str | None, int, int]], by: Claim) -> None:
    """Write down what is about to be sent: (address, wording, merged values, code, units, message id), before the wire."""
    columns = ("state", "claimed_until", "address", "wording_id", "merged", "code", "units")
    until = to_micros(by.until)
    values = ((State.SENDING.value, until, *row) for row in rows)
    update_rows(session, table_of(OutboxMessage), "id", columns, values)


def settle(session: Session, settlements: Sequence[Settlement], member_of: Mapping[int, int], now: datetime) -> None:
    """Write what became of messages, and wake the members (by message) whose message is final."""
    final = [each for each in settlements if each.due_at is None]
    moment = to_micros(now)
    columns = ("state", "reason", "answer", "provider_id", "cost_millicents", "claim", "claimed_until", "settled_at")
    rows = (
        (each.state.value, each.reason, each.answer or None, each.provider_id, each.cost_millicents, None, None, moment, each.id)
        for each in final
    )
    update_rows(session, table_of(OutboxMessage), "id", columns, rows)
    _put_back(session, settlements)
    _wake_members(session, np.array([member_of[each.id] for each in final], np.int64), now)


def _put_back(session: Session, settlements: Sequence[Settlement]) -> None:
    rows = ((each.state.value, each.answer or None, to_micros(each.due_at), None, None, each.id) for each in settlements if each.due_at)
    update_rows(session, table_of(OutboxMessage), "id", ("state", "answer", "due_at", "claim", "claimed_until"), rows)


def release(session: Session, claim_name: str, states: Sequence[State]) -> int:
    """Put messages of a claim back into the queue, uncounted: nothing of them went on the wire."""
    outbox = table_of(OutboxMessage)
    back = (
        update(outbox)
        .where(outbox.c.claim == claim_name, outbox.c.state.in_(states))
        .values(state=State.QUEUED, claim=None, claimed_until=None, attempts=outbox.c.attempts - 1)
    )
    return session.connection().execute(back).rowcount


def forget_content(session: Session, customer_ids: Ids) -> None:
    """Forget where the messages to these customers went and what stood in them; that they were sent, when and by which node stays."""
    outbox = table_of(OutboxMessage)
    gone = dict.fromkeys(("address", "code", "wording_id", "merged", "answer", "provider_id"))
    session.connection().execute(update(outbox).where(among(session, outbox.c.customer_id, customer_ids)).values(gone))


def open_nodes(session: Session, version_id: int, now: datetime) -> Sequence[tuple[str, str]]:
    """The (node, channel) pairs of a version that have a message to be sent now."""
    outbox = table_of(OutboxMessage)
    due = select(outbox.c.node, outbox.c.channel).distinct()
    due = due.where(outbox.c.version_id == version_id, outbox.c.state == State.QUEUED, outbox.c.due_at <= now)
    return [(node, channel) for node, channel in session.connection().execute(due.order_by(outbox.c.node))]


def answer_of(receipt: Receipt) -> str:
    """A provider's answer as it is kept."""
    return f"{receipt.code} {receipt.detail}".strip()[:500]


def _wake_members(session: Session, ids: Ids, now: datetime) -> None:
    if len(ids):
        member = table_of(Member)
        due = update(member).where(among(session, member.c.id, ids), member.c.ended.is_(None), member.c.due_at.is_(None))
        session.connection().execute(due.values(due_at=now))
