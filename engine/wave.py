"""One wave of a campaign: everything that is due at a moment, as a sequence of stages.

A stage is work over many members with transactions of its own inside. Who carries the stages out (Prefect in
engine/runner.py, or a plain loop) decides nothing about people.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session

from customers.tables import table_of
from engine.advance import advance
from engine.dispatch import Desk, dispatch
from engine.entry import entry_due, let_in
from engine.interventions import Deed, Intervened, halt_of, let_go
from engine.outbox import State, open_nodes
from engine.recovery import recover, recover_own
from engine.running import Running
from engine.tables import Member, OutboxMessage
from engine.workspace import Workspace
from store.errors import DeliveryError
from store.session import reading, writing

PARTITION = 250_000  # members a stage moves at the most: a task of Prefect's costs 36 ms, this takes some ten seconds
PUT_OFF = timedelta(minutes=5)  # how long a channel that cannot work at all is left alone


@dataclass(frozen=True)
class Stage:
    """One piece of a wave: `work` gives how many members or messages it dealt with."""

    title: str
    work: Callable[[], int]


@dataclass(frozen=True)
class Trouble:
    """A channel that could not work at all; its messages are put off, not lost."""

    node: str
    message: str


def stages(versions: Sequence[Running], now: datetime, desk: Desk, troubles: list[Trouble]) -> Generator[Stage, int, None]:
    """The stages of one wave, newest version first; send each stage's count back in. Ends when nothing is due at `now`.

    When the desk's turn is over it ends behind the round that it is in: what is left is still due.
    """
    workspace = versions[0].workspace
    yield Stage("look after what was interrupted", _recovering(workspace, now, desk))
    if halted := _halt(versions[0]):
        if halted.deed is Deed.STOPPED:
            yield Stage("let everybody go", lambda: let_go(versions, now))
        return
    if entry_due(versions[0], now):
        yield Stage("let people in", lambda: let_in(versions[0], now))
    progress = True
    while progress:
        progress = False
        for running in versions:
            while has_due_members(running, now) and (moved := (yield Stage("move members", _advancing(running, now)))):
                progress |= bool(moved)
                if desk.is_over:
                    break
            for node, _ in _open_nodes(running, now):
                progress |= bool((yield Stage(f"send {node}", _dispatching(running, node, now, desk, troubles))))
        progress = progress and not desk.is_over


def carry_out(versions: Sequence[Running], now: datetime, desk: Desk) -> list[Trouble]:
    """Carry a wave out here and now, in a plain loop."""
    troubles: list[Trouble] = []
    wave = stages(versions, now, desk, troubles)
    try:
        stage = next(wave)
        while True:
            stage = wave.send(stage.work())
    except StopIteration:
        return troubles


def _halt(running: Running) -> Intervened | None:
    with reading(running.workspace.database) as session:
        return halt_of(session, running.campaign_id)


def has_due_members(running: Running, now: datetime) -> bool:
    """Whether a member of this version is due."""
    member = table_of(Member)
    with reading(running.workspace.database) as session:
        due = select(member.c.id).where(member.c.version_id == running.version_id, member.c.due_at <= now).limit(1)
        return session.execute(due).first() is not None


def _recovering(workspace: Workspace, now: datetime, desk: Desk) -> Callable[[], int]:
    def work() -> int:
        recover_own(workspace, desk.journal, desk.claim, now)
        return recover(workspace, now, desk.machine.now())

    return work


def _advancing(running: Running, now: datetime) -> Callable[[], int]:
    return lambda: advance(running, now, PARTITION)


def _dispatching(running: Running, node: str, now: datetime, desk: Desk, troubles: list[Trouble]) -> Callable[[], int]:
    def work() -> int:
        try:
            return dispatch(running, node, now, desk)
        except DeliveryError as error:
            troubles.append(Trouble(node, str(error)))
            with writing(running.workspace.database) as session:
                return _put_off(session, running, node, now)

    return work


def _put_off(session: Session, running: Running, node: str, now: datetime) -> int:
    outbox = table_of(OutboxMessage)
    waiting = (outbox.c.version_id == running.version_id, outbox.c.node == node, outbox.c.state == State.QUEUED, outbox.c.due_at <= now)
    return session.connection().execute(update(outbox).where(*waiting).values(due_at=now + PUT_OFF)).rowcount


def _open_nodes(running: Running, now: datetime) -> Sequence[tuple[str, str]]:
    with reading(running.workspace.database) as session:
        return open_nodes(session, running.version_id, now)
