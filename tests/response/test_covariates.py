"""Ratios, CUPED and the effect on those reached: scipy and statsmodels as oracles, published identities, and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ttest_ind
from statsmodels.api import OLS
from statsmodels.sandbox.regression.gmm import IV2SLS

from response.statistics.cace import complier_effect, complier_effect_of
from response.statistics.cuped import adjusted_means, cuped
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.moments import Moments
from response.statistics.ratios import difference_of_ratios, ratio, ratio_p_value, relative_ratio
from response.statistics.relative import relative_lift
from response.statistics.sums import UNDEFINED, Effect, EmptyArmError, Sums

Z = 1.959963984540054
Numbers = NDArray[np.float64]


def moments(y: Numbers, x: Numbers) -> Moments:
    return Moments(len(y), float(y.sum()), float((y * y).sum()), float(x.sum()), float((x * x).sum()), float((x * y).sum()))


def cents(y: list[int], x: list[int]) -> Moments:
    """Whole cents against whole visits."""
    xy = sum(a * b for a, b in zip(y, x, strict=True))
    return Moments(len(y), sum(y), sum(a * a for a in y), sum(x), sum(a * a for a in x), xy, y_unit=100)


def visits(generator: np.random.Generator, n: int, spend: float) -> tuple[Numbers, Numbers]:
    """Spend and visits of customers who do not all come, and of whom some spend more at every visit."""
    x = generator.negative_binomial(1.5, 1 / 3, n).astype(float)
    return x * spend * generator.gamma(4, 0.25, n), x


def before_and_after(generator: np.random.Generator, n: int, factor: float = 1.0, weight: float = 0.8) -> tuple[Numbers, Numbers]:
    before = generator.gamma(4, 2.5, n)
    return factor * (weight * before + (1 - weight) * generator.gamma(4, 2.5, n)), before


def reach(effect: Effect) -> float:
    assert effect.low is not None
    assert effect.high is not None
    return (effect.high - effect.low) / 2


def parts(effect: Effect) -> tuple[float | None, ...]:
    return effect.estimate, effect.low, effect.high


def covers(effect: Effect, truth: float) -> bool:
    return effect.low is not None and effect.high is not None and effect.low <= truth <= effect.high


def by_visit(y: Numbers, x: Numbers) -> tuple[float, float]:
    """Mean and standard error of spend by visit, from rows of visits clustered by customer: another road to the same figure."""
    customer = np.repeat(np.arange(len(x)), x.astype(int))
    spent = np.repeat(np.divide(y, x, out=np.zeros_like(y), where=x > 0), x.astype(int))
    fit = OLS(spent, np.ones(len(spent))).fit(cov_type="cluster", cov_kwds={"groups": customer, "use_correction": False})
    return float(fit.params[0]), float(fit.bse[0]) * np.sqrt(len(x) / (len(x) - 1))


def test_a_ratio_agrees_with_errors_clustered_by_customer() -> None:
    generator = np.random.default_rng(3)
    test, control = visits(generator, 700, 22.0), visits(generator, 300, 20.0)
    (a, error_a), (b, error_b) = by_visit(*test), by_visit(*control)
    effect = difference_of_ratios(moments(*test), moments(*control))
    assert effect.estimate == pytest.approx(a - b, rel=1e-9)
    assert reach(effect) == pytest.approx(Z * np.hypot(error_a, error_b), rel=1e-9)


def test_a_relative_ratio_is_the_delta_method_on_the_log_scale() -> None:
    generator = np.random.default_rng(4)
    test, control = visits(generator, 700, 22.0), visits(generator, 300, 20.0)
    lift = relative_ratio(moments(*test), moments(*control))
    (a, error_a), (b, error_b) = by_visit(*test), by_visit(*control)
    spread = Z * np.hypot(error_a / a, error_b / b)
    assert (lift.estimate, lift.low, lift.high) == pytest.approx((a / b - 1, a / b * np.exp(-spread) - 1, a / b * np.exp(spread) - 1))


def test_a_ratio_with_a_denominator_of_one_is_a_mean() -> None:
    y = [0, 0, 1250, 0, 3999, 700, 0, 100]
    arm, other = cents(y, [1] * 8), cents(y[:5], [1] * 5)
    effect = difference_of_ratios(arm, other)
    assert ratio(arm) == pytest.approx(sum(y) / 800)
    assert effect.estimate == pytest.approx(difference_of_means(arm.outcome, other.outcome).estimate)
    error = np.sqrt(np.var(y, ddof=1) / 8 + np.var(y[:5], ddof=1) / 5) / 100
    assert reach(effect) == pytest.approx(Z * error, rel=1e-12)
    relative, plain = relative_ratio(arm, other), relative_lift(arm.outcome, other.outcome, proportion=False)
    assert (relative.low, relative.high) == pytest.approx((plain.low, plain.high), rel=1e-12)


def test_the_p_value_of_a_ratio_is_where_its_interval_begins_to_hold_zero() -> None:
    generator = np.random.default_rng(5)
    test, control = moments(*visits(generator, 400, 21.0)), moments(*visits(generator, 400, 20.0))
    p = ratio_p_value(test, control)
    assert p is not None
    effect = difference_of_ratios(test, control, level=1 - p)
    assert effect.estimate is not None
    assert reach(effect) == pytest.approx(abs(effect.estimate), rel=1e-9)


def test_a_ratio_over_nothing_is_not_shown() -> None:
    nobody_came, came = cents([0, 0, 0], [0, 0, 0]), cents([100, 300, 0], [1, 2, 0])
    assert difference_of_ratios(nobody_came, came) == UNDEFINED
    assert relative_ratio(came, nobody_came) == UNDEFINED
    assert relative_ratio(cents([0, 0], [1, 2]), came) == UNDEFINED
    assert ratio_p_value(came, nobody_came) is None
    assert parts(difference_of_ratios(cents([100], [1]), came)) == pytest.approx((1 - 4 / 3, None, None))
    with pytest.raises(EmptyArmError):
        difference_of_ratios(Moments(0, 0, 0, 0, 0, 0), came)


def test_integer_sums_keep_the_covariance_exact_far_from_zero() -> None:
    far = 10**12
    y, x = [far + each for each in (1, 2, 3, 4)], [far + each for each in (2, 4, 6, 9)]
    assert (
        Moments(4, sum(y), sum(a * a for a in y), sum(x), sum(a * a for a in x), sum(a * b for a, b in zip(y, x, strict=True))).covariance
        == 11.5 / 3
    )


def adjusted(test: tuple[Numbers, Numbers], control: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """The outcomes with the covariate taken out, customer by customer."""
    y, x = (np.concatenate(pair) for pair in zip(test, control, strict=True))
    theta = np.cov(y, x)[0, 1] / np.var(x, ddof=1)
    return tuple(each[0] - theta * (each[1] - x.mean()) for each in (test, control))


def test_cuped_is_welch_on_the_adjusted_outcomes_of_each_customer() -> None:
    generator = np.random.default_rng(13)
    test, control = before_and_after(generator, 60, 1.1), before_and_after(generator, 40)
    found = cuped(moments(*test), moments(*control))
    oracle = ttest_ind(*adjusted(test, control), equal_var=False)
    interval = oracle.confidence_interval(0.95)
    assert (found.effect.low, found.effect.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert adjusted_means(moments(*test), moments(*control)) == pytest.approx([each.mean() for each in adjusted(test, control)])


def test_cupeds_theta_and_rho_are_those_of_the_regression_on_everybody() -> None:
    generator = np.random.default_rng(14)
    test, control = before_and_after(generator, 60, 1.1), before_and_after(generator, 40)
    found = cuped(moments(*test), moments(*control))
    y, x = (np.concatenate(pair) for pair in zip(test, control, strict=True))
    fit = OLS(y, np.column_stack([np.ones(100), x])).fit()
    assert found.theta == pytest.approx(fit.params[1], rel=1e-9)
    assert found.rho_squared == pytest.approx(fit.rsquared, rel=1e-9)


def test_the_variance_falls_by_rho_squared_as_deng_et_al_say() -> None:
    # Deng et al. 2013, equation 5: var(adjusted) = var(plain)·(1 - rho²), exact over the customers from whom theta is.
    y, x = before_and_after(np.random.default_rng(15), 500)
    everyone = moments(y, x)
    found = cuped(moments(y[::2], x[::2]), moments(y[1::2], x[1::2]))
    assert everyone.variance_of(1, -found.theta) == pytest.approx(everyone.outcome.variance * (1 - found.rho_squared), rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=3, max_size=30), st.integers(-900, 900))
def test_a_covariate_that_is_the_same_for_all_changes_nothing(pairs: list[tuple[int, int]], shift: int) -> None:
    test, control = [a for a, _ in pairs], [b for _, b in pairs]
    found = cuped(cents(test, [shift] * len(test)), cents(control, [shift] * len(control)))
    plain = difference_of_means(cents(test, test).outcome, cents(control, control).outcome)
    assert (found.theta, found.rho_squared) == (0, 0)
    assert parts(found.effect) == pytest.approx(parts(plain))
    assert found.p_value == pytest.approx(means_p_value(cents(test, test).outcome, cents(control, control).outcome))


def test_a_constant_covariate_in_fractions_is_no_spread_either() -> None:
    y = np.random.default_rng(16).gamma(2, 3, 50)
    found = cuped(moments(y[:25], np.full(25, 0.1)), moments(y[25:], np.full(25, 0.1)))
    assert (found.theta, found.rho_squared) == (0, 0)


def test_a_covariate_that_explains_everything_leaves_no_interval() -> None:
    test, control = cents([100, 200, 300], [1, 2, 3]), cents([200, 300, 700], [2, 3, 7])
    found = cuped(test, control)
    assert parts(found.effect) == pytest.approx((0, None, None), abs=1e-12)
    assert (found.p_value, found.theta, found.rho_squared) == (None, 1, 1)
    with pytest.raises(EmptyArmError):
        cuped(test, Moments(0, 0, 0, 0, 0, 0))


def test_cuped_covers_the_truth_as_often_as_it_says_and_is_narrower() -> None:
    generator = np.random.default_rng(2013)
    found, plain = [], []
    for _ in range(1500):
        test, control = moments(*before_and_after(generator, 300, 1.2)), moments(*before_and_after(generator, 200))
        found.append(cuped(test, control))
        plain.append(reach(difference_of_means(test.outcome, control.outcome)))
    assert 0.935 < np.mean([covers(each.effect, 2.0) for each in found]) < 0.965
    assert 0.935 < np.mean([covers(each.relative, 0.2) for each in found]) < 0.965
    assert np.mean([reach(each.effect) for each in found]) < 0.4 * np.mean(plain)


def test_the_relative_interval_of_cuped_counts_the_error_of_the_covariates_mean() -> None:
    # Were that mean taken as known, as elsewhere, the interval below would cover .82: means of 20 and 10, rho² of .95 within an arm.
    generator = np.random.default_rng(2014)
    found = [cuped(moments(*_shifted(generator, 100, 10.0)), moments(*_shifted(generator, 100, 0.0))).relative for _ in range(1500)]
    assert 0.935 < np.mean([covers(each, 1.0) for each in found]) < 0.965


def _shifted(generator: np.random.Generator, n: int, extra: float) -> tuple[Numbers, Numbers]:
    before = generator.gamma(4, 2.5, n)
    return before + extra + generator.normal(0, 1.5, n), before


def test_ratios_cover_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2018)
    pairs = [(moments(*visits(generator, 600, 22.0)), moments(*visits(generator, 400, 20.0))) for _ in range(2000)]
    assert 0.93 < np.mean([covers(difference_of_ratios(*pair), 2.0) for pair in pairs]) < 0.965
    assert 0.93 < np.mean([covers(relative_ratio(*pair), 0.1) for pair in pairs]) < 0.965


def reached(generator: np.random.Generator, n: int) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers]]:
    """A mail reaches 70 % of the test arm; those whom it can reach respond more anyway, and 5 points more with it."""
    kinds = generator.random((2, n)) < 0.7
    test, control = (generator.random(n) < 0.1 + 0.05 * kind * (1 + arm) for kind, arm in zip(kinds, (1, 0), strict=True))
    return (test.astype(float), kinds[0].astype(float)), (control.astype(float), np.zeros(n))


def test_the_effect_on_those_reached_is_the_instrumental_variable_estimate() -> None:
    test, control = reached(np.random.default_rng(8), 2000)
    y, x = (np.concatenate(pair) for pair in zip(test, control, strict=True))
    constant, assigned = np.ones(4000), np.repeat([1.0, 0.0], 2000)
    oracle = IV2SLS(y, np.column_stack([constant, x]), np.column_stack([constant, assigned])).fit().params[1]
    assert complier_effect_of(moments(*test), moments(*control)).estimate == pytest.approx(oracle, rel=1e-9)
    itt = difference_of_means(moments(*test).outcome, moments(*control).outcome)
    assert complier_effect(itt, float(test[1].mean())).estimate == pytest.approx(oracle, rel=1e-9)


def test_the_effect_on_those_reached_covers_the_truth_and_the_responders_only_rate_does_not() -> None:
    generator = np.random.default_rng(1984)
    pairs = [reached(generator, 3000) for _ in range(1500)]
    found = [complier_effect_of(moments(*test), moments(*control)) for test, control in pairs]
    assert 0.935 < np.mean([covers(each, 0.05) for each in found]) < 0.965
    delivered_only = [test[0][test[1] == 1].mean() - control[0].mean() for test, control in pairs]
    assert np.mean(delivered_only) > 0.06  # the formula that divides the test by deliveries and the control by targets


def test_the_effect_on_those_reached_divides_the_interval_by_the_difference_in_reach() -> None:
    assert parts(complier_effect(Effect(0.02, 0.01, 0.03), 0.9, 0.1)) == pytest.approx((0.025, 0.0125, 0.0375))
    assert complier_effect(Effect(0.02, None, None), 0.5) == Effect(0.04, None, None)


@pytest.mark.parametrize(("delivered_test", "delivered_control"), [(0.0, 0.0), (0.5, 0.5), (0.4, 0.5)])
def test_nobody_reached_more_gives_no_effect_on_those_reached(delivered_test: float, delivered_control: float) -> None:
    assert complier_effect(Effect(0.02, 0.01, 0.03), delivered_test, delivered_control) == UNDEFINED
    nobody = Moments(10, 3, 3, 0, 0, 0)
    assert complier_effect_of(nobody, nobody) == UNDEFINED
    assert complier_effect(UNDEFINED, 0.5) == UNDEFINED


def test_means_without_spread_have_no_relative_interval() -> None:
    assert relative_lift(Sums(2, 8, 32), Sums(2, 4, 8), proportion=False) == Effect(1.0, None, None)
    assert relative_lift(Sums.of_count(5, 5), Sums.of_count(7, 7), proportion=True) == Effect(0.0, None, None)


def test_a_mean_that_is_hardly_above_zero_gives_no_relative_interval_rather_than_an_overflow() -> None:
    hardly = [9_999_999, -9_999_998]
    lift = relative_lift(Sums(2, 9, 41), Sums(2, 1, sum(each**2 for each in hardly)), proportion=False)
    assert parts(lift) == pytest.approx((8, None, None))
    assert relative_ratio(cents([300, 600], [1, 2]), cents(hardly, [1, 1])).low is None
    assert cuped(cents([300, 600], [1, 1]), cents(hardly, [1, 1])).relative.high is None
