"""What may be concluded. Never the higher rate."""

from enum import StrEnum

from response.statistics.sums import Effect

ALPHA = 0.05


class Verdict(StrEnum):
    """The five answers that a comparison can have."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "no meaningful difference"
    INCONCLUSIVE = "inconclusive"
    NOT_VALID = "not valid"


def judge(effect: Effect, minimum: float | None = None, adjusted_p: float | None = None) -> Verdict:
    """The verdict on a valid, finished comparison.

    `minimum` is the smallest effect that was registered as mattering: an interval wholly inside ± it is no meaningful
    difference, even where it excludes zero. `adjusted_p` is given when several arms share a control; then an arm is
    better or worse only if that is below .05 too.
    """
    if effect.low is None or effect.high is None:
        return Verdict.INCONCLUSIVE
    if minimum is not None and -minimum < effect.low and effect.high < minimum:
        return Verdict.SAME
    if adjusted_p is not None and adjusted_p >= ALPHA:
        return Verdict.INCONCLUSIVE
    if effect.low > 0:
        return Verdict.BETTER
    return Verdict.WORSE if effect.high < 0 else Verdict.INCONCLUSIVE
