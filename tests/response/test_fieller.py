"""Ratios of two effects, and whether effects differ, against independent calculations and simulation."""

from math import sqrt

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from response.statistics.fieller import Pair, ratio_of_differences, ratio_of_effects
from response.statistics.heterogeneity import heterogeneity_p_value
from response.statistics.sums import UNDEFINED, Sums, quantile

Z = quantile(0.95)


@pytest.mark.parametrize(
    ("top", "bottom", "top_variance", "bottom_variance", "covariance"),
    [(3.0, 0.5, 0.4, 0.01, 0.02), (-2.0, 0.4, 1.0, 0.02, -0.05), (10.0, -3.0, 1.0, 1.0, 0.3), (0.0, 5.0, 1.0, 0.1, 0.0)],
)
def test_the_limits_are_the_ratios_that_a_test_just_does_not_refuse(
    top: float, bottom: float, top_variance: float, bottom_variance: float, covariance: float
) -> None:
    found = ratio_of_effects(top, bottom, top_variance, bottom_variance, covariance)
    assert found.estimate == top / bottom
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.estimate < found.high
    for limit in (found.low, found.high):
        distance = abs(top - limit * bottom) / sqrt(top_variance - 2 * limit * covariance + limit**2 * bottom_variance)
        assert distance == pytest.approx(Z, rel=1e-9)


def test_a_ratio_to_what_may_be_nothing_is_not_defined() -> None:
    assert ratio_of_effects(3.0, 1.0, 0.1, (1.0 / Z) ** 2 * 1.0001, 0.0) == UNDEFINED
    assert ratio_of_effects(3.0, 1.0, 0.1, (1.0 / Z) ** 2 * 0.9999, 0.0) != UNDEFINED


def test_when_nothing_varies_the_ratio_is_exact() -> None:
    test, control = (Pair(Sums(4, 4 * y, 4 * y * y, 100), Sums(4, 4 * x, 4 * x * x), 4 * x * y) for y, x in ((300, 2), (100, 1)))
    found = ratio_of_differences(test, control)
    assert (found.estimate, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_one_customer_has_no_ratio() -> None:
    one, two = Pair(Sums(1, 1, 1), Sums(1, 1, 1), 1), Pair(Sums(2, 1, 1), Sums(2, 1, 1), 1)
    assert ratio_of_differences(one, two) == UNDEFINED


def test_the_interval_covers_the_true_price_about_95_times_in_100() -> None:
    """Cost goes down when somebody responds, for then nothing more is sent: top and bottom hang together."""
    generator = np.random.default_rng(5)
    n, rounds, covered, defined = 2_000, 2_000, 0, 0
    shares = np.array([0.10, 0.05])
    truth = (2.0 - 1.5 * 0.10) / 0.05
    for _ in range(rounds):
        test_y, control_y = (generator.random(n) < share for share in shares)
        cost = 2.0 - 1.5 * test_y
        test = Pair(_sums(cost), _sums(test_y), float((cost * test_y).sum()))
        found = ratio_of_differences(test, Pair(_sums(np.zeros(n)), _sums(control_y), 0.0))
        if found.low is not None and found.high is not None:
            defined += 1
            covered += found.low <= truth <= found.high
    assert defined > 0.99 * rounds
    assert 0.94 < covered / defined < 0.962  # three standard errors of a simulated 95 %


def _sums(values: np.ndarray) -> Sums:
    return Sums(len(values), float(values.sum()), float((values * values).sum()))


def test_heterogeneity_agrees_with_statsmodels() -> None:
    effects, variances = [0.11, 0.04, 0.09, -0.02], [0.0004, 0.0009, 0.0001, 0.0016]
    oracle = combine_effects(np.array(effects), np.array(variances)).test_homogeneity()
    assert heterogeneity_p_value(effects, variances) == pytest.approx(oracle.pvalue, rel=1e-9)


def test_a_group_without_variance_says_nothing_about_heterogeneity() -> None:
    assert heterogeneity_p_value([0.1, 0.2], [0.01, 0.0]) is None
    assert heterogeneity_p_value([0.1, 0.2, 9.0], [0.01, 0.01, 0.0]) == heterogeneity_p_value([0.1, 0.2], [0.01, 0.01])
