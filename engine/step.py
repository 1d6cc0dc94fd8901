"""The one thing that decides: where members go now. Pure, on columns; the simulator and the runner both call it."""

import numpy as np

from engine.graph import FlowGraph
from engine.members import Asked, Facts, Members
from engine.progress import Progress
from engine.reasons import Reason
from engine.visit import Visit


def step(graph: FlowGraph, members: Members, facts: Facts, now: int) -> Progress:
    """Take every member as far as they can go at `now` (micros UTC), and say what has to be written.

    Changes nothing outside: the same members and facts give the same answer. Each node is asked at most once a round, and a
    round per node is the most there can be, since a flow whose cycle has no wait is refused.
    """
    progress = Progress(graph, members, facts, now)
    _leave_by_exit_condition(progress)
    while progress.active.any():
        for place in np.flatnonzero(np.bincount(progress.node[progress.active])):
            rows = np.flatnonzero(progress.active & (progress.node == place))
            if len(rows):
                node_id = graph.order[place]
                visit = Visit(node_id, rows, progress)
                graph.nodes[node_id].step(visit)
                visit.close()
    return progress


def _leave_by_exit_condition(progress: Progress) -> None:
    """Whoever meets the campaign's exit condition leaves, wherever they are, except at the moment that they come in."""
    condition = progress.graph.campaign.exit_when
    if condition is None:
        return
    members = progress.members
    rows = np.flatnonzero((members.hop > 0) | ~members.fresh)
    if not len(rows):
        return
    asked = Asked(members.member_id[rows], members.customer_id[rows], members.entered_at[rows], members.arrived_at[rows])
    leaving = rows[progress.facts.holds(condition, asked)]
    for place in np.unique(members.node[leaving]):
        progress.end(progress.graph.order[place], Reason.EXIT_CONDITION, leaving[members.node[leaving] == place])
