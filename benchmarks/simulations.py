"""Do the statistics keep their promises? Long simulations of response/statistics; tests/response has shorter ones.

    .venv/bin/python -m benchmarks.simulations [RUNS]

Nothing is timed. Every line says what was found and what was promised; a coverage is promised at .95, false winners at most .05.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from response.statistics.bandit import after_batches, draw_batch, next_shares
from response.statistics.cace import complier_effect_of
from response.statistics.cuped import cuped
from response.statistics.looks import HYBRID_FIXED, band_of_proportions, confidence_sequence, early_finding
from response.statistics.means import difference_of_means
from response.statistics.moments import Moments
from response.statistics.power import power_of_means, power_of_proportions
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.ratios import difference_of_ratios, relative_ratio
from response.statistics.relative import relative_lift
from response.statistics.sums import Effect, Sums
from response.statistics.verdicts import Verdict, judge_by_hybrid_rule

RUNS = 8_000
DAYS = 28
PACES = {"fast (half within 1 day)": 0.7, "as mail (half within 5 days)": 0.16, "slow (half after 14 days)": 0.0}

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Arms:
    """Two arms of a simulated campaign, and the chance of a response in each."""

    test_n: int
    control_n: int
    test_rate: float
    control_rate: float


def main(runs: int) -> None:
    generator = np.random.default_rng(2026)
    hybrid_rule(runs, generator)
    bands(runs // 4, generator)
    coverage_of_shares(runs, generator)
    coverage_of_means(runs // 2, generator)
    coverage_with_covariate(runs // 2, generator)
    both_variances(runs, generator)
    bandits(runs // 8, generator)


def hybrid_rule(runs: int, generator: np.random.Generator) -> None:
    """Daily looks for four weeks, at three paces; 20,000 customers an arm."""
    for name, pace in PACES.items():
        for test_rate in (0.01, 0.013, 0.018):
            arms = Arms(20_000, 20_000, test_rate, 0.01)
            found = [looked(each) for each in daily(arms, runs, pace, generator)]
            what = f"1.0 -> {100 * test_rate:.1f} %, {name}"
            goal = 0.05 if arms.test_rate == arms.control_rate else None
            tell(f"{what}: winners by the rule", share(verdict is not Verdict.INCONCLUSIVE for verdict, _, _ in found), goal)
            tell(f"{what}: winners by the fixed test", share(fixed for _, _, fixed in found))
            early = [day + 1 for _, day, _ in found if day is not None]
            tell(f"{what}: found early", len(early) / runs)
            if len(early) > runs / 2:
                tell(f"{what}: median day found", float(np.median([*early, *[DAYS + 1] * (runs - len(early))])), unit="day")
    arms = Arms(20_000, 20_000, 0.01, 0.01)
    tell("no effect, naive daily looks: winners", share(map(naive, daily(arms, runs // 4, 0.16, generator))))
    few = Arms(9_000, 1_000, 0.3, 0.3)
    found = [looked(each, (9_000, 1_000)) for each in daily(few, runs, 0.16, generator)]
    tell(
        "no effect at 30 %, 9,000 and 1,000: winners by the rule",
        share(verdict is not Verdict.INCONCLUSIVE for verdict, _, _ in found),
        0.05,
    )


def looked(history: Sequence[tuple[int, int]], sizes: tuple[int, int] = (20_000, 20_000)) -> tuple[Verdict, int | None, bool]:
    """The verdict at the closing date, the day of an early finding, and whether the fixed test alone finds something."""
    early = early_finding(history, sizes)
    test, control = Sums.of_count(sizes[0], history[-1][0]), Sums.of_count(sizes[1], history[-1][1])
    effect = difference_of_proportions(test, control, 1 - HYBRID_FIXED)
    fixed = difference_of_proportions(test, control)
    return judge_by_hybrid_rule(effect, early, closed=True), early.found_at, excludes(fixed, 0)


def naive(history: Sequence[tuple[int, int]]) -> bool:
    return any(proportions_p_value(Sums.of_count(20_000, a), Sums.of_count(20_000, b)) < 0.05 for a, b in history)


def daily(arms: Arms, runs: int, pace: float, generator: np.random.Generator) -> list[list[tuple[int, int]]]:
    """Converters so far of both arms at the end of each day, for each run."""
    days = np.diff(spread(pace), prepend=0)
    columns = [
        np.cumsum(generator.multinomial(generator.binomial(n, rate, runs), days), axis=1)
        for n, rate in ((arms.test_n, arms.test_rate), (arms.control_n, arms.control_rate))
    ]
    return [list(map(tuple, run)) for run in np.stack(columns, axis=2).tolist()]


def spread(pace: float) -> Numbers:
    """The part of all responses that has come by the end of each day."""
    days = np.arange(1, DAYS + 1)
    come: Numbers = 1 - np.exp(-pace * days) if pace else days / DAYS
    whole: Numbers = come / come[-1]
    return whole


def bands(runs: int, generator: np.random.Generator) -> None:
    """Does a band that is looked at every day ever leave the truth?"""
    for test_rate in (0.01, 0.02, 0.1):
        arms = Arms(20_000, 10_000, test_rate, test_rate if test_rate > 0.05 else 0.01)
        come, missed = spread(0.16), {"proportions": 0, "means": 0}
        for run in daily(arms, runs, 0.16, generator):
            pairs = [(Sums.of_count(arms.test_n, a), Sums.of_count(arms.control_n, b)) for a, b in run]
            truth = (arms.test_rate - arms.control_rate) * come
            missed["proportions"] += left(starmap(band_of_proportions, pairs), truth)
            missed["means"] += left(starmap(confidence_sequence, pairs), truth)
        for method, times in missed.items():
            tell(f"band of {method}, {arms.control_rate:g} -> {test_rate:g}, daily looks: ever left", times / runs, 0.05)
    tell("band of means, spend, no effect, daily looks: ever left", share(spend_left(generator) for _ in range(runs)), 0.05)


def left(effects: Iterable[Effect], truth: Numbers) -> bool:
    return any(not covers(effect, value) for effect, value in zip(effects, truth, strict=True) if effect.low is not None)


def spend_left(generator: np.random.Generator) -> bool:
    """4,000 and 2,000 customers of whom 5 % buy, each for an amount with a long tail."""
    days: list[list[Sums]] = []
    for n in (4_000, 2_000):
        buys = generator.binomial(n, 0.05)
        amounts = generator.lognormal(3, 1, buys)
        at = np.searchsorted(spread(0.16), generator.random(buys))
        y, yy = (np.cumsum(np.bincount(at, weights, minlength=DAYS)) for weights in (amounts, amounts**2))
        days.append([Sums(n, float(a), float(b)) for a, b in zip(y, yy, strict=True)])
    return left(starmap(confidence_sequence, zip(*days, strict=True)), np.zeros(DAYS))


def coverage_of_shares(runs: int, generator: np.random.Generator) -> None:
    for arms in (Arms(500, 4_500, 0.02, 0.01), Arms(20_000, 20_000, 0.013, 0.01), Arms(2_000, 200, 0.3, 0.2)):
        what = f"{arms.test_n:,} / {arms.control_n:,}, {arms.control_rate:g} -> {arms.test_rate:g}"
        pairs = [
            (Sums.of_count(arms.test_n, int(a)), Sums.of_count(arms.control_n, int(b)))
            for a, b in zip(
                generator.binomial(arms.test_n, arms.test_rate, runs),
                generator.binomial(arms.control_n, arms.control_rate, runs),
                strict=True,
            )
        ]
        truth = arms.test_rate - arms.control_rate
        tell(f"difference of proportions, {what}: covers", covered((difference_of_proportions(*pair) for pair in pairs), truth))
        lifts = (relative_lift(*pair, proportion=True) for pair in pairs)
        tell(f"relative lift, {what}: covers", covered(lifts, arms.test_rate / arms.control_rate - 1))


def coverage_of_means(runs: int, generator: np.random.Generator) -> None:
    """Visits by customer, and spend by visit: the denominator is random and goes with the outcome."""
    found: dict[str, list[bool]] = {"difference of means": [], "ratio": [], "relative ratio": [], "effect on those reached": []}
    for _ in range(runs):
        test, control = visits(generator, 1_500, 22.0), visits(generator, 1_000, 20.0)
        found["difference of means"].append(covers(difference_of_means(test.outcome, control.outcome), 3 * 2.0))
        found["ratio"].append(covers(difference_of_ratios(test, control), 2.0))
        found["relative ratio"].append(covers(relative_ratio(test, control), 0.1))
        found["effect on those reached"].append(covers(complier_effect_of(*reached(generator)), 0.05))
    for what, covering in found.items():
        tell(f"{what}: covers", share(covering))


def visits(generator: np.random.Generator, n: int, spend: float) -> Moments:
    """3 visits by customer on average (negative binomial), each of a spend that depends on the customer."""
    x = generator.negative_binomial(1.5, 1 / 3, n).astype(float)
    y = x * spend * generator.gamma(4, 0.25, n)
    return moments(y, x)


def reached(generator: np.random.Generator) -> tuple[Moments, Moments]:
    """A mail reaches 70 % of the test arm; who is reached responds 5 points more often, and is another sort of customer."""
    test = generator.random(3_000) < 0.7
    control = generator.random(3_000) < 0.7
    response = [generator.random(3_000) < 0.1 + 0.05 * kind + 0.05 * kind * arm for kind, arm in ((test, 1), (control, 0))]
    return moments(response[0].astype(float), test.astype(float)), moments(response[1].astype(float), np.zeros(3_000))


def coverage_with_covariate(runs: int, generator: np.random.Generator) -> None:
    for weight, lift in ((0.5, 0.1), (0.9, 0.1), (0.95, 1.0)):
        found = [
            cuped(before_and_after(generator, 800, weight, 1 + lift), before_and_after(generator, 1_200, weight, 1.0)) for _ in range(runs)
        ]
        what = f"CUPED, rho² {np.mean([each.rho_squared for each in found]):.2f}, +{lift:.0%}"
        tell(f"{what}: difference covers", covered((each.effect for each in found), 10 * lift))
        tell(f"{what}: relative covers", covered((each.relative for each in found), lift))


def before_and_after(generator: np.random.Generator, n: int, weight: float, factor: float) -> Moments:
    before = generator.gamma(4, 2.5, n)
    after = factor * (weight * before + (1 - weight) * generator.gamma(4, 2.5, n))
    return moments(after, before)


def moments(y: Numbers, x: Numbers) -> Moments:
    return Moments(len(y), float(y.sum()), float((y * y).sum()), float(x.sum()), float((x * x).sum()), float((x * y).sum()))


def both_variances(runs: int, generator: np.random.Generator) -> None:
    """Power with each arm's own variance, beside that of the tools which take control's for both."""
    test, control = generator.binomial(1_000, 0.035, 10 * runs), generator.binomial(1_000, 0.05, 10 * runs)
    p = [
        proportions_p_value(Sums.of_count(1_000, a), Sums.of_count(1_000, b)) for a, b in zip(test.tolist(), control.tolist(), strict=True)
    ]
    tell("power, 5.0 -> 3.5 %, 1,000 an arm: simulated", float(np.mean((np.array(p) < 0.05) & (test < control))))
    tell("power, 5.0 -> 3.5 %, 1,000 an arm: ours", power_of_proportions(0.035, 0.05, 1_000, 1_000))
    tell("power, 5.0 -> 3.5 %, 1,000 an arm: control's variance for both", power_of_means(0.015, 0.0475, 0.0475, 1_000, 1_000))
    wide = [difference_of_means(sums(generator.normal(1, 6, 300)), sums(generator.normal(0, 3, 100))) for _ in range(runs)]
    tell("power of means, s 6 and 3, 300 and 100: simulated", share(each.low is not None and each.low > 0 for each in wide))
    tell("power of means, s 6 and 3, 300 and 100: ours", power_of_means(1, 36, 9, 300, 100))


def sums(y: Numbers) -> Sums:
    return Sums(len(y), float(y.sum()), float((y * y).sum()))


def bandits(runs: int, generator: np.random.Generator) -> None:
    """Ten batches of a bandit: variants alike or one a point better, a base rate that stays or falls."""
    for gain in (0.0, 0.01):
        for what, rates in (("steady base rate", np.full(10, 0.06)), ("falling base rate", np.linspace(0.1, 0.02, 10))):
            found = [run_bandit(generator, gain, rates) for _ in range(runs)]
            pooled = [difference_of_proportions(added(test for test, _ in each), added(other for _, other in each)) for each in found]
            tell(
                f"bandit, +{100 * gain:g} points, {what}: within batches covers",
                covered((after_batches(each).effect for each in found), gain),
            )
            tell(f"bandit, +{100 * gain:g} points, {what}: pooled over batches covers", covered(pooled, gain))


def run_bandit(generator: np.random.Generator, gain: float, rates: Numbers) -> list[tuple[Sums, Sums]]:
    arms = {"a": Sums(0, 0, 0), "b": Sums(0, 0, 0), "control": Sums(0, 0, 0)}
    batches = []
    for rate in rates:
        drawn = draw_batch(next_shares(arms, "control", 0.1, 0.1), 2_000, int(generator.integers(1 << 31)))
        batch = {name: Sums.of_count(n, int(generator.binomial(n, rate + gain * (name == "a")))) for name, n in drawn.items()}
        arms = {name: added([old, batch[name]]) for name, old in arms.items()}
        batches.append((batch["a"], batch["b"]))
    return batches


def added(parts: Iterable[Sums]) -> Sums:
    counts = [(part.n, int(part.y)) for part in parts]
    return Sums.of_count(sum(n for n, _ in counts), sum(y for _, y in counts))


def covered(effects: Iterable[Effect], truth: float) -> float:
    """Share of the intervals that hold the truth; an effect without one counts as not."""
    return share(covers(effect, truth) for effect in effects)


def covers(effect: Effect, truth: float) -> bool:
    return effect.low is not None and effect.high is not None and effect.low <= truth <= effect.high


def excludes(effect: Effect, value: float) -> bool:
    return effect.low is not None and not covers(effect, value)


def share(claims: Iterable[bool]) -> float:
    return float(np.mean(list(claims)))


def tell(what: str, value: float, goal: float | None = None, unit: str = "") -> None:
    print(
        f"{what:78}{value:8.4f} {unit}" + ("" if goal is None else f"  promised <= {goal:g}: {'kept' if value <= goal else 'BROKEN'}"),
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
