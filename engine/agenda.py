"""When there is something to do next: known, so that nobody has to keep asking."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from customers.tables import table_of
from engine.entry import next_entry
from engine.interventions import may_go_on
from engine.outbox import State
from engine.running import Running
from engine.tables import Member, OutboxMessage
from store.session import reading


def next_due(versions: Sequence[Running]) -> datetime | None:
    """The next moment at which a member, a message or the audience of these versions is due; None for never, or while it is halted."""
    member, outbox = table_of(Member), table_of(OutboxMessage)
    ids = [running.version_id for running in versions]
    with reading(versions[0].workspace.database) as session:
        if not may_go_on(session, versions[0]):
            return None
        members = select(func.min(member.c.due_at)).where(member.c.version_id.in_(ids), member.c.due_at.is_not(None))
        messages = select(func.min(outbox.c.due_at)).where(outbox.c.version_id.in_(ids), outbox.c.state == State.QUEUED)
        moments = [session.execute(query).scalar() for query in (members, messages)]
    return min((moment for moment in (*moments, next_entry(versions[0])) if moment is not None), default=None)
