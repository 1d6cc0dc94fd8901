"""The effect on those who were reached, beside (never instead of) the effect on all who were assigned."""

from math import sqrt

from response.statistics.moments import Moments
from response.statistics.sums import UNDEFINED, Effect, quantile


def complier_effect(itt: Effect, delivered_test: float, delivered_control: float = 0.0) -> Effect:
    """The effect per customer whom only the test arm reached: the effect per customer assigned, divided by the difference in reach.

    The shares (0..1) are customers reached / customers assigned, and count as known; `complier_effect_of` gives them an error
    too. It takes that an assignment without a delivery changes nothing. Undefined unless test was reached more than control.
    Source: Bloom 1984, Evaluation Review 8:225; Angrist, Imbens and Rubin 1996, JASA 91:444.
    """
    reached = delivered_test - delivered_control
    if itt.estimate is None or reached <= 0:
        return UNDEFINED
    bounds = [None if bound is None else bound / reached for bound in (itt.low, itt.high)]
    return Effect(itt.estimate / reached, *bounds)


def complier_effect_of(test: Moments, control: Moments, level: float = 0.95) -> Effect:
    """The same from y (outcome) and x (1 when reached, else 0), with the error of the reach in the interval: the Wald estimator.

    Delta method: each arm adds s² of (y - effect·x) / n, divided by the squared difference in reach; normal quantile.
    Undefined unless test was reached more than control. Source: Angrist and Pischke 2009, Mostly Harmless Econometrics, section 4.1.
    Raises EmptyArmError.
    """
    reached = test.covariate.mean - control.covariate.mean
    if reached <= 0:
        return UNDEFINED
    effect = (test.outcome.mean - control.outcome.mean) / reached
    if min(test.n, control.n) < 2:
        return Effect(effect, None, None)
    error = sqrt(test.variance_of(1, -effect) / test.n + control.variance_of(1, -effect) / control.n) / reached
    if not error:
        return Effect(effect, None, None)
    reach = quantile(level) * error
    return Effect(effect, effect - reach, effect + reach)
