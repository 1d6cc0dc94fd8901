"""Waking whoever waits, when something about a customer has come in."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Update, bindparam, case, update
from sqlmodel import Session

from customers.tables import CustomerId, table_of
from engine.tables import Member
from store.bulk import among
from store.columns import Instant

FEW = 200  # as many as answer at once, with a parameter for each
_MEMBER = table_of(Member).c


def wake(session: Session, customer_ids: Sequence[CustomerId], now: datetime) -> int:
    """Make these customers' members due by `now` at the latest, and give how many rest or are due.

    One statement for any number of customers. Call it in the transaction that writes what came in.
    """
    connection = session.connection()
    if len(customer_ids) <= FEW:
        return connection.execute(_WAKE_FEW, {"now": now, "customers": customer_ids}).rowcount
    ids = np.asarray(customer_ids, dtype=np.int64)
    return connection.execute(_waking(among(session, _MEMBER.customer_id, ids)), {"now": now}).rowcount


def _waking(whom: ColumnElement[bool]) -> Update:
    # Members who are due already are touched too: the row's lock makes us wait for a runner that has them in its
    # hands and may not have seen what came in, and puts our moment after the rest that it decides.
    now = bindparam("now", type_=Instant())
    earlier = case((_MEMBER.due_at > now, now), else_=_MEMBER.due_at)
    return update(table_of(Member)).where(whom, _MEMBER.due_at.is_not(None)).values(due_at=earlier)


# Built once: visitors wait for it, and SQLAlchemy takes longer to put it together than the database to carry it out.
_WAKE_FEW = _waking(_MEMBER.customer_id.in_(bindparam("customers", expanding=True)))
