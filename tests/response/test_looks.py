"""Looking early: the multinomial test by another road, bands, and a thousand campaigns that are looked at every day."""

from itertools import starmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import dirichlet_multinomial, multinomial

from response.statistics.looks import (
    HYBRID_EARLY,
    HYBRID_FIXED,
    TIGHTEST_AT,
    Early,
    any_time_p,
    band_of_proportions,
    confidence_sequence,
    early_finding,
)
from response.statistics.means import difference_of_means, standard_error
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.sums import Effect, EmptyArmError, Sums
from response.statistics.verdicts import Verdict, judge_by_hybrid_rule

DAYS = 28
COME = (1 - np.exp(-0.16 * np.arange(1, DAYS + 1))) / (1 - np.exp(-0.16 * DAYS))  # half of the responses within 5 days
NOTHING_EARLY = Early(1.0)

History = list[tuple[int, int]]
some_counts = st.lists(st.integers(0, 5000), min_size=2, max_size=4)


def campaigns(runs: int, sizes: tuple[int, int], rates: tuple[float, float], seed: int) -> list[History]:
    """Converters so far in both arms at the end of each day."""
    generator = np.random.default_rng(seed)
    days = np.diff(COME, prepend=0)
    arms = [np.cumsum(generator.multinomial(generator.binomial(n, rate, runs), days), 1) for n, rate in zip(sizes, rates, strict=True)]
    return [[(test, control) for test, control in run] for run in np.stack(arms, 2).tolist()]


def verdict(history: History, sizes: tuple[int, int]) -> Verdict:
    test, control = (Sums.of_count(n, y) for n, y in zip(sizes, history[-1], strict=True))
    effect = difference_of_proportions(test, control, 1 - HYBRID_FIXED)
    return judge_by_hybrid_rule(effect, early_finding(history, sizes), closed=True)


def naive(history: History, sizes: tuple[int, int]) -> bool:
    pairs = [[Sums.of_count(n, y) for n, y in zip(sizes, day, strict=True)] for day in history]
    return any(proportions_p_value(*pair) < 0.05 for pair in pairs)


def covers(effect: Effect, truth: float) -> bool:
    return effect.low is None or effect.high is None or effect.low <= truth <= effect.high


@given(some_counts, st.data())
def test_the_any_time_p_is_the_bayes_factor_of_two_scipy_distributions(converters: list[int], data: st.DataObject) -> None:
    shares = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(converters), max_size=len(converters))), float)
    prior, null, counts = 100 * shares / shares.sum(), shares / shares.sum(), np.array(converters)
    told = float(dirichlet_multinomial.logpmf(counts, prior, counts.sum()))
    evidence = told - float(multinomial.logpmf(counts, sum(converters), null))
    assert any_time_p(converters, shares.tolist()) == pytest.approx(min(1, np.exp(-evidence)), rel=1e-6)


def test_the_any_time_p_of_recorded_counts_stays_what_it_is() -> None:
    # By hand for two arms and a uniform prior (concentration 2): 1 / BF = (n + 1)·C(n, x)·2^-n; 15 of 20 make 21·15504 / 2^20.
    assert any_time_p((15, 5), (1, 1), concentration=2) == pytest.approx(21 * 15504 / 2**20, rel=1e-12)
    assert any_time_p((300, 200), (20_000, 20_000)) == pytest.approx(0.0005594888124487688, rel=1e-9)


def test_nobody_yet_is_no_evidence_and_an_arm_without_customers_none_either() -> None:
    assert any_time_p((0, 0), (1, 1)) == 1
    assert any_time_p((3, 5), (0, 8)) == 1
    assert any_time_p((), ()) == 1


@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 9))
def test_the_band_leaves_zero_exactly_when_the_rule_finds_something(test: int, control: int, times: int) -> None:
    sizes = (500 * times, 500)
    test = min(test, sizes[0])
    effect = band_of_proportions(Sums.of_count(sizes[0], test), Sums.of_count(500, control), 1 - HYBRID_EARLY)
    assert covers(effect, 0) == (any_time_p((test, control), sizes) >= HYBRID_EARLY)
    assert effect.estimate is not None
    assert covers(effect, effect.estimate)


def test_before_the_first_response_the_band_is_everything() -> None:
    assert band_of_proportions(Sums.of_count(10, 0), Sums.of_count(5, 0)) == Effect(0, -1, 1)
    with pytest.raises(EmptyArmError):
        band_of_proportions(Sums.of_count(0, 0), Sums.of_count(5, 1))


