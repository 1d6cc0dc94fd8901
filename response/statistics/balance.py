"""Were the groups alike before anything happened?"""

from math import sqrt

from scipy.special import ndtr

from response.statistics.sums import UNDEFINED, Effect, Sums, quantile

ALIKE_BELOW = 0.1  # of a standard deviation: smaller is told as alike. Source: Austin 2009, below


def standardised_difference(test: Sums, control: Sums, level: float = 0.95) -> Effect:
    """Mean of test minus mean of control in standard deviations (the root of the two arms' average variance), with an interval.

    Undefined when an arm has fewer than two customers, or when nobody differs from anybody. Sources: Austin 2009, Statistics in
    Medicine 28:3083; the large-sample variance of Hedges and Olkin 1985, Statistical Methods for Meta-Analysis, section 5.C.
    """
    if min(test.n, control.n) < 2 or not (spread := sqrt((test.variance + control.variance) / 2)):
        return UNDEFINED
    difference = (test.mean - control.mean) / spread
    error = sqrt(1 / test.n + 1 / control.n + difference**2 / (2 * (test.n + control.n)))
    reach = quantile(level) * error
    return Effect(difference, difference - reach, difference + reach)


def chance_of_unlike(test_n: int, control_n: int, limit: float = ALIKE_BELOW) -> float:
    """How often two groups of this size, drawn from the same customers, differ by `limit` standard deviations or more."""
    return float(2 * ndtr(-limit / sqrt(1 / test_n + 1 / control_n))) if test_n and control_n else 0.0
