"""The intervals of a whole table at once: 1,000 arms x segments in milliseconds, with the figures of the scalar functions.

Every argument is a column with a row for each comparison (or one number for all). Counts and sums in
integers stay exact up to the one division.
What the scalar function gives as None is NaN here, also where an arm has nobody: a table has such rows, and must not stop at them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr, stdtrit

from response.statistics.relative import FURTHEST
from response.statistics.sums import Effect, quantile

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effects:
    """Estimates, intervals and two-sided p-values as columns; NaN where the data cannot say."""

    estimate: Column
    low: Column
    high: Column
    p_value: Column

    def rows(self) -> tuple[Effect, ...]:
        """The same as single effects, with None for NaN."""
        columns = np.broadcast_arrays(self.estimate, self.low, self.high)
        known = [[None if each != each else each for each in column.tolist()] for column in columns]  # noqa: PLR0124 - only NaN differs from itself
        return tuple(Effect(*row) for row in zip(*known, strict=True))


@dataclass(frozen=True, slots=True)
class SumsColumns:
    """`sums.Sums` for each row: n, Σy and Σy² over the customers assigned, y counted in 1/`unit`."""

    n: ArrayLike
    y: ArrayLike
    yy: ArrayLike
    unit: int = 1

    @property
    def mean(self) -> Column:
        """Mean of y in the metric's own unit; NaN without customers."""
        return _floats(self.y) / (_positive(self.n) * self.unit)

    @property
    def variance_of_mean(self) -> Column:
        """Sample variance (denominator n - 1) / n; NaN below two customers."""
        n, y, yy = _exact(self.n), _exact(self.y), _exact(self.yy)
        customers = np.where(_floats(self.n) >= 2, _floats(self.n), np.nan)
        spread = _floats(np.maximum(n * yy - y * y, 0))
        variance: Column = spread / (customers * (customers - 1) * self.unit**2)
        return variance / customers


def differences_of_proportions(y1: ArrayLike, n1: ArrayLike, y0: ArrayLike, n0: ArrayLike, level: float = 0.95) -> Effects:
    """`y1` of `n1` customers in test minus `y0` of `n0` in control; as proportions.difference_of_proportions (Newcombe, method 10).

    p is that of proportions.proportions_p_value.
    """
    test, control = _floats(y1) / _positive(n1), _floats(y0) / _positive(n0)
    (test_low, test_high), (control_low, control_high) = _wilson(y1, n1, level), _wilson(y0, n0, level)
    difference = test - control
    low = difference - np.hypot(test - test_low, control_high - control)
    high = difference + np.hypot(test_high - test, control - control_low)
    return Effects(difference, low, high, _score_p(y1, n1, y0, n0))


def relative_proportions(y1: ArrayLike, n1: ArrayLike, y0: ArrayLike, n0: ArrayLike, level: float = 0.95) -> Effects:
    """Share of test divided by share of control, less 1; as relative.relative_lift with proportion=True (Katz, log scale).

    p is that of proportions.proportions_p_value, the test of the difference.
    """
    test, control = _floats(y1) / _positive(n1), _floats(y0) / _positive(n0)
    variance = (1 - test) / _above_zero(_floats(y1)) + (1 - control) / _above_zero(_floats(y0))
    return _lifts(test, control, variance, _score_p(y1, n1, y0, n0), level)


def differences_of_means(test: SumsColumns, control: SumsColumns, level: float = 0.95) -> Effects:
    """Mean of test minus mean of control; as means.difference_of_means and means.means_p_value (Welch)."""
    difference, error, freedom = _welch(test, control)
    reach = stdtrit(freedom, (1 + level) / 2) * error
    return Effects(difference, difference - reach, difference + reach, _welch_p(difference, error, freedom))


def relative_means(test: SumsColumns, control: SumsColumns, level: float = 0.95) -> Effects:
    """Mean of test divided by mean of control, less 1; as relative.relative_lift with proportion=False.

    p is that of means.means_p_value, the test of the difference.
    """
    of_test, of_control = _above_zero(test.mean), _above_zero(control.mean)
    variance = test.variance_of_mean / of_test**2 + control.variance_of_mean / of_control**2
    return _lifts(of_test, of_control, variance, _welch_p(*_welch(test, control)), level)


def _wilson(y: ArrayLike, n: ArrayLike, level: float) -> tuple[Column, Column]:
    count, customers, z = _floats(y), _positive(n), quantile(level)
    spread = z * np.sqrt(z * z + 4 * count * (1 - count / customers))
    below = 2 * (customers + z * z)
    return np.maximum(0.0, (2 * count + z * z - spread) / below), np.minimum(1.0, (2 * count + z * z + spread) / below)


def _score_p(y1: ArrayLike, n1: ArrayLike, y0: ArrayLike, n0: ArrayLike) -> Column:
    """The pooled z test; 1 when nobody or everybody responded."""
    test_n, control_n = _positive(n1), _positive(n0)
    pooled = (_floats(y1) + _floats(y0)) / (test_n + control_n)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / test_n + 1 / control_n))
    z = (_floats(y1) / test_n - _floats(y0) / control_n) / np.where(spread > 0, spread, np.inf)
    return np.where(np.isnan(spread), np.nan, 2 * ndtr(-np.abs(z)))


def _welch(test: SumsColumns, control: SumsColumns) -> tuple[Column, Column, Column]:
    """Difference, its standard error, and Satterthwaite's degrees of freedom."""
    of_test, of_control = test.variance_of_mean, control.variance_of_mean
    parts = of_test**2 / (_floats(test.n) - 1) + of_control**2 / (_floats(control.n) - 1)
    variance = _above_zero(of_test + of_control)
    return test.mean - control.mean, np.sqrt(variance), variance**2 / parts


def _welch_p(difference: Column, error: Column, freedom: Column) -> Column:
    return np.asarray(2 * stdtr(freedom, -np.abs(difference) / error))


def _lifts(test: Column, control: Column, variance: Column, p_value: Column, level: float) -> Effects:
    lift = np.log(_above_zero(test) / _above_zero(control))
    reach = quantile(level) * np.sqrt(_above_zero(variance))
    reach = np.where(np.abs(lift) + reach > FURTHEST, np.nan, reach)
    return Effects(np.expm1(lift), np.expm1(lift - reach), np.expm1(lift + reach), p_value)


def _exact(values: ArrayLike) -> NDArray[Any]:
    """Integers as Python's own, which do not overflow: a product of a million customers and their cents would."""
    column = np.atleast_1d(np.asarray(values))
    return column.astype(object) if column.dtype.kind in "iu" else column


def _floats(values: ArrayLike) -> Column:
    return np.atleast_1d(np.asarray(values)).astype(np.float64)


def _positive(n: ArrayLike) -> Column:
    return _above_zero(_floats(n))


def _above_zero(values: Column) -> Column:
    """NaN instead of 0 and less."""
    return np.where(values > 0, values, np.nan)