def test_an_early_finding_is_the_first_and_keeps_its_direction() -> None:
    assert early_finding([(3, 2), (300, 200), (400, 390)], (20_000, 20_000)) == Early(any_time_p((300, 200), (1, 1)), 1, rise=True)
    assert early_finding([(200, 300)], (20_000, 20_000)).rise is False
    assert early_finding([(300, 200)], (30_000, 20_000)) == Early(1.0)  # as many as they have customers
    assert early_finding([], (10, 10)) == Early(1.0)
    assert early_finding([(300, 200)], (20_000, 20_000), alpha=HYBRID_EARLY / 10).found_at is None  # ten arms share the level


def test_no_effect_is_called_one_in_at_most_a_twentieth_of_campaigns_looked_at_daily() -> None:
    sizes = (20_000, 20_000)
    runs = campaigns(1500, sizes, (0.01, 0.01), 2026)
    wrong = np.mean([verdict(run, sizes) is not Verdict.INCONCLUSIVE for run in runs])
    assert 0.03 < wrong < 0.058  # 8,000 runs of benchmarks/simulations.py: .045
    assert np.mean([naive(run, sizes) for run in runs[:500]]) > 0.13  # what looking every day costs without the rule: .19


def test_unequal_arms_that_respond_often_are_not_called_different_either() -> None:
    runs = campaigns(1500, (9000, 1000), (0.3, 0.3), 7)
    assert np.mean([verdict(run, (9000, 1000)) is not Verdict.INCONCLUSIVE for run in runs]) < 0.058


def test_the_rule_costs_little_power_and_finds_large_effects_in_days() -> None:
    sizes = (20_000, 20_000)
    found = np.mean([verdict(run, sizes) is Verdict.BETTER for run in campaigns(1000, sizes, (0.013, 0.01), 3)])
    assert 0.75 < found < 0.84  # the fixed test alone: .81
    days = [early_finding(run, sizes).found_at for run in campaigns(400, sizes, (0.018, 0.01), 4)]
    assert np.mean([day is not None for day in days]) > 0.98
    assert np.median([DAYS if day is None else day + 1 for day in days]) <= 4


@pytest.mark.parametrize(("rates", "level"), [((0.01, 0.01), 0.95), ((0.02, 0.01), 0.9), ((0.1, 0.1), 0.9)])
def test_bands_looked_at_daily_hold_the_truth_on_all_days(rates: tuple[float, float], level: float) -> None:
    sizes, truth = (20_000, 10_000), (rates[0] - rates[1]) * COME
    runs = campaigns(300, sizes, rates, 11)
    pairs = [[(Sums.of_count(sizes[0], a), Sums.of_count(sizes[1], b)) for a, b in run] for run in runs]
    for band in (band_of_proportions, confidence_sequence):
        left = [any(not covers(band(*pair, level), true) for pair, true in zip(run, truth, strict=True)) for run in pairs]
        assert np.mean(left) <= 1 - level


def test_a_fixed_interval_looked_at_daily_does_leave_the_truth() -> None:
    runs = campaigns(300, (20_000, 10_000), (0.01, 0.01), 11)
    pairs = [[(Sums.of_count(20_000, a), Sums.of_count(10_000, b)) for a, b in run] for run in runs]
    assert np.mean([any(not covers(each, 0) for each in starmap(difference_of_proportions, run)) for run in pairs]) > 0.12


def test_the_band_of_means_is_the_formula_of_the_paper() -> None:
    # Theorem 2.2 for one arm: mean ± s·sqrt(2(n r² + 1)/(n² r²)·ln(sqrt(n r² + 1)/alpha)); here s²/n is Welch's.
    test, control = Sums(400, 1200, 9000), Sums(300, 800, 5000)
    n, error, alpha = 700, standard_error(test, control), 0.05
    effective = (1200 + 800) ** 2 / 14_000
    eta = (
        minimize_scalar(lambda eta: (1 + 1 / eta) * np.log((1 + eta) / alpha**2), bounds=(1, 50), method="bounded").x
        * effective
        / TIGHTEST_AT
    )
    r2, s = eta / n, error * np.sqrt(n)
    reach = s * np.sqrt(2 * (n * r2 + 1) / (n**2 * r2) * np.log(np.sqrt(n * r2 + 1) / alpha))
    effect = confidence_sequence(test, control)
    assert (effect.low, effect.high) == pytest.approx((test.mean - control.mean - reach, test.mean - control.mean + reach), rel=1e-6)


