"""The ratio of two differences between the same two arms, such as what an extra response cost."""

from dataclasses import dataclass
from math import sqrt

from response.statistics.sums import UNDEFINED, Effect, Sums, quantile


@dataclass(frozen=True, slots=True)
class Pair:
    """Two figures of the same customers of one arm: `top` is divided by `bottom`. `product` is Σ top·bottom, in the units of both."""

    top: Sums
    bottom: Sums
    product: float

    @property
    def covariance(self) -> float:
        """Sample covariance (denominator n - 1) in the figures' own units. Raises EmptyArmError below two customers."""
        self.top.require(2)
        n = self.top.n
        return (n * self.product - self.top.y * self.bottom.y) / (n * (n - 1) * self.top.unit * self.bottom.unit)


def ratio_of_differences(test: Pair, control: Pair, level: float = 0.95) -> Effect:
    """Difference in the mean of `top` divided by the difference in the mean of `bottom`, with Fieller's interval.

    Each arm has its own variances and covariance. Undefined when the difference below cannot be told from 0, or an arm has fewer than
    two customers.
    """
    if min(test.top.n, control.top.n) < 2:
        return UNDEFINED
    arms = ((each, each.top.n) for each in (test, control))
    spread = [(arm.top.variance / n, arm.bottom.variance / n, arm.covariance / n) for arm, n in arms]
    top, bottom = test.top.mean - control.top.mean, test.bottom.mean - control.bottom.mean
    return ratio_of_effects(top, bottom, *(sum(parts) for parts in zip(*spread, strict=True)), level=level)


def ratio_of_effects(
    top: float, bottom: float, top_variance: float, bottom_variance: float, covariance: float, *, level: float = 0.95
) -> Effect:
    """`top` divided by `bottom`, two estimated effects on the same customers, with Fieller's interval.

    The variances and the covariance are those of the estimates. Undefined when `bottom` cannot be told from 0 at this level: then the set
    of ratios that fit the data has no ends, and a figure would be made up.
    Source: Fieller 1954, JRSS B 16:175; for cost by effect Willan and O'Brien 1996, Health Economics 5:297.
    """
    z = quantile(level)
    a = bottom**2 - z**2 * bottom_variance
    if a <= 0:
        return UNDEFINED
    b = top * bottom - z**2 * covariance
    c = top**2 - z**2 * top_variance
    reach = sqrt(max(0.0, b * b - a * c))  # below 0 only by rounding, when nothing varies
    return Effect(top / bottom, (b - reach) / a, (b + reach) / a)
