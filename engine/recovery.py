"""What a dead process left behind is found and settled: nothing is lost, and nothing is sent twice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from customers.tables import table_of
from engine.feedback import resolve_by_log
from engine.journal import FOLDER, SUFFIX, Journal, Remains, orphans
from engine.outbox import Settlement, State, message_id_of, release
from engine.recording import Addressee, maybe_sent, record, settlement_of, suppress_bad_addresses
from engine.tables import FlowVersion, OutboxMessage
from engine.workspace import Workspace
from store.session import reading, writing


def recover(workspace: Workspace, now: datetime, machine_now: datetime) -> int:
    """Settle what dead processes left, and give how many messages are unknown because of it.

    On this machine the journals tell: a message with a receipt is settled by it, one that was started without a receipt
    is unknown, any other goes back into the queue (unless the machine was down since, and lines may be lost). A claim of
    another machine that has expired has no journal here: what it was sending is unknown.
    """
    count = 0
    for remains in orphans(workspace.state):
        count += _settle(workspace, remains, now)
        remains.path.unlink(missing_ok=True)
    for claim in _expired(workspace, machine_now):
        if not (workspace.state / FOLDER / f"{claim}{SUFFIX}").exists():
            count += _settle_unseen(workspace, claim, now)
    return count


def recover_own(workspace: Workspace, journal: Journal, claim: str, now: datetime) -> None:
    """Settle a batch of this very process that an error interrupted before it was recorded."""
    if journal.started or journal.receipts:
        _settle(
            workspace, Remains(claim, journal.path, whole=True, started=frozenset(journal.started), receipts=tuple(journal.receipts)), now
        )
        journal.recorded()


def _settle(workspace: Workspace, remains: Remains, now: datetime) -> int:
    with writing(workspace.database) as session:
        release(session, remains.claim, [State.CLAIMED])
        receipts = {message_id_of(receipt.key): receipt for receipt in remains.receipts}
        started = {message_id_of(key) for key in remains.started}
        rows = [row for row in _sending(session, remains.claim) if row.id in receipts or row.id in started or not remains.whole]
        settlements = []
        for row in rows:
            addressee, cost = Addressee.of(row, row.address, row.units), workspace.costs.get(row.channel, 0)
            receipt = receipts.get(row.id)
            settlements.append(settlement_of(receipt, addressee, now, cost) if receipt else maybe_sent(addressee, cost))
        _record(session, rows, settlements, now)
        resolved = resolve_by_log(session, _unknown(rows, settlements))
        addressees = {row.id: Addressee.of(row, row.address, row.units) for row in rows}
        suppress_bad_addresses(session, addressees, {key: each for key, each in receipts.items() if key in addressees}, now)
        release(session, remains.claim, [State.SENDING])
    return sum(settlement.state is State.UNKNOWN for settlement in settlements) - resolved


def _settle_unseen(workspace: Workspace, claim: str, now: datetime) -> int:
    with writing(workspace.database) as session:
        release(session, claim, [State.CLAIMED])
        rows = _sending(session, claim)
        costs = workspace.costs
        settlements = [maybe_sent(Addressee.of(row, row.address, row.units), costs.get(row.channel, 0)) for row in rows]
        _record(session, rows, settlements, now)
        return len(rows) - resolve_by_log(session, rows)


def _unknown(rows: Sequence[Row[Any]], settlements: Sequence[Settlement]) -> list[Row[Any]]:
    ids = {each.id for each in settlements if each.state is State.UNKNOWN}
    return [row for row in rows if row.id in ids]


def _record(session: Session, rows: Sequence[Row[Any]], settlements: Sequence[Settlement], now: datetime) -> None:
    by_names: dict[tuple[str, str], dict[int, Addressee]] = {}
    for row in rows:
        by_names.setdefault((row.campaign, row.version), {})[row.id] = Addressee.of(row, row.address, row.units)
    for names, addressees in by_names.items():
        record(session, names, addressees, [each for each in settlements if each.id in addressees], now)


def _sending(session: Session, claim: str) -> Sequence[Row[Any]]:
    outbox, version = table_of(OutboxMessage), table_of(FlowVersion)
    query = select(outbox, version.c.campaign, version.c.version).join(version, version.c.id == outbox.c.version_id)
    # Locked, so that of two that recover the same claim the second finds nothing.
    query = query.where(outbox.c.claim == claim, outbox.c.state == State.SENDING).with_for_update(of=outbox, skip_locked=True)
    return session.connection().execute(query).all()


def _expired(workspace: Workspace, machine_now: datetime) -> list[str]:
    outbox = table_of(OutboxMessage)
    with reading(workspace.database) as session:
        late = select(outbox.c.claim).distinct().where(outbox.c.claim.is_not(None), outbox.c.claimed_until < machine_now)
        return list(session.execute(late).scalars())
