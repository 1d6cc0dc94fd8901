"""How many customers an answer takes, before the first message is sent: pure, from what customers do anyway."""

from dataclasses import dataclass

from engine.metrics import MetricSpec
from response.statistics.looks import HYBRID_FIXED
from response.statistics.moments import Moments
from response.statistics.power import (
    POWER,
    Sizes,
    detectable_fall,
    detectable_of_means,
    detectable_rise,
    power_of_means,
    power_of_proportions,
    power_of_ratios,
    sample_size_of_means,
    sample_size_of_proportions,
    sample_size_of_ratios,
)
from response.statistics.ratios import ratio, ratio_variance


@dataclass(frozen=True, slots=True)
class Base:
    """What a customer does anyway: the metric's mean (a rate 0..1, an amount, a ratio), and the variance of one customer."""

    mean: float
    variance: float

    @classmethod
    def of_rate(cls, rate: float) -> "Base":
        """A share of customers."""
        return cls(rate, rate * (1 - rate))

    @classmethod
    def of_history(cls, spec: MetricSpec, moments: Moments) -> "Base | None":
        """From sums over customers; None where they say too little: nobody did it, or (of a ratio) there is nothing to divide by."""
        if moments.n < 2 or not moments.y or (spec.per and ratio(moments) is None):
            return None
        if spec.per:
            return cls(ratio(moments) or 0.0, ratio_variance(moments))
        mean = moments.outcome.mean
        return cls.of_rate(mean) if spec.unit == "share" else cls(mean, moments.outcome.variance)


@dataclass(frozen=True, slots=True)
class Pair:
    """An arm and the control that it is compared with: customers of each if everybody came in now, and how many arms share the control.

    `arm_share` is the arm's part (0..1) of the two together as it is written; None where the data assigns.
    """

    node: str
    kind: str
    arm: str
    control: str
    arm_customers: int
    control_customers: int
    arms: int = 1
    arm_share: float | None = None

    @property
    def customers(self) -> int:
        """Both together."""
        return self.arm_customers + self.control_customers


@dataclass(frozen=True, slots=True)
class Needed:
    """What a pair needs and can do. Both are for four cases out of five, with the test at `alpha` (divided among several arms).

    `sizes` is what the goal's smallest effect takes, at the pair's own proportion; `detectable` the smallest effect that shows with
    those who come in now; `power` the chance (0..1) that the goal's smallest effect shows with them. None where nobody can say.
    """

    pair: Pair
    alpha: float
    sizes: Sizes | None
    detectable: float | None
    power: float | None

    @property
    def enough(self) -> bool | None:
        """Whether those who come in now are enough for the goal; None when nobody can say."""
        return None if self.power is None else self.power >= POWER


def needed(pair: Pair, spec: MetricSpec, base: Base, minimum: float | None) -> Needed:
    """What one comparison needs. `minimum` is the smallest effect that matters, in the metric's own unit.

    With several arms against one control each is tested at the level of the closing date (`HYBRID_FIXED`, for the rest is spent on
    looking early) divided by their number: the strictest step of Holm's method, so
    that no arm needs more.
    """
    alpha = HYBRID_FIXED / pair.arms
    plan = _Shares(spec, base, alpha) if spec.unit == "share" else _Means(spec, base, alpha)
    share = pair.arm_share if pair.arm_share is not None else pair.arm_customers / pair.customers if pair.customers else 0.0
    sizes = plan.sizes(minimum, share) if minimum is not None else None
    counts = pair.arm_customers, pair.control_customers
    if min(counts) < 2:
        return Needed(pair, alpha, sizes, None, None)
    return Needed(pair, alpha, sizes, plan.detectable(*counts), plan.power(minimum, *counts) if minimum is not None else None)


@dataclass(frozen=True, slots=True)
class _Shares:
    spec: MetricSpec
    base: Base
    alpha: float

    def sizes(self, minimum: float, share: float) -> Sizes | None:
        rate = self._changed(minimum)
        return None if rate is None else sample_size_of_proportions(rate, self.base.mean, share, POWER, self.alpha)

    def detectable(self, arm: int, control: int) -> float | None:
        found = detectable_rise if self.spec.better == "more" else detectable_fall
        return found(self.base.mean, arm, control, POWER, self.alpha)

    def power(self, minimum: float, arm: int, control: int) -> float | None:
        rate = self._changed(minimum)
        return None if rate is None else power_of_proportions(rate, self.base.mean, arm, control, self.alpha)

    def _changed(self, minimum: float) -> float | None:
        rate = self.base.mean + (minimum if self.spec.better == "more" else -minimum)
        return rate if 0 <= rate <= 1 else None


@dataclass(frozen=True, slots=True)
class _Means:
    """Amounts and ratios: the arm is taken to spread as much as customers do anyway."""

    spec: MetricSpec
    base: Base
    alpha: float

    def sizes(self, minimum: float, share: float) -> Sizes | None:
        found = sample_size_of_ratios if self.spec.per else sample_size_of_means
        return found(minimum, self.base.variance, self.base.variance, share, POWER, self.alpha)

    def detectable(self, arm: int, control: int) -> float | None:
        return detectable_of_means(self.base.variance, self.base.variance, arm, control, POWER, self.alpha)

    def power(self, minimum: float, arm: int, control: int) -> float | None:
        if not self.base.variance:
            return None
        found = power_of_ratios if self.spec.per else power_of_means
        return found(minimum, self.base.variance, self.base.variance, arm, control, self.alpha)
