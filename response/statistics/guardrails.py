"""Guardrails: is what must not get worse, no worse than a margin allows?"""

from enum import StrEnum
from typing import Literal

from response.statistics.sums import Effect

Harm = Literal["rise", "fall"]


class Guardrail(StrEnum):
    """The three answers about a guardrail. `INCONCLUSIVE` is no permission: the interval holds both sides of the margin."""

    KEPT = "kept"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"


def judge_guardrail(effect: Effect, margin: float, harm: Harm = "rise") -> Guardrail:
    """Whether test is no worse than control by `margin` or more: non-inferiority.

    `harm` is the direction in which the metric does harm (opt-outs rise, margin falls); `margin`, not negative, is in the metric's
    own unit and was registered beforehand. Kept when the whole interval is better than the margin, broken when the whole interval
    is beyond it. A two-sided interval of 95 % so makes a one-sided test at .025.
    Source: ICH E9 1998, section 3.3.2; Piaggio et al. 2012, CONSORT for non-inferiority, JAMA 308:2594.
    """
    assert margin >= 0
    if effect.low is None or effect.high is None:
        return Guardrail.INCONCLUSIVE
    least, most = (effect.low, effect.high) if harm == "rise" else (-effect.high, -effect.low)
    if most < margin:
        return Guardrail.KEPT
    return Guardrail.BROKEN if least > margin else Guardrail.INCONCLUSIVE
