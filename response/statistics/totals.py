"""The sum of several independent effects."""

from collections.abc import Iterable
from math import sqrt

from response.statistics.sums import UNDEFINED, Effect


def sum_of_effects(effects: Iterable[Effect]) -> Effect:
    """Σ of independent estimates, with an interval recovered from those of each (MOVER); undefined when one of them is, or there is none.

    Keeps the skewness of each interval, where adding standard errors would lose it. Source: Zou and Donner 2008, Statistics in
    Medicine 27:1693; Zou, Huang and Zhang 2009, Computational Statistics & Data Analysis 53:1080 (more than two terms).
    """
    known = [(each.estimate, each.low, each.high) for each in effects]
    if not known:
        return UNDEFINED
    estimate = down = up = 0.0
    for middle, low, high in known:
        if middle is None or low is None or high is None:
            return UNDEFINED
        estimate, down, up = estimate + middle, down + (middle - low) ** 2, up + (high - middle) ** 2
    return Effect(estimate, estimate - sqrt(down), estimate + sqrt(up))


def times(effect: Effect, customers: int) -> Effect:
    """An effect for each customer, for so many together."""
    estimate, low, high = (None if each is None else each * customers for each in (effect.estimate, effect.low, effect.high))
    return Effect(estimate, low, high)
