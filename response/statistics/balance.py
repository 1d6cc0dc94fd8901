"""Were the groups alike before anything happened, and were they treated alike after?"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.special import chdtrc, ndtr

from response.statistics.sums import UNDEFINED, Effect, Sums, quantile

FEW = 5  # expected in a cell
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


def same_share_p_value(counted: Sequence[int], of: Sequence[int]) -> float | None:
    """Probability of shares `counted` / `of` at least this far apart when every group has the same one: Pearson's chi-square.

    None when it cannot be judged: fewer than two groups, or fewer than five expected in a cell. 1 when nobody or everybody is counted.
    Source: Pearson 1900; Cochran 1954, Biometrics 10:417, for the five.
    """
    yes, everyone = np.asarray(counted, float), np.asarray(of, float)
    if len(yes) < 2 or everyone.min() <= 0:
        return None
    share = yes.sum() / everyone.sum()
    if share in (0.0, 1.0):
        return 1.0
    expected = everyone * share
    if min(expected.min(), (everyone - expected).min()) < FEW:
        return None
    return float(chdtrc(len(yes) - 1, ((yes - expected) ** 2 / (expected * (1 - share))).sum()))
