"""Relative lift: how many times as much, less one."""

from math import exp, log, sqrt

from response.statistics.sums import UNDEFINED, Effect, Sums, quantile

FURTHEST = 700.0  # on the log scale, where a float ends


def relative_lift(test: Sums, control: Sums, proportion: bool, level: float = 0.95) -> Effect:
    """Test divided by control, less 1, with a delta-method interval on the log scale.

    On the log scale, because with few responses the interval of the ratio itself covers too little: .923 against .968 at
    500 and 4,500 customers, 1 % and twice that. `proportion` takes p(1-p)/n as the variance (Katz), else the sample
    variance. Undefined when either arm's mean is not above 0: a share of nothing has no meaning. Without an interval when an
    arm has one customer (means), or when nobody differs from anybody.
    Source: Katz et al. 1978, Biometrics 34:469 (proportions); Casella and Berger 2002, section 5.5.4 (delta method).
    """
    if not (test.n and control.n) or test.y <= 0 or control.y <= 0:
        return UNDEFINED
    lift = log(test.mean / control.mean)
    if not proportion and min(test.n, control.n) < 2:
        return Effect(exp(lift) - 1, None, None)
    return from_logarithm(lift, _of_log(test, proportion) + _of_log(control, proportion), level)


def from_logarithm(lift: float, variance: float, level: float) -> Effect:
    """The effect, less 1, of which the logarithm and its variance are known; normal quantile.

    Without an interval when nothing varies, and when it would reach past e^700: a mean that is hardly above 0 says nothing.
    """
    reach = quantile(level) * sqrt(variance)
    if not reach or abs(lift) + reach > FURTHEST:
        return Effect(exp(lift) - 1, None, None)
    return Effect(exp(lift) - 1, exp(lift - reach) - 1, exp(lift + reach) - 1)


def _of_log(arm: Sums, proportion: bool) -> float:
    """Variance of the logarithm of an arm's mean."""
    variance = arm.mean * (1 - arm.mean) if proportion else arm.variance
    return variance / (arm.n * arm.mean**2)
