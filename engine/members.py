"""Members of a campaign in columns, and what is asked about them."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

NEVER = np.iinfo(np.int64).max  # a moment that does not come

NO_MESSAGE, UNDER_WAY, LEFT, NOT_DELIVERED = 0, 1, 2, 3  # Members.delivery


@dataclass(frozen=True, slots=True)
class Members:
    """Columns of one length; instants are micros UTC, NEVER where there is none."""

    member_id: Int
    customer_id: Int
    entered_at: Int
    node: Int  # the node's number in FlowGraph.order
    arrived_at: Int
    deadline_at: Int  # when the rest at this node is over
    hop: Int  # nodes left so far
    fresh: Mask  # not stepped yet since the arrival at this node
    delivery: NDArray[np.int8]  # what became of the message of this visit

    def __len__(self) -> int:
        return len(self.member_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """The members that a fact is asked for: the four columns that an answer may depend on."""

    member_id: Int
    customer_id: Int
    entered_at: Int
    arrived_at: Int

    def __len__(self) -> int:
        return len(self.member_id)


class Facts(Protocol):
    """What is known about customers now. The runner answers with SQL, a simulation partly with assumptions."""

    def holds(self, condition: str, asked: Asked, *, waiting: bool = False) -> Mask:
        """Whether the condition holds for each; `waiting`: it is what a wait_for waits for, counted from the arrival."""
        ...

    def values(self, attribute: str, asked: Asked) -> NDArray[Any]:
        """The attribute's value for each; None where it is not known."""
        ...

    def zones(self, asked: Asked) -> NDArray[Any]:
        """The IANA zone name of each, never None."""
        ...


def new_arrivals(member_id: Int, customer_id: Int, node: int, now: int) -> Members:
    """Members that come in at `now`."""
    size = len(member_id)
    return Members(
        member_id,
        customer_id,
        entered_at=np.full(size, now, np.int64),
        node=np.full(size, node, np.int64),
        arrived_at=np.full(size, now, np.int64),
        deadline_at=np.full(size, NEVER, np.int64),
        hop=np.zeros(size, np.int64),
        fresh=np.ones(size, np.bool_),
        delivery=np.zeros(size, np.int8),
    )