def test_the_band_of_means_is_narrowest_for_its_level_where_it_was_said_to_be() -> None:
    test, control = Sums.of_count(10_000, 150), Sums.of_count(10_000, 120)

    def times(tightest_at: float) -> float:
        band, fixed = confidence_sequence(test, control, tightest_at=tightest_at), difference_of_means(test, control)
        assert band.high is not None
        assert fixed.high is not None
        assert band.estimate is not None
        return (band.high - band.estimate) / (fixed.high - band.estimate)

    assert times(270) < min(times(200), times(350))
    assert times(270) == pytest.approx(1.549, abs=0.001)
    assert times(2700) < 1.2 * 1.549 * 1.05
    assert times(27) < 1.2 * 1.549


def spend(generator: np.random.Generator, n: int) -> list[Sums]:
    """What 5 % of the customers spent by the end of each day, with a long tail."""
    buys = int(generator.binomial(n, 0.05))
    amounts: NDArray[np.float64] = generator.lognormal(3, 1, buys)
    day = np.searchsorted(COME, generator.random(buys))
    totals = [np.cumsum(np.bincount(day, weights, minlength=DAYS)) for weights in (amounts, amounts**2)]
    return [Sums(n, float(y), float(yy)) for y, yy in zip(*totals, strict=True)]


def test_spend_looked_at_daily_leaves_its_band_in_at_most_a_tenth() -> None:
    generator = np.random.default_rng(2103)
    left = []
    for _ in range(300):
        pairs = zip(spend(generator, 4000), spend(generator, 2000), strict=True)
        left.append(any(not covers(confidence_sequence(*pair, level=0.9), 0) for pair in pairs))
    assert np.mean(left) <= 0.1


def test_without_spread_or_responses_there_is_no_band_of_means() -> None:
    assert confidence_sequence(Sums(3, 0, 0), Sums(4, 0, 0)) == Effect(0, None, None)
    assert confidence_sequence(Sums(1, 2, 4), Sums(4, 1, 1)) == Effect(1.75, None, None)
    assert confidence_sequence(Sums(2, 0, 2), Sums(2, 0, 2)) == Effect(0, None, None)


@pytest.mark.parametrize(
    ("effect", "early", "closed", "minimum", "adjusted_p", "expected"),
    [
        (Effect(0.02, 0.01, 0.03), NOTHING_EARLY, False, None, None, Verdict.INCONCLUSIVE),  # the fixed interval does not count yet
        (Effect(0.02, 0.01, 0.03), Early(0.001, 2, rise=True), False, None, None, Verdict.BETTER),
        (Effect(-0.02, -0.03, 0.01), Early(0.001, 2, rise=False), False, None, None, Verdict.WORSE),
        (Effect(0.02, 0.01, 0.03), NOTHING_EARLY, True, None, None, Verdict.BETTER),
        (Effect(-0.02, -0.03, -0.01), NOTHING_EARLY, True, None, None, Verdict.WORSE),
        (Effect(0.02, -0.01, 0.03), NOTHING_EARLY, True, None, None, Verdict.INCONCLUSIVE),
        (Effect(0.02, -0.01, 0.03), Early(0.001, 2, rise=True), True, None, None, Verdict.BETTER),  # what was found stands
        (Effect(0.002, -0.001, 0.003), Early(0.001, 2, rise=True), True, 0.01, None, Verdict.SAME),  # but it does not matter
        (Effect(-0.02, -0.03, -0.01), Early(0.001, 2, rise=True), True, None, None, Verdict.INCONCLUSIVE),  # contradiction
        (Effect(0.02, 0.001, 0.03), NOTHING_EARLY, True, None, 0.046, Verdict.INCONCLUSIVE),
        (Effect(0.02, 0.001, 0.03), NOTHING_EARLY, True, None, 0.044, Verdict.BETTER),
        (Effect(0.0, None, None), NOTHING_EARLY, True, 0.01, None, Verdict.INCONCLUSIVE),
    ],
)
def test_the_hybrid_rule_concludes(
    effect: Effect, early: Early, closed: bool, minimum: float | None, adjusted_p: float | None, expected: Verdict
) -> None:
    assert judge_by_hybrid_rule(effect, early, closed=closed, minimum=minimum, adjusted_p=adjusted_p) is expected
