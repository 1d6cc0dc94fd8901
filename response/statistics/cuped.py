"""Less noise: what was known of customers before the start is taken out of what they did after it."""

from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.special import stdtr, stdtrit

from response.statistics.moments import Moments
from response.statistics.relative import from_logarithm
from response.statistics.sums import UNDEFINED, Effect

_NOTHING = 1e-12  # of Σx², when that is not counted in integers: less is rounding, not spread


@dataclass(frozen=True, slots=True)
class Cuped:
    """A comparison of means adjusted for a covariate from before the start.

    `rho_squared` is the squared correlation that was achieved: the share of the outcome's variance that the covariate took away.
    """

    effect: Effect
    relative: Effect
    p_value: float | None
    theta: float
    rho_squared: float


def cuped(test: Moments, control: Moments, level: float = 0.95) -> Cuped:
    """Adjusted mean of test minus adjusted mean of control, with Welch's interval and two-sided p on y - θx.

    θ = s_xy / s_xx over the customers of both arms as one group, and ρ² = s_xy² / (s_xx·s_yy) over the same; x comes from before
    the assignment. Without spread in x, θ and ρ² are 0 and the figures are those of the unadjusted means. No interval and no p
    where `means.difference_of_means` would have none. θ counts as known: its own error is of a lower order.
    Source: Deng, Xu, Kohavi and Walker 2013, WSDM, section 3.2. Raises EmptyArmError.
    """
    test.outcome.require(1)
    control.outcome.require(1)
    theta, rho_squared = _slope(test + control)
    difference = test.outcome.mean - control.outcome.mean - theta * (test.covariate.mean - control.covariate.mean)
    relative = _relative(test, control, theta, level)
    if min(test.n, control.n) < 2 or not (error := sqrt(_of_mean(test, theta) + _of_mean(control, theta))):
        return Cuped(Effect(difference, None, None), relative, None, theta, rho_squared)
    freedom = error**4 / (_of_mean(test, theta) ** 2 / (test.n - 1) + _of_mean(control, theta) ** 2 / (control.n - 1))
    reach = float(stdtrit(freedom, (1 + level) / 2)) * error
    p_value = float(2 * stdtr(freedom, -abs(difference) / error))
    return Cuped(Effect(difference, difference - reach, difference + reach), relative, p_value, theta, rho_squared)


def adjusted_means(test: Moments, control: Moments) -> tuple[float, float]:
    """What the means would be had both arms had the covariate's overall mean: mean y - θ·(mean x of the arm - mean x of all)."""
    theta, _ = _slope(test + control)
    return _adjusted(test, test + control, theta), _adjusted(control, test + control, theta)


def _slope(everyone: Moments) -> tuple[float, float]:
    """θ and ρ²; both 0 when x or y has no spread."""
    if everyone.n < 2 or not (_spread(everyone.n, everyone.x, everyone.xx) and _spread(everyone.n, everyone.y, everyone.yy)):
        return 0.0, 0.0
    theta = everyone.covariance / everyone.covariate.variance
    return theta, min(1.0, theta * everyone.covariance / everyone.outcome.variance)


def _spread(n: int, total: float, squares: float) -> bool:
    exact = isinstance(total, int) and isinstance(squares, int)
    return n * squares - total * total > (0 if exact else _NOTHING * n * squares)


def _adjusted(arm: Moments, everyone: Moments, theta: float) -> float:
    return arm.outcome.mean - theta * (arm.covariate.mean - everyone.covariate.mean)


def _of_mean(arm: Moments, theta: float) -> float:
    """Variance of an arm's adjusted mean."""
    return arm.variance_of(1, -theta) / arm.n


def _relative(test: Moments, control: Moments, theta: float, level: float) -> Effect:
    """Adjusted mean of test divided by that of control, less 1: normal interval by the delta method on the log scale.

    Both adjusted means lean on the covariate's overall mean, which the sample gives too. That error is the same for both; it
    cancels out of a difference, but out of a ratio only when there is no effect.
    """
    everyone = test + control
    of_test, of_control = _adjusted(test, everyone, theta), _adjusted(control, everyone, theta)
    if of_test <= 0 or of_control <= 0:
        return UNDEFINED
    lift = log(of_test / of_control)
    if min(test.n, control.n) < 2:
        return Effect(exp(lift) - 1, None, None)
    test_theta = theta * (1 - test.n / everyone.n * (1 - of_test / of_control))
    control_theta = theta * (1 - control.n / everyone.n * (1 - of_control / of_test))
    variance = _of_mean(test, test_theta) / of_test**2 + _of_mean(control, control_theta) / of_control**2
    return from_logarithm(lift, variance, level)
