"""Charts of a row each: effects with their intervals, and bars. A name stands above its marks, so that it fits a phone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from engine.picture.lettering import width_of
from response.parts import Chart, Column
from response.render.axes import Axis, figures
from response.render.charts.frame import Dot, Frame, Layer, column_of, data, dots, points, series_name
from response.render.reader import Reader
from response.render.theme import BAND, INK, RULE, SERIES, SHAPES, SIZE, SMALL, SOFT

_ROW, _HEAD = 44, 26  # pixels: a row, and the heading of a group of them
_APART = 12  # between a name and its figures


def intervals(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """An effect a row against zero: its name above it, and its figures at the end of that line."""
    known = [dot for dot in dots(chart) if dot.value.estimate is not None]
    return _in_rows(chart, known, reader, width, _interval_marks) if known else None


def bars(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """A bar a row, with its interval when it has one."""
    known = [dot for dot in dots(chart) if dot.value.estimate is not None]
    return _in_rows(chart, known, reader, width, _bar_marks) if known else None


Marks = Callable[[Sequence[Mapping[str, Any]], "_Rows"], Iterator[Layer]]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the marks of a chart of rows share: how a value stands across, and the frame."""

    across: alt.Scale
    down: alt.Scale
    frame: Frame

    def x(self, field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=self.across, axis=None)

    def y(self, field: str = "y") -> alt.Y:
        return alt.Y(f"{field}:Q", scale=self.down, axis=None)


def _in_rows(chart: Chart, found: Sequence[Dot], reader: Reader, width: int, marks: Marks) -> alt.LayerChart:
    column = column_of(chart, chart.x)
    rows, heads, height = _rows_of(chart, found, column, reader)
    reach = [each for dot in found for each in (dot.value.estimate, dot.value.low, dot.value.high) if each is not None]
    minimum = [chart.minimum, -chart.minimum] if chart.minimum else []
    axis = figures([*reach, *minimum], found[0].kind, reader, about=4 if width < 400 else 6)
    left, right = (max(6.0, width_of(label, SMALL) / 2 + 2) for label in (axis.labels[0], axis.labels[-1]))
    frame = Frame(width - left - right, height, left, right, top=4, bottom=28)
    rows = [_fitting(row, frame.width) for row in rows]
    shared = _Rows(alt.Scale(domain=[axis.low, axis.high], nice=False), alt.Scale(domain=[0, height], reverse=True, nice=False), frame)
    return frame.around(
        [
            *_ground(axis, rows, shared, chart.minimum),
            _text(heads, shared, "bold"),
            _text(rows, shared),
            _figures(rows, shared),
            *marks(rows, shared),
        ]
    )


def _rows_of(
    chart: Chart, found: Sequence[Dot], column: Column, reader: Reader
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]], float]:
    """Rows top to bottom with the pixel where each stands; a value of x with several series is a heading with rows below it."""
    rows: list[Mapping[str, Any]] = []
    heads: list[Mapping[str, Any]] = []
    top, before = 0.0, object()
    for dot in found:
        name = reader.in_column(dot.x, column)
        if chart.series and dot.x != before:
            heads.append({"name": name, "label_y": top + 14})
            top, before = top + _HEAD, dot.x
        label = series_name(chart, dot, reader) if chart.series else name
        colour = SOFT if dot.muted else SERIES[dot.place % len(SERIES)]
        figure = reader.cell(dot.value, dot.kind, alone=False)
        effect = {"estimate": dot.value.estimate, "low": dot.value.low, "high": dot.value.high, "zero": 0}
        look = {"colour": colour, "shape": SHAPES[dot.place % len(SHAPES)]}
        short = reader.cell(dot.value.estimate, dot.kind, alone=False)
        rows.append({"name": label, "figure": figure, "short": short, "label_y": top + 12, "y": top + 28, **look, **effect})
        top += _ROW
    return rows, heads, top + 4


def _fitting(row: Mapping[str, Any], room: float) -> Mapping[str, Any]:
    """The row with its figures without their interval, where name and figures would lie over each other: the marks show it."""
    taken = width_of(row["name"], SIZE) + width_of(row["figure"], SIZE) + _APART
    return row if taken <= room else {**row, "figure": row["short"]}


def _ground(axis: Axis, rows: Sequence[Mapping[str, Any]], shared: _Rows, minimum: float | None) -> Iterator[Layer]:
    """What lies behind the marks of each row: the band of what does not matter, the grid and zero; and the labels below."""
    strips = [{"top": row["y"] - 11, "bottom": row["y"] + 11, "low": -(minimum or 0), "high": minimum or 0} for row in rows]
    if minimum:
        yield data(strips).mark_rect(fill=BAND).encode(x=shared.x("low"), x2="high:Q", y=shared.y("top"), y2="bottom:Q")
    ticks = [{"at": tick, "label": label} for tick, label in zip(axis.ticks, axis.labels, strict=True)]
    grid = [{**tick, **strip} for tick in ticks for strip in strips]
    zero = [{"at": 0, **strip} for strip in strips]
    yield data(grid).mark_rule(stroke=RULE).encode(x=shared.x("at"), y=shared.y("top"), y2="bottom:Q")
    yield data(zero).mark_rule(stroke=SOFT, strokeWidth=1.5).encode(x=shared.x("at"), y=shared.y("top"), y2="bottom:Q")
    labels = data(ticks).mark_text(fontSize=SMALL, fill=SOFT, baseline="top")
    yield labels.encode(x=shared.x("at"), y=alt.value(shared.frame.height + 6), text="label:N")


def _interval_marks(rows: Sequence[Mapping[str, Any]], shared: _Rows) -> Iterator[Layer]:
    known = data([row for row in rows if row["low"] is not None])
    colour = alt.Stroke("colour:N", scale=None)
    yield known.mark_rule(strokeWidth=2.5, strokeCap="round").encode(x=shared.x("low"), x2="high:Q", y=shared.y(), stroke=colour)
    for end in ("low", "high"):
        yield known.mark_tick(orient="vertical", height=11, thickness=2.5, filled=True).encode(
            x=shared.x(end), y=shared.y(), fill=alt.Fill("colour:N", scale=None)
        )
    yield points(rows, shared.x("estimate"), shared.y())


def _bar_marks(rows: Sequence[Mapping[str, Any]], shared: _Rows) -> Iterator[Layer]:
    thick = [{**row, "from": row["y"] - 7, "to": row["y"] + 7} for row in rows]
    fill = alt.Fill("colour:N", scale=None)
    bars = data(thick).mark_rect()
    yield bars.encode(x=shared.x("zero"), x2="estimate:Q", y=shared.y("from"), y2="to:Q", fill=fill)
    known = data([row for row in rows if row["low"] is not None])
    yield known.mark_rule(stroke=INK, strokeWidth=1.5).encode(x=shared.x("low"), x2="high:Q", y=shared.y())


def _text(rows: Sequence[Mapping[str, Any]], shared: _Rows, weight: Literal["normal", "bold"] = "normal") -> Layer:
    marks = data(rows).mark_text(align="left", fill=INK, fontWeight=weight, fontSize=SIZE)
    drawn: Layer = marks.encode(x=alt.value(0), y=shared.y("label_y"), text="name:N")
    return drawn


def _figures(rows: Sequence[Mapping[str, Any]], shared: _Rows) -> Layer:
    marks = data(rows).mark_text(align="right", fill=SOFT, fontSize=SIZE)
    drawn: Layer = marks.encode(x=alt.value(shared.frame.width), y=shared.y("label_y"), text="figure:N")
    return drawn
