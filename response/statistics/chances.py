"""The chance that one arm is better: a second view, never the verdict. It knows nothing of what was looked at, or how often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betainccinv, betaincinv

from response.statistics.sums import Sums

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_TAILS = np.array([1e-18, 1e-14, 1e-11, 1e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.15, 0.3, 0.5])
_ALMOST_NOTHING = np.nextafter(-1.0, 0.0)  # where rounding would make a share 0 or 1

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chances:
    """What is believed of two shares after the data, from a uniform belief (Beta(1, 1)) before them.

    `better` is the chance that test's share is above control's. A loss is how much share is given up on average by choosing that
    arm: the mean of how far the other is above it, counting 0 where it is not; in shares of customers assigned.
    """

    better: float
    loss_of_test: float
    loss_of_control: float


@dataclass(frozen=True, slots=True)
class _Belief:
    """Beta(a, b) about an arm's share."""

    a: float
    b: float

    def below(self, share: Shares) -> Shares:
        return np.asarray(betainc(self.a, self.b, share))

    def above(self, share: Shares) -> Shares:
        return np.asarray(betaincc(self.a, self.b, share))

    def density(self, share: Shares) -> Shares:
        """Not divided by its integral: seen from its mean, so that nothing is lost with millions of customers."""
        mean = self.a / (self.a + self.b)
        below, above = (np.log1p(np.maximum(each, _ALMOST_NOTHING)) for each in ((share - mean) / mean, (mean - share) / (1 - mean)))
        logarithm = (self.a - 1) * below + (self.b - 1) * above
        return np.asarray(np.exp(logarithm - logarithm.max()))

    def edges(self) -> Shares:
        """Shares between which the belief changes little: quantiles from both tails."""
        return np.concatenate([betaincinv(self.a, self.b, _TAILS), betainccinv(self.a, self.b, _TAILS)])


def chances(test: Sums, control: Sums) -> Chances:
    """Exact by quadrature, for any number of customers; the sums are of counts. Denominators are customers assigned.

    Source: Miller 2015, Formulas for Bayesian A/B testing (the same integral as a sum); Stucchio 2015 (expected loss).
    Raises EmptyArmError.
    """
    test.require(1)
    control.require(1)
    of_test, of_control = _belief(test), _belief(control)
    return Chances(
        better=_average(of_control, of_test.above, [of_test, of_control]),
        loss_of_test=_integral(lambda share: of_test.below(share) * of_control.above(share), [of_test, of_control]),
        loss_of_control=_integral(lambda share: of_control.below(share) * of_test.above(share), [of_test, of_control]),
    )


def chance_of_better(test: Sums, control: Sums) -> float:
    """Chance (0 to 1) that test's share is above control's, from a uniform belief before the data. Raises EmptyArmError."""
    return chances(test, control).better


def expected_loss(test: Sums, control: Sums) -> float:
    """How much share is given up on average by choosing test, where control is better. Raises EmptyArmError."""
    return chances(test, control).loss_of_test


def chances_to_be_best(arms: Sequence[Sums]) -> tuple[float, ...]:
    """For each arm the chance that its share is above that of all others; they add up to 1. An arm may be empty."""
    beliefs = [_belief(arm) for arm in arms]
    found = [_average(each, _all_below([other for other in beliefs if other is not each]), beliefs) for each in beliefs]
    return tuple(chance / sum(found) for chance in found)  # together 1 but for the last bits


def _belief(arm: Sums) -> _Belief:
    return _Belief(1 + arm.y, 1 + arm.n - arm.y)


def _all_below(others: Sequence[_Belief]) -> Callable[[Shares], Shares]:
    return lambda share: np.prod([other.below(share) for other in others], axis=0)


def _average(belief: _Belief, value: Callable[[Shares], Shares], involved: Sequence[_Belief]) -> float:
    """Mean of a function of an arm's share. Dividing by the density's own integral takes its scale and its error out."""
    share, width = _points(involved)
    weight = belief.density(share) * width
    return float(np.clip((weight * value(share)).sum() / weight.sum(), 0.0, 1.0))


def _integral(value: Callable[[Shares], Shares], involved: Sequence[_Belief]) -> float:
    share, width = _points(involved)
    return float((value(share) * width).sum())


def _points(involved: Sequence[_Belief]) -> tuple[Shares, Shares]:
    """Gauss and Legendre's points and weights between all the quantiles, wide beliefs and narrow ones alike."""
    edges = np.unique(np.concatenate([[0.0, 1.0], *(each.edges() for each in involved)]))
    low, high = edges[:-1, None], edges[1:, None]
    points = (low + (high - low) * (_NODES + 1) / 2).ravel()
    weights = ((high - low) * _WEIGHTS / 2).ravel()
    inside = (points > 0) & (points < 1)
    return points[inside], weights[inside]
