"""Campaigns side by side: what each was to teach, what it changed, what it cost, and what came back by channel."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from sqlmodel import Session

from response.by_channel import Channel, by_channel
from response.closing import closing
from response.facts import Comparison
from response.parts import As, Cell, Chart, Column, Document, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, RATES, headline, unit_of
from response.standing import Campaigning, Terms
from response.statistics.sums import UNDEFINED, Effect
from response.statistics.totals import sum_of_effects
from response.statistics.verdicts import Verdict
from store.clock import to_micros


def comparing_document(session: Session, terms: Terms, campaigns: Sequence[Campaigning]) -> Document:
    """The campaigns beside each other, in the order given."""
    channels = by_channel(session, [each.name for each in campaigns], to_micros(terms.as_of))
    sections = (
        Section("compare_effects", tuple(_effects(campaigns, channels))),
        Section("compare_goals", tuple(_goals(campaigns))),
        Section("compare_channels", tuple(_channels(channels))),
    )
    name = "compare-" + "-".join(each.name for each in campaigns)
    closed = (*sections, closing(sections, terms.metrics, terms.as_of))
    return Document(name, say("compare.title"), terms.as_of, terms.zone, terms.currency, closed, (_opening(campaigns),))


def _opening(campaigns: Sequence[Campaigning]) -> Say:
    """What may be said of all of them together, and no more."""
    better = [each.name for each in campaigns if any(one.verdict is Verdict.BETTER for one in each.primary)]
    key = "none" if not better else "all" if len(better) == len(campaigns) else "some"
    return say(f"compare.opening.{key}", names=", ".join(better), campaigns=As("count", len(campaigns)))


def _effects(campaigns: Sequence[Campaigning], channels: Sequence[Channel]) -> Iterator[Part]:
    yield _opening(campaigns).behind("compare", "verdict")
    yield say("compare.not_randomised").behind(define="compare_descriptive")
    yield from _apart(campaigns)
    still_open = [each.name for each in campaigns if each.is_open]
    if still_open:
        yield say("compare.open", "soft", names=", ".join(still_open))
    costs = {each.name: sum(row.cost for row in channels if row.campaign == each.name) for each in campaigns}
    yield Table("compare", _COLUMNS, tuple(row for each in campaigns for row in _rows(each, costs[each.name])))
    yield from _charts(campaigns)


_COLUMNS = (
    Column("campaign", "text"),
    Column("metric", "text", words="metric"),
    Column("verdict", "text", words="verdict", define="verdict"),
    Column("assigned", define="assigned"),
    Column("rate", "share", define="rate"),
    Column("control_rate", "share", define="rate"),
    Column("absolute", "points", define="absolute"),
    Column("relative", "lift", define="relative"),
    Column("cost", "money", define="cost"),
    Column("cost_per_extra", "money", define="cost_per_extra"),
)


def _rows(each: Campaigning, cost: float) -> Iterator[tuple[Cell, ...]]:
    """A row for each arm that answers the goal; what the campaign cost stands in the first."""
    if not each.primary:
        metric = each.report.metrics[0] if each.report.metrics else None
        yield each.name, metric, None, each.report.window.customers, None, None, None, None, cost, None
    for place, found in enumerate(each.primary):
        yield _row(_arm_name(each, found), found, None if place else cost)


def _arm_name(each: Campaigning, found: Comparison) -> str:
    """The campaign's name, with the arm where there are several."""
    return each.name if len(each.primary) == 1 else f"{each.name} · {found.arm}"


def _row(name: str, found: Comparison, cost: float | None) -> tuple[Cell, ...]:
    unit = unit_of(found)
    return (
        name,
        found.metric,
        found.verdict.value,
        found.arm_assigned + found.control_assigned,
        As(RATES[unit], found.arm_rate),
        As(RATES[unit], found.control_rate),
        As(DIFFERENCES[unit], found.absolute),
        found.relative,
        cost,
        _per_extra(found, cost),
    )


def _per_extra(found: Comparison, cost: float | None) -> Effect:
    """Cost of one customer more who did it. Not defined when the effect may be none at all, or when the control was written to as well."""
    low, high, estimate = found.absolute.low, found.absolute.high, found.absolute.estimate
    if found.kind != "holdout" or unit_of(found) != "share" or cost is None or found.verdict is Verdict.NOT_VALID:
        return UNDEFINED
    if estimate is None or low is None or high is None or low <= 0:
        return UNDEFINED
    return Effect(*(cost / (part * found.arm_assigned) for part in (estimate, high, low)))


