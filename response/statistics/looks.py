"""May I look today? Tests and bands that hold at any moment, and the hybrid rule that combines them with the closing date.

A campaign writes to one cohort on day 0 and responses trickle in at a pace that differs per channel. Without an effect each
converter belongs to an arm with the probability of that arm's share of customers, whatever the pace: this is what is tested.
The rule spends .005 on that while the campaign runs, and .045 on the fixed test at the registered closing date.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from response.statistics.means import standard_error
from response.statistics.sums import Effect, Sums

HYBRID_EARLY = 0.005  # while the campaign runs
HYBRID_FIXED = 0.045  # at the registered closing date; its interval has level 1 - .045
CONCENTRATION = 100.0  # any value is valid; this one is quickest where odds differ by a quarter to a half
TIGHTEST_AT = 200.0  # responses at which a band of means is narrowest for its level; ten times more or fewer costs a tenth
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Early:
    """What a series of looks found while a campaign ran. `p_value` is the smallest so far: valid however often was looked.

    `found_at` is the place of the first look that found something, and `rise` whether the test arm was then ahead; else None.
    """

    p_value: float
    found_at: int | None = None
    rise: bool | None = None


def any_time_p(converters: Sequence[int], shares: Sequence[float], concentration: float = CONCENTRATION) -> float:
    """The p-value of converters per arm belonging to the arms in proportion to `shares`: valid at any moment, however often.

    `converters` are customers who have responded by now, each counted once; `shares` customers assigned per arm, in any unit.
    1 / the Bayes factor of Dirichlet(concentration · shares) against the shares, at most 1. Of several looks the smallest counts.
    Source: Lindon and Malek 2022, Anytime-Valid Inference for Multinomial Count Data, NeurIPS (arXiv 2011.03567).
    """
    counts, parts = np.asarray(converters, float), np.asarray(shares, float)
    if not len(parts) or parts.min() <= 0:
        return 1.0
    null = parts / parts.sum()
    evidence = _foretold(counts, concentration * null) - float(xlogy(counts, null).sum())
    return min(1.0, exp(min(0.0, -evidence)))


def early_finding(history: Sequence[tuple[int, int]], sizes: tuple[int, int], alpha: float = HYBRID_EARLY) -> Early:
    """What a series of looks has found: `history` has the converters so far of test and control at each look, oldest first.

    `sizes` are the customers assigned to test and control. With k arms against one control, give each `HYBRID_EARLY / k`.
    """
    smallest, found = 1.0, None
    for place, (test, control) in enumerate(history):
        p = any_time_p((test, control), sizes)
        if found is None and p < alpha:
            found = Early(p, place, test * sizes[1] > control * sizes[0])
        smallest = min(smallest, p)
    return Early(smallest, found.found_at, found.rise) if found else Early(smallest)


def band_of_proportions(test: Sums, control: Sums, level: float = 0.95) -> Effect:
    """Share of test minus share of control, with a band that holds at any moment while responses come in.

    It inverts `any_time_p`, so that it excludes 0 exactly when that is below 1 - level. What is bounded is the test arm's part of
    all converters; the converters seen so far, of both arms together, are taken as they are. That suits responses of some per
    cents; at high shares the band is wider than need be. Nobody yet: from -1 to 1. Raises EmptyArmError.
    """
    difference, everyone = test.mean - control.mean, test.n + control.n
    if not (converters := test.y + control.y):
        return Effect(difference, -1.0, 1.0)
    low, high = _part_of_converters(test.y, control.y, test.n / everyone, 1 - level)
    edges = [converters * (part / test.n - (1 - part) / control.n) for part in (low, high)]
    # With converters in one arm only, an edge is the estimate itself, but for rounding.
    return Effect(difference, max(-1.0, min(edges[0], difference)), min(1.0, max(edges[1], difference)))


def confidence_sequence(test: Sums, control: Sums, level: float = 0.95, tightest_at: float = TIGHTEST_AT) -> Effect:
    """Mean of test minus mean of control, with a band that holds at any moment: an asymptotic confidence sequence.

    The estimate ± se·√((1 + 1/η)·ln((1 + η) / α²)), where se is Welch's standard error and η = η*·m / `tightest_at`: m is
    (Σy)² / Σy² over both arms, the number of responses that the data amount to (for shares the responders themselves), and η* makes the
    band narrowest, about 1.55 times the fixed interval, when m is `tightest_at`. Choose that before looking. Without a band as
    Welch. For y of both signs m is too small and the band too wide, never too narrow. Raises EmptyArmError.
    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence
    sequences, 2024, Annals of Statistics (arXiv 2103.06476), the mixture's boundary, written for the variance of a difference.
    """
    difference = test.mean - control.mean
    if min(test.n, control.n) < 2 or not (error := standard_error(test, control)):
        return Effect(difference, None, None)
    alpha = 1 - level
    responses = _responses(test, control)
    if not responses:
        return Effect(difference, None, None)
    eta = _narrowest(alpha) * responses / tightest_at
    reach = error * sqrt((1 + 1 / eta) * log((1 + eta) / alpha**2))
    return Effect(difference, difference - reach, difference + reach)


def _foretold(counts: NDArray[np.float64], prior: NDArray[np.float64]) -> float:
    """Logarithm of the chance that Dirichlet(prior) gives to one order in which these converters could come."""
    both = prior + counts
    return float(gammaln(prior.sum()) - gammaln(both.sum()) + (gammaln(both) - gammaln(prior)).sum())


def _part_of_converters(test: float, control: float, share: float, alpha: float) -> tuple[float, float]:
    """The test arm's part of all converters, between the parts that the any-time test at `alpha` just does not reject."""
    counts, prior = np.array([test, control], float), CONCENTRATION * np.array([share, 1 - share])
    least = _foretold(counts, prior) + log(alpha)

    def rejected(part: float) -> bool:
        return float(xlogy(test, part) + xlogy(control, 1 - part)) < least

    seen = test / (test + control)
    return _edge(rejected, seen, 0.0), _edge(rejected, seen, 1.0)


def _edge(rejected: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where between a part that is not rejected and the end the rejection begins, by halving; the end when it does not."""
    if not rejected(outside):
        return outside
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
    return outside


def _responses(test: Sums, control: Sums) -> float:
    """How many equal responses would scatter as much: (Σy)² / Σy² over both arms."""
    squares = test.yy + control.yy
    return (test.y + control.y) ** 2 / squares if squares else 0.0


def _narrowest(alpha: float) -> float:
    """The η that makes the band narrowest: it solves η = ln((1 + η) / α²)."""
    eta = -2 * log(alpha)
    for _ in range(_STEPS):
        eta = log((1 + eta) / alpha**2)
    return eta
