"""One arm's rate or average by itself, with its interval."""

from math import sqrt

from scipy.special import stdtrit

from response.statistics.proportions import wilson
from response.statistics.sums import UNDEFINED, Effect, Sums


def rate_with_interval(arm: Sums, proportion: bool, level: float = 0.95) -> Effect:
    """The mean of y per customer assigned: of a proportion with Wilson's interval, else with Student's.

    Undefined when nobody was assigned; of an average of one customer without an interval.
    Sources: Wilson 1927, JASA 22:209; Student 1908, Biometrika 6:1.
    """
    if not arm.n:
        return UNDEFINED
    if proportion:
        return Effect(arm.mean, *wilson(arm, level))
    if arm.n < 2:
        return Effect(arm.mean, None, None)
    reach = float(stdtrit(arm.n - 1, (1 + level) / 2)) * sqrt(arm.variance / arm.n)
    return Effect(arm.mean, arm.mean - reach, arm.mean + reach)
