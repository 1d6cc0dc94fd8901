"""The flow with what happened on it, drawn: counts, rates, drop-outs with their reasons, and cost, arms side by side."""

from collections.abc import Callable, Iterator, Sequence

from engine.graph import FlowGraph
from engine.nodes import Edge
from engine.picture import FigureRow, Figures, FlowFigures, draw_figures, render
from engine.picture.words import Language
from response.facts import Comparison, FunnelRow, Report
from response.flow_counts import EVERYONE, Everyone, FlowCounts, is_message
from response.numbers import Numbers
from response.sayings import unit_of
from response.words import table

MOST_REASONS = 2  # that a card names; the rest is one more number
NATURAL = ("held_out", "goal_reached", "flow_ended")  # ends that a card shows by itself
COUNTS: tuple[tuple[str, Callable[[FunnelRow], int], bool], ...] = (  # name, what, and whether it stands there even when it is nothing
    ("sent", lambda row: row.messages.sent, True),
    ("failed", lambda row: row.messages.failed, False),
    ("unknown", lambda row: row.messages.unknown, False),
    ("open", lambda row: row.messages.open, False),
    ("delivered", lambda row: row.reactions.delivered, False),
    ("bounced", lambda row: row.reactions.bounced, False),
    ("opened", lambda row: row.reactions.opened, False),
    ("clicked", lambda row: row.reactions.clicked, False),
    ("visited", lambda row: row.reactions.visited, True),
    ("form_abandoned", lambda row: row.reactions.form_abandoned, False),
    ("answered", lambda row: row.reactions.answered, False),
    ("redeemed", lambda row: row.reactions.redeemed, False),
    ("complained", lambda row: row.reactions.complained, False),
    ("opted_out", lambda row: row.reactions.opted_out, True),
)


def flow_svg(graph: FlowGraph, counts: FlowCounts, report: Report, language: Language) -> str:
    """The picture as SVG, in a language. Raises PictureError without Graphviz."""
    return render(flow_dot(graph, counts, report, language), "svg").decode()


def flow_dot(graph: FlowGraph, counts: FlowCounts, report: Report, language: Language, *, framed: bool = False) -> str:
    """The same as DOT. `framed`: with the heading and the legend of a picture that stands alone."""
    return draw_figures(graph, _Pen(graph, counts, report, language).figures(), language, framed=framed)


