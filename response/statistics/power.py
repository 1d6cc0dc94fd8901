"""How many are needed, how small a difference can be seen, and how surely. Both arms' own variance, unequal shares.

Power is everywhere the chance that the two-sided test at `alpha` finds the true difference in its own direction; to find it in the
wrong direction is no success. A `test_share` is the test arm's part (0 to 1) of the customers assigned to the two arms together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from response.statistics.means import standard_error
from response.statistics.moments import Moments
from response.statistics.ratios import ratio, ratio_variance
from response.statistics.sums import Sums

POWER = 0.8
ALPHA = 0.05
_STEPS = 60  # halvings: to 1e-18 of a rate


@dataclass(frozen=True, slots=True)
class Sizes:
    """Customers to be assigned to each arm, rounded up."""

    test: int
    control: int

    @property
    def total(self) -> int:
        """Both arms together."""
        return self.test + self.control


def power_of_proportions(test_rate: float, control_rate: float, test_n: int, control_n: int, alpha: float = ALPHA) -> float:
    """Chance that the score test finds this true difference in its own direction.

    Source: Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, section 4.3, without correction.
    """
    under_none, under_true = _spreads(test_rate, control_rate, test_n / (test_n + control_n))
    root = sqrt(test_n + control_n)
    if not under_true:
        return float(test_rate != control_rate)
    return float(ndtr((abs(test_rate - control_rate) * root - float(ndtri(1 - alpha / 2)) * under_none) / under_true))


def power_of_means(
    difference: float, test_variance: float, control_variance: float, test_n: float, control_n: float, alpha: float = ALPHA
) -> float:
    """Chance that Welch's test finds this true difference of means in its own direction; variances of single customers.

    By the non-central t with Satterthwaite's degrees of freedom: exact for normal outcomes with equal variances.
    Source: Cohen 1988, Statistical Power Analysis, section 2.3; Moser, Stevens and Watts 1989, Communications in Statistics 18:3963.
    """
    of_test, of_control = test_variance / test_n, control_variance / control_n
    if not of_test + of_control:
        return float(difference != 0)
    freedom = (of_test + of_control) ** 2 / (of_test**2 / (test_n - 1) + of_control**2 / (control_n - 1))
    return float(1 - nctdtr(freedom, abs(difference) / sqrt(of_test + of_control), stdtrit(freedom, 1 - alpha / 2)))


def power_of_ratios(
    difference: float, test_variance: float, control_variance: float, test_n: float, control_n: float, alpha: float = ALPHA
) -> float:
    """Chance that the normal test of two ratios finds this true difference; variances as `ratios.ratio_variance` gives them."""
    error = sqrt(test_variance / test_n + control_variance / control_n)
    return float(ndtr(abs(difference) / error - ndtri(1 - alpha / 2))) if error else float(difference != 0)


def sample_size_of_proportions(
    test_rate: float, control_rate: float, test_share: float = 0.5, power: float = POWER, alpha: float = ALPHA
) -> Sizes | None:
    """Customers needed for `power_of_proportions` to reach `power`; None when the rates are equal or an arm has no share."""
    if test_rate == control_rate or not 0 < test_share < 1:
        return None
    under_none, under_true = _spreads(test_rate, control_rate, test_share)
    root = (ndtri(1 - alpha / 2) * under_none + ndtri(power) * under_true) / (test_rate - control_rate)
    return _sizes(float(root**2), test_share)


def sample_size_of_means(
    difference: float,
    test_variance: float,
    control_variance: float,
    test_share: float = 0.5,
    power: float = POWER,
    alpha: float = ALPHA,
) -> Sizes | None:
    """Customers needed for `power_of_means` to reach `power`; None without a difference, a spread or a share.

    With a handful in an arm, rounding up to whole customers can move the power in its third digit, either way.
    """
    if not (rough := _normal_total(difference, test_variance, control_variance, test_share, power, alpha)):
        return None

    def reached(total: float) -> bool:
        arms = total * test_share, total * (1 - test_share)
        return power_of_means(difference, test_variance, control_variance, *arms, alpha) >= power

    least = 2 / min(test_share, 1 - test_share)  # a variance takes two customers
    low, high = least, max(rough, least)
    while not reached(high):
        low, high = high, 1.1 * high
    return _sizes(_smallest(reached, low, high), test_share)


def sample_size_of_ratios(
    difference: float,
    test_variance: float,
    control_variance: float,
    test_share: float = 0.5,
    power: float = POWER,
    alpha: float = ALPHA,
) -> Sizes | None:
    """Customers (not visits) needed for `power_of_ratios` to reach `power`; None without a difference, a spread or a share."""
    total = _normal_total(difference, test_variance, control_variance, test_share, power, alpha)
    return _sizes(total, test_share) if total else None


def detectable_rise(control_rate: float, test_n: int, control_n: int, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest rise of a rate that is found with this power, or None when even a rise to 100 % would not be."""
    return _detectable_change(control_rate, 1.0, (test_n, control_n), power, alpha)


