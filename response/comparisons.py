"""Every arm against its control, on every metric, with a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.metrics import MetricSpec
from response.experiments import tells_nothing
from response.facts import Adjusted, ArmTrust, Comparison, Experiment, Goal, GuardrailResult, Why
from response.metrics import ArmKey
from response.statistics.cace import complier_effect
from response.statistics.cuped import cuped
from response.statistics.day_by_day import Look, Looks, first_finding
from response.statistics.guardrails import Guardrail, judge_guardrail
from response.statistics.looks import HYBRID_FIXED, Early, any_time_p, confidence_sequence
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.moments import Moments
from response.statistics.power import detectable_difference, detectable_rise
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.ratios import difference_of_ratios, ratio_p_value, relative_ratio
from response.statistics.relative import relative_lift
from response.statistics.several import benjamini_hochberg, holm
from response.statistics.sums import UNDEFINED, Effect, Sums
from response.statistics.verdicts import ALPHA, Verdict, judge, judge_by_hybrid_rule

NOBODY = Moments(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric as counted: its sums for each arm, and how many customers still have time until when.

    `covariate`: what stands beside y in the sums is known from before the entry. `looked_at`: the campaign goes on and has no closing
    date, so that it is looked at whenever somebody likes; better or worse then takes what holds at any moment, too.
    `planned_open`: fewer customers than planned have come in. `looks` are those at the primary experiment while it ran, where the
    hybrid rule decides on this metric; None where the interval alone does.
    """

    spec: MetricSpec
    sums: Mapping[ArmKey, Moments]
    open_customers: int = 0
    closes_at: datetime | None = None
    covariate: bool = False
    looked_at: bool = False
    planned_open: bool = False
    looks: Looks | None = None

    @property
    def finished(self) -> bool:
        """Whether everybody has had their time, and everybody planned for is in."""
        return not (self.open_customers or self.planned_open)


@dataclass(frozen=True, slots=True)
class _Terms:
    """On which terms an experiment is judged on a metric. `minimum` is the registered smallest effect that matters."""

    experiment: Experiment
    measured: Measured
    primary: bool
    minimum: float | None

    @property
    def spec(self) -> MetricSpec:
        return self.measured.spec

    @property
    def by_hybrid_rule(self) -> bool:
        """Whether this is the comparison that the learning goal is answered by, and it may be decided early."""
        return self.primary and self.measured.looks is not None


@dataclass(frozen=True, slots=True)
class _Figures:
    """What the data says of one arm against control, before anything is concluded."""

    absolute: Effect = UNDEFINED
    relative: Effect = UNDEFINED
    p_value: float | None = None
    detectable: float | None = None


def compare(experiments: Sequence[Experiment], metrics: Sequence[Measured], goal: Goal | None) -> list[Comparison]:
    """Comparisons by experiment, metric and arm, the primary ones first.

    Holm's correction is over the arms that share a control, within one metric. All that does not answer the learning goal is called
    better or worse only where that holds after Benjamini and Hochberg's correction over all of it, too: who looks at twenty figures
    finds one by chance. The registered smallest effect counts for the registered metric only.
    """
    found = list(_compared(experiments, metrics, goal))
    beside = [each for each in found if not each.primary and each.verdict is not Verdict.NOT_VALID]
    corrected = {id(each): q for each, q in zip(beside, benjamini_hochberg([each.p_value for each in beside]), strict=True)}
    return [_among_many(each, corrected.get(id(each))) for each in found]


def _among_many(found: Comparison, q_value: float | None) -> Comparison:
    if q_value is not None and q_value >= ALPHA and found.verdict in (Verdict.BETTER, Verdict.WORSE):
        return replace(found, q_value=q_value, verdict=Verdict.INCONCLUSIVE, why="several_comparisons")
    return replace(found, q_value=q_value)


def _compared(experiments: Sequence[Experiment], metrics: Sequence[Measured], goal: Goal | None) -> Iterator[Comparison]:
    for experiment in experiments:
        for place, measured in enumerate(metrics):
            if tells_nothing(experiment.kind, measured.spec):
                continue
            minimum = goal.minimum if goal and goal.metric == measured.spec.name else None
            yield from _of_metric(_Terms(experiment, measured, experiment.primary and place == 0, minimum))


