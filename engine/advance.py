"""Members move: a chunk is read, stepped and written in one transaction, so that the same tick twice changes nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Row, and_, case, func, select, type_coerce
from sqlmodel import Session

from customers.contact_log import Entry, Kind, log_for
from customers.tables import CustomerId, table_of
from engine.facts import SqlFacts
from engine.interventions import may_go_on
from engine.members import LEFT, NEVER, NO_MESSAGE, NOT_DELIVERED, UNDER_WAY, Members
from engine.notes import write_notes
from engine.outbox import State
from engine.progress import GOING_ON, REASONS, Progress, Queued
from engine.running import Running
from engine.step import step
from engine.tables import Exposure, Member, Move, OutboxMessage
from store.bulk import Ids, among, insert_alike, insert_rows, update_rows
from store.clock import to_micros
from store.session import writing

CHUNK = 5_000  # members a transaction: a tenth of a second, so that nobody waits long for SQLite's one lock

_CHANGED = ("node", "arrived_at", "deadline_at", "due_at", "hop", "fresh", "ended", "ended_at")


def advance(running: Running, now: datetime, most: int, customer_ids: Ids | None = None) -> int:
    """Step members that are due, chunk by chunk, until none is left, `most` are done or the campaign is halted; gives how many.

    With `customer_ids` only theirs.
    """
    done = 0
    while done < most:
        with writing(running.workspace.database) as session:
            count = advance_chunk(session, running, now, min(CHUNK, most - done), customer_ids) if may_go_on(session, running) else 0
        done += count
        if count == 0:
            break
    return done


def advance_chunk(session: Session, running: Running, now: datetime, most: int, customer_ids: Ids | None = None) -> int:
    """Step at most `most` due members inside the caller's transaction; gives their number.

    A member that another runner is stepping is passed over (PostgreSQL), or not visible yet (SQLite has one writer).
    """
    rows = _due(session, running, now, most, customer_ids)
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


def _due(session: Session, running: Running, now: datetime, most: int, customer_ids: Ids | None) -> Sequence[Row[Any]]:
    member, outbox = table_of(Member), table_of(OutboxMessage)
    delivery = case(
        (outbox.c.id.is_(None), NO_MESSAGE),
        (outbox.c.state.in_((State.SENT, State.UNKNOWN)), LEFT),
        (outbox.c.state.in_((State.SUPPRESSED, State.FAILED)), NOT_DELIVERED),
        else_=UNDER_WAY,
    )
    of_this_visit = and_(outbox.c.member_id == member.c.id, outbox.c.node == member.c.node, outbox.c.hop == member.c.hop)
    numbers = (member.c.id, member.c.customer_id, member.c.entry, member.c.hop, member.c.fresh, delivery)
    # As they are stored: a datetime for every row and back costs more than the rest of the reading.
    moments = (member.c.entered_at, member.c.arrived_at, func.coalesce(member.c.deadline_at, NEVER))
    due = (
        select(member.c.node, *(type_coerce(column, BigInteger) for column in (*numbers, *moments)))
        .select_from(member.outerjoin(outbox, of_this_visit))
        .where(member.c.due_at <= now)
        .limit(most)
        .with_for_update(of=member, skip_locked=True)
    )
    if customer_ids is None:
        due = due.where(member.c.version_id == running.version_id)
    else:  # `+ 0` keeps SQLite from going through everybody who is due, of whom a long wave has a million, to find these few
        due = due.where(among(session, member.c.customer_id, customer_ids), member.c.version_id + 0 == running.version_id)
    return session.connection().execute(due).all()


def _columns(rows: Sequence[Row[Any]], running: Running) -> tuple[Members, NDArray[np.int64]]:
    nodes, *columns = zip(*rows, strict=True)
    member_id, customer_id, entry, hop, fresh, delivery, *moments = (np.fromiter(column, np.int64, len(rows)) for column in columns)
    entered_at, arrived_at, deadline_at = moments
    place = running.graph.place
    members = Members(
        member_id,
        customer_id,
        entered_at,
        node=np.fromiter((place[node] for node in nodes), np.int64, len(rows)),
        arrived_at=arrived_at,
        deadline_at=deadline_at,
        hop=hop,
        fresh=fresh.astype(np.bool_),
        delivery=delivery.astype(np.int8),
    )
    return members, entry


def _write_members(session: Session, progress: Progress) -> None:
    ended = progress.ended != GOING_ON
    columns = (
        _named(progress.graph.order, progress.node).tolist(),
        progress.arrived_at.tolist(),
        _moments_or_none(progress.deadline_at),
        _moments_or_none(np.where(ended, NEVER, progress.due_at)),
        progress.hop.tolist(),
        progress.fresh.tolist(),
        _named((*(reason.value for reason in REASONS), None), progress.ended).tolist(),  # -1, going on, is the last: None
        _moments_or_none(np.where(ended, progress.now, NEVER)),
        progress.members.member_id.tolist(),
    )
    update_rows(session, table_of(Member), "id", _CHANGED, zip(*columns, strict=True))


def _named(names: Sequence[str | None], numbers: NDArray[Any]) -> NDArray[Any]:
    named: NDArray[Any] = np.array(names, object)[numbers]
    return named


def _moments_or_none(column: NDArray[np.int64]) -> list[int | None]:
    return [None if moment == NEVER else moment for moment in column.tolist()]


def _write_moves(session: Session, progress: Progress) -> None:
    for moved in progress.moves:
        ids = progress.members.member_id[moved.rows]
        for hop in np.unique(moved.hops).tolist():  # few: all who came in together have left as many nodes
            same = {"hop": hop, "node": moved.node, "exit": moved.exit, "at": progress.now}
            insert_alike(session, table_of(Move), "member_id", ids[moved.hops == hop], same)


def _write_exposures(session: Session, running: Running, progress: Progress) -> None:
    ids, customers = progress.members.member_id, progress.members.customer_id
    same = (running.campaign_id, running.graph.version, progress.now)
    rows = (_alike((ids[exposed.rows], customers[exposed.rows]), (exposed.node, exposed.arm, *same)) for exposed in progress.exposures)
    columns = ("member_id", "customer_id", "node", "arm", "campaign_id", "version", "at")
    # In a loop the same member meets the same draw again: what was written down first stands.
    insert_rows(session, table_of(Exposure), columns, chain.from_iterable(rows), keep_existing=running.graph.has_cycle)


def _write_messages(session: Session, running: Running, progress: Progress, entries: NDArray[np.int64]) -> None:
    columns = "member_id customer_id entry hop due_at stale_at arm node channel version_id state queued_at attempts units cost_millicents"
    rows = (_outbox_rows(running, progress, queued, entries) for queued in progress.messages)
    insert_rows(session, table_of(OutboxMessage), columns.split(), chain.from_iterable(rows))


def _outbox_rows(running: Running, progress: Progress, queued: Queued, entries: NDArray[np.int64]) -> Iterator[tuple[Any, ...]]:
    own = (
        progress.members.member_id[queued.rows],
        progress.members.customer_id[queued.rows],
        entries[queued.rows],
        queued.hops,
        queued.due_at,
        queued.stale_at,
        _named((*queued.names, None), queued.arms),  # -1, no arm, is the last: None
    )
    return _alike(own, (queued.node, queued.channel, running.version_id, State.QUEUED.value, progress.now, 0, 0, 0))


def _alike(own: Sequence[NDArray[Any]], same: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows with columns of their own, followed by values that all have in common."""
    return zip(*(column.tolist() for column in own), *map(repeat, same), strict=False)


def _write_goals(session: Session, running: Running, progress: Progress, now: datetime) -> None:
    campaign, version = running.graph.campaign.campaign, running.graph.version
    for reached in progress.goals:
        entry = Entry(now, CustomerId(0), "in", "flow", Kind.GOAL, campaign, version, reached.node, detail={"goal": reached.goal})
        log_for(session, entry, _alike((progress.members.customer_id[reached.rows], progress.members.member_id[reached.rows]), ()))