def _apart(campaigns: Sequence[Campaigning]) -> Iterator[Say]:
    """Of two campaigns with the same metric: how far their effects lie apart. Descriptive."""
    found = [one for each in campaigns for one in each.primary]
    if len(campaigns) != 2 or len(found) != 2 or found[0].metric != found[1].metric:
        return
    apart = sum_of_effects((found[0].absolute, _minus(found[1].absolute)))
    if apart.low is None or apart.high is None:
        return
    key = "apart" if apart.low > 0 or apart.high < 0 else "overlap"
    one, other = (each.name for each in campaigns)
    yield say(f"compare.{key}", one=one, other=other, difference=As(DIFFERENCES[unit_of(found[0])], apart)).behind("compare")


def _minus(effect: Effect) -> Effect:
    if effect.estimate is None or effect.low is None or effect.high is None:
        return UNDEFINED
    return Effect(-effect.estimate, -effect.high, -effect.low)


def _charts(campaigns: Sequence[Campaigning]) -> Iterator[Chart]:
    """A chart for each metric that several campaigns have; and one of relative differences when metrics are not all the same."""
    found = [(_arm_name(each, one), one) for each in campaigns for one in each.primary]
    metrics = dict.fromkeys(one.metric for _, one in found)
    for metric in metrics:
        rows = [(name, one) for name, one in found if one.metric == metric and one.absolute.low is not None]
        if len(rows) > 1:
            title = say("compare.chart", metric=Word("metric", metric))
            columns = (Column("campaign", "text"), Column("absolute", DIFFERENCES[unit_of(rows[0][1])]))
            table = Table(f"compare-{metric}", columns, tuple((name, one.absolute) for name, one in rows), folded=True, title=title)
            yield Chart(
                f"compare-{metric}", "intervals", say("compare.chart", metric=Word("metric", metric)), table, "campaign", "absolute"
            )
    rows = [(name, one) for name, one in found if one.relative.low is not None]
    if len(metrics) > 1 and len(rows) > 1:
        columns = (Column("campaign", "text"), Column("relative", "lift"))
        table = Table(
            "compare-relative", columns, tuple((name, one.relative) for name, one in rows), folded=True, title=say("compare.relative")
        )
        yield Chart("compare-relative", "intervals", say("compare.relative"), table, "campaign", "relative")


def _goals(campaigns: Sequence[Campaigning]) -> Iterator[Part]:
    metrics = {each.report.goal.metric for each in campaigns if each.report.goal}
    windows = {each.report.goal.within for each in campaigns if each.report.goal}
    alike = len(metrics) == 1 and len(windows) == 1 and all(each.report.goal for each in campaigns)
    yield say("compare.goals.alike" if alike else "compare.goals.unlike")
    columns = (
        Column("campaign", "text"),
        Column("question", "text"),
        Column("metric", "text", words="metric"),
        Column("within", "text"),
        Column("minimum", "text"),
        Column("started", "day"),
        Column("customers"),
    )
    yield Table("compare-goals", columns, tuple(_goal(each) for each in campaigns))
    for each in campaigns:
        for said in headline(each.report):
            yield say("compare.said", campaign=each.name, said=said)


def _goal(each: Campaigning) -> tuple[Cell, ...]:
    report, goal = each.report, each.report.goal
    at = report.window.first_entry_at
    first = at.astimezone(ZoneInfo(report.zone)).date() if at else None
    if goal is None:
        return report.campaign, say("goal.none"), None, None, None, first, report.window.customers
    minimum: Cell = goal.minimum_lift or say("goal.none")
    return report.campaign, goal.question, goal.metric, goal.within, minimum, first, report.window.customers


def _channels(channels: Sequence[Channel]) -> Iterator[Part]:
    if not channels:
        yield say("compare.no_messages")
        return
    cost, messages = sum(each.cost for each in channels), sum(each.messages for each in channels)
    yield say("compare.channels", messages=As("count", messages), cost=As("money", cost)).behind("compare-channels", "compare_channels")
    columns = (
        Column("campaign", "text"),
        Column("channel", "text", words="channel"),
        Column("messages"),
        Column("sent_customers"),
        Column("delivered"),
        Column("responded"),
        Column("response_rate", "share", define="compare_channels"),
        Column("opted_out"),
        Column("cost", "money", define="cost"),
    )
    rows = tuple(
        (
            each.campaign,
            each.channel,
            each.messages,
            each.sent,
            each.delivered,
            each.responded,
            each.responded / each.sent if each.sent else None,
            each.opted_out,
            each.cost,
        )
        for each in channels
    )
    total = (Word("programme", "all"), None, messages, None, None, None, None, None, cost)
    yield Table("compare-channels", columns, (*rows, total), total=len(rows), sums=("messages", "cost"))
