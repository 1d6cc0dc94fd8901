"""What a step decides, in columns: moves, exposures, messages, notes and goals. Rows are places in the chunk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.graph import FlowGraph
from engine.members import NEVER, Facts, Int, Members, Rows
from engine.nodes.update import Update
from engine.reasons import Reason

GOING_ON = -1  # Progress.ended of a member who has not left
REASONS = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Moved:
    """Members left a node by one exit; `hops` counts the nodes that each had left before."""

    node: str
    exit: str
    rows: Rows
    hops: Int


@dataclass(frozen=True, slots=True)
class Exposed:
    """Members were assigned to an arm."""

    node: str
    arm: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Queued:
    """Messages for the outbox; `arms` are numbers in `names`, -1 for none; `due_at` and `stale_at` in micros UTC."""

    node: str
    channel: str
    rows: Rows
    names: tuple[str, ...]
    arms: NDArray[np.int8]
    hops: Int
    due_at: Int
    stale_at: Int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something to be written down about members."""

    node: str
    update: Update
    rows: Rows


@dataclass(frozen=True, slots=True)
class Reached:
    """Members reached a goal."""

    node: str
    goal: str
    rows: Rows


class Progress:
    """The members of a chunk while they are stepped; afterwards, what has to be written."""

    def __init__(self, graph: FlowGraph, members: Members, facts: Facts, now: int) -> None:
        self.graph = graph
        self.members = members
        self.facts = facts
        self.now = now
        self.node = members.node.copy()
        self.arrived_at = members.arrived_at.copy()
        self.deadline_at = members.deadline_at.copy()
        self.due_at = np.full(len(members), NEVER, np.int64)
        self.hop = members.hop.copy()
        self.fresh = members.fresh.copy()
        self.ended = np.full(len(members), GOING_ON, np.int8)
        self.active = np.ones(len(members), np.bool_)
        self.moves: list[Moved] = []
        self.exposures: list[Exposed] = []
        self.messages: list[Queued] = []
        self.notes: list[Noted] = []
        self.goals: list[Reached] = []

    def move(self, node_id: str, exit_name: str, rows: Rows) -> None:
        """Take members through an exit to the node behind it, where the step goes on."""
        self._leave(node_id, exit_name, rows)
        self.node[rows] = self.graph.place[self.graph.targets[node_id, exit_name]]
        self.arrived_at[rows] = self.now
        self.deadline_at[rows] = NEVER
        self.fresh[rows] = True

    def end(self, node_id: str, reason: Reason, rows: Rows) -> None:
        """Let members leave the campaign."""
        self._leave(node_id, reason.value, rows)
        self.ended[rows] = REASONS.index(reason)
        self.active[rows] = False

    def rest(self, rows: Rows) -> None:
        """Let members stay where they are until their deadline."""
        self.due_at[rows] = self.deadline_at[rows]
        self.fresh[rows] = False
        self.active[rows] = False

    def _leave(self, node_id: str, exit_name: str, rows: Rows) -> None:
        hops = self.hop[rows]
        self.moves.append(Moved(node_id, exit_name, rows, hops))
        self.hop[rows] = hops + 1
