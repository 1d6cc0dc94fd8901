"""A person takes a campaign in hand: pauses it, lets it go on, or stops it. What was done is kept; the last of it holds.

Whoever carries the campaign out, in any process, looks before each chunk of members and each batch of messages. What is on the
wire at that moment is finished and written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlmodel import Session

from customers.tables import table_of
from engine.leaving import Inside, take_out
from engine.outbox import Settlement, State
from engine.reasons import Reason
from engine.recording import Addressee, record
from engine.running import Running
from engine.tables import Campaign, Intervention, Member, OutboxMessage
from engine.workspace import Workspace
from store.errors import InputError
from store.session import reading, writing

CHUNK = 5_000  # people or messages that are let go in one transaction


class Deed(StrEnum):
    """What a person does to a campaign."""

    PAUSED = "paused"  # nobody comes in, nobody moves, nothing is sent, until it is resumed
    RESUMED = "resumed"
    STOPPED = "stopped"  # and whoever was in it has left


@dataclass(frozen=True, slots=True)
class Intervened:
    """One intervention as it was written down."""

    at: datetime
    deed: Deed


def interventions(session: Session, campaign_id: int) -> tuple[Intervened, ...]:
    """All that was done to a campaign, the oldest first."""
    each = table_of(Intervention).c
    rows = session.execute(select(each.at, each.kind).where(each.campaign_id == campaign_id).order_by(each.id))
    return tuple(Intervened(at, Deed(kind)) for at, kind in rows)


def halt_of(session: Session, campaign_id: int) -> Intervened | None:
    """The pause or stop that holds now, or None while the campaign may go on."""
    each = table_of(Intervention).c
    last = select(each.at, each.kind).where(each.campaign_id == campaign_id).order_by(each.id.desc()).limit(1)
    row = session.execute(last).first()
    return None if row is None or row.kind == Deed.RESUMED else Intervened(row.at, Deed(row.kind))


def may_go_on(session: Session, running: Running) -> bool:
    """Whether another chunk or batch may be begun: the campaign is not halted, and this process is not about to end."""
    return not running.workspace.stopping.is_set() and halt_of(session, running.campaign_id) is None


def pause(workspace: Workspace, campaign: str, now: datetime) -> None:
    """Let nobody in, move nobody and send nothing until it is resumed. Raises InputError when it is halted already."""
    with writing(workspace.database) as session:
        _intervene(session, campaign, Deed.PAUSED, now, halts=(None,))


def resume(workspace: Workspace, campaign: str, now: datetime) -> Intervened:
    """Go on; gives what ends by it. Who had left because of a stop stays out. Raises InputError when nothing halts it."""
    with writing(workspace.database) as session:
        ended = _intervene(session, campaign, Deed.RESUMED, now, halts=(Deed.PAUSED, Deed.STOPPED))
        assert ended is not None
        return ended


def stop(workspace: Workspace, campaign: str, now: datetime) -> None:
    """End a campaign; `let_go` then takes everybody out. Raises InputError when it is stopped already."""
    with writing(workspace.database) as session:
        _intervene(session, campaign, Deed.STOPPED, now, halts=(None, Deed.PAUSED))


def let_go(versions: Sequence[Running], now: datetime) -> int:
    """Take everybody out of a stopped campaign, and send nothing that waits; gives how many people left. Repeatable."""
    running, after, people = versions[0], 0, 0
    database = running.workspace.database
    while True:
        with writing(database) as session:
            rows = _inside(session, running.campaign_id, after)
            if not rows:
                break
            take_out(session, rows, Reason.STOPPED, now)
        people, after = people + len(rows), rows[-1][0]
    for each in versions:
        while _suppressed(each, now):
            pass
    return people


def _intervene(session: Session, campaign: str, deed: Deed, now: datetime, halts: Sequence[Deed | None]) -> Intervened | None:
    """Write it down where the campaign's state is one of those given (None: at work); gives that state."""
    campaigns = table_of(Campaign)
    # Locked, so that of two persons the second is told what the first did.
    campaign_id = session.execute(select(campaigns.c.id).where(campaigns.c.name == campaign).with_for_update()).scalar_one()
    halted = halt_of(session, campaign_id)
    if (halted.deed if halted else None) not in halts:
        raise InputError(_not_now(campaign, halted))
    session.add(Intervention(campaign_id=campaign_id, at=now, kind=deed.value))
    return halted


def _not_now(campaign: str, halted: Intervened | None) -> str:
    if halted is None:
        return f"'{campaign}' is at work: nothing has halted it."
    then = f"Let it go on with: contactflow resume {campaign}"
    return f"'{campaign}' was {halted.deed.value} already, on {halted.at:%Y-%m-%d at %H:%M} UTC. {then}"


def _inside(session: Session, campaign_id: int, after: int) -> Sequence[Inside]:
    """The next members in a campaign. Locked: whoever moves some of them now is waited for."""
    member = table_of(Member).c
    query = select(member.id, member.hop, member.node).where(member.campaign_id == campaign_id, member.ended.is_(None), member.id > after)
    return session.execute(query.order_by(member.id).limit(CHUNK).with_for_update()).tuples().all()


def _suppressed(running: Running, now: datetime) -> int:
    """Settle messages that wait; gives how many."""
    outbox = table_of(OutboxMessage)
    query = select(outbox).where(outbox.c.version_id == running.version_id, outbox.c.state == State.QUEUED)
    with writing(running.workspace.database) as session:
        rows = session.connection().execute(query.limit(CHUNK).with_for_update(skip_locked=True)).all()
        settlements = [Settlement(row.id, State.SUPPRESSED, Reason.STOPPED) for row in rows]
        record(session, running.names, {row.id: Addressee.of(row, row.address) for row in rows}, settlements, now)
    return len(rows)


def count_inside(workspace: Workspace, campaign_id: int) -> int:
    """How many people are in a campaign now."""
    member = table_of(Member).c
    with reading(workspace.database) as session:
        query = select(func.count()).where(member.campaign_id == campaign_id, member.ended.is_(None))
        return int(session.execute(query).scalar_one())
