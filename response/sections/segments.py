"""For whom did it work? The lift of each arm in each segment that customers were in when they came in. Exploratory, and said so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.metrics import MetricSpec
from response.cells import SMALL
from response.facts import Experiment, Report
from response.metrics import SegmentKey, segment_sums
from response.parts import As, Cell, Chart, Column, Items, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, RATES
from response.sources import Sources
from response.statistics.heterogeneity import heterogeneity_p_value
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.moments import Moments
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.ratios import difference_of_ratios, ratio_p_value
from response.statistics.several import benjamini_hochberg
from response.statistics.sums import UNDEFINED, Effect, quantile
from response.statistics.verdicts import ALPHA

NO_SEGMENT = "(none)"
MOST_LISTED = 12
_NOBODY = Moments(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Lift:
    """One arm against the control among the customers of one segment."""

    segment: str
    arm: str
    test: Moments
    control: Moments
    effect: Effect = UNDEFINED
    p_value: float | None = None
    corrected_p: float | None = None

    @property
    def small(self) -> bool:
        """Whether either group is too small to say anything, and so small that it may speak of somebody."""
        return min(self.test.n, self.control.n) < SMALL

    @property
    def stands(self) -> bool:
        """Whether it is still there after the correction for looking at many."""
        return self.corrected_p is not None and self.corrected_p < ALPHA

    @property
    def finding(self) -> str:
        """In a word."""
        return "small" if self.small else "stands" if self.stands else "unsure"


def section(sources: Sources) -> Section | None:
    """The heat map, what survives the correction, and whether the segments differ at all. None where there are no segments."""
    report = sources.report
    experiment = next((each for each in report.experiments if each.primary), None)
    if experiment is None or experiment.broken:
        return None
    spec = report.specs[0]
    sums = segment_sums(sources.session, sources.population, spec, report.currency, experiment.node)
    if all(segment is None for segment, _ in sums):
        return None
    return Section("segments", tuple(_parts(report, experiment, spec, _lifts(experiment, spec, sums))))


def _lifts(experiment: Experiment, spec: MetricSpec, sums: Mapping[SegmentKey, Moments]) -> list[Lift]:
    """A lift for each segment and arm, the largest segment first; customers without one come last."""
    sizes: dict[str | None, int] = {}
    for (segment, _), each in sums.items():
        sizes[segment] = sizes.get(segment, 0) + each.n
    segments = sorted(sizes, key=lambda each: (each is None, -sizes[each], each or ""))
    arms = [arm.arm for arm in experiment.arms if arm.arm != experiment.control and arm.assigned]
    found = [_lift(spec, segment, arm, experiment.control, sums) for segment in segments for arm in arms]
    corrected = benjamini_hochberg([each.p_value for each in found])
    return [
        Lift(each.segment, each.arm, each.test, each.control, each.effect, each.p_value, p)
        for each, p in zip(found, corrected, strict=True)
    ]


def _lift(spec: MetricSpec, segment: str | None, arm: str, control: str, sums: Mapping[SegmentKey, Moments]) -> Lift:
    sides = sums.get((segment, arm), _NOBODY), sums.get((segment, control), _NOBODY)
    bare = Lift(NO_SEGMENT if segment is None else segment, arm, *sides)
    return bare if bare.small else Lift(bare.segment, arm, *sides, *_difference(spec, *sides))


def _difference(spec: MetricSpec, test: Moments, control: Moments) -> tuple[Effect, float | None]:
    if spec.per:
        return difference_of_ratios(test, control), ratio_p_value(test, control)
    if spec.unit == "share":
        return difference_of_proportions(test.outcome, control.outcome), proportions_p_value(test.outcome, control.outcome)
    return difference_of_means(test.outcome, control.outcome), means_p_value(test.outcome, control.outcome)


def _parts(report: Report, experiment: Experiment, spec: MetricSpec, lifts: Sequence[Lift]) -> Iterator[Part]:
    told = [each for each in lifts if not each.small]
    yield from _opening(spec, lifts, told)
    yield from (_alike(arm, told) for arm in dict.fromkeys(each.arm for each in told))
    table = _table(spec, lifts)
    if told:
        title = say("segments.chart", metric=Word("metric", spec.name), control=Word("arm", experiment.control))
        yield Chart("segments-chart", "heat", title, table, "group", "segment", "absolute", note="customers")
    yield table
    yield say("segments.exploratory", "soft").behind("segments", "segments")
    if len(told) < len(lifts):
        yield say("segments.small", "soft", small=As("count", SMALL), cells=As("count", len(lifts) - len(told)))
    if report.window.open_customers:
        yield say("segments.open", "soft", customers=As("count", report.window.open_customers))


def _opening(spec: MetricSpec, lifts: Sequence[Lift], told: Sequence[Lift]) -> Iterator[Part]:
    """What may be repeated: which lifts survive, or that none does."""
    counted = {"cells": As("count", len(told)), "segments": As("count", len({each.segment for each in lifts}))}
    standing = sorted((each for each in told if each.stands), key=lambda each: each.corrected_p or 0.0)
    if not told:
        yield say("segments.all_small", small=As("count", SMALL)).behind("segments", "segments")
        return
    if not standing:
        yield say("segments.none", "", **counted).behind("segments", "segments")
        return
    yield say("segments.some", "", **counted, standing=As("count", len(standing))).behind("segments", "segments")
    yield Items(say("segments.list"), tuple(_standing(spec, each) for each in standing[:MOST_LISTED]))


def _standing(spec: MetricSpec, found: Lift) -> Say:
    figures = {"effect": As(DIFFERENCES[spec.unit], found.effect), "p": As("p", found.corrected_p)}
    customers = As("count", found.test.n + found.control.n)
    return say("segments.lift", "", segment=Word("segment", found.segment), arm=Word("arm", found.arm), customers=customers, **figures)


def _alike(arm: str, told: Sequence[Lift]) -> Say:
    """Do the segments differ from each other at all?"""
    mine = [each for each in told if each.arm == arm]
    p = heterogeneity_p_value([each.effect.estimate or 0.0 for each in mine], [_variance(each.effect) for each in mine])
    if p is None:
        return say("segments.one", "soft", arm=Word("arm", arm))
    key = "segments.differ" if p < ALPHA else "segments.alike"
    return say(key, arm=Word("arm", arm), p=As("p", p)).behind("segments", "heterogeneity")


def _variance(effect: Effect) -> float:
    """By the width of its interval; 0 without one, so that it does not count."""
    if effect.low is None or effect.high is None:
        return 0.0
    return ((effect.high - effect.low) / (2 * quantile(0.95))) ** 2


def _table(spec: MetricSpec, lifts: Sequence[Lift]) -> Table:
    """All cells. With one arm a last row takes the segments together."""
    rate = RATES[spec.unit]
    columns = (
        Column("segment", "text", words="segment"),
        Column("group", "text", words="arm"),
        Column("customers", define="assigned"),
        Column("assigned", define="assigned"),
        Column("control_assigned", define="assigned"),
        Column("rate", rate, define=spec.name),
        Column("control_rate", rate, define=spec.name),
        Column("absolute", DIFFERENCES[spec.unit], define="absolute"),
        Column("p", "p", define="absolute"),
        Column("corrected_p", "p", define="segments"),
        Column("finding", "text", words="lift", define="segments"),
    )
    rows: list[tuple[Cell, ...]] = [_row(spec, each) for each in lifts]
    one_arm = len({each.arm for each in lifts}) == 1
    if one_arm:
        rows.append(_total(spec, lifts))
    total, sums = (len(rows) - 1, ("customers", "assigned", "control_assigned")) if one_arm else (None, ())
    return Table("segments", columns, tuple(rows), total=total, sums=sums, title=say("segments.table"))


def _row(spec: MetricSpec, found: Lift) -> tuple[Cell, ...]:
    rates = (None, None) if found.small else (_rate(spec, found.test), _rate(spec, found.control))
    figures = (found.test.n + found.control.n, found.test.n, found.control.n, *rates, found.effect, found.p_value, found.corrected_p)
    return (found.segment, found.arm, *figures, found.finding)


def _total(spec: MetricSpec, lifts: Sequence[Lift]) -> tuple[Cell, ...]:
    test, control = _together([each.test for each in lifts]), _together([each.control for each in lifts])
    whole = Lift("(all)", lifts[0].arm, test, control)
    effect, p = (UNDEFINED, None) if whole.small else _difference(spec, test, control)
    rates = (None, None) if whole.small else (_rate(spec, test), _rate(spec, control))
    return (whole.segment, whole.arm, test.n + control.n, test.n, control.n, *rates, effect, p, None, None)


def _together(parts: Sequence[Moments]) -> Moments:
    first, *rest = [each for each in parts if each.n] or [_NOBODY]
    for each in rest:
        first = first + each
    return first


def _rate(spec: MetricSpec, arm: Moments) -> float | None:
    """The metric per customer assigned; of a ratio, per what it is divided by."""
    if spec.per:
        return (arm.y / arm.y_unit) / (arm.x / arm.x_unit) if arm.x else None
    return arm.outcome.mean if arm.n else None
