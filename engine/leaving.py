"""Members leave by somebody's word and not by the flow: at once, wherever they are, with the reason."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import update
from sqlmodel import Session

from customers.tables import table_of
from engine.reasons import Reason
from engine.tables import Member, Move
from store.bulk import among, insert_alike
from store.clock import to_micros

Inside = tuple[int, int, str]  # a member: its number, nodes left so far, and the node that it is at


def take_out(session: Session, members: Sequence[Inside], reason: Reason, now: datetime) -> None:
    """Let these members leave. The caller holds their rows; what waits to be sent to them is the caller's, too."""
    member, moment = table_of(Member), to_micros(now)
    groups: dict[tuple[int, str], list[int]] = {}
    for member_id, hop, node in members:
        groups.setdefault((hop, node), []).append(member_id)
    for (hop, node), ids in groups.items():
        same = {"hop": hop, "node": node, "exit": reason.value, "at": moment}
        insert_alike(session, table_of(Move), "member_id", np.array(ids, np.int64), same)
    ids_of_all = np.fromiter((each[0] for each in members), np.int64, len(members))
    left = update(member).where(among(session, member.c.id, ids_of_all))
    session.connection().execute(left.values(ended=reason.value, ended_at=now, due_at=None, deadline_at=None, hop=member.c.hop + 1))
