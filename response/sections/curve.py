"""As the days went by: how the primary metric grew with the days since coming in, control included, with intervals at the last day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from sqlalchemy import BigInteger, ColumnElement, case, func, literal_column, select

from engine.metrics import MetricSpec
from response.facts import Experiment
from response.metrics import arm_sums, daily_totals
from response.parts import As, Chart, Column, Part, Section, Table, Word, say
from response.population import Population, assigned
from response.sayings import DIFFERENCES, RATES
from response.sources import Sources
from response.statistics.means import difference_of_means
from response.statistics.proportions import difference_of_proportions
from response.statistics.rates import rate_with_interval
from response.statistics.sums import Effect, Sums
from store.clock import DAY_MICROS

LONGEST_DAYS = 90  # without a window
ENOUGH = 0.5  # of the customers assigned must have lived through all days shown
MOST_SAID = 3  # arms that get a sentence; all stand in the table
_NOBODY = Sums(0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Lived:
    """Who is counted: those who have lived through the last day shown. `of` is everybody assigned."""

    days: int
    customers: int
    of: int
    population: Population


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is counted of whom: never a ratio, and never cut off, so that the days add up."""

    sources: Sources
    experiment: Experiment
    spec: MetricSpec
    lived: _Lived

    @property
    def arms(self) -> list[str]:
        return [arm.arm for arm in self.experiment.arms if arm.assigned]


def section(sources: Sources) -> Section | None:
    """The lines, and each arm's rate with its interval at the last day that is shown."""
    report = sources.report
    experiment = next((each for each in report.experiments if each.primary), None)
    if experiment is None:
        return None
    spec = _by_itself(report.specs[0])
    lived = _lived(sources, experiment, spec)
    if lived is None:
        return Section("curve", (say("curve.too_early", "soft"),))
    return Section("curve", tuple(_parts(_Shown(sources, experiment, replace(spec, within_seconds=None), lived))))


def _by_itself(spec: MetricSpec) -> MetricSpec:
    """Of a ratio what is divided, per customer."""
    return replace(spec, per=None, winsorise=None, name=spec.of if spec.per else spec.name)


