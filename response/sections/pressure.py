"""Contact pressure: how customers who had heard from us more or less often before they came in responded, and opted out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Subquery, func, select

from engine.graph import FlowGraph
from engine.nodes.send import Send
from engine.nodes.split import Split
from response.before import LONG_DAYS, SHORT_DAYS, band, contacts_before
from response.beside import beside
from response.cells import LIKELY, Cell, cells, differing_p, together
from response.charges import has_left
from response.facts import Comparison, Experiment
from response.parts import As, Chart, Column, Part, Say, Section, Table, Word, say
from response.population import assigned
from response.sayings import DIFFERENCES, RATES, comparison_said
from response.sides import Sides, people, sides_of
from response.sources import Sources

LIMITS = (1, 2, 4, 8)  # contacts at which a band begins; the first band has none
WINDOWS = (SHORT_DAYS, LONG_DAYS)


def section(sources: Sources) -> Section | None:
    """By contacts before the entry, and by the number of messages where lot decided it. None when neither is there."""
    sides = sides_of(sources)
    found = cells(sources, sides, _banded(sources, sides))
    parts = [*_drawn(sources)]
    if any(cell.key[1] for cell in found):
        parts = [*_described(sides, found, drawn=bool(parts)), *parts]
    return Section("pressure", tuple(parts)) if parts else None


def _banded(sources: Sources, sides: Sides) -> Subquery:
    """A row for each customer assigned, with the bands of both windows."""
    everyone = people(sources, sides)
    each = beside(everyone, contacts_before(everyone).subquery("counted"))
    bands = (band(each.c.short, LIMITS).label("short"), band(each.c.long, LIMITS).label("long"))
    return select(each.c.member_id, each.c.control, *bands).subquery("banded")


def _described(sides: Sides, found: Sequence[Cell], drawn: bool) -> Iterator[Part]:
    short, long = (_by_band(found, place) for place in range(len(WINDOWS)))
    yield _slope(long, sides)
    yield say("pressure.descriptive", "soft")
    if not drawn:
        yield say("pressure.not_drawn", "soft")
    if sides.control:
        yield _differs(long)
    for days, rows in zip(WINDOWS, (short, long), strict=True):
        table = _table(days, rows, sides)
        if sides.control and any(cell.lift.low is not None for cell in rows):
            title = say("pressure.chart", days=As("count", days), arms=_arms(sides), control=Word("arm", sides.control))
            yield Chart(f"pressure-{days}-chart", "intervals", title, table, "contacts_before", "absolute")
        yield table


def _by_band(found: Sequence[Cell], place: int) -> list[Cell]:
    ordered = sorted(found, key=lambda cell: cell.key[place])
    return [together(group, (key,)) for key, group in groupby(ordered, key=lambda cell: cell.key[place])]


def _slope(rows: Sequence[Cell], sides: Sides) -> Say:
    """The two ends: who had heard most against who had heard least, of the bands that are large enough."""
    large = [cell for cell in rows if cell.customers and not (cell.small and sides.control)]
    if len(large) < 2:
        return say("pressure.one_band")
    kind, metric = RATES[sides.metric.unit], Word("metric", sides.metric.name)
    return say(
        "pressure.slope",
        metric=metric,
        least=Word("band", str(large[0].key[0])),
        most=Word("band", str(large[-1].key[0])),
        low=As(kind, large[0].rate),
        high=As(kind, large[-1].rate),
        days=As("count", LONG_DAYS),
    ).behind(f"pressure-{LONG_DAYS}", "contacts_before")


def _differs(rows: Sequence[Cell]) -> Say:
    """Whether the lift differs between the bands more than chance explains."""
    p = differing_p(rows)
    if p is None:
        return say("pressure.lift.unknown")
    return say("pressure.lift.differs" if p < LIKELY else "pressure.lift.same", p=As("p", p)).behind(f"pressure-{LONG_DAYS}", "differing")


def _table(days: int, rows: Sequence[Cell], sides: Sides) -> Table:
    unit, metric = sides.metric.unit, sides.metric.name
    columns = [
        Column("contacts_before", "text", words="band", define="contacts_before"),
        Column("assigned", define="assigned"),
        Column("rate", RATES[unit], define=metric),
        Column("opted_out", "share", define="opt_out"),
    ]
    if sides.control:
        columns += [
            Column("control_assigned", define="assigned"),
            Column("control_rate", RATES[unit], define=metric),
            Column("absolute", DIFFERENCES[unit], define="absolute"),
        ]
    cells_ = [*(_row(str(cell.key[0]), cell, sides) for cell in rows), _row(Word("page", "sum"), together(rows, ()), sides)]
    sums = ("assigned", "control_assigned") if sides.control else ("assigned",)
    title = say("pressure.table", days=As("count", days))
    return Table(f"pressure-{days}", tuple(columns), tuple(cells_), total=len(cells_) - 1, sums=sums, title=title)


def _row(name: str | Word, cell: Cell, sides: Sides) -> tuple[Any, ...]:
    control = (cell.control.n, cell.control_rate, cell.lift) if sides.control else ()
    return (name, cell.test.n, cell.rate, cell.opt_out_rate, *control)


def _arms(sides: Sides) -> Word | str:
    return Word("arm", sides.arms[0]) if len(sides.arms) == 1 else sides.together


def _drawn(sources: Sources) -> Iterator[Part]:
    """The nodes where lot decided how many messages a customer gets."""
    flow = next(iter(sources.flows.values()), None)
    written = drawn_frequencies(flow) if flow else {}
    for experiment in sources.report.experiments:
        if experiment.node in written:
            yield from _frequencies(sources, experiment, written[experiment.node])


def _frequencies(sources: Sources, experiment: Experiment, written: Mapping[str, int]) -> Iterator[Part]:
    metric = sources.report.metrics[0]
    found = [each for each in sources.report.comparisons if (each.node, each.metric) == (experiment.node, metric)]
    if not found:
        return
    least, most = (As("count", each(written.values())) for each in (min, max))
    yield say("pressure.drawn", node=experiment.node, least=least, most=most).behind(f"pressure-{experiment.node}")
    yield from (comparison_said(each) for each in found)
    yield _frequency_table(sources, experiment, found, written)


def _frequency_table(sources: Sources, experiment: Experiment, found: Sequence[Comparison], written: Mapping[str, int]) -> Table:
    unit = sources.metrics[found[0].metric].unit
    columns = (
        Column("group", "text", words="arm"),
        Column("written", define="written"),
        Column("assigned", define="assigned"),
        Column("messages_each", "number", define="messages_each"),
        Column("rate", RATES[unit], define=found[0].metric),
        Column("absolute", DIFFERENCES[unit], define="absolute"),
    )
    sent = _messages(sources, experiment.node)
    rates = {each.arm: (each.arm_rate, each.absolute) for each in found} | {found[0].control: (found[0].control_rate, None)}
    rows = [
        (arm.arm, written.get(arm.arm), arm.assigned, sent.get(arm.arm, 0) / arm.assigned, *rates[arm.arm])
        for arm in experiment.arms
        if arm.assigned and arm.arm in rates
    ]
    title = say("pressure.drawn_table", node=experiment.node)
    return Table(f"pressure-{experiment.node}", columns, tuple(rows), title=title)


def _messages(sources: Sources, node: str) -> dict[str, int]:
    """Messages that left by arm of a node, whichever node of the flow sent them."""
    arms = assigned(sources.population)
    messages = sources.population.messages
    joined = arms.join(messages, messages.c.member_id == arms.c.member_id)
    statement = (
        select(arms.c.arm, func.count()).select_from(joined).where(arms.c.node == node, has_left(sources.population)).group_by(arms.c.arm)
    )
    return dict(sources.session.connection().execute(statement).tuples().all())


def drawn_frequencies(flow: FlowGraph) -> dict[str, dict[str, int]]:
    """Split to arm to the most messages that the flow can send after it, where lot draws between different numbers of at least one."""
    found = {}
    for name, node in flow.nodes.items():
        if isinstance(node, Split) and not node.by:
            most = {arm: _most_sends(flow, flow.targets[name, arm], {}) for arm in node.split}
            if len({count for count in most.values() if count}) > 1:
                found[name] = most
    return found


def _most_sends(flow: FlowGraph, node: str, known: dict[str, int]) -> int:
    """Messages on the longest way from here; a way that comes back to itself is followed once."""
    if node not in known:
        known[node] = 0  # while its ways are followed
        ways = {target for (source, _), target in flow.targets.items() if source == node}
        further = max((_most_sends(flow, target, known) for target in ways), default=0)
        known[node] = isinstance(flow.nodes[node], Send) + further
    return known[node]
