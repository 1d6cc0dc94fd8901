"""The sentences that several sections and formats share: what one comparison says, and what is said first of all."""

from engine.metrics import BUILT_IN, Unit
from response.facts import Comparison, Note, Report
from response.numbers import places_of_points
from response.parts import As, Kind, Say, Tone, Word, say
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict

RATES: dict[Unit, Kind] = {"share": "share", "money": "money", "number": "number"}
DIFFERENCES: dict[Unit, Kind] = {"share": "points", "money": "extra", "number": "change"}
_SIZES: dict[Unit, Kind] = {"share": "of_100", "money": "money", "number": "number"}
TONES: dict[Verdict, Tone] = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.SAME: "same",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_VALID: "not-valid",
}
_NOTHING = say("nothing")


def headline(report: Report) -> tuple[Say, ...]:
    """What a manager can repeat: a sentence for each comparison that answers the learning goal, and for each guardrail that broke."""
    primary = tuple(comparison_said(each) for each in report.comparisons if each.primary)
    if primary:
        return (*primary, *map(_broken_said, report.broken_guardrails))
    return (_without_arms(report),) if report.window.customers else (say("headline.nobody"),)


def comparison_said(found: Comparison) -> Say:
    """How many more of a hundred, between which limits, and what may be concluded."""
    tone, arm, control = TONES[found.verdict], Word("arm", found.arm), Word("arm", found.control)
    if found.why in ("nobody_in_arm", "nobody_in_control", "split_broken"):
        return say(f"sentence.{found.why}", tone, arm=arm, control=control)
    said = say("sentence.whole", tone, difference=_difference(found), conclusion=_conclusion(found))
    return said.behind(table_of(found), found.metric)


def _broken_said(found: Comparison) -> Say:
    effect, arm, control = difference_of(found, found.absolute), Word("arm", found.arm), Word("arm", found.control)
    told = say("guardrail.broken", "alarm", metric=Word("metric", found.metric), arm=arm, control=control, effect=effect)
    return told.behind("guardrails", "guardrail")


def table_of(found: Comparison) -> str:
    """The name of the table that a comparison stands in."""
    if found.primary:
        return "result"
    if found.kind == "page":  # named by its file, and a table's name becomes one
        return f"result-page-{found.node.replace('/', '-').removesuffix('.yaml')}"
    return f"result-{found.node}-personalisation" if found.kind == "personalisation" else f"result-{found.node}"


def difference_of(found: Comparison, effect: Effect) -> As:
    """An absolute effect, in the unit of the comparison's metric."""
    return As(DIFFERENCES[unit_of(found)], effect)


def unit_of(found: Comparison) -> Unit:
    """What the figures of a comparison are in."""
    known = BUILT_IN.get(found.metric)
    return known.unit if known else found.unit


def note_said(note: Note) -> Say:
    """A note as a sentence."""
    return Say(f"note.{note.code}", tuple((name, Word("metric", value) if name == "metric" else value) for name, value in note.values))


def _difference(found: Comparison) -> Say:
    unit, estimate = unit_of(found), found.absolute.estimate or 0.0
    limits = Effect(None, found.absolute.low, found.absolute.high)
    said = say(
        f"sentence.{unit}.{_direction(estimate, unit)}",
        arm=Word("arm", found.arm),
        control=Word("arm", found.control),
        did=_did(found.metric),
        metric=Word("metric", found.metric),
        size=As(_SIZES[unit], abs(estimate)),
    )
    if limits.low is None:
        return say("sentence.without_interval", said=said)
    return say("sentence.with_interval", said=said, interval=difference_of(found, limits))


def _direction(estimate: float, unit: Unit) -> str:
    """What is left of a difference after rounding decides: 0.00 is no more and no less."""
    places = {"share": 2 + places_of_points([estimate]), "money": 2, "number": 4}[unit]
    return "equal" if not round(estimate, places) else "more" if estimate > 0 else "less"


def _did(metric: str) -> Word | Say:
    return Word("did", metric) if metric in BUILT_IN else say("sentence.did", metric=Word("metric", metric))


def _conclusion(found: Comparison) -> Say:
    if found.why == "window_open" and found.closes_at:
        return say("why.window_open", customers=As("count", found.open_customers), at=As("moment", found.closes_at))
    why = _NOTHING if found.why == "interval" else say(f"why.{found.why}")
    if found.why == "early" and found.found_on:
        key = "why.early.open" if found.open_customers else "why.early"
        why = say(key, day=As("day", found.found_on), customers=As("count", found.open_customers))
    key = "sentence.verdict" if found.better == "more" else "sentence.verdict.less"
    return say(key, verdict=Word("verdict", found.verdict.value), why=why)


def _without_arms(report: Report) -> Say:
    customers = As("count", report.window.customers)
    metric, total = report.overall[0]
    if (BUILT_IN[metric].unit if metric in BUILT_IN else "number") == "share":
        return say("headline.no_arms", customers=customers, total=As("count", total), did=_did(metric))
    kind: Kind = "money" if metric == "spend" else "number"
    return say("headline.no_arms_total", customers=customers, total=As(kind, total), metric=Word("metric", metric))
