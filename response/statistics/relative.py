"""Relative lift: how many times as much, less one."""

from math import exp, log, sqrt

from response.statistics.sums import UNDEFINED, Effect, Sums, quantile


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
    if not (variance := _of_log(test, proportion) + _of_log(control, proportion)):
        return Effect(exp(lift) - 1, None, None)
    reach = quantile(level) * sqrt(variance)
    return Effect(exp(lift) - 1, exp(lift - reach) - 1, exp(lift + reach) - 1)


def _of_log(arm: Sums, proportion: bool) -> float:
    """Variance of the logarithm of an arm's mean."""
    variance = arm.mean * (1 - arm.mean) if proportion else arm.variance
    return variance / (arm.n * arm.mean**2)
