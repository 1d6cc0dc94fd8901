"""May I look today? Test minus control day by day since the start, with a band that holds however often one looks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from engine.metrics import MetricSpec
from response.facts import Comparison, Experiment, Report
from response.looking import looks_of
from response.parts import As, Chart, Column, Part, Section, Table, Word, say
from response.sayings import DIFFERENCES, difference_of
from response.sources import Sources
from response.statistics.day_by_day import Look, first_finding
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict

MOST_POINTS = 120  # of a line; a campaign of years is drawn by the week or month


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked at, and on which terms."""

    report: Report
    experiment: Experiment
    spec: MetricSpec
    zone: ZoneInfo
    found: Comparison

    @property
    def closing(self) -> date | None:
        """The day on which the last window closes, where that is known."""
        return None if self.closes_at is None else self.closes_at.astimezone(self.zone).date()

    @property
    def closes_at(self) -> datetime | None:
        """The moment: that of the metric's own window, as the verdict takes it."""
        return None if self.found.why == "planned_open" else self.found.closes_at

    @property
    def planned(self) -> int | None:
        return self.report.goal.planned if self.report.goal else None

    @property
    def closed(self) -> bool:
        return self.closes_at is not None and self.closes_at <= self.report.as_of


def section(sources: Sources) -> Section | None:
    """The state of the rule in words, and the band in a picture."""
    report, found = sources.report, sources.report.headline
    experiment = next((each for each in report.experiments if each.primary), None)
    if experiment is None or found is None or experiment.broken or report.window.first_entry_at is None:
        return None
    asked = _Asked(report, experiment, report.specs[0], ZoneInfo(report.zone), found)
    if asked.spec.per:
        return Section("cumulative", (say("cumulative.ratio", "soft", metric=Word("metric", asked.spec.name)),))
    looks = report.looks
    if looks is None:
        looks = looks_of(sources.session, report, replace(sources.population, closed_only=False), experiment, asked.closes_at)
    return Section("cumulative", tuple(_parts(asked, looks))) if looks else None


def _parts(asked: _Asked, looks: Mapping[str, Sequence[Look]]) -> Iterator[Part]:
    for arm, found in looks.items():
        early = first_finding(found)
        yield _state(asked, arm, early)
        if not asked.closed:
            yield _so_far(asked, arm, found[-1])
    table = _table(asked, looks)
    title = say("cumulative.chart", metric=Word("metric", asked.spec.name), control=Word("arm", asked.experiment.control))
    minimum = asked.report.goal.minimum if asked.report.goal else None
    yield Chart("cumulative-chart", "band", title, table, "day", "absolute", "group", minimum=minimum, rule=asked.closing)
    if asked.closed:
        yield _fixed_table(asked, looks)
    yield say("cumulative.how", "soft").behind("cumulative", "any_time")
    if asked.report.specs[0].winsorise is not None:
        yield say("curve.uncut", "soft")


def _state(asked: _Asked, arm: str, early: Look | None) -> Part:
    """The rule's answer: at the closing date, early, or not yet."""
    known: dict[str, As | Word] = {"arm": Word("arm", arm), "control": Word("arm", asked.experiment.control)}
    known |= {"closing": As("day", asked.closing)} if asked.closing else {}
    known |= {"planned": As("count", asked.planned)} if asked.planned else {}
    known |= _of_early(asked, early) if early else {}
    if asked.closed:
        known |= {"effect": _fixed(asked, arm), "verdict": Word("verdict", _verdict(asked, arm).value)}
        key = "closed.early" if early else "closed.waited"
    elif early and (not asked.report.goal or _verdict(asked, arm) in (Verdict.BETTER, Verdict.WORSE)):
        key = "early.before" if asked.closing else "early.open"
    else:
        key = "waiting.until" if asked.closing else f"waiting.{_why_open(asked)}"
    return say(f"cumulative.{key}", "", **known).behind("cumulative", "any_time")


def _of_early(asked: _Asked, early: Look) -> dict[str, As | Word]:
    direction = Word("direction", "higher" if early.rise else "lower")
    return {"day": As("day", early.day), "direction": direction, "band": As(DIFFERENCES[asked.spec.unit], _limits(early.band))}


def _why_open(asked: _Asked) -> str:
    if not asked.report.goal:
        return "no_goal"
    return "planned" if asked.planned else "goes_on"


def _so_far(asked: _Asked, arm: str, last: Look) -> Part:
    difference = As(DIFFERENCES[asked.spec.unit], last.band)
    return say("cumulative.so_far", "soft", arm=Word("arm", arm), day=As("day", last.day), difference=difference).behind(
        "cumulative", "any_time"
    )


def _limits(band: Effect) -> Effect:
    return Effect(None, band.low, band.high)


def _comparison(asked: _Asked, arm: str) -> Comparison | None:
    return next((each for each in asked.report.comparisons if each.primary and each.arm == arm), None)


def _verdict(asked: _Asked, arm: str) -> Verdict:
    found = _comparison(asked, arm)
    return found.verdict if found else Verdict.INCONCLUSIVE


def _fixed(asked: _Asked, arm: str) -> As:
    """The interval of the closing date: the same that the verdict goes by."""
    found = _comparison(asked, arm)
    return difference_of(found, found.absolute) if found else As("text", None)


def _table(asked: _Asked, looks: Mapping[str, Sequence[Look]]) -> Table:
    share = asked.spec.unit == "share"
    columns = (
        Column("day", "day"),
        Column("group", "text", words="arm"),
        Column("assigned", define="assigned"),
        Column("control_assigned", define="assigned"),
        Column("absolute", DIFFERENCES[asked.spec.unit], define="any_time"),
        Column("extra", "extra" if asked.spec.unit == "money" else "change", define="extra"),
        *([Column("any_time_p", "p", define="any_time")] if share else []),
    )
    rows = tuple(
        (look.day, arm, look.test.n, look.control.n, look.band, _extra(look), *([look.p_value] if share else []))
        for arm, found in looks.items()
        for look in _spread(found)
    )
    return Table("cumulative", columns, rows, folded=True)


def _extra(look: Look) -> float | None:
    """How many more than without: the difference for each customer of the arm."""
    return None if look.band.estimate is None else round(look.band.estimate * look.test.n, 2)


def _spread(found: Sequence[Look]) -> Sequence[Look]:
    """So many of the days, evenly, that a line can be drawn through; the last one is always in."""
    step = -(-len(found) // MOST_POINTS)
    return [look for place, look in enumerate(reversed(found)) if place % step == 0][::-1]


def _fixed_table(asked: _Asked, looks: Mapping[str, Sequence[Look]]) -> Table:
    columns = (
        Column("group", "text", words="arm"),
        Column("closing", "day"),
        Column("absolute", DIFFERENCES[asked.spec.unit], define="absolute"),
        Column("verdict", "text", words="verdict", define="verdict"),
    )
    compared = [(arm, _comparison(asked, arm)) for arm in looks]
    rows = tuple((arm, asked.closing, each.absolute, _said(each)) for arm, each in compared if each)
    return Table("closing", columns, rows, title=say("cumulative.fixed"))


def _said(found: Comparison) -> str:
    return found.verdict.value if isinstance(found.verdict, Verdict) else str(found.verdict)
