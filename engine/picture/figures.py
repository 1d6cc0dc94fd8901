"""Figures on a card: rows of counts and parts, arms side by side, set to the right so that digits stand below one another."""

from collections.abc import Sequence

from engine.picture.counts import FigureRow, Figures
from engine.picture.labels import Line, cell, gap, holding, lines_of, row, table
from engine.picture.style import FAINT, Style

SIZE, NOTE_SIZE = 9, 9
BETWEEN, WITHIN = 12, 4  # points between columns, and between a count and its part
ABOVE = 5


def figures_width(figures: Figures | None) -> int:
    """The least width of the text of a card with these figures; 0 without any."""
    if figures is None or not figures.rows:
        return 0
    return _name_width(figures) + sum(BETWEEN + _column_width(figures, place) for place in range(_columns(figures)))


def figure_rows(figures: Figures, style: Style, width: int) -> list[str]:
    """The rows of a label: headings, figures and notes."""
    faint = style.line_ink if style.solid else FAINT
    rows: list[str] = []
    if figures.rows:
        rows.append(row([gap(width, ABOVE)]))
    if figures.rows and figures.columns:
        heads = [Line(name, SIZE, faint, bold=True) for name in figures.columns]
        rows.append(_set(figures, Line("", SIZE, faint), [(head,) for head in heads], width))
    for each in figures.rows:
        cells = [(Line(count, SIZE, style.title_ink, bold=True), Line(part, SIZE, faint)) for count, part in each.cells]
        rows.append(_set(figures, Line(each.name, SIZE, style.line_ink), cells, width))
    notes = [line for note in figures.notes for line in lines_of(note, NOTE_SIZE, style.line_ink, width)]
    rows += [row([gap(width, ABOVE)])] if notes else []
    return rows + [row([holding(table([row([cell(line, width)])]))]) for line in notes]


def told(figures: Figures) -> list[str]:
    """The figures in words, for who cannot see them."""
    heads = figures.columns or ("",)
    said = [
        f"{each.name} " + ", ".join(" ".join(word for word in (head, *pair) if word) for head, pair in zip(heads, each.cells, strict=True))
        for each in figures.rows
    ]
    return [*said, *figures.notes]


def _set(figures: Figures, name: Line, cells: Sequence[tuple[Line, ...]], width: int) -> str:
    """One row over the whole width: the name at the left, the columns at the right."""
    spare = width - figures_width(figures)
    parts = [cell(name, _name_width(figures) + spare)] if name.text else [gap(_name_width(figures) + spare)]
    for place, lines in enumerate(cells):
        parts += [gap(BETWEEN), *_to_the_right(lines, _count_width(figures, place), _column_width(figures, place))]
    return row([holding(table([row(parts)]))])


def _to_the_right(lines: tuple[Line, ...], counts: int, width: int) -> list[str]:
    """A heading that ends with its column; or a count that ends where counts end, and its part that ends with the column."""
    if len(lines) == 1 or not lines[1].text:
        end = width if len(lines) == 1 else counts
        after = width - end
        return [gap(max(1, end - lines[0].width)), cell(lines[0]), *([gap(after)] if after > 0 else [])]
    count, part = lines
    before, between = max(1, counts - count.width), max(1, width - counts - part.width)
    return [gap(before), cell(count), gap(between), cell(part)]


def _columns(figures: Figures) -> int:
    return len(figures.rows[0].cells)


def _name_width(figures: Figures) -> int:
    return max(Line(each.name, SIZE, "").width for each in figures.rows)


def _count_width(figures: Figures, place: int) -> int:
    return max(Line(each.cells[place][0], SIZE, "", bold=True).width for each in figures.rows) + 1


def _column_width(figures: Figures, place: int) -> int:
    parts = max(_part_width(each, place) for each in figures.rows)
    own = _count_width(figures, place) + parts
    head = Line(figures.columns[place], SIZE, "", bold=True).width + 1 if figures.columns else 0
    return max(own, head)


def _part_width(each: FigureRow, place: int) -> int:
    part = each.cells[place][1]
    return WITHIN + Line(part, SIZE, "").width + 1 if part else 0