def detectable_fall(control_rate: float, test_n: int, control_n: int, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest fall of a rate that is found with this power, as a positive number; None when not even a fall to 0 would be."""
    return _detectable_change(control_rate, 0.0, (test_n, control_n), power, alpha)


def detectable_difference(test: Sums, control: Sums, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference of means that is found with this power, by the spread that was seen in each arm."""
    if min(test.n, control.n) < 2 or not standard_error(test, control):
        return None
    return detectable_of_means(test.variance, control.variance, test.n, control.n, power, alpha)


def detectable_of_means(
    test_variance: float, control_variance: float, test_n: int, control_n: int, power: float = POWER, alpha: float = ALPHA
) -> float | None:
    """The smallest difference for which `power_of_means` reaches `power`; None without a spread or with one customer in an arm."""
    if min(test_n, control_n) < 2 or not (error := sqrt(test_variance / test_n + control_variance / control_n)):
        return None

    def reached(difference: float) -> bool:
        return power_of_means(difference, test_variance, control_variance, test_n, control_n, alpha) >= power

    low, high = 0.0, float(ndtri(1 - alpha / 2) + ndtri(power)) * error
    while not reached(high):
        low, high = high, 1.1 * high
    return _smallest(reached, low, high)


def detectable_of_ratios(test: Moments, control: Moments, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference of ratios that is found with this power, by the spread seen in each arm; None when undefined."""
    if min(test.n, control.n) < 2 or ratio(test) is None or ratio(control) is None:
        return None
    error = sqrt(ratio_variance(test) / test.n + ratio_variance(control) / control.n)
    return float(ndtri(1 - alpha / 2) + ndtri(power)) * error or None


def _spreads(test_rate: float, control_rate: float, test_share: float) -> tuple[float, float]:
    """Standard errors of the difference of rates times the root of all customers: without an effect, and with this one."""
    control_share = 1 - test_share
    pooled = test_share * test_rate + control_share * control_rate
    under_none = sqrt(pooled * (1 - pooled) * (1 / test_share + 1 / control_share))
    under_true = sqrt(test_rate * (1 - test_rate) / test_share + control_rate * (1 - control_rate) / control_share)
    return under_none, under_true


def _normal_total(difference: float, test: float, control: float, test_share: float, power: float, alpha: float) -> float | None:
    """Customers in both arms together by the normal quantiles, given the variance of a customer in each arm."""
    if not difference or not test + control or not 0 < test_share < 1:
        return None
    quantiles = float(ndtri(1 - alpha / 2) + ndtri(power))
    return (quantiles / difference) ** 2 * (test / test_share + control / (1 - test_share))


def _sizes(total: float, test_share: float) -> Sizes:
    rounding = 1e-9 * total  # a whole number must not become the next one by the last bit
    return Sizes(ceil(total * test_share - rounding), ceil(total * (1 - test_share) - rounding))


def _detectable_change(rate: float, end: float, sizes: tuple[int, int], power: float, alpha: float) -> float | None:
    """The smallest change of a rate towards `end` that is found with this power."""
    if not all(sizes) or rate == end or power_of_proportions(end, rate, *sizes, alpha) < power:
        return None
    direction = 1 if end > rate else -1
    return _smallest(lambda change: power_of_proportions(rate + direction * change, rate, *sizes, alpha) >= power, 0.0, abs(end - rate))


def _smallest(reached: Callable[[float], bool], low: float, high: float) -> float:
    """The smallest number that reaches it, between one that does not and one that does, by halving."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
