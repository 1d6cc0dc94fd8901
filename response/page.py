"""A report as one HTML file: offline, without scripts, for screen and paper. Every text in it passes through autoescaping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from response.facts import Report
from response.figures import Figure, curve_figure, forest_figure
from response.tables import (
    Block,
    Said,
    Table,
    curve_table,
    exclusion_table,
    funnel_table,
    other_blocks,
    result_table,
    trust_block,
    version_table,
)
from response.words import Words, comparison_sentence, headline


@dataclass(frozen=True, slots=True)
class Page:
    """What the template shows, every text ready to read."""

    title: str
    campaign: str
    as_of: str
    style: Markup
    said: Sequence[Said]
    question: str | None
    goal: Sequence[tuple[str, str]]
    trust: Sequence[Block]
    notes: Sequence[str]
    exclusions: Table | None
    funnel: Table | None
    forest: Figure | None
    result: Table | None
    undefined: Sequence[str]
    others: Sequence[Block]
    curve: Figure | None
    days: Table | None
    definitions: Sequence[str]
    versions: Table


def as_html(report: Report, language: str = "en") -> str:
    """The report as one HTML document; a language that is not known is answered in English."""
    words = Words(language, report)
    return _environment().get_template("report.html.j2").render(page=_page(report, words), words=words)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("response", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _page(report: Report, words: Words) -> Page:
    return Page(
        title=words("title", title=report.title),
        campaign=report.campaign,
        as_of=words.moment(report.as_of),
        style=Markup(files("response").joinpath("pages", "report.css").read_text("utf-8")),  # noqa: S704  # our own file
        said=list(_said(report, words)),
        question=report.goal.question if report.goal else None,
        goal=list(_goal(report, words)),
        trust=[trust_block(each, words) for each in report.experiments],
        notes=[words.note(note) for note in report.notes],
        exclusions=exclusion_table(report, words),
        funnel=funnel_table(report, words),
        forest=forest_figure(report, words),
        result=result_table(report, words),
        undefined=list(_undefined(report, words)),
        others=other_blocks(report, words),
        curve=curve_figure(report, words),
        days=curve_table(report, words),
        definitions=list(_definitions(report, words)),
        versions=version_table(report, words),
    )


def _said(report: Report, words: Words) -> Iterator[Said]:
    primary = [each for each in report.comparisons if each.primary]
    if not primary:
        yield Said(headline(report, words))
    for each in primary:
        yield Said(comparison_sentence(each, report, words), each.verdict.value.replace(" ", "-"))


def _goal(report: Report, words: Words) -> Iterator[tuple[str, str]]:
    goal, found = report.goal, report.headline
    yield words("goal.metric"), f"{words(f'metric.{report.metrics[0]}').capitalize()}. {words(f'define.{report.metrics[0]}')}"
    yield words("goal.within"), words("goal.within.text", within=goal.within) if goal else words("goal.no_limit")
    yield words("goal.minimum"), _amount(report, words, goal.minimum if goal else None) or words("goal.none")
    if found and found.detectable is not None:
        yield words("goal.detectable"), words("goal.detectable.text", size=_amount(report, words, found.detectable))
    yield words("goal.rule"), words("goal.rule.text")


def _amount(report: Report, words: Words, amount: float | None) -> str:
    """A difference with its unit: points, or money."""
    if amount is None:
        return ""
    size = words.numbers.size(report.metrics[0], amount)
    return size if report.metrics[0] == "spend" else words("points", size=size)


def _undefined(report: Report, words: Words) -> Iterator[str]:
    """What the result's table leaves out, in words."""
    if any(each.primary and each.absolute.low is not None and each.relative.low is None for each in report.comparisons):
        yield words("result.no_relative")


def _definitions(report: Report, words: Words) -> Iterator[str]:
    for metric in report.metrics:
        yield f"{words(f'metric.{metric}').capitalize()}: {words(f'define.{metric}')}"
    for key in ("assigned", "window", "absolute", "relative", "several", "ratio"):
        yield words(f"define.{key}")