def _of_metric(terms: _Terms) -> Iterator[Comparison]:
    experiment, sums = terms.experiment, terms.measured.sums
    control = sums.get((experiment.node, experiment.control), NOBODY)
    arms = [arm for arm in experiment.arms if arm.arm != experiment.control]
    moments = [sums.get((experiment.node, arm.arm), NOBODY) for arm in arms]
    figures = [measure(each, control, terms.spec) for each in moments]
    adjusted = holm([each.p_value for each in figures])
    for arm, each, found, p in zip(arms, moments, figures, adjusted, strict=True):
        yield _comparison(terms, arm, (each, control), found, p, several=len(arms) > 1)


def _comparison(
    terms: _Terms, trust: ArmTrust, sides: tuple[Moments, Moments], found: _Figures, adjusted_p: float | None, several: bool
) -> Comparison:
    experiment, spec, (arm, control) = terms.experiment, terms.spec, sides
    early = first_finding((terms.measured.looks or {}).get(trust.arm, ()))
    verdict, why = _conclude(terms, _Seen(sides, found.absolute, adjusted_p if several else None, early))
    return Comparison(
        metric=spec.name,
        node=experiment.node,
        kind=experiment.kind,
        primary=terms.primary,
        arm=trust.arm,
        control=experiment.control,
        arm_assigned=arm.n,
        control_assigned=control.n,
        arm_total=arm.y / arm.y_unit,
        control_total=control.y / control.y_unit,
        absolute=found.absolute,
        relative=found.relative,
        p_value=found.p_value,
        adjusted_p_value=adjusted_p,
        detectable=found.detectable,
        verdict=verdict,
        why=why,
        unit=spec.unit,
        better=spec.better,
        arm_base=arm.x / arm.x_unit if spec.per else None,
        control_base=control.x / control.x_unit if spec.per else None,
        cuped=_adjusted(terms, arm, control),
        cace=_on_those_reached(terms, trust, found.absolute),
        guardrail=_guardrail(terms, verdict, found.absolute),
        guardrail_margin=spec.guardrail,
        open_customers=terms.measured.open_customers,
        closes_at=terms.measured.closes_at,
        found_on=early.day if early and why == "early" else None,
    )


def measure(arm: Moments, control: Moments, spec: MetricSpec) -> _Figures:
    """Differences, p and the detectable difference; all undefined when an arm has nobody."""
    if not (arm.n and control.n):
        return _Figures()
    if spec.per:
        return _Figures(_difference(arm, control, spec), relative_ratio(arm, control), ratio_p_value(arm, control))
    return _of_sums(arm.outcome, control.outcome, proportion=spec.unit == "share")


def _difference(arm: Moments, control: Moments, spec: MetricSpec, level: float = 0.95) -> Effect:
    if spec.per:
        return difference_of_ratios(arm, control, level)
    difference = difference_of_proportions if spec.unit == "share" else difference_of_means
    return difference(arm.outcome, control.outcome, level)


def _of_sums(arm: Sums, control: Sums, proportion: bool) -> _Figures:
    relative = relative_lift(arm, control, proportion)
    if proportion:
        rise = detectable_rise(control.mean, arm.n, control.n)
        return _Figures(difference_of_proportions(arm, control), relative, proportions_p_value(arm, control), rise)
    return _Figures(difference_of_means(arm, control), relative, means_p_value(arm, control), detectable_difference(arm, control))


def _adjusted(terms: _Terms, arm: Moments, control: Moments) -> Adjusted | None:
    """With the noise taken out that was there before the entry; None where nothing was known of anybody."""
    known = (arm + control).x if terms.measured.covariate and min(arm.n, control.n) > 1 else 0
    if not known or terms.experiment.broken:
        return None
    found = cuped(arm, control)
    return Adjusted(found.effect, found.relative, found.p_value, found.rho_squared)


def _on_those_reached(terms: _Terms, arm: ArmTrust, absolute: Effect) -> Effect | None:
    """The effect on those whom a message reached, when the arms differ in that; None for variants and ratios, and in a broken split."""
    if terms.experiment.kind not in ("holdout", "split") or terms.spec.per or terms.experiment.broken or absolute.estimate is None:
        return None
    control = next((each for each in terms.experiment.arms if each.arm == terms.experiment.control), None)
    if control is None or not (arm.assigned and control.assigned):
        return None
    told = any(each.delivered for each in terms.experiment.arms)  # not every channel tells what arrived: then what was sent counts
    test, other = (each.delivered if told else each.sent for each in (arm, control))
    difference = test / arm.assigned - other / control.assigned
    return complier_effect(absolute, test / arm.assigned, other / control.assigned) if difference > 0 else None


