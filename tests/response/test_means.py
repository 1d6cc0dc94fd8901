"""Means and relative lifts: published examples, scipy and statsmodels as oracles, and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ttest_ind
from statsmodels.stats.proportion import confint_proportions_2indep

from response.statistics.means import difference_of_means, means_p_value
from response.statistics.proportions import difference_of_proportions
from response.statistics.relative import relative_lift
from response.statistics.sums import UNDEFINED, Effect, Sums

# Cushny and Peebles 1905, the sleep data of Student 1908: extra hours of sleep under two drugs.
SLEEP = ([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
cents = st.lists(st.integers(-100_000, 1_000_000), min_size=2, max_size=60)


def money(values: list[int]) -> Sums:
    return Sums(len(values), sum(values), sum(value * value for value in values), unit=100)


def test_the_sleep_data_give_the_interval_that_every_textbook_has() -> None:
    first, second = (money([round(100 * hours) for hours in drug]) for drug in SLEEP)
    effect = difference_of_means(first, second)
    assert (effect.estimate, effect.low, effect.high) == pytest.approx((-1.58, -3.3654832, 0.2054832), abs=1e-7)
    assert means_p_value(first, second) == pytest.approx(0.07939, abs=5e-6)


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's, when all customers of an arm are alike
@given(cents, cents)
def test_welch_agrees_with_scipy(test: list[int], control: list[int]) -> None:
    if len(set(test)) == 1 and len(set(control)) == 1:
        return
    oracle = ttest_ind(test, control, equal_var=False)
    interval = oracle.confidence_interval(0.95)
    effect = difference_of_means(money(test), money(control))
    assert (effect.low, effect.high) == pytest.approx((interval.low / 100, interval.high / 100), rel=1e-9, abs=1e-7)
    assert means_p_value(money(test), money(control)) == pytest.approx(oracle.pvalue, rel=1e-7, abs=1e-12)


def test_a_mean_far_from_zero_does_not_eat_the_variance() -> None:
    values = [10**15 + each for each in (4, 7, 13, 16)]  # the textbook's trap for Σy² - (Σy)²/n
    assert Sums(4, sum(values), sum(value * value for value in values)).variance == 30


@pytest.mark.parametrize(
    ("test", "control"), [([5], [1, 2, 3]), ([0, 0, 0], [0, 0]), ([7, 7], [3, 3, 3])], ids=["one customer", "nobody spends", "no spread"]
)
def test_without_spread_there_is_no_interval(test: list[int], control: list[int]) -> None:
    effect = difference_of_means(money(test), money(control))
    assert (effect.low, effect.high) == (None, None)
    assert means_p_value(money(test), money(control)) is None


def test_the_relative_risk_of_the_physicians_health_study_is_that_of_the_textbook() -> None:
    # Agresti 2013, Categorical Data Analysis: placebo against aspirin 1.82, 95 % interval 1.43 to 2.31.
    lift = relative_lift(Sums.of_count(11034, 189), Sums.of_count(11037, 104), proportion=True)
    assert lift.estimate is not None
    assert lift.low is not None
    assert lift.high is not None
    assert (lift.estimate + 1, lift.low + 1, lift.high + 1) == pytest.approx((1.82, 1.43, 2.31), abs=0.006)


@pytest.mark.parametrize(("test", "control"), [((56, 70), (48, 80)), ((3, 900), (9, 4000)), ((3894, 21307), (2262, 21306))])
def test_relative_lift_of_shares_agrees_with_statsmodels(test: tuple[int, int], control: tuple[int, int]) -> None:
    lift = relative_lift(Sums.of_count(test[1], test[0]), Sums.of_count(control[1], control[0]), proportion=True)
    low, high = confint_proportions_2indep(*test, *control, compare="ratio", method="log")
    assert (lift.low, lift.high) == pytest.approx((low - 1, high - 1), abs=1e-9)


def test_relative_lift_of_means_agrees_with_numpy() -> None:
    generator = np.random.default_rng(7)
    test, control = (np.round(generator.gamma(0.5, 4000, size)).astype(int) for size in (800, 300))
    lift = relative_lift(money(test.tolist()), money(control.tolist()), proportion=False)
    ratio = test.mean() / control.mean()
    reach = 1.959963984540054 * np.sqrt(test.var(ddof=1) / 800 / test.mean() ** 2 + control.var(ddof=1) / 300 / control.mean() ** 2)
    expected = (ratio - 1, ratio * np.exp(-reach) - 1, ratio * np.exp(reach) - 1)
    assert (lift.estimate, lift.low, lift.high) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("test", "control"),
    [(Sums(9, 3, 3), Sums(9, 0, 0)), (Sums(9, 0, 0), Sums(9, 3, 3)), (Sums(0, 0, 0), Sums(9, 1, 1)), (Sums(9, 3, 9), Sums(9, -2, 4))],
)
def test_a_share_of_nothing_is_not_shown(test: Sums, control: Sums) -> None:
    assert relative_lift(test, control, proportion=True) == UNDEFINED


def test_one_customer_has_a_relative_estimate_without_an_interval() -> None:
    assert relative_lift(Sums(1, 4, 16), Sums(2, 4, 10), proportion=False) == Effect(1.0, None, None)


def covered(effects: list[Effect], truth: float) -> float:
    return float(np.mean([effect.low is not None and effect.high is not None and effect.low <= truth <= effect.high for effect in effects]))


def draws(generator: np.random.Generator, share: float, size: int) -> NDArray[np.int64]:
    """Spend in cents as shops see it: most spend nothing, a few a lot."""
    return np.where(generator.random((1500, size)) < share, generator.gamma(2, 3000, (1500, size)), 0).astype(np.int64)


def test_intervals_of_spend_cover_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1947)
    test, control = draws(generator, 0.12, 600), draws(generator, 0.1, 400)
    pairs = [
        (Sums(600, int(a.sum()), int((a * a).sum()), 100), Sums(400, int(b.sum()), int((b * b).sum()), 100))
        for a, b in zip(test, control, strict=True)
    ]
    # A gamma of shape 2 and scale 30, rounded down to a cent, has mean 59.995.
    assert 0.93 < covered([difference_of_means(a, b) for a, b in pairs], 0.02 * 59.995) < 0.97
    assert 0.93 < covered([relative_lift(a, b, proportion=False) for a, b in pairs], 0.2) < 0.97


def test_relative_intervals_cover_the_truth_with_few_responses() -> None:
    generator = np.random.default_rng(1978)
    pairs = zip(generator.binomial(500, 0.02, 4000).tolist(), generator.binomial(4500, 0.01, 4000).tolist(), strict=True)
    lifts = [relative_lift(Sums.of_count(500, a), Sums.of_count(4500, b), proportion=True) for a, b in pairs]
    assert 0.945 < covered([lift for lift in lifts if lift != UNDEFINED], 1.0) < 0.985


def test_no_effect_is_called_one_as_often_as_the_level_allows() -> None:
    generator = np.random.default_rng(5)
    pairs = zip(generator.binomial(2000, 0.05, 4000).tolist(), generator.binomial(500, 0.05, 4000).tolist(), strict=True)
    effects = [difference_of_proportions(Sums.of_count(2000, a), Sums.of_count(500, b)) for a, b in pairs]
    assert 0.03 < 1 - covered(effects, 0.0) < 0.06
