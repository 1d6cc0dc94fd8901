"""What we wanted to learn: the goal as it was registered, and how far the groups can answer it."""

from collections.abc import Iterator

from response.facts import Comparison, Goal, Report
from response.parts import As, Cell, Column, Items, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, note_said, unit_of
from response.sections import decided
from response.sources import Sources
from store.clock import DAY_MICROS


def section(sources: Sources) -> Section:
    """The question, what decides it, and what a reader must know before reading on."""
    return Section("goal", tuple(_parts(sources)))


def _parts(sources: Sources) -> Iterator[Part]:
    report = sources.report
    yield _opening(report)
    rows = tuple(_facts(report, sources.population.within))
    yield Table("goal", (Column("what", "text", words="goal"), Column("said", "text")), rows, facts=True)
    if len(report.goals) > 1:
        yield _goals(report)
    yield from decided.parts(sources)
    if report.notes:
        yield Items(say("notes"), tuple(note_said(note) for note in report.notes))


def _opening(report: Report) -> Say:
    goal = report.goal
    if goal is None:
        return say("goal.opening_none", metric=Word("metric", report.metrics[0])).behind("goal", report.metrics[0])
    return say("goal.opening", question=goal.question).behind("goal", goal.metric)


def _facts(report: Report, within: int | None) -> Iterator[tuple[Cell, Cell]]:
    goal, found, metric = report.goal, report.headline, report.metrics[0]
    yield "metric", Word("metric", metric)
    yield "within", _within(within)
    yield "minimum", _minimum(goal, found)
    if goal and goal.planned:
        yield "planned", say("goal.planned.text", planned=As("count", goal.planned), customers=As("count", report.window.customers))
    if found:
        yield from _precision(found)
    yield "rule", _rule(report)
    if goal and goal.registered_at:
        yield "registered", say("goal.registered.text", at=As("moment", goal.registered_at), digest=goal.digest)


def _within(micros: int | None) -> Say:
    """The window in the reader's language; the goal has it as it was written."""
    if micros is None:
        return say("goal.no_limit")
    days = micros / DAY_MICROS
    if days == 1:
        return say("goal.within.day")
    if days == round(days):
        return say("goal.within.days", days=As("count", round(days)))
    return say("goal.within.hours", hours=As("number", 24 * days))


def _rule(report: Report) -> Say:
    if not (report.window.goes_on and report.goal):
        return say("goal.rule.early" if report.decides_early else "goal.rule.text")
    return say("goal.rule.planned" if report.goal.planned else "goal.rule.goes_on")


def _minimum(goal: Goal | None, found: Comparison | None) -> Cell:
    if goal is None or goal.minimum is None:
        return say("goal.none")
    return _size(goal.minimum, found) if found else (goal.minimum_lift or "")


def _precision(found: Comparison) -> Iterator[tuple[Cell, Cell]]:
    if found.detectable is not None:
        yield "detectable", say("goal.detectable.text", size=_size(found.detectable, found))
    low, high = found.absolute.low, found.absolute.high
    if low is not None and high is not None:
        yield "achieved", say("goal.achieved.text", size=_size((high - low) / 2, found))


def _size(size: float, found: Comparison) -> Say | As:
    """A size without a sign: so many points, or money."""
    kind = DIFFERENCES[unit_of(found)]
    if kind == "points":
        return say("point") if round(size, 9) == 0.01 else say("points", size=As("of_100", size))
    return As("money" if kind == "extra" else "number", size)


def _goals(report: Report) -> Table:
    """Every goal that customers came in under."""
    columns = (
        Column("question", "text"),
        Column("metric", "text", words="metric"),
        Column("registered", "moment"),
        Column("digest", "text"),
        Column("customers"),
    )
    rows = tuple((each.question, each.metric, each.registered_at, each.digest, each.customers) for each in report.goals)
    return Table("goals", columns, rows, title=say("goals"))
