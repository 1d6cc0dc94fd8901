"""Whom to write to, in money: what a policy earns that writes to the customers with the highest scores only."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from response.statistics.sums import Sums

DRAWS = 200

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Randomised:
    """Customers of a randomised comparison, a row each: who was assigned to test (not: who was reached), and what came of it.

    `outcome` is a 0/1 response, or an amount.
    """

    treated: NDArray[np.bool_]
    outcome: Column

    def sums(self, *, arm: bool) -> Sums:
        """n, Σy and Σy² of one arm."""
        y = self.outcome[self.treated == arm]
        return Sums(len(y), float(y.sum()), float((y * y).sum()))


@dataclass(frozen=True, slots=True)
class PolicyCurve:
    """Expected profit per customer of the whole audience, by the share (0 to 1) written to, best scores first.

    `low` and `high` are bootstrap percentiles at each share by itself: not a band for the whole curve at once.
    `best_share` is where the curve is highest. It was picked on the same customers and so flatters a little.
    """

    share: Column
    profit: Column
    low: Column
    high: Column

    @property
    def best_share(self) -> float:
        """The share of the audience with the highest expected profit."""
        return float(self.share[int(np.argmax(self.profit))])


def policy_curve(scores: Column, data: Randomised, contact_cost: float, seed: int, steps: int = 20, level: float = 0.95) -> PolicyCurve:
    """Expected profit at 0, 1/steps, ... 1 of the audience, against writing to nobody; outcomes and `contact_cost` are money.

    At a share q: q·(mean of test - mean of control - contact_cost), both means among the customers whose score is in the top q.
    Scores were made without the customer's own outcome (see `uplift.cross_fitted_scores`); customers with the same score stand or
    fall together, and between two scores the sums grow evenly. NaN where the top has nobody in test, or nobody in control. The band
    resamples customers, `DRAWS` times, with this seed; the scores stay.
    Source: Hitsch, Misra and Zhang 2024, Quantitative Marketing and Economics 22:115 (profit of targeting policies); Efron and
    Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile interval).
    """
    share = np.linspace(0, 1, steps + 1)
    ranked = Ranked.of(scores, data)
    generator = np.random.default_rng(seed)
    drawn = np.array([_profit(ranked.resampled(generator), share, contact_cost) for _ in range(DRAWS)])
    low, high = percentile_band(drawn, level)
    return PolicyCurve(share, _profit(ranked, share, contact_cost), low, high)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Customers from the highest score to the lowest, in groups of equal scores; `weight` is how often a bootstrap drew each."""

    group: NDArray[np.int64]
    treated: NDArray[np.bool_]
    value: Column
    weight: Column

    @classmethod
    def of(cls, scores: Column, data: Randomised) -> "Ranked":
        """Rank them."""
        order = np.argsort(-scores, kind="stable")
        group = np.concatenate([[0], np.cumsum(np.diff(scores[order]) != 0)])
        return cls(group, data.treated[order].astype(np.bool_), data.outcome[order].astype(float), np.ones(len(scores)))

    def resampled(self, generator: np.random.Generator) -> "Ranked":
        """As many customers, drawn with replacement."""
        drawn = np.bincount(generator.integers(len(self.group), size=len(self.group)), minlength=len(self.group))
        return Ranked(self.group, self.treated, self.value, drawn.astype(float))

    def cumulative(self) -> "Cumulative":
        """Customers and Σ value of both arms in the top groups, from none to all."""
        of_test, of_control = self.weight * self.treated, self.weight * ~self.treated
        parts = (of_test, of_control, of_test * self.value, of_control * self.value)
        return Cumulative(*(np.concatenate([[0.0], np.cumsum(np.bincount(self.group, part))]) for part in parts))


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Weighted customers and their values in the top groups, from none to all."""

    test_n: Column
    control_n: Column
    test_value: Column
    control_value: Column

    def at(self, share: Column) -> "Cumulative":
        """The same at these shares of all customers, on a straight line within a group of equal scores."""
        everyone = self.test_n + self.control_n
        columns = (self.test_n, self.control_n, self.test_value, self.control_value)
        return Cumulative(*(np.interp(share, everyone / everyone[-1], column) for column in columns))


def percentile_band(drawn: NDArray[np.float64], level: float) -> tuple[Column, Column]:
    """Percentiles of bootstrap draws (rows), passing over draws in which a figure is not defined; NaN when it is in none."""
    low, high = np.full((2, drawn.shape[1]), np.nan)
    for place, column in enumerate(drawn.T):
        if len(known := column[~np.isnan(column)]):
            low[place], high[place] = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return low, high


def _profit(ranked: Ranked, share: Column, contact_cost: float) -> Column:
    top = ranked.cumulative().at(share)
    nan = np.full_like(share, np.nan)
    test_mean = np.divide(top.test_value, top.test_n, out=nan.copy(), where=top.test_n > 0)
    control_mean = np.divide(top.control_value, top.control_n, out=nan.copy(), where=top.control_n > 0)
    return np.where(share > 0, share * (test_mean - control_mean - contact_cost), 0.0)
