"""How small a difference can be seen. Both arms' own variance, unequal shares."""

from math import sqrt

from scipy.special import ndtr, ndtri

from response.statistics.means import standard_error
from response.statistics.sums import Sums

POWER = 0.8
ALPHA = 0.05
_STEPS = 60  # halvings: to 1e-18 of a rate


def power_of_proportions(test_rate: float, control_rate: float, test_n: int, control_n: int, alpha: float = ALPHA) -> float:
    """Chance that the score test finds this true difference in its own direction.

    Source: Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, section 4.3, without correction.
    """
    pooled = (test_n * test_rate + control_n * control_rate) / (test_n + control_n)
    under_none = sqrt(pooled * (1 - pooled) * (1 / test_n + 1 / control_n))
    under_true = sqrt(test_rate * (1 - test_rate) / test_n + control_rate * (1 - control_rate) / control_n)
    if not under_true:
        return float(test_rate != control_rate)
    return float(ndtr((abs(test_rate - control_rate) - float(ndtri(1 - alpha / 2)) * under_none) / under_true))


def detectable_rise(control_rate: float, test_n: int, control_n: int, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest rise of a rate that is found with this power, or None when even a rise to 100 % would not be."""
    if not (test_n and control_n) or control_rate >= 1 or power_of_proportions(1, control_rate, test_n, control_n, alpha) < power:
        return None
    low, high = control_rate, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = power_of_proportions(middle, control_rate, test_n, control_n, alpha) >= power
        low, high = (low, middle) if found else (middle, high)
    return high - control_rate


def detectable_difference(test: Sums, control: Sums, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference of means that is found with this power, by the spread that was seen in each arm."""
    if min(test.n, control.n) < 2 or not (error := standard_error(test, control)):
        return None
    return float(ndtri(1 - alpha / 2) + ndtri(power)) * error
