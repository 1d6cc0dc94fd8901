"""The report's tables: headings and cells as people read them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from response.facts import Comparison, Experiment, FunnelRow, Report
from response.numbers import UNDEFINED
from response.words import Words


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence or a cell, and how it is to look."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first `words` columns hold text and stand left."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Said]]
    words: int = 1
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A table with its heading and what is to be said of it."""

    title: str
    table: Table
    said: Sequence[Said] = ()


# Columns that stand in the funnel even when they are empty; the others only when something happened.
_ALWAYS = ("queued", "sent", "suppressed", "clicked", "visited", "answered", "opted_out")
_FUNNEL: tuple[tuple[str, Callable[[FunnelRow], int]], ...] = (
    ("queued", lambda row: row.messages.queued),
    ("sent", lambda row: row.messages.sent),
    ("suppressed", lambda row: row.messages.suppressed),
    ("failed", lambda row: row.messages.failed),
    ("unknown", lambda row: row.messages.unknown),
    ("open", lambda row: row.messages.open),
    ("delivered", lambda row: row.reactions.delivered),
    ("bounced", lambda row: row.reactions.bounced),
    ("complained", lambda row: row.reactions.complained),
    ("opened", lambda row: row.reactions.opened),
    ("machine", lambda row: row.reactions.opened_by_machine),
    ("clicked", lambda row: row.reactions.clicked),
    ("visited", lambda row: row.reactions.visited),
    ("answered", lambda row: row.reactions.answered),
    ("opted_out", lambda row: row.reactions.opted_out),
)
_MOST_DAYS = 31


def trust_block(experiment: Experiment, words: Words) -> Block:
    """What became of the customers assigned to each arm, and whether the groups have the sizes that were written."""
    primary = f" ({words('trust.primary')})" if experiment.primary else ""
    heads = [words(f"col.{name}") for name in ("group", "assigned", "expected", "sent", "suppressed", "delivered", "elsewhere")]
    count = words.numbers.count
    rows = [
        _row(words.known("arm", arm.arm), *map(count, (arm.assigned, arm.expected, arm.sent, arm.suppressed, arm.delivered, arm.elsewhere)))
        for arm in experiment.arms
    ]
    title = f"{experiment.node} · {words(f'kind.{experiment.kind}')}{primary}"
    return Block(title, Table(experiment.node, heads, rows), list(_ratio(experiment, words)))


def _ratio(experiment: Experiment, words: Words) -> Iterator[Said]:
    p = experiment.sample_ratio_p
    if p is None:
        if all(arm.expected is not None for arm in experiment.arms):  # else a note says why
            yield Said(words("trust.ratio.none"), "soft")
    elif experiment.broken:
        yield Said(words("trust.ratio.bad", p=words.numbers.p(p)), "alarm")
    else:
        yield Said(words("trust.ratio.good", p=words.numbers.p(p)), "soft")
    if experiment.unevenly_sent:
        yield Said(words("trust.sent.bad", p=words.numbers.p(experiment.sent_ratio_p)), "alarm")


def exclusion_table(report: Report, words: Words) -> Table | None:
    """Why members left and why messages were not sent."""
    rows = [
        _row(words(f"exclusion.{each.stage}"), words.known("reason", each.reason), words.numbers.count(each.customers))
        for each in report.exclusions
    ]
    heads = [words(f"col.{name}") for name in ("stage", "reason", "customers")]
    return Table(words("exclusions"), heads, rows, words=2) if rows else None


def funnel_table(report: Report, words: Words) -> Table | None:
    """Every node's messages and what came back."""
    shown = [(name, of) for name, of in _FUNNEL if name in _ALWAYS or any(of(row) for row in report.funnel)]
    rows = [_row(_message(row, words), *(words.numbers.count(of(row)) for _, of in shown)) for row in report.funnel]
    heads = [words("col.message"), *(words(f"col.{name}") for name, _ in shown)]
    return Table(words("section.funnel"), heads, rows, caption=words("funnel.caption")) if rows else None


