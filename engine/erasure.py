"""Erasing a person as far as campaigns know them: they leave, nothing more is sent, and of messages only that they were sent is kept.

Nothing is waited for, because whoever carries campaigns out must not wait for us either: while somebody else has the person in their
hands, a message that is being sent above all, nothing is changed, and it is tried again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, Table, Text, cast, func, literal, null, select, update
from sqlmodel import Session

from customers.consent import Source
from customers.erasure import erase_person
from customers.tables import Customer, CustomerId, table_of
from engine.leaving import take_out
from engine.outbox import FINAL, Settlement, State, forget_content
from engine.reasons import Reason
from engine.recording import Addressee, record
from engine.tables import FlowVersion, Member, OutboxMessage, Request

_customer, _member, _outbox, _request = table_of(Customer), table_of(Member), table_of(OutboxMessage), table_of(Request)
_FINAL = [state.value for state in FINAL]


def erase(session: Session, customer_id: CustomerId, now: datetime, source: Source) -> bool:
    """Erase a customer, once; False when somebody is at work on them, and nothing was changed: try again in a minute."""
    found = _held(session, _customer, _customer.c.id == customer_id)
    members = _held(session, _member, _member.c.customer_id == customer_id)
    messages = _held(session, _outbox, _outbox.c.customer_id == customer_id)
    if not found or members is None or messages is None or any(row.state not in {State.QUEUED, *_FINAL} for row in messages):
        return False
    if found[0].erased_at is not None:
        return True
    _send_nothing(session, [row for row in messages if row.state == State.QUEUED], now)
    take_out(session, [(row.id, row.hop, row.node) for row in members if row.ended is None], Reason.ERASED, now)
    addresses = {row.address for row in messages if row.address}
    forget_content(session, np.array([customer_id], np.int64))
    asked = update(_request).where(_request.c.customer_id == customer_id)
    session.execute(asked.values(given=null(), document=null(), key=_nameless_key()))
    erase_person(session, customer_id, now, source, addresses)
    return True


def _held(session: Session, table: Table, mine: Any) -> Sequence[Row[Any]] | None:
    """All of these rows, locked until the end of the transaction; None when somebody else holds one."""
    rows = session.execute(select(table).where(mine).order_by(table.c.id).with_for_update(skip_locked=True)).all()
    # Rows that somebody else holds are passed over without a word: only their number tells.
    number = session.execute(select(func.count()).select_from(table).where(mine)).scalar_one()
    return rows if len(rows) == number else None


def _send_nothing(session: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    version = table_of(FlowVersion)
    for row in rows:
        name = session.execute(select(version.c.campaign, version.c.version).where(version.c.id == row.version_id)).one()
        settlement = Settlement(row.id, State.SUPPRESSED, Reason.ERASED)
        record(session, (name.campaign, name.version), {row.id: Addressee.of(row, None)}, [settlement], now)


def _nameless_key() -> Any:
    """The key of somebody's request to join is made of their address."""
    return literal("erased:") + cast(_request.c.id, Text)
