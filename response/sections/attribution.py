"""Which message gets the credit? Five conventions by node, beside what the control group says: never instead of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select

from engine.metrics import SHARES, MetricSpec
from engine.nodes.send import Send
from response.cells import Cell, cells
from response.journeys import paths
from response.parts import As, Chart, Column, Part, Say, Section, Table, Word, say
from response.parts import Cell as Figure
from response.sides import Sides, people, sides_of
from response.sources import Sources
from response.statistics.attribution import Credit, Path, attribute
from response.statistics.sums import Effect

CONVENTIONS = ("first", "last", "linear", "position", "markov")


def section(sources: Sources) -> Section | None:
    """None for a campaign that sent messages at fewer than two nodes, or had no response after one."""
    nodes = [name for name, node in _sends(sources).items() if node]
    if len(nodes) < 2:
        return None
    sides = _sides(sources)
    found = paths(sources, sides, nodes)
    credit = attribute(found)
    touched = [node for node in nodes if any(node in path.touches for path in found)]
    if len(touched) < 2 or not credit.attributed:
        return None
    return Section("attribution", tuple(_parts(sources, sides, found, credit, touched)))


def _parts(sources: Sources, sides: Sides, found: Sequence[Path], credit: Credit, nodes: list[str]) -> Iterator[Part]:
    whole = _whole(sources, sides) if sides.control else None
    metric, what = Word("metric", sides.metric.name), Word("measure", sides.metric.of)
    if whole is None:
        yield say("attribution.no_control", "soft", attributed=As("number", credit.attributed), what=what)
    else:
        yield _beside(whole, credit, what)
    yield say("attribution.differ")
    table = _table(sources, credit, nodes)
    if all(len(path.touches) <= 1 for path in found):
        yield say("attribution.agree", metric=metric)
    else:
        yield _chart(credit, nodes, metric)
    yield table
    yield _account(credit, whole)


def _chart(credit: Credit, nodes: list[str], metric: Word) -> Chart:
    return Chart(
        "attribution-chart", "bars", say("attribution.chart", metric=metric), _long(credit, nodes), "message", "credit", "convention"
    )


def _beside(whole: Cell, credit: Credit, what: Word) -> Say:
    """All that is shared out against what the control group says was added."""
    extra = _extra(whole)
    key = "some" if extra.low is not None and extra.low > 0 else "none"
    said = say(
        f"attribution.{key}",
        attributed=As("number", credit.attributed),
        what=what,
        extra=As("number" if key == "some" else "change", extra),
    )
    return said.behind("attribution-account", "extra_responses")


def _table(sources: Sources, credit: Credit, nodes: list[str]) -> Table:
    sends = _sends(sources)
    columns = (
        Column("message", "text"),
        Column("channel", "text", words="channel"),
        *(Column(f"credit_{name}", "number", define=f"credit_{name}") for name in CONVENTIONS),
    )
    rows: list[tuple[Figure, ...]] = [(node, sends[node], *(getattr(credit, name)[node] for name in CONVENTIONS)) for node in nodes]
    rows.append((Word("page", "sum"), None, *[credit.attributed] * len(CONVENTIONS)))
    sums = tuple(f"credit_{name}" for name in CONVENTIONS)
    return Table("attribution", columns, tuple(rows), total=len(rows) - 1, sums=sums)


def _long(credit: Credit, nodes: list[str]) -> Table:
    """The same as the chart wants it."""
    columns = (Column("message", "text"), Column("convention", "text", words="convention"), Column("credit", "number"))
    rows = tuple((node, name, getattr(credit, name)[node]) for node in nodes for name in CONVENTIONS)
    return Table("attribution-credits", columns, rows, folded=True)


def _account(credit: Credit, whole: Cell | None) -> Table:
    """What was shared out, and what the control group says of the same responses."""
    rows: list[tuple[str, float | Effect | As | None]] = [("after", credit.attributed), ("before", credit.untouched)]
    if whole is not None:
        anyway = whole.control.outcome.mean * whole.test.n if whole.control.n else None
        rows += [("anyway", anyway), ("caused", As("change", _extra(whole)))]
    columns = (Column("responses_of", "text", words="attribution_row"), Column("responses", "number", define="extra_responses"))
    return Table("attribution-account", columns, tuple(rows))


def _extra(whole: Cell) -> Effect:
    """Responses of all customers of the arms that the campaign caused: the result's difference, however small the control."""
    lift = whole.difference
    estimate, low, high = (None if each is None else each * whole.test.n for each in (lift.estimate, lift.low, lift.high))
    return Effect(estimate, low, high)


def _whole(sources: Sources, sides: Sides) -> Cell:
    everyone = people(sources, sides)
    return cells(sources, sides, select(everyone.c.member_id, everyone.c.control).subquery("everyone"))[0]


def _sides(sources: Sources) -> Sides:
    """The sides on what customers do or not. A control that was written to as well says nothing about writing: then there is none."""
    sides = replace(sides_of(sources), metric=_response(sources))
    written = any(arm.sent for each in sources.report.experiments if each.primary for arm in each.arms if arm.arm == sides.control)
    return Sides(sides.metric) if written else sides


def _response(sources: Sources) -> MetricSpec:
    primary = sources.metrics[sources.report.metrics[0]]
    return primary if primary.of in SHARES and primary.per is None else sources.metrics["purchase"]


def _sends(sources: Sources) -> dict[str, str]:
    """Node to channel of every message that a version of the flow sends, in reading order, the newest version first."""
    flows = reversed(list(sources.flows.values()))
    return {name: node.send for flow in flows for name, node in flow.nodes.items() if isinstance(node, Send)}
