"""A colour for each pair of two things, with the figure in it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import altair as alt

from engine.picture.lettering import width_of
from response.parts import Chart
from response.render.charts.frame import Frame, at, column_of, data, effect_of, shortened
from response.render.reader import Reader
from response.render.theme import HEAT, INK, RULE, SMALL, SOFT

_CELL = 38
_NOTE = 13  # from the figure down to what stands below it


def heat(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """A cell for each x and y; the figure in it is that of `series`, grey where there is none, and below it that of `note`."""
    cells = list(_cells(chart, reader))
    if not cells:
        return None
    columns, rows = (list(dict.fromkeys(cell[name] for cell in cells)) for name in ("column", "row"))
    left = min(max(width_of(row, SMALL, bold=True) for row in rows) + 12, width * 0.3)
    frame = Frame(width - left - 4, _CELL * len(rows), left, 4, top=24, bottom=4)
    each = frame.width / len(columns)
    for cell in cells:
        across, down = columns.index(cell["column"]), rows.index(cell["row"])
        cell |= {"x": across * each, "x2": (across + 1) * each - 2, "y": down * _CELL, "y2": (down + 1) * _CELL - 2}
        cell |= {"middle": (across + 0.5) * each - 1, "centre": (down + 0.5) * _CELL - 1 - (_NOTE / 2 if chart.note else 0)}
        cell["below"] = cell["centre"] + _NOTE
    x, y = alt.Scale(domain=[0, frame.width], nice=False), alt.Scale(domain=[0, frame.height], reverse=True, nice=False)
    place = {"x": alt.X("x:Q", scale=x, axis=None), "y": alt.Y("y:Q", scale=y, axis=None)}
    middle = {"x": alt.X("middle:Q", scale=x, axis=None), "y": alt.Y("centre:Q", scale=y, axis=None)}
    below = {"x": middle["x"], "y": alt.Y("below:Q", scale=y, axis=None)}
    size = SMALL if each > 56 else 10
    heads = [{"middle": (number + 0.5) * each - 1, "name": shortened(name, each - 4)} for number, name in enumerate(columns)]
    sides = [{"centre": (number + 0.5) * _CELL - 1, "name": shortened(name, left - 10)} for number, name in enumerate(rows)]
    return frame.around(
        [
            data(cells).mark_rect().encode(**place, x2="x2:Q", y2="y2:Q", fill=alt.Fill("colour:N", scale=None)),
            data([cell for cell in cells if not cell["soft"]]).mark_text(fontSize=size, fill=INK).encode(**middle, text="figure:N"),
            data([cell for cell in cells if cell["soft"]]).mark_text(fontSize=size, fill=SOFT).encode(**middle, text="figure:N"),
            data(cells if chart.note else []).mark_text(fontSize=10, fill=SOFT).encode(**below, text="note:N"),
            data(heads).mark_text(fontSize=SMALL, fill=SOFT).encode(x=middle["x"], y=alt.value(-10), text="name:N"),
            data(sides).mark_text(fontSize=SMALL, fill=SOFT, align="right").encode(x=alt.value(-8), y=middle["y"], text="name:N"),
        ]
    )


def _cells(chart: Chart, reader: Reader) -> Iterator[dict[str, Any]]:
    across, down, what = (column_of(chart, name) for name in (chart.x, chart.y, chart.series or chart.y))
    note = column_of(chart, chart.note) if chart.note else None
    found = [(each, *effect_of(each[at(chart, what)], what)) for each in chart.table.rows]
    largest = max((abs(value.estimate) for _, value, _ in found if value.estimate is not None), default=0.0)
    for cells, value, kind in found:
        known = value.estimate is not None
        step = round((len(HEAT) // 2) * (value.estimate or 0) / largest) if known and largest else 0
        yield {
            "column": reader.in_column(cells[at(chart, across)], across),
            "row": reader.in_column(cells[at(chart, down)], down),
            "note": reader.in_column(cells[at(chart, note)], note) if note else "",
            "figure": reader.cell(replace(value, low=None, high=None), kind, alone=False),
            "colour": HEAT[len(HEAT) // 2 + step] if known else RULE,
            "soft": not known,
        }
