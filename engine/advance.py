"""Members move: a chunk is read, stepped and written in one transaction, so that the same tick twice changes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, and_, case, select
from sqlmodel import Session

from customers.contact_log import Entry, Kind, log
from customers.tables import CustomerId, table_of
from engine.facts import SqlFacts
from engine.members import LEFT, NEVER, NO_MESSAGE, NOT_DELIVERED, UNDER_WAY, Members
from engine.notes import write_notes
from engine.outbox import State
from engine.progress import GOING_ON, REASONS, Progress, Queued
from engine.running import Running
from engine.step import step
from engine.tables import Exposure, Member, Move, OutboxMessage
from store.bulk import insert_rows, update_rows
from store.clock import to_micros
from store.session import writing

CHUNK = 5_000  # members a transaction: a tenth of a second, so that nobody waits long for SQLite's one lock

_CHANGED = ("node", "arrived_at", "deadline_at", "due_at", "hop", "fresh", "ended", "ended_at")


def advance(running: Running, now: datetime, most: int) -> int:
    """Step members that are due, chunk by chunk, until none is left or `most` are done; gives the number stepped."""
    done = 0
    while done < most:
        with writing(running.workspace.database) as session:
            count = advance_chunk(session, running, now, min(CHUNK, most - done))
        done += count
        if count == 0:
            break
    return done


def advance_chunk(session: Session, running: Running, now: datetime, most: int) -> int:
    """Step at most `most` due members inside the caller's transaction; gives their number.

    A member that another runner is stepping is passed over (PostgreSQL), or not visible yet (SQLite has one writer).
    """
    rows = _due(session, running, now, most)
    if not rows:
        return 0
    members, entries = _columns(rows, running)
    progress = step(running.graph, members, SqlFacts(session, running.known(now)), to_micros(now))
    _write_members(session, progress)
    _write_moves(session, progress)
    _write_exposures(session, running, progress)
    _write_messages(session, running, progress, entries)
    _write_goals(session, running, progress, now)
    write_notes(session, running, progress, now)
    return len(rows)


def _due(session: Session, running: Running, now: datetime, most: int) -> Sequence[Row[Any]]:
    member, outbox = table_of(Member), table_of(OutboxMessage)
    delivery = case(
        (outbox.c.id.is_(None), NO_MESSAGE),
        (outbox.c.state.in_((State.SENT, State.UNKNOWN)), LEFT),
        (outbox.c.state.in_((State.SUPPRESSED, State.FAILED)), NOT_DELIVERED),
        else_=UNDER_WAY,
    )
    of_this_visit = and_(outbox.c.member_id == member.c.id, outbox.c.node == member.c.node, outbox.c.hop == member.c.hop)
    due = (
        select(member, delivery.label("delivery"))
        .select_from(member.outerjoin(outbox, of_this_visit))
        .where(member.c.version_id == running.version_id, member.c.due_at <= now)
        .limit(most)
        .with_for_update(of=member, skip_locked=True)
    )
    return session.connection().execute(due).all()


def _columns(rows: Sequence[Row[Any]], running: Running) -> tuple[Members, NDArray[np.int64]]:
    place = running.graph.place

    def numbers(name: str) -> NDArray[np.int64]:
        return np.fromiter((getattr(row, name) for row in rows), np.int64, len(rows))

    def moments(name: str) -> NDArray[np.int64]:
        values = (getattr(row, name) for row in rows)
        return np.fromiter((NEVER if value is None else to_micros(value) for value in values), np.int64, len(rows))

    members = Members(
        member_id=numbers("id"),
        customer_id=numbers("customer_id"),
        entered_at=moments("entered_at"),
        node=np.fromiter((place[row.node] for row in rows), np.int64, len(rows)),
        arrived_at=moments("arrived_at"),
        deadline_at=moments("deadline_at"),
        hop=numbers("hop"),
        fresh=np.fromiter((row.fresh for row in rows), np.bool_, len(rows)),
        delivery=numbers("delivery").astype(np.int8),
    )
    return members, numbers("entry")


def _write_members(session: Session, progress: Progress) -> None:
    order = progress.graph.order
    columns = (
        [order[place] for place in progress.node.tolist()],
        progress.arrived_at.tolist(),
        _moments_or_none(progress.deadline_at),
        _moments_or_none(np.where(progress.ended == GOING_ON, progress.due_at, NEVER)),
        progress.hop.tolist(),
        progress.fresh.tolist(),
        [None if code == GOING_ON else REASONS[code].value for code in progress.ended.tolist()],
        [None if code == GOING_ON else progress.now for code in progress.ended.tolist()],
        progress.members.member_id.tolist(),
    )
    update_rows(session, table_of(Member), "id", _CHANGED, zip(*columns, strict=True))


def _moments_or_none(column: NDArray[np.int64]) -> list[int | None]:
    return [None if moment == NEVER else moment for moment in column.tolist()]


def _write_moves(session: Session, progress: Progress) -> None:
    def rows() -> Iterator[tuple[Any, ...]]:
        for moved in progress.moves:
            ids = progress.members.member_id[moved.rows].tolist()
            for member_id, hop in zip(ids, moved.hops.tolist(), strict=True):
                yield member_id, hop, moved.node, moved.exit, progress.now

    insert_rows(session, table_of(Move), ("member_id", "hop", "node", "exit", "at"), rows())


def _write_exposures(session: Session, running: Running, progress: Progress) -> None:
    version, campaign_id = running.graph.version, running.campaign_id

    def rows() -> Iterator[tuple[Any, ...]]:
        for exposed in progress.exposures:
            ids = progress.members.member_id[exposed.rows].tolist()
            customers = progress.members.customer_id[exposed.rows].tolist()
            for member_id, customer_id in zip(ids, customers, strict=True):
                yield member_id, exposed.node, campaign_id, customer_id, version, exposed.arm, progress.now

    columns = ("member_id", "node", "campaign_id", "customer_id", "version", "arm", "at")
    # In a loop the same member meets the same draw again: what was written down first stands.
    insert_rows(session, table_of(Exposure), columns, rows(), keep_existing=running.graph.has_cycle)


def _write_messages(session: Session, running: Running, progress: Progress, entries: NDArray[np.int64]) -> None:
    def rows() -> Iterator[tuple[Any, ...]]:
        for queued in progress.messages:
            yield from _outbox_rows(running, progress, queued, entries)

    columns = "member_id customer_id entry hop due_at stale_at arm node channel version_id state queued_at attempts units cost_millicents"
    insert_rows(session, table_of(OutboxMessage), columns.split(), rows())


def _outbox_rows(running: Running, progress: Progress, queued: Queued, entries: NDArray[np.int64]) -> Iterator[tuple[Any, ...]]:
    per_message = (
        progress.members.member_id[queued.rows],
        progress.members.customer_id[queued.rows],
        entries[queued.rows],
        queued.hops,
        queued.due_at,
        queued.stale_at,
    )
    same = (queued.node, queued.channel, running.version_id, State.QUEUED.value, progress.now, 0, 0, 0)
    arms = [queued.names[code] if code >= 0 else None for code in queued.arms.tolist()]
    for values, arm in zip(zip(*(column.tolist() for column in per_message), strict=True), arms, strict=True):
        yield (*values, arm, *same)


def _write_goals(session: Session, running: Running, progress: Progress, now: datetime) -> None:
    campaign, version = running.graph.campaign.campaign, running.graph.version
    entries = (
        Entry(
            now, CustomerId(customer_id), "in", "flow", Kind.GOAL, campaign, version, reached.node, member_id=member_id,
            detail={"goal": reached.goal},
        )
        for reached in progress.goals
        for customer_id, member_id in zip(
            progress.members.customer_id[reached.rows].tolist(), progress.members.member_id[reached.rows].tolist(), strict=True
        )
    )  # fmt: skip
    log(session, entries)
