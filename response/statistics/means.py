"""Differences between two means. Denominators are customers assigned, whether or not they spent anything."""

from math import sqrt

from scipy.special import stdtr, stdtrit

from response.statistics.sums import Effect, Sums


def difference_of_means(test: Sums, control: Sums, level: float = 0.95) -> Effect:
    """Mean of test minus mean of control, with an interval that does not assume equal variances.

    Without an interval when an arm has one customer, or when nobody differs from anybody (no spread to judge by).
    Source: Welch 1947, Biometrika 34:28, with Satterthwaite's degrees of freedom. Raises EmptyArmError.
    """
    difference = test.mean - control.mean
    if min(test.n, control.n) < 2 or not (error := standard_error(test, control)):
        return Effect(difference, None, None)
    reach = float(stdtrit(degrees_of_freedom(test, control), (1 + level) / 2)) * error
    return Effect(difference, difference - reach, difference + reach)


def means_p_value(test: Sums, control: Sums) -> float | None:
    """Two-sided p of Welch's t test; the interval above is its inversion. None where that has no interval."""
    if min(test.n, control.n) < 2 or not (error := standard_error(test, control)):
        return None
    return float(2 * stdtr(degrees_of_freedom(test, control), -abs(test.mean - control.mean) / error))


def standard_error(test: Sums, control: Sums) -> float:
    """Standard error of the difference of two means, each arm with its own variance."""
    return sqrt(test.variance / test.n + control.variance / control.n)


def degrees_of_freedom(test: Sums, control: Sums) -> float:
    """Satterthwaite's approximation. Source: Satterthwaite 1946, Biometrics Bulletin 2:110."""
    of_test, of_control = test.variance / test.n, control.variance / control.n
    return (of_test + of_control) ** 2 / (of_test**2 / (test.n - 1) + of_control**2 / (control.n - 1))