def _message(row: FunnelRow, words: Words) -> str:
    parts = [row.node or words("funnel.loose"), words.known("channel", row.channel), row.arm or ""]
    return " · ".join(part for part in parts if part)


def result_table(report: Report, words: Words) -> Table | None:
    """The primary comparisons in figures."""
    found = [each for each in report.comparisons if each.primary]
    rows = [_comparison_row(each, words, words.known("arm", each.arm), _several(found)) for each in found]
    return Table(words("section.primary"), _comparison_heads(words, "group", _several(found)), rows, 2) if rows else None


def other_blocks(report: Report, words: Words) -> list[Block]:
    """All other comparisons, a block for each node."""
    rest = [each for each in report.comparisons if not each.primary]
    return [_other_block(node, list(found), words) for node, found in groupby(rest, key=lambda each: each.node)]


def _other_block(node: str, found: Sequence[Comparison], words: Words) -> Block:
    several = _several(found)
    names = [f"{words(f'metric.{each.metric}')} · {words.known('arm', each.arm)}" for each in found]
    rows = [_comparison_row(each, words, name, several) for each, name in zip(found, names, strict=True)]
    return Block(f"{node} · {words(f'kind.{found[0].kind}')}", Table(node, _comparison_heads(words, "metric", several), rows, 2))


def _comparison_heads(words: Words, first: str, several: bool) -> list[str]:
    names = (first, "verdict", "rate", "control", "absolute", "relative", "p", *(["adjusted_p"] if several else []))
    return [words(f"col.{name}") for name in names]


def _comparison_row(found: Comparison, words: Words, first: str, several: bool) -> list[Said]:
    numbers, metric, absolute, relative = words.numbers, found.metric, found.absolute, found.relative
    verdict = Said(words(f"verdict.{found.verdict.value}"), f"verdict {found.verdict.value.replace(' ', '-')}")
    figures = _row(
        numbers.rate(metric, found.arm_rate),
        numbers.rate(metric, found.control_rate),
        _with_interval(*(numbers.signed(metric, each) for each in (absolute.estimate, absolute.low, absolute.high))),
        _with_interval(*(numbers.signed_percent(each) for each in (relative.estimate, relative.low, relative.high))),
        numbers.p(found.p_value),
        *([numbers.p(found.adjusted_p_value)] if several else []),
    )
    return [Said(first), verdict, *figures]


def _with_interval(estimate: str, low: str, high: str) -> str:
    return estimate if low == UNDEFINED else f"{estimate} ({low} … {high})"


def _several(found: Sequence[Comparison]) -> bool:
    """Whether several arms share a control, so that the corrected p says something of its own."""
    return len({(each.node, each.arm) for each in found}) > len({each.node for each in found})


def curve_table(report: Report, words: Words) -> Table | None:
    """The figures behind the curve: every day, or every week when there are many."""
    curve = report.curve
    if curve is None or not curve.arms:
        return None
    days = len(curve.arms[0].values)
    step = 1 if days <= _MOST_DAYS else 7
    shown = sorted({*range(step, days + 1, step), days})
    rows = [_row(str(day), *(words.numbers.rate(curve.metric, arm.values[day - 1]) for arm in curve.arms)) for day in shown]
    heads = [words("col.day"), *(words.known("arm", arm.arm) for arm in curve.arms)]
    return Table(words("plot.table"), heads, rows)


def version_table(report: Report, words: Words) -> Table:
    """Which versions of the flow ran."""
    rows = [_row(run.version, words.moment(run.stored_at), words.numbers.count(run.customers)) for run in report.versions]
    return Table(words("section.versions"), [words(f"col.{name}") for name in ("version", "stored", "customers")], rows, words=2)


def _row(*texts: str) -> list[Said]:
    return [Said(text) for text in texts]