def _guardrail(terms: _Terms, verdict: Verdict, absolute: Effect) -> GuardrailResult | None:
    """Harm is told while windows are open too, for it need not be waited for; that a guardrail was kept only in the end."""
    margin = terms.spec.guardrail
    if margin is None:
        return None
    found = judge_guardrail(absolute, margin, "rise" if terms.spec.better == "less" else "fall")
    too_early = found is Guardrail.KEPT and not terms.measured.finished
    return "inconclusive" if verdict is Verdict.NOT_VALID or too_early else found.value


def toward_good(effect: Effect, spec: MetricSpec) -> Effect:
    """The effect with its sign so that more is better."""
    if spec.better == "more":
        return effect
    estimate, low, high = (None if each is None else -each for each in (effect.estimate, effect.high, effect.low))
    return Effect(estimate, low, high)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a verdict goes by. `adjusted_p` only where several arms share the control; `early`: found while windows were open."""

    sides: tuple[Moments, Moments]
    absolute: Effect
    adjusted_p: float | None
    early: Look | None


def _conclude(terms: _Terms, seen: _Seen) -> tuple[Verdict, Why]:
    """The verdict and what decided it: first whether it is valid, then whether it is finished, then the interval."""
    arm, control = seen.sides
    if not (arm.n and control.n):
        return Verdict.NOT_VALID, "nobody_in_arm" if control.n else "nobody_in_control"
    if terms.experiment.broken:
        return Verdict.NOT_VALID, "split_broken"
    if not terms.measured.finished:
        return _while_open(terms, seen)
    verdict = judge(toward_good(seen.absolute, terms.spec), terms.minimum, seen.adjusted_p)
    why = _why(verdict, seen.absolute)
    if terms.by_hybrid_rule and verdict is not Verdict.SAME:
        return _at_closing(terms, seen, why)
    if terms.measured.looked_at and verdict in (Verdict.BETTER, Verdict.WORSE) and not _holds_at_any_time(terms, arm, control):
        return Verdict.INCONCLUSIVE, "looked_at_any_time"
    return verdict, why


def _while_open(terms: _Terms, seen: _Seen) -> tuple[Verdict, Why]:
    if terms.by_hybrid_rule and seen.early:
        return _by_hybrid_rule(terms, seen), "early"
    return Verdict.INCONCLUSIVE, "planned_open" if terms.measured.planned_open else "window_open"


def _at_closing(terms: _Terms, seen: _Seen, why: Why) -> tuple[Verdict, Why]:
    """What the fixed test says with what looking early has left to it, beside what was found early. `why`: what 95 % would say."""
    fixed, verdict = _by_hybrid_rule(terms, replace(seen, early=None)), _by_hybrid_rule(terms, seen)
    if verdict is not fixed:
        return verdict, "contradicted" if verdict is Verdict.INCONCLUSIVE else "early"
    decided_by_less = judge(seen.absolute, None, seen.adjusted_p) is not Verdict.INCONCLUSIVE
    return verdict, "early_spent" if verdict is Verdict.INCONCLUSIVE and decided_by_less else why


def _by_hybrid_rule(terms: _Terms, seen: _Seen) -> Verdict:
    effect = toward_good(_difference(*seen.sides, terms.spec, 1 - HYBRID_FIXED), terms.spec)
    rise = seen.early.rise is (terms.spec.better == "more") if seen.early else None
    return judge_by_hybrid_rule(effect, Early(1.0, None, rise), closed=terms.measured.finished, adjusted_p=seen.adjusted_p)


def _holds_at_any_time(terms: _Terms, arm: Moments, control: Moments) -> bool:
    """Whether the difference is there however often one has looked, shared among the arms. Of ratios nothing is known that would do."""
    alpha = ALPHA / (len(terms.experiment.arms) - 1)
    if terms.spec.per:
        return False
    if terms.spec.unit == "share":
        return any_time_p((int(arm.y), int(control.y)), (arm.n, control.n)) < alpha
    band = confidence_sequence(arm.outcome, control.outcome, 1 - alpha)
    return band.low is not None and band.high is not None and not band.low <= 0 <= band.high


def _why(verdict: Verdict, absolute: Effect) -> Why:
    if absolute.low is None or absolute.high is None:
        return "no_spread"
    if verdict is Verdict.SAME:
        return "within_minimum"
    excludes_zero = absolute.low > 0 or absolute.high < 0
    return "several_arms" if verdict is Verdict.INCONCLUSIVE and excludes_zero else "interval"
