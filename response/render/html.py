"""A report as one HTML file: offline, without scripts, for screen and paper. Every text in it passes through autoescaping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby, takewhile
from typing import assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from response.parts import Cell, Chart, Column, Definition, Document, Items, Part, Picture, Query, Say, Section, Table
from response.render.drawings import chart_svg, picture_svg
from response.render.prose import on_page
from response.render.reader import TEXTUAL, Reader
from response.render.theme import page_colours
from response.render.wide import read_across

WIDE, NARROW = 640, 320  # pixels that a chart is drawn for: on a desk, and on a phone


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its tone, and the anchors of the table and the definition behind it."""

    text: str
    tone: str = ""
    source: str | None = None
    meaning: str | None = None
    opening: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading. `meaning` is the definition that it links to."""

    text: str
    textual: bool
    meaning: str | None


@dataclass(frozen=True, slots=True)
class Box:
    """A cell: its text, its tone, and apart from the text the limits of an interval."""

    text: str
    tone: str
    limits: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, every text ready to read. `total` is the number of the row that sums the others up."""

    name: str
    label: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Box]]
    total: int | None
    folded: bool
    facts: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing for wide and for narrow screens, with the table behind it, or a link to where that stands already."""

    name: str
    caption: str
    wide: Markup
    narrow: Markup | None
    grid: Grid | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences under a heading."""

    title: str
    sentences: Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Meanings:
    """Definitions one below the other: anchor, term, text."""

    entries: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL behind each section: its title and the statements."""

    entries: Sequence[tuple[str, Sequence[str]]]


Block = Sentence | Grid | Figure | Bullets | Meanings | Statements


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section under its heading."""

    name: str
    title: str
    blocks: Sequence[Block]


def as_html(document: Document, language: str = "en") -> str:
    """The document as one HTML page; a language that is not known is answered in English."""
    reader = Reader(language, document)
    style = Markup(files("response").joinpath("pages", "report.css").read_text("utf-8") + page_colours())  # noqa: S704  # our own file
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            read=reader,
            style=style,
            name=document.name,
            title=reader.say(document.title),
            as_of=reader.moment(document.as_of),
            headline=[_sentence(each, reader) for each in document.headline],
            chapters=[_chapter(each, reader) for each in document.sections],
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("response", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["prose"] = on_page
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    return environment


def _chapter(section: Section, reader: Reader) -> Chapter:
    return Chapter(section.name, reader.title(section), list(_blocks(section, reader)))


def _blocks(section: Section, reader: Reader) -> Iterator[Block]:
    own = {part.name for part in section.parts if isinstance(part, Table)}
    opening = list(takewhile(lambda part: isinstance(part, Say) and part.key == getattr(section.parts[0], "key", None), section.parts))
    for kind, group in groupby(section.parts, key=type):
        parts = list(group)
        if kind is Definition:
            yield Meanings([(each.name, *_definition(each, reader)) for each in parts if isinstance(each, Definition)])
        elif kind is Query:
            yield Statements([(_asked_for(each, reader), each.statements) for each in parts if isinstance(each, Query)])
        else:
            yield from (_block(part, own, reader, opening=part in opening) for part in parts)


def _block(part: Part, own: set[str], reader: Reader, *, opening: bool) -> Block:
    match part:
        case Say():
            return _sentence(part, reader, opening=opening)
        case Table():
            return _grid(part, reader)
        case Chart():
            return _figure(part, own, reader)
        case Picture():
            return Figure(part.name, reader.say(part.title), picture_svg(part, reader.language), None, None, None)
        case Items():
            return Bullets(reader.say(part.title), [_sentence(each, reader) for each in part.says])
        case Definition() | Query():  # taken together by whoever called
            raise TypeError(part)
        case _:
            assert_never(part)


def _sentence(said: Say, reader: Reader, *, opening: bool = False) -> Sentence:
    return Sentence(reader.say(said), said.tone, said.table, said.define, opening and said.tone != "soft")


def _grid(table: Table, reader: Reader) -> Grid:
    heads = [Head(reader.heading(column), column.kind in TEXTUAL, column.define) for column in table.columns]
    rows = [[_box(cell, column, reader) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    return Grid(table.name, reader.name(table), heads, rows, table.total, table.folded, table.facts)


def _box(cell: Cell, column: Column, reader: Reader) -> Box:
    text, limits = reader.with_limits(cell, column)
    verdict = column.words == "verdict" and isinstance(cell, str)
    return Box(text, f"verdict {str(cell).replace(' ', '-')}" if verdict else "", limits)


def _figure(chart: Chart, own: set[str], reader: Reader) -> Figure:
    stands_here = chart.table.name in own
    return Figure(
        chart.name,
        reader.say(chart.title),
        chart_svg(chart, reader, WIDE),
        chart_svg(chart, reader, NARROW),
        None if stands_here else _grid(read_across(chart), reader),
        chart.table.name if stands_here else None,
    )


def _definition(part: Definition, reader: Reader) -> tuple[str, str]:
    term = reader.cell(part.term, "text", alone=True)
    return term[:1].upper() + term[1:], reader.say(part.text)


def _asked_for(query: Query, reader: Reader) -> str:
    return reader("appendix.queries_facts") if query.section == "facts" else reader.word("section", query.section)
