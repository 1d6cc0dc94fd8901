"""Ratios such as spend per visit: Σy / Σx, where customers were assigned and visits were not."""

from collections.abc import Callable
from math import exp, log, sqrt

from scipy.special import ndtr

from response.statistics.moments import Moments
from response.statistics.relative import from_logarithm
from response.statistics.sums import UNDEFINED, Effect, quantile


def ratio(arm: Moments) -> float | None:
    """Σy / Σx in the outcome's unit per unit of the denominator; None when Σx is not above 0. Raises EmptyArmError."""
    return arm.outcome.mean / arm.covariate.mean if arm.covariate.mean > 0 else None


def ratio_variance(arm: Moments) -> float:
    """Variance of one customer's part in the ratio, s² of (y - R·x) / mean x; divided by n it is that of the ratio.

    The delta method with the covariance, each s² with denominator n - 1. Σx must be above 0.
    Source: Deng, Knoblich and Lu 2018, Applying the Delta Method in Metric Analytics, KDD.
    """
    return arm.variance_of(1, -arm.outcome.mean / arm.covariate.mean) / arm.covariate.mean**2


def difference_of_ratios(test: Moments, control: Moments, level: float = 0.95) -> Effect:
    """Ratio of test minus ratio of control, with a normal interval; each arm has its own variance (`ratio_variance`).

    Undefined when an arm's denominator is not above 0; without an interval when an arm has one customer, or nothing varies.
    Raises EmptyArmError.
    """
    of_test, of_control = ratio(test), ratio(control)
    if of_test is None or of_control is None:
        return UNDEFINED
    difference = of_test - of_control
    if not (error := _error(test, control, ratio_variance)):
        return Effect(difference, None, None)
    reach = quantile(level) * error
    return Effect(difference, difference - reach, difference + reach)


def ratio_p_value(test: Moments, control: Moments) -> float | None:
    """Two-sided p of the normal test that the interval inverts. None where that has no interval. Raises EmptyArmError."""
    of_test, of_control = ratio(test), ratio(control)
    if of_test is None or of_control is None or not (error := _error(test, control, ratio_variance)):
        return None
    return float(2 * ndtr(-abs(of_test - of_control) / error))


def relative_ratio(test: Moments, control: Moments, level: float = 0.95) -> Effect:
    """Ratio of test divided by ratio of control, less 1, with a normal interval on the log scale.

    Undefined when a ratio is not above 0: a share of nothing has no meaning. Source: as above, with the delta method on the
    logarithm. Raises EmptyArmError.
    """
    of_test, of_control = ratio(test), ratio(control)
    if of_test is None or of_control is None or of_test <= 0 or of_control <= 0:
        return UNDEFINED
    lift = log(of_test / of_control)
    if not (error := _error(test, control, _variance_of_log)):
        return Effect(exp(lift) - 1, None, None)
    return from_logarithm(lift, error**2, level)


def _variance_of_log(arm: Moments) -> float:
    return arm.variance_of(1 / arm.outcome.mean, -1 / arm.covariate.mean)


def _error(test: Moments, control: Moments, variance: Callable[[Moments], float]) -> float | None:
    """Standard error of the difference of the arms, or None when it cannot be known."""
    if min(test.n, control.n) < 2:
        return None
    return sqrt(variance(test) / test.n + variance(control) / control.n)