class _Pen:
    """Writes counts on cards and edges as people read them."""

    def __init__(self, graph: FlowGraph, counts: FlowCounts, report: Report, language: Language) -> None:
        self._graph, self._counts, self._report = graph, counts, report
        self._numbers, self._table = Numbers(language, report.currency), table(language)

    def figures(self) -> FlowFigures:
        graph, counts = self._graph, self._counts
        return FlowFigures(
            {node: self._card(node) for node in graph.nodes},
            {node: self._control(node) for node in graph.entries},
            {(edge.source, edge.exit): self._edge(edge) for edge in graph.edges},
            {(edge.source, edge.exit): counts.along(edge.source, edge.exit) for edge in graph.edges},
        )

    def _card(self, node: str) -> Figures:
        spec = self._graph.nodes[node]
        if is_message(spec):
            return self._message(node)
        if spec.is_entry:
            return Figures((), tuple(self._entry(node)), tuple(self._notes(node)))
        arms = self._counts.seen(node)
        return Figures(arms, tuple(self._ended(node, arms)), tuple(self._notes(node)))

    def _message(self, node: str) -> Figures:
        """Rows of a message, a column for each arm whose members came here, or one for all."""
        arms: tuple[str | Everyone, ...] = self._counts.seen(node) or (EVERYONE,)
        rows = [self._rows_of(node, arm) for arm in arms]
        decided = [sum(row.messages.queued for row in each) for each in rows]
        lines = [FigureRow(self._word("queued"), tuple((self._numbers.count(each), "") for each in decided))]
        for name, what, always in COUNTS:
            found = [sum(map(what, each)) for each in rows]
            if always or any(found):
                lines.append(FigureRow(self._word(name), tuple(self._part(*each) for each in zip(found, decided, strict=True))))
        paid = tuple((self._numbers.money(self._cost(node, arm)), "") for arm in arms)
        lines.append(FigureRow(self._word("cost"), paid))
        return Figures(
            tuple(arm for arm in arms if isinstance(arm, str)), tuple(lines), tuple(self._held_back(node)) + tuple(self._notes(node))
        )

    def _rows_of(self, node: str, arm: str | Everyone) -> Sequence[FunnelRow]:
        return [row for row in self._counts.messages if row.node == node and arm in (EVERYONE, row.arm)]

    def _cost(self, node: str, arm: str | Everyone) -> float:
        return sum(cost for (at, each), cost in self._counts.costs.items() if at == node and arm in (EVERYONE, each))

    def _held_back(self, node: str) -> Iterator[str]:
        """How many messages were not sent, and the main reasons."""
        reasons: dict[str, int] = {}
        for row in self._rows_of(node, EVERYONE):
            for reason, customers in row.messages.reasons:
                reasons[reason] = reasons.get(reason, 0) + customers
        if reasons:
            yield self._said("not_sent", sum(reasons.values()), reasons)

    def _notes(self, node: str) -> Iterator[str]:
        """Who stands here, and who dropped out and why."""
        here = self._counts.here(node)
        if here:
            yield self._table["flow.here"].format(customers=self._numbers.count(here))
        dropped = {reason: n for reason, n in self._counts.dropped(node).items() if reason not in NATURAL}
        if dropped:
            yield self._said("left", sum(dropped.values()), dropped)

    def _said(self, key: str, customers: int, reasons: dict[str, int]) -> str:
        order = sorted(reasons, key=lambda each: (-reasons[each], each))
        if len(order) == 1:
            return self._table[f"flow.{key}_one"].format(customers=self._numbers.count(customers), reason=self._table[f"drop.{order[0]}"])
        named = [f"{self._table[f'drop.{each}']} {self._numbers.count(reasons[each])}" for each in order[:MOST_REASONS]]
        rest = sum(reasons[each] for each in order[MOST_REASONS:])
        named += [f"{self._table['flow.other']} {self._numbers.count(rest)}"] if rest else []
        return self._table[f"flow.{key}"].format(customers=self._numbers.count(customers), reasons=", ".join(named))

    def _entry(self, node: str) -> Iterator[FigureRow]:
        arrived = self._counts.arrived(node)
        yield FigureRow(self._table["flow.came_in"], ((self._numbers.count(arrived), ""),))
        held = self._counts.along(node, "held_out")
        if held:
            yield FigureRow(self._table["arm.contacted"], (self._part(arrived - held, arrived),))
            yield from self._outcome(node, "arm")

    def _control(self, node: str) -> Figures:
        held, arrived = self._counts.along(node, "held_out"), self._counts.arrived(node)
        rows = FigureRow(self._table["arm.control"], (self._part(held, arrived),)), *self._outcome(node, "control")
        return Figures((), rows)

    def _outcome(self, node: str, group: str) -> Iterator[FigureRow]:
        """What became of the goal, where the hold-out is what answers it."""
        found = self._report.headline
        if found is None or (found.kind, found.node) != ("holdout", node):
            return
        total, rate = (found.arm_total, found.arm_rate) if group == "arm" else (found.control_total, found.control_rate)
        yield FigureRow(self._metric(found), ((self._total(found, total), self._rate(found, rate)),))

    def _metric(self, found: Comparison) -> str:
        name = self._table.get(f"metric.{found.metric}", found.metric.replace("_", " "))
        return self._table.get(f"did.{found.metric}", name)

    def _total(self, found: Comparison, total: float) -> str:
        return self._numbers.money(total) if unit_of(found) == "money" else self._numbers.count(total)

    def _rate(self, found: Comparison, rate: float | None) -> str:
        unit = unit_of(found)
        return self._percent(rate) if unit == "share" else self._numbers.money(rate) if unit == "money" else self._numbers.plain(rate, 2)

    def _ended(self, node: str, arms: Sequence[str]) -> Iterator[FigureRow]:
        """At the last nodes: who came there, of all in the arm."""
        if any(edge.source == node for edge in self._graph.edges):
            return
        side = self._counts.side
        columns: Sequence[str | Everyone] = arms or (EVERYONE,)
        whole = [self._counts.arrived(side, arm) if side else self._came_in() for arm in columns]
        cells = tuple(self._part(self._counts.arrived(node, arm), of) for arm, of in zip(columns, whole, strict=True))
        yield FigureRow(self._table["flow.arrived"], cells)

    def _came_in(self) -> int:
        return sum(self._counts.arrived(node) - self._counts.along(node, "held_out") for node in self._graph.entries)

    def _edge(self, edge: Edge) -> tuple[str, ...]:
        """How many went along, of all who came to the node; by arm where several came there."""
        all_ = self._counts.along(edge.source, edge.exit)
        count, part = self._part(all_, self._counts.arrived(edge.source))
        return (f"{count} · {part}" if part else count, *self._by_arm(edge))

    def _by_arm(self, edge: Edge) -> Sequence[str]:
        """What part of each arm went along; nothing where there is nothing to compare, such as before arms were assigned."""
        arms = self._counts.seen(edge.source)
        parts = [(arm, self._counts.along(edge.source, edge.exit, arm), self._counts.arrived(edge.source, arm)) for arm in arms]
        if len(arms) < 2 or edge.share is not None or all(went == came for _, went, came in parts):
            return ()
        return [f"{arm} {self._part(went, came)[1]}" for arm, went, came in parts]

    def _part(self, of: int, whole: int) -> tuple[str, str]:
        return self._numbers.count(of), self._percent(of / whole) if whole else ""

    def _percent(self, share: float | None) -> str:
        """Two figures are enough on a picture."""
        if share is None:
            return ""
        return f"{self._numbers.plain(100 * share, 0 if share >= 0.0995 or not share else 1)}%"

    def _word(self, column: str) -> str:
        return self._table[f"flow.{column}"]
