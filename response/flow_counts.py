"""How many went which way through a flow: members at nodes and along edges, and their messages, with arms side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, String, and_, cast, func, null, select

from customers.tables import table_of
from engine.graph import FlowGraph
from engine.nodes.node import Node
from engine.reasons import CODES
from engine.tables import Move
from response.facts import FunnelRow
from response.funnel import costs, funnel
from response.population import exposure, member, micros, of_campaign
from response.sources import Sources

MOST_SIDES = 4  # arms that stand beside one another; with more, only all together

move = table_of(Move)

Arm = str | None  # None: not assigned at the node that tells the sides apart, or no node does


class Everyone(Enum):
    """All arms together."""

    EVERYONE = 0


EVERYONE = Everyone.EVERYONE


@dataclass(frozen=True, slots=True)
class FlowCounts:
    """Customers (passages, where a flow leads back to itself) by arm. `side` is the node whose arms stand side by side, if there is one."""

    side: str | None
    arms: tuple[str, ...]
    standing: Mapping[tuple[str, Arm], int]  # here now, by node
    moves: Mapping[tuple[str, str, Arm], int]  # by node and exit; an exit of engine/reasons.py is a way out of the campaign
    messages: Sequence[FunnelRow]  # by the arms of `side`
    costs: Mapping[tuple[str, Arm], float] = field(default_factory=dict)  # by node, in the currency's unit

    def along(self, node: str, exit_: str, arm: Arm | Everyone = EVERYONE) -> int:
        """Who left a node by an exit."""
        return sum(n for (at, by, each), n in self.moves.items() if (at, by) == (node, exit_) and arm in (EVERYONE, each))

    def arrived(self, node: str, arm: Arm | Everyone = EVERYONE) -> int:
        """Who came to a node: all who left it, by any way, and those who are there now."""
        gone = sum(n for (at, _, each), n in self.moves.items() if at == node and arm in (EVERYONE, each))
        return gone + sum(n for (at, each), n in self.standing.items() if at == node and arm in (EVERYONE, each))

    def here(self, node: str) -> int:
        """Who is at a node now."""
        return sum(n for (at, _), n in self.standing.items() if at == node)

    def dropped(self, node: str) -> dict[str, int]:
        """Who left the campaign at a node, by reason, most first."""
        found: dict[str, int] = {}
        for (at, exit_, _), n in self.moves.items():
            if at == node and exit_ in CODES:
                found[exit_] = found.get(exit_, 0) + n
        return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))

    def seen(self, node: str) -> tuple[str, ...]:
        """The arms with anybody at a node, in the order written."""
        return tuple(arm for arm in self.arms if self.arrived(node, arm))


def flow_counts(sources: Sources, graph: FlowGraph) -> FlowCounts:
    """Five statements, whatever the number of customers."""
    side, arms = _side(sources, graph)
    everyone, connection = sources.everyone, sources.session.connection()
    alive = everyone.uncopied
    people = func.count(member.c.customer_id.distinct()) if everyone.returning or graph.has_cycle else func.count()
    members, arm = _members(side)
    here = select(member.c.node, arm, people).select_from(members).where(member.c.ended.is_(None))
    standing = connection.execute(of_campaign(alive, here).group_by(member.c.node, arm))
    gone = select(move.c.node, move.c.exit, arm, people).select_from(members.join(move, move.c.member_id == member.c.id))
    moves = connection.execute(of_campaign(alive, gone.where(micros(move.c.at) <= everyone.as_of)).group_by(move.c.node, move.c.exit, arm))
    paid: dict[tuple[str, Arm], float] = {}
    for (node, _, name), cost in costs(sources.session, everyone, side).items():
        paid[node or "", name] = paid.get((node or "", name), 0.0) + cost
    return FlowCounts(
        side,
        arms,
        {(node, name): n for node, name, n in standing},
        {(node, exit_, name): n for node, exit_, name, n in moves},
        funnel(sources.session, everyone, side),
        paid,
    )


def _side(sources: Sources, graph: FlowGraph) -> tuple[str | None, tuple[str, ...]]:
    """The first node in reading order that tells several kinds of messages or ways apart, and its arms. A hold-out is drawn by itself."""
    by_node = {each.node: each for each in sources.report.experiments if each.kind != "holdout"}
    for node in graph.nodes:
        if node in by_node:
            arms = tuple(arm.arm for arm in by_node[node].arms)
            return (node, arms) if len(arms) <= MOST_SIDES else (None, ())
    return None, ()


def _members(side: str | None) -> tuple[FromClause, ColumnElement[Arm]]:
    if side is None:
        nobody: ColumnElement[Any] = cast(null(), String)  # PostgreSQL refuses to group by a bare NULL
        return member, nobody
    there = and_(exposure.c.member_id == member.c.id, exposure.c.node == side, exposure.c.arm != "")
    return member.outerjoin(exposure, there), exposure.c.arm


def is_message(node: Node) -> bool:
    """Whether a node sends something."""
    return node.look().shape in ("email", "sms", "print")
