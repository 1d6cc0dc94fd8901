"""Power, sample sizes and what can be detected: R's and statsmodels' figures, and simulation of the tests that we run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep

from response.statistics.means import means_p_value
from response.statistics.moments import Moments
from response.statistics.power import (
    Sizes,
    detectable_fall,
    detectable_of_means,
    detectable_of_ratios,
    detectable_rise,
    power_of_means,
    power_of_proportions,
    power_of_ratios,
    sample_size_of_means,
    sample_size_of_proportions,
    sample_size_of_ratios,
)
from response.statistics.ratios import difference_of_ratios, ratio_p_value, ratio_variance
from response.statistics.sums import Sums

rates = st.floats(0.001, 0.4)
shares = st.floats(0.05, 0.95)


def test_the_examples_on_rs_help_pages_come_out() -> None:
    assert power_of_means(1, 1, 1, 20, 20) == pytest.approx(0.8689528, abs=1e-7)  # power.t.test(n = 20, delta = 1, sd = 1)
    assert sample_size_of_means(1, 1, 1, power=0.9) == Sizes(23, 23)  # power.t.test(power = .90, delta = 1): n = 22.02110
    assert power_of_means(1, 1, 1, 22.02110, 22.02110) == pytest.approx(0.9, abs=1e-6)
    assert power_of_proportions(0.75, 0.5, 50, 50) == pytest.approx(0.7401659, abs=1e-7)  # power.prop.test(n = 50, ...)
    assert sample_size_of_proportions(0.75, 0.5, power=0.9) == Sizes(77, 77)  # power.prop.test(..., power = .90): n = 76.65294


@pytest.mark.parametrize(("test_n", "control_n"), [(20_000, 20_000), (9_000, 1_000), (300, 900)])
def test_power_of_proportions_agrees_with_statsmodels(test_n: int, control_n: int) -> None:
    oracle = power_proportions_2indep(0.02, 0.03, test_n, ratio=control_n / test_n, alternative="larger", alpha=0.025)
    assert power_of_proportions(0.05, 0.03, test_n, control_n) == pytest.approx(oracle.power, rel=1e-9)


@pytest.mark.parametrize(("effect", "test_n", "control_n"), [(0.5, 30, 30), (0.2, 300, 100), (0.05, 9000, 1000)])
def test_power_of_means_with_equal_variances_agrees_with_statsmodels(effect: float, test_n: int, control_n: int) -> None:
    oracle = TTestIndPower().power(effect, test_n, 0.025, ratio=control_n / test_n, alternative="larger")
    # Welch's degrees of freedom are fewer than the pooled ones when sizes differ: hence not to the last digit.
    assert power_of_means(effect * 3, 9, 9, test_n, control_n) == pytest.approx(oracle, rel=1e-9 if test_n == control_n else 6e-3)


def test_power_takes_both_arms_variance_where_others_take_controls() -> None:
    generator = np.random.default_rng(39)
    test, control = generator.binomial(1000, 0.035, 100_000) / 1000, generator.binomial(1000, 0.05, 100_000) / 1000
    pooled = (test + control) / 2
    found = np.mean((test - control) / np.sqrt(pooled * (1 - pooled) * 2 / 1000) < -1.959964)
    assert found == pytest.approx(0.384, abs=0.006)
    assert power_of_proportions(0.035, 0.05, 1000, 1000) == pytest.approx(found, abs=0.006)
    assert power_of_means(0.015, 0.0475, 0.0475, 1000, 1000) == pytest.approx(0.337, abs=0.001)  # the mistake


def test_power_of_means_is_what_welch_finds_with_unequal_arms_and_spreads() -> None:
    generator = np.random.default_rng(1947)
    found = []
    for _ in range(4000):
        test, control = generator.normal(3, 6, 60), generator.normal(0, 3, 20)
        p = means_p_value(*(Sums(len(y), float(y.sum()), float((y * y).sum())) for y in (test, control)))
        found.append(p is not None and p < 0.05 and test.mean() > control.mean())
    assert power_of_means(3, 36, 9, 60, 20) == pytest.approx(np.mean(found), abs=0.02)


def spend_by_visit(generator: np.random.Generator, n: int, spend: float) -> Moments:
    x = generator.negative_binomial(1.5, 1 / 3, n).astype(float)
    y = x * spend * generator.gamma(4, 0.25, n)
    return Moments(n, float(y.sum()), float((y * y).sum()), float(x.sum()), float((x * x).sum()), float((x * y).sum()))


def test_power_of_ratios_is_what_their_test_finds() -> None:
    generator = np.random.default_rng(2018)
    known = [spend_by_visit(generator, 200_000, spend) for spend in (21.5, 20.0)]
    p_values = []
    for _ in range(2000):
        test, control = spend_by_visit(generator, 900, 21.5), spend_by_visit(generator, 600, 20.0)
        p, difference = ratio_p_value(test, control), difference_of_ratios(test, control).estimate
        p_values.append(p is not None and p < 0.05 and difference is not None and difference > 0)
    ours = power_of_ratios(1.5, ratio_variance(known[0]), ratio_variance(known[1]), 900, 600)
    assert ours == pytest.approx(np.mean(p_values), abs=0.03)


@given(rates, st.floats(0.0005, 0.3), shares, st.floats(0.5, 0.95))
def test_sample_sizes_of_proportions_are_the_smallest_that_do(control: float, rise: float, test_share: float, power: float) -> None:
    sizes = sample_size_of_proportions(control + rise, control, test_share, power)
    assert sizes is not None
    assert power_of_proportions(control + rise, control, sizes.test + 1, sizes.control + 1) >= power - 1e-3
    total = sizes.total - 2 / min(test_share, 1 - test_share)
    if total > 0:
        fewer = round(total * test_share), round(total * (1 - test_share))
        assert 0 in fewer or power_of_proportions(control + rise, control, *fewer) < power


# Not with a handful in an arm: there Welch's degrees of freedom fall when the other arm grows, and rounding up can cost power.
@given(st.floats(0.05, 0.6), st.floats(1, 9), st.floats(1, 9), shares, st.floats(0.5, 0.95))
def test_sample_sizes_of_means_reach_their_power(
    difference: float, test_variance: float, control_variance: float, test_share: float, power: float
) -> None:
    sizes = sample_size_of_means(difference, test_variance, control_variance, test_share, power)
    assert sizes is not None
    assert power_of_means(difference, test_variance, control_variance, sizes.test, sizes.control) >= power - 1e-6
    assert abs(sizes.test - test_share * sizes.total) <= 1


def test_sample_sizes_of_ratios_reach_their_power_and_no_customer_is_too_many() -> None:
    sizes = sample_size_of_ratios(1.5, 700.0, 500.0, 0.25, 0.9)
    assert sizes is not None
    assert power_of_ratios(1.5, 700.0, 500.0, sizes.test, sizes.control) >= 0.9
    assert power_of_ratios(1.5, 700.0, 500.0, sizes.test - 1, sizes.control - 3) < 0.9


def test_the_customers_of_an_uneven_split_are_in_its_proportion() -> None:
    sizes = sample_size_of_proportions(0.013, 0.01, 0.9)
    assert sizes is not None
    assert sizes.test == pytest.approx(9 * sizes.control, rel=1e-3)
    even = sample_size_of_proportions(0.013, 0.01)
    assert even is not None
    assert sizes.total > 2 * even.total  # what an uneven split costs


@given(st.floats(0.01, 0.4), st.integers(50, 10**6), st.integers(50, 10**6))
def test_what_can_be_detected_has_the_power_that_it_names(rate: float, test_n: int, control_n: int) -> None:
    for change, direction in ((detectable_rise(rate, test_n, control_n), 1), (detectable_fall(rate, test_n, control_n), -1)):
        if change is not None:
            assert power_of_proportions(rate + direction * change, rate, test_n, control_n) == pytest.approx(0.8, abs=1e-6)


def test_a_fall_that_even_nothing_would_not_show_is_not_promised() -> None:
    assert detectable_fall(0.01, 50, 50) is None
    assert detectable_fall(0.0, 5000, 5000) is None
    assert detectable_fall(0.3, 0, 50) is None


def test_detectable_differences_of_means_and_ratios_have_the_power_that_they_name() -> None:
    found = detectable_of_means(36, 9, 300, 100)
    assert found is not None
    assert power_of_means(found, 36, 9, 300, 100) == pytest.approx(0.8, abs=1e-9)
    generator = np.random.default_rng(1)
    test, control = spend_by_visit(generator, 900, 21.5), spend_by_visit(generator, 600, 20.0)
    ratio = detectable_of_ratios(test, control, power=0.9, alpha=0.045)
    assert ratio is not None
    assert power_of_ratios(ratio, ratio_variance(test), ratio_variance(control), 900, 600, alpha=0.045) == pytest.approx(0.9)


def test_what_cannot_be_planned_is_not_planned() -> None:
    assert sample_size_of_proportions(0.1, 0.1) is None
    assert sample_size_of_proportions(0.2, 0.1, test_share=1.0) is None
    assert sample_size_of_means(0, 1, 1) is None
    assert sample_size_of_means(1, 0, 0) is None
    assert sample_size_of_ratios(1, 1, 1, test_share=0) is None
    assert detectable_of_means(1, 1, 1, 100) is None
    assert detectable_of_means(0, 0, 10, 10) is None
    assert detectable_of_ratios(Moments(5, 1, 1, 0, 0, 0), Moments(5, 1, 1, 2, 2, 1)) is None
    assert power_of_means(1, 0, 0, 5, 5) == power_of_ratios(1, 0, 0, 5, 5) == 1
    assert power_of_means(0, 0, 0, 5, 5) == power_of_ratios(0, 0, 0, 5, 5) == 0
