"""Differences between two proportions. Denominators are customers assigned."""

from math import sqrt

from scipy.special import ndtr

from response.statistics.sums import Effect, Sums, quantile


def wilson(arm: Sums, level: float = 0.95) -> tuple[float, float]:
    """The score interval of one proportion, without continuity correction.

    Source: Wilson 1927, JASA 22:209; Newcombe 1998, Statistics in Medicine 17:857, method 3.
    """
    share, z = arm.mean, quantile(level)
    centre = 2 * arm.y + z * z
    spread = z * sqrt(z * z + 4 * arm.y * (1 - share))
    below = 2 * (arm.n + z * z)
    return max(0.0, (centre - spread) / below), min(1.0, (centre + spread) / below)


def difference_of_proportions(test: Sums, control: Sums, level: float = 0.95) -> Effect:
    """Share of test minus share of control, with the hybrid score interval.

    Holds its level with few responses, and with none. Source: Newcombe 1998, Statistics in Medicine 17:873, method 10.
    Raises EmptyArmError.
    """
    (test_low, test_high), (control_low, control_high) = wilson(test, level), wilson(control, level)
    difference = test.mean - control.mean
    down = sqrt((test.mean - test_low) ** 2 + (control_high - control.mean) ** 2)
    up = sqrt((test_high - test.mean) ** 2 + (control.mean - control_low) ** 2)
    return Effect(difference, difference - down, difference + up)


def proportions_p_value(test: Sums, control: Sums) -> float:
    """Two-sided p of the score test (pooled z): the square of z is Pearson's chi-square without continuity correction.

    The Newcombe interval is built from the same score idea but not by inverting this test; close to the border the
    two can differ. Verdicts go by the interval. 1 when nobody or everybody responded. Raises EmptyArmError.
    """
    pooled = (test.y + control.y) / (test.n + control.n)
    spread = sqrt(pooled * (1 - pooled) * (1 / test.n + 1 / control.n)) if test.n and control.n else 0.0
    difference = test.mean - control.mean
    return float(2 * ndtr(-abs(difference) / spread)) if spread else 1.0
