"""The result: every arm against its control, in a sentence, a picture and figures; then all other comparisons."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from engine.metrics import Unit
from response.facts import Comparison, Report
from response.parts import As, Cell, Chart, Column, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, RATES, difference_of, headline, table_of, unit_of
from response.sources import Sources
from response.statistics.verdicts import Verdict

_ADDED = {Verdict.BETTER: "adds", Verdict.WORSE: "takes", Verdict.SAME: "nothing"}


def section(sources: Sources) -> Section:
    """What the campaign changed, or why that cannot be said."""
    return Section("result", tuple(_parts(sources.report)))


def _parts(report: Report) -> Iterator[Part]:
    primary = [each for each in report.comparisons if each.primary]
    yield from headline(report)
    if primary:
        yield from _primary(primary, report)
        yield from _guardrails(report)
        yield from _personalisation(report)
    yield from _others([each for each in report.comparisons if not each.primary])


def _primary(found: Sequence[Comparison], report: Report) -> Iterator[Part]:
    table = _result_table(found)
    if any(each.absolute.low is not None for each in found):
        title = say("plot.forest", metric=Word("metric", found[0].metric), control=Word("arm", found[0].control))
        minimum = report.goal.minimum if report.goal else None
        yield Chart("result-chart", "intervals", title, table, "group", "absolute", minimum=minimum)
    yield table
    if any(each.absolute.low is not None and each.relative.low is None for each in found):
        yield say("result.no_relative", "soft")
    yield from _otherwise(found)


def _result_table(found: Sequence[Comparison]) -> Table:
    first, unit, several = found[0], unit_of(found[0]), _several(found)
    columns = (Column("group", "text", words="arm"), *_columns(unit, first.metric, several=several))
    rows = tuple((each.arm, *_row(each, several=several)) for each in found)
    return Table(
        "result", columns, rows, title=say("result.title", metric=Word("metric", first.metric), control=Word("arm", first.control))
    )


def _columns(unit: Unit, metric: str, *, several: bool) -> tuple[Column, ...]:
    return (
        Column("verdict", "text", words="verdict", define="verdict"),
        Column("assigned", define="assigned"),
        Column("rate", RATES[unit], define=metric),
        Column("control_assigned", define="assigned"),
        Column("control_rate", RATES[unit], define=metric),
        Column("absolute", DIFFERENCES[unit], define="absolute"),
        Column("relative", "lift", define="relative"),
        Column("p", "p", define="absolute"),
        *([Column("adjusted_p", "p", define="several")] if several else []),
    )


def _row(found: Comparison, *, several: bool) -> tuple[Cell, ...]:
    figures = (
        found.arm_assigned,
        found.arm_rate,
        found.control_assigned,
        found.control_rate,
        found.absolute,
        found.relative,
        found.p_value,
    )
    return (found.verdict.value, *figures, *([found.adjusted_p_value] if several else []))


def _several(found: Sequence[Comparison]) -> bool:
    """Whether several arms share a control, so that the corrected p says something of its own."""
    return len({(each.node, each.arm) for each in found}) > len({each.node for each in found})


def _otherwise(found: Sequence[Comparison]) -> Iterator[Part]:
    """The same question asked in other ways: with what was known before, and of those who were reached."""
    if not any(each.cuped or each.cace for each in found):
        return
    kind = DIFFERENCES[unit_of(found[0])]
    columns = (
        Column("group", "text", words="arm"),
        Column("way", "text", words="way", define="ways"),
        Column("absolute", kind),
        Column("relative", "lift"),
        Column("p", "p"),
        Column("rho_squared", "share", define="cuped"),
    )
    yield Table("result-ways", columns, tuple(row for each in found for row in _ways(each)), title=say("result.ways"))
    for each in found:
        if each.cuped:
            noise = As("share", each.cuped.rho_squared)
            yield say("result.cuped", "soft", arm=Word("arm", each.arm), noise=noise).behind("result-ways", "cuped")


def _ways(found: Comparison) -> Iterator[tuple[Cell, ...]]:
    yield found.arm, "assigned", found.absolute, found.relative, found.p_value, None
    if found.cuped:
        yield found.arm, "cuped", found.cuped.absolute, found.cuped.relative, found.cuped.p_value, found.cuped.rho_squared
    if found.cace:
        yield found.arm, "reached", found.cace, None, None, None


def _guardrails(report: Report) -> Iterator[Part]:
    """What was not to get worse, and whether it did."""
    guarded = [each for each in report.comparisons if each.guardrail]
    if not guarded:
        return
    if not report.broken_guardrails:
        unsure = any(each.guardrail == "inconclusive" for each in guarded)
        yield say("guardrail.unsure" if unsure else "guardrail.kept").behind("guardrails", "guardrail")
    columns = (
        Column("metric", "text", words="metric"),
        Column("group", "text", words="arm"),
        Column("guardrail", "text", words="kept", define="guardrail"),
        Column("absolute", "change", define="absolute"),
        Column("margin", "change", define="guardrail"),
    )
    rows = tuple(
        (each.metric, each.arm, each.guardrail, difference_of(each, each.absolute), As(DIFFERENCES[unit_of(each)], each.guardrail_margin))
        for each in guarded
    )
    yield Table("guardrails", columns, rows, title=say("result.guardrails"))


def _personalisation(report: Report) -> Iterator[Say]:
    """What personalising added: the same message with and without what is personal."""
    for each in report.comparisons:
        if each.kind == "personalisation" and each.metric == report.metrics[0] and each.absolute.low is not None:
            key = f"personalisation.{_ADDED.get(each.verdict, 'unsure')}"
            told = say(
                key,
                node=each.node,
                metric=Word("metric", each.metric),
                arm=Word("arm", each.arm),
                effect=difference_of(each, each.absolute),
            )
            yield told.behind(table_of(each), each.metric)


def _others(rest: Sequence[Comparison]) -> Iterator[Part]:
    """All other comparisons, a table for each node."""
    for (node, _), group in groupby(rest, key=lambda each: (each.node, table_of(each))):
        found = list(group)
        columns = (
            Column("metric", "text", words="metric"),
            Column("group", "text", words="arm"),
            *_columns("number", "rate", several=False),  # what several arms cost is within the correction for all
            Column("q", "p", define="several_comparisons"),
        )
        rows = tuple((each.metric, each.arm, *_mixed(each), each.q_value) for each in found)
        title = say("result.others", node=node, kind=Word("kind", found[0].kind))
        yield Table(table_of(found[0]), columns, rows, title=title)


def _mixed(found: Comparison) -> Iterator[Cell]:
    """The row of a table that holds metrics of several units: rates and differences say their own."""
    unit = unit_of(found)
    for column, cell in zip(_columns(unit, found.metric, several=False), _row(found, several=False), strict=True):
        own = column.kind in (RATES[unit], DIFFERENCES[unit])
        yield As(column.kind, cell) if own and not isinstance(cell, As | Word | Say) else cell
