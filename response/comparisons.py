"""Every arm against its control, on every metric, with a verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.campaign import Metric
from response.facts import Comparison, Experiment, Goal, Why
from response.metrics import ArmKey
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.power import detectable_difference, detectable_rise
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.relative import relative_lift
from response.statistics.several import holm
from response.statistics.sums import UNDEFINED, Effect, Sums
from response.statistics.verdicts import Verdict, judge

NOBODY = Sums(0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Terms:
    """On which terms a metric is judged. `minimum` is the registered smallest effect that matters."""

    primary: bool
    minimum: float | None
    window_open: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the data says of one arm against control, before anything is concluded."""

    absolute: Effect = UNDEFINED
    relative: Effect = UNDEFINED
    p_value: float | None = None
    detectable: float | None = None


def compare(
    experiments: tuple[Experiment, ...], sums: Mapping[Metric, Mapping[ArmKey, Sums]], goal: Goal | None, window_open: bool
) -> Iterator[Comparison]:
    """Comparisons by experiment, metric and arm, the primary ones first.

    Holm's correction is over the arms that share a control, within one metric. The registered smallest effect counts for
    the registered metric only.
    """
    for experiment in experiments:
        for place, (metric, arms) in enumerate(sums.items()):
            minimum = goal.minimum if goal and goal.metric == metric else None
            yield from _of_metric(experiment, metric, arms, _Terms(experiment.primary and place == 0, minimum, window_open))


def _of_metric(experiment: Experiment, metric: Metric, sums: Mapping[ArmKey, Sums], terms: _Terms) -> Iterator[Comparison]:
    control = sums.get((experiment.node, experiment.control), NOBODY)
    names = [arm.arm for arm in experiment.arms if arm.arm != experiment.control]
    arms = [sums.get((experiment.node, name), NOBODY) for name in names]
    measured = [measure(arm, control, proportion=metric != "spend") for arm in arms]
    adjusted = holm([each.p_value for each in measured])
    for name, arm, found, p in zip(names, arms, measured, adjusted, strict=True):
        several = p if len(names) > 1 else None
        verdict, why = _conclude(experiment, arm, control, found.absolute, terms, several)
        yield Comparison(
            metric=metric,
            node=experiment.node,
            kind=experiment.kind,
            primary=terms.primary,
            arm=name,
            control=experiment.control,
            arm_assigned=arm.n,
            control_assigned=control.n,
            arm_total=arm.y / arm.unit,
            control_total=control.y / control.unit,
            absolute=found.absolute,
            relative=found.relative,
            p_value=found.p_value,
            adjusted_p_value=p,
            detectable=found.detectable,
            verdict=verdict,
            why=why,
        )


def measure(arm: Sums, control: Sums, proportion: bool) -> _Measured:
    """Differences, p and the detectable difference; all undefined when an arm has nobody."""
    if not (arm.n and control.n):
        return _Measured()
    relative = relative_lift(arm, control, proportion)
    if proportion:
        rise = detectable_rise(control.mean, arm.n, control.n)
        return _Measured(difference_of_proportions(arm, control), relative, proportions_p_value(arm, control), rise)
    return _Measured(difference_of_means(arm, control), relative, means_p_value(arm, control), detectable_difference(arm, control))


def _conclude(
    experiment: Experiment, arm: Sums, control: Sums, absolute: Effect, terms: _Terms, adjusted_p: float | None
) -> tuple[Verdict, Why]:
    """The verdict and what decided it: first whether it is valid, then whether it is finished, then the interval."""
    if not (arm.n and control.n):
        return Verdict.NOT_VALID, "nobody_in_arm" if control.n else "nobody_in_control"
    if experiment.broken:
        return Verdict.NOT_VALID, "split_broken"
    if terms.window_open:
        return Verdict.INCONCLUSIVE, "window_open"
    verdict = judge(absolute, terms.minimum, adjusted_p)
    return verdict, _why(verdict, absolute)


def _why(verdict: Verdict, absolute: Effect) -> Why:
    if absolute.low is None or absolute.high is None:
        return "no_spread"
    if verdict is Verdict.SAME:
        return "within_minimum"
    excludes_zero = absolute.low > 0 or absolute.high < 0
    return "several_arms" if verdict is Verdict.INCONCLUSIVE and excludes_zero else "interval"
