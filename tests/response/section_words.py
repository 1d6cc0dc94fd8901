"""Reads sections as a test wants them: what was said by key, the rows of a table by column, and every word in both languages."""

from collections.abc import Iterator
from typing import Any

from response.parts import Chart, Document, Items, Part, Say, Section, Table, say
from response.render.reader import Reader
from response.sources import Sources
from response.words import LANGUAGES


def said(section: Section | None, key: str) -> dict[str, Any]:
    """The values of the one sentence of this key, plain."""
    assert section is not None
    (found,) = [each for each in _says(section) if each.key == key]
    return {name: getattr(value, "value", getattr(value, "code", value)) for name, value in found.values}


def keys(section: Section | None) -> list[str]:
    """The keys of all sentences, in order."""
    assert section is not None
    return [each.key for each in _says(section)]


def opening(section: Section | None) -> Say:
    """What is said first."""
    assert section is not None
    assert isinstance(section.parts[0], Say)
    return section.parts[0]


def rows(section: Section | None, name: str) -> list[dict[str, Any]]:
    """The rows of a table, by the names of its columns; values of a kind of their own are plain."""
    assert section is not None
    (table,) = [each for each in section.tables if each.name == name]
    columns = [column.name for column in table.columns]
    return [dict(zip(columns, [getattr(cell, "value", cell) for cell in row], strict=True)) for row in table.rows]


def spoken(section: Section | None, sources: Sources) -> dict[str, str]:
    """Everything that the section says, by language: a word that is missing, or a gap that nothing fills, is an error."""
    assert section is not None
    report = sources.report
    document = Document("spring", say("title", title=""), report.as_of, report.zone, report.currency, (section,))
    return {language: "\n".join(_text(section, Reader(language, document))) for language in LANGUAGES}


def _text(section: Section, reader: Reader) -> Iterator[str]:
    yield reader.title(section)
    for part in section.parts:
        yield from _of_part(part, reader)
        if isinstance(part, Chart):
            yield from _of_part(part.table, reader)


def _of_part(part: Part, reader: Reader) -> Iterator[str]:
    match part:
        case Say():
            yield reader.say(part)
        case Items():
            yield from (reader.say(each) for each in (part.title, *part.says))
        case Chart():
            yield reader.say(part.title)
        case Table():
            yield reader.name(part)
            yield " | ".join(reader.heading(column) for column in part.columns)
            yield from (
                " | ".join(reader.in_column(cell, column) for cell, column in zip(row, part.columns, strict=True)) for row in part.rows
            )
        case _:
            raise AssertionError(part)


def _says(section: Section) -> Iterator[Say]:
    for part in section.parts:
        if isinstance(part, Say):
            yield part
        elif isinstance(part, Items):
            yield from part.says
