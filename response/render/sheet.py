"""A report's tables on paper: as wide as the page allows, else in parts below each other, each with the columns that name a row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Paragraph
from reportlab.platypus import Table as Grid

from response.parts import Cell, Column, Say, Table
from response.render.paper import BAD, CONTENT, FONTS, GOOD, STYLES, cell_style
from response.render.prose import on_paper
from response.render.reader import TEXTUAL, Reader
from response.render.theme import INK, RULE, SOFT

_SIZES = (8.0, 7.2, 6.5)  # points: the largest that fits
_GAP = 7.0  # between columns
_LONGEST_WORDS = 150.0  # points that a text may take before it is broken
_VERDICTS = {"better": GOOD, "worse": BAD, "not valid": BAD}


@dataclass(frozen=True, slots=True)
class Links:
    """What a report's sentences and headings can point at."""

    tables: set[str]
    defined: set[str]

    def of(self, said: Say, reader: Reader) -> str:
        """The links after a sentence, as reportlab's markup."""
        meaning = self._link(f"define-{said.define}", reader("page.meaning")) if said.define in self.defined else ""
        source = self.to_table(said.table, reader) if said.table else ""
        return f"{source}{'&nbsp;·' if source and meaning else ''}{f' {meaning}' if meaning else ''}"

    def to_table(self, name: str, reader: Reader) -> str:
        """A link to a table, or nothing."""
        return f" {self._link(f'table-{name}', reader('page.source'))}" if name in self.tables else ""

    def heading(self, column: Column, reader: Reader) -> str:
        """A column's heading, linked to its definition."""
        text = escape(reader.heading(column))
        return f'<a href="#define-{column.define}">{text}</a>' if column.define in self.defined else text

    @staticmethod
    def _link(anchor: str, text: str) -> str:
        return f'<a href="#{anchor}"><font size="7" color="#1f5f8b">{escape(text)}</font></a>'


def grids(table: Table, reader: Reader, links: Links) -> list[Grid]:
    """The table as one grid, or as several that each fit the page."""
    if table.facts:
        return [_facts(table, reader)]
    size, widths = _fitting(table, reader)
    return [_grid(table, chosen, [widths[place] for place in chosen], size, reader, links) for chosen in _parts(table, widths)]


def _facts(table: Table, reader: Reader) -> Grid:
    rows = [
        [Paragraph(escape(reader.in_column(row[0], table.columns[0])), STYLES["soft"]), _paragraph(row[1], table.columns[1], reader)]
        for row in table.rows
    ]
    made = Grid(rows, colWidths=[CONTENT * 0.28, CONTENT * 0.72], hAlign="LEFT")
    made.setStyle(
        [
            ("FONTNAME", (0, 0), (-1, -1), FONTS[0]),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ]
    )
    return made


def _paragraph(cell: Cell, column: Column, reader: Reader) -> Paragraph:
    return Paragraph(on_paper(reader.in_column(cell, column)), STYLES["text"])


def _fitting(table: Table, reader: Reader) -> tuple[float, list[float]]:
    """The largest size at which all columns fit, or the smallest; and the width that each column wants at it."""
    for size in _SIZES:
        widths = [_wanted(table, place, size, reader) for place in range(len(table.columns))]
        if sum(widths) <= CONTENT:
            break
    return size, widths


def _wanted(table: Table, place: int, size: float, reader: Reader) -> float:
    column = table.columns[place]
    lines = [line for row in table.rows for line in reader.with_limits(row[place], column)]
    widest = max((stringWidth(line, FONTS[1], size) for line in lines), default=0.0)
    longest_word = max(stringWidth(word, FONTS[0], size) for word in reader.heading(column).split() or [""])
    return min(max(widest, longest_word), _LONGEST_WORDS if column.kind in TEXTUAL else CONTENT) + _GAP


def _parts(table: Table, widths: Sequence[float]) -> Iterator[list[int]]:
    """Columns that fit beside each other; those that name a row stand in every part."""
    names: list[int] = [0, 1] if len(table.columns) > 2 and table.columns[1].kind in TEXTUAL else [0]
    chosen = list(names)
    for place in range(len(table.columns)):
        if place in names:
            continue
        if sum(widths[each] for each in chosen) + widths[place] > CONTENT and len(chosen) > len(names):
            yield chosen
            chosen = list(names)
        chosen.append(place)
    yield chosen


def _grid(table: Table, chosen: Sequence[int], widths: Sequence[float], size: float, reader: Reader, links: Links) -> Grid:
    heads = [_head(table.columns[place], size, reader, links) for place in chosen]
    rows = [
        [_cell(row[place], table.columns[place], size, number == table.total, reader) for place in chosen]
        for number, row in enumerate(table.rows)
    ]
    spare = max(0.0, CONTENT - sum(widths))
    room = [width + (min(spare / len(widths), 14)) for width in widths]
    made = Grid([heads, *rows], colWidths=room, repeatRows=1, hAlign="LEFT")
    made.setStyle(
        [
            ("FONTNAME", (0, 0), (-1, -1), FONTS[0]),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("VALIGN", (0, 1), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), _GAP),
            ("TOPPADDING", (0, 0), (-1, -1), 2.2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.8),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(RULE)),
            *([("LINEABOVE", (0, table.total + 1), (-1, table.total + 1), 1, HexColor(SOFT))] if table.total is not None else []),
        ]
    )
    return made


def _head(column: Column, size: float, reader: Reader, links: Links) -> Paragraph:
    return Paragraph(links.heading(column, reader), cell_style(size * 0.95, right=column.kind not in TEXTUAL, colour=SOFT))


def _cell(cell: Cell, column: Column, size: float, total: bool, reader: Reader) -> Paragraph:
    text, limits = reader.with_limits(cell, column)
    small = f'<br/><font size="{size * 0.85:.1f}" color="{SOFT}">{escape(limits)}</font>' if limits else ""
    colour = _VERDICTS.get(cell, INK) if column.words == "verdict" and isinstance(cell, str) else INK
    bold = total or column.words == "verdict"
    return Paragraph(escape(text) + small, cell_style(size, right=column.kind not in TEXTUAL, bold=bold, colour=colour))
