"""Text as Graphviz's HTML-like labels: cells that are as wide as we measured, so that nothing depends on Graphviz's own estimate."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from xml.sax.saxutils import escape

from engine.picture.lettering import clean, width_of, wrap

LEADING = 1.32  # the height of a line, in sizes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text as it is set."""

    text: str
    size: int  # Graphviz knows whole points only
    colour: str
    bold: bool = False

    @property
    def width(self) -> int:
        """In whole points, rounded up."""
        return ceil(width_of(self.text, self.size, self.bold)) + 1

    @property
    def height(self) -> int:
        """In whole points, rounded up."""
        return ceil(self.size * LEADING)


def lines_of(text: str, size: int, colour: str, limit: float, bold: bool = False) -> tuple[Line, ...]:
    """`text` wrapped to `limit` points."""
    return tuple(Line(each, size, colour, bold) for each in wrap(text, size, limit, bold))


def cell(line: Line, width: int | None = None, attributes: str = "") -> str:
    """A cell with one line, at least as wide as it."""
    # Graphviz reads \N and such as the node's name, in labels too.
    text = escape(clean(line.text)).replace("\\", "\\\\")
    inner = f"<b>{text}</b>" if line.bold else text
    wide = max(line.width, width or 0)
    return (
        f'<td align="left" width="{wide}" height="{line.height}"{attributes}>'
        f'<font point-size="{line.size}" color="{line.colour}">{inner}</font></td>'
    )


def gap(width: int = 1, height: int = 1, attributes: str = "") -> str:
    """An empty cell of a fixed size."""
    return f'<td fixedsize="true" width="{width}" height="{height}"{attributes}></td>'


def row(cells: Iterable[str]) -> str:
    """A row."""
    return f"<tr>{''.join(cells)}</tr>"


def table(rows: Iterable[str], attributes: str = "") -> str:
    """A table without lines and without padding of its own."""
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="0"{attributes}>{"".join(rows)}</table>'


def holding(inner: str, attributes: str = "") -> str:
    """A cell that holds a table."""
    return f'<td align="left"{attributes}>{inner}</td>'


def stack(lines: Iterable[Line], width: int | None = None) -> str:
    """Lines below one another."""
    return table(row([cell(line, width)]) for line in lines)


def label(inner: str) -> str:
    """A table as the value of a label."""
    return f"<{inner}>"
