"""What may be concluded. Never the higher rate."""

from enum import StrEnum

from response.statistics.looks import HYBRID_FIXED, Early
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


def judge_by_hybrid_rule(
    effect: Effect, early: Early, *, closed: bool, minimum: float | None = None, adjusted_p: float | None = None
) -> Verdict:
    """The verdict on a valid comparison that was looked at while it ran: false findings stay below .05, however often.

    While it runs (`closed` is false) only an early finding counts. At the registered closing date `effect` has level
    1 - looks.HYBRID_FIXED and is judged as `judge` does; with several arms that share a control, `adjusted_p` must be below
    HYBRID_FIXED too. An early finding stands at the closing date, unless the effect is then within ± `minimum`, or the fixed
    test finds the opposite (inconclusive: the two contradict each other).
    """
    if not closed or effect.low is None or effect.high is None:
        return _early(early)
    if minimum is not None and -minimum < effect.low and effect.high < minimum:
        return Verdict.SAME
    fixed = Verdict.INCONCLUSIVE
    if adjusted_p is None or adjusted_p < HYBRID_FIXED:
        fixed = judge(effect)
    found = {_early(early), fixed} - {Verdict.INCONCLUSIVE}
    return found.pop() if len(found) == 1 else Verdict.INCONCLUSIVE


def _early(early: Early) -> Verdict:
    if early.rise is None:
        return Verdict.INCONCLUSIVE
    return Verdict.BETTER if early.rise else Verdict.WORSE