def _lived(sources: Sources, experiment: Experiment, spec: MetricSpec) -> _Lived | None:
    """The most days of the window that at least half of the customers have lived through; None when nobody has lived a day."""
    population = replace(sources.population.over(spec), closed_only=False)
    longest = LONGEST_DAYS if population.within is None else -(-population.within // DAY_MICROS)
    lengths = {day: min(day * DAY_MICROS, population.within or day * DAY_MICROS) for day in range(1, longest + 1)}
    counts = _customers_by_day(sources, experiment, population, longest)
    of = sum(counts.values())
    through = {day: sum(customers for lived, customers in counts.items() if lived >= day) for day in lengths}
    enough = [day for day, customers in through.items() if customers >= max(1, ENOUGH * of)] or [1]
    if not through[days := max(enough)]:
        return None
    by = population.as_of - lengths[days]
    earliest = by if population.entered_by is None else min(by, population.entered_by)
    return _Lived(days, through[days], of, replace(population, entered_by=earliest, within=lengths[days]))


def _customers_by_day(sources: Sources, experiment: Experiment, population: Population, longest: int) -> Mapping[int, int]:
    """Days lived through, at most the window's (its last may be a part of a day), to customers assigned."""
    arms = assigned(population)
    age = _number(population.as_of) - arms.c.entered_at
    whole = _number(longest * DAY_MICROS if population.within is None else population.within)
    lived: ColumnElement[int] = case((age >= whole, _number(longest)), else_=age // _number(DAY_MICROS)).label("lived")
    statement = select(lived, func.count()).where(arms.c.node == experiment.node).group_by(lived)
    return dict(sources.session.connection().execute(statement).tuples().all())


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger)


def _parts(shown: _Shown) -> Iterator[Part]:
    sources, spec, days = shown.sources, shown.spec, shown.lived.days
    currency, node = sources.report.currency, shown.experiment.node
    sums = arm_sums(sources.session, shown.lived.population, spec, currency, beside=False)
    ends = {arm: sums[node, arm].outcome if (node, arm) in sums else _NOBODY for arm in shown.arms}
    totals = daily_totals(sources.session, shown.lived.population, spec, currency, node)
    yield from _said(shown, ends)
    yield _counted(shown)
    if half := _half(totals, days):
        yield say("curve.half", day=As("number", half), days=As("number", days))
    if any(each.y for each in ends.values()):
        table = _days_table(shown, ends, totals)
        title = say("curve.chart", metric=_name(shown))
        yield Chart("curve-chart", "lines", title, table, "day", "rate", "group", muted=shown.experiment.control)
    yield _end_table(shown, ends)
    if sources.report.window.open_customers:
        yield say("curve.open", "soft")
    if sources.report.specs[0].winsorise is not None:
        yield say("curve.uncut", "soft")


def _said(shown: _Shown, ends: Mapping[str, Sums]) -> Iterator[Part]:
    """The sentence for each arm: where it stood at the last day, and where the control."""
    control = ends.get(shown.experiment.control, _NOBODY)
    arms = [arm for arm in ends if arm != shown.experiment.control]
    for arm in arms[:MOST_SAID]:
        if control.n and ends[arm].n:
            rate = RATES[shown.spec.unit]
            yield say(
                "curve.end",
                metric=_name(shown),
                days=As("number", shown.lived.days),
                arm=Word("arm", arm),
                control=Word("arm", shown.experiment.control),
                rate=As(rate, ends[arm].mean),
                control_rate=As(rate, control.mean),
                difference=As(DIFFERENCES[shown.spec.unit], _difference(shown, ends[arm], control)),
            ).behind("curve-end", "curve_end")


def _counted(shown: _Shown) -> Part:
    lived = shown.lived
    values = {"customers": As("count", lived.customers), "of": As("count", lived.of), "days": As("number", lived.days)}
    return say("curve.everybody" if lived.customers == lived.of else "curve.counted", "soft", **values)


def _half(totals: Mapping[str, Mapping[int, float]], days: int) -> int | None:
    """The day by which half of all that came in the days shown had come, over all arms; None when nothing came."""
    by_day = [sum(each.get(day, 0) for each in totals.values()) for day in range(days)]
    total = sum(by_day)
    return next((day for day, so_far in enumerate(accumulate(by_day), 1) if so_far >= total / 2), None) if total > 0 else None


def _days_table(shown: _Shown, ends: Mapping[str, Sums], totals: Mapping[str, Mapping[int, float]]) -> Table:
    columns = (Column("day", "number"), Column("group", "text", words="arm"), Column("rate", RATES[shown.spec.unit], define="curve_end"))
    rows = tuple(
        (day, arm, so_far / end.n)
        for arm, end in ends.items()
        if end.n
        for day, so_far in enumerate(accumulate((totals.get(arm, {}).get(day, 0) for day in range(shown.lived.days)), initial=0))
    )
    return Table("curve", columns, rows, folded=True)


def _end_table(shown: _Shown, ends: Mapping[str, Sums]) -> Table:
    unit, control = shown.spec.unit, ends.get(shown.experiment.control, _NOBODY)
    columns = (
        Column("group", "text", words="arm"),
        Column("counted", define="curve_end"),
        Column("total", "money" if unit == "money" else "count"),
        Column("rate", RATES[unit], define="curve_end"),
        Column("absolute", DIFFERENCES[unit], define="absolute"),
    )
    rows = tuple(
        (
            arm,
            end.n,
            end.y / end.unit,
            rate_with_interval(end, proportion=unit == "share"),
            None if arm == shown.experiment.control else _difference(shown, end, control),
        )
        for arm, end in ends.items()
    )
    return Table("curve-end", columns, rows, title=say("curve.table", days=As("number", shown.lived.days)))


def _difference(shown: _Shown, test: Sums, control: Sums) -> Effect | None:
    if not (test.n and control.n):
        return None
    return difference_of_proportions(test, control) if shown.spec.unit == "share" else difference_of_means(test, control)


def _name(shown: _Shown) -> Word:
    """The metric's name; of a ratio, what is divided."""
    return Word("measure" if shown.sources.report.specs[0].per else "metric", shown.spec.name)
