"""Waking whoever waits, when something about a customer has come in."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import CursorResult, case, literal, update
from sqlmodel import Session

from customers.tables import CustomerId, table_of
from engine.tables import Member
from store.bulk import among
from store.columns import Instant


def wake(session: Session, customer_ids: Sequence[CustomerId], now: datetime) -> int:
    """Make these customers' members due by `now` at the latest, and give how many rest or are due.

    One statement for any number of customers. Call it in the transaction that writes what came in.
    """
    ids = np.asarray(customer_ids, dtype=np.int64)
    # Members who are due already are touched too: the row's lock makes us wait for a runner that has them in its
    # hands and may not have seen what came in, and puts our moment after the rest that it decides.
    member = table_of(Member).c
    earlier = case((member.due_at > now, literal(now, Instant)), else_=member.due_at)
    due = update(table_of(Member)).where(among(session, member.customer_id, ids), member.due_at.is_not(None)).values(due_at=earlier)
    result = session.execute(due)
    assert isinstance(result, CursorResult)
    return result.rowcount
