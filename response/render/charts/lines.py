"""Charts over a line of days or numbers: lines, lines within their bands, and points."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from engine.picture.lettering import width_of
from response.parts import Cell, Chart
from response.render.axes import Axis, along, figures, spread
from response.render.charts.frame import Frame, Layer, column_of, data, dots, look_of, plain_number, points, series_name, shortened
from response.render.reader import Reader
from response.render.theme import BAND, SMALL, SOFT

_LINE = 17  # the least distance between two names
_HEIGHT = 230


def lines(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """A line for each series, named at its end."""
    return _over_x(chart, reader, width, banded=False)


def band(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """A line for each series within the band of its interval."""
    return _over_x(chart, reader, width, banded=True)


def _over_x(chart: Chart, reader: Reader, width: int, *, banded: bool) -> alt.LayerChart | None:
    """A line for each series, named at its end; with its band where that is asked for."""
    found = [dot for dot in dots(chart) if dot.value.estimate is not None]
    if not found:
        return None
    across = along([dot.x for dot in found], column_of(chart, chart.x), reader, 4 if width < 400 else 8)
    limits = [each for dot in found for each in (dot.value.low, dot.value.high) if banded and each is not None]
    minimum = [chart.minimum, -chart.minimum] if chart.minimum else []
    axis = figures([*(dot.value.estimate or 0 for dot in found), *limits, *minimum], found[0].kind, reader)
    names = {dot.place: series_name(chart, dot, reader) for dot in found} if chart.series else {}
    frame = _beside(axis, names.values(), width)
    x = alt.X("x:Q", scale=alt.Scale(domain=[across.axis.low, across.axis.high], nice=False), axis=_bottom_axis(across.axis, chart, reader))
    up = alt.Scale(domain=[axis.low, axis.high], nice=False)
    y = alt.Y("estimate:Q", scale=up, axis=_side_axis(axis))
    rows = [look_of(dot, across.place(dot.x)) for dot in found]
    layers = [*_behind(chart, across.place, frame, x, y)]
    for place in dict.fromkeys(dot.place for dot in found):
        own = [row for row in rows if row["place"] == place]
        layers += [_area(own, x, alt.Y("low:Q", scale=up, axis=_side_axis(axis)))] if banded else []
        layers.append(_line(own, x, y))
    return frame.around([*layers, *_ends(rows, names, axis, frame)])


def _behind(chart: Chart, place: Callable[[Cell], float], frame: Frame, x: alt.X, y: alt.Y) -> Iterator[Layer]:
    if chart.minimum:
        band = data([{"estimate": -chart.minimum, "high": chart.minimum}])
        yield band.mark_rect(fill=BAND).encode(x=alt.value(0), x2=alt.value(frame.width), y=y, y2="high:Q")
    zero = data([{"estimate": 0}])
    yield zero.mark_rule(stroke=SOFT, strokeWidth=1.5).encode(x=alt.value(0), x2=alt.value(frame.width), y=y)
    if chart.rule is not None:
        at = data([{"x": place(chart.rule)}])
        yield at.mark_rule(stroke=SOFT, strokeDash=[2, 3]).encode(x=x, y=alt.value(0), y2=alt.value(frame.height))


def _area(rows: Sequence[Mapping[str, Any]], x: alt.X, low: alt.Y) -> Layer:
    band = data([row for row in rows if row["low"] is not None]).mark_area(fill=rows[0]["colour"], opacity=0.16)
    drawn: Layer = band.encode(x=x, y=low, y2="high:Q")
    return drawn


def _line(rows: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y) -> Layer:
    look = {"stroke": rows[0]["colour"], "strokeDash": rows[0]["dash"] or [1, 0]}
    drawn: Layer = data(rows).mark_line(strokeWidth=2.5, strokeJoin="round", **look).encode(x=x, y=y)
    return drawn


def _ends(rows: Sequence[Mapping[str, Any]], names: Mapping[int, str], axis: Axis, frame: Frame) -> Iterator[Layer]:
    """Each line's name at its end, moved apart where two would touch."""
    last = [max((row for row in rows if row["place"] == place), key=lambda row: row["x"]) for place in names]
    heights = [frame.height - (row["estimate"] - axis.low) / (axis.high - axis.low) * frame.height for row in last]
    for row, end, name in zip(last, spread(heights, frame.height, _LINE), names.values(), strict=True):
        text = shortened(name, frame.right - 14)
        label = data([{"name": text}]).mark_text(align="left", fontWeight="bold", fill=row["colour"], fontSize=SMALL)
        yield label.encode(x=alt.value(frame.width + 8), y=alt.value(end), text="name:N")


def _beside(axis: Axis, names: Iterable[str], width: int) -> Frame:
    """Room for the labels at the left and the names at the right."""
    left = max(width_of(label, SMALL) for label in axis.labels) + 14
    longest = max((width_of(name, SMALL, bold=True) for name in names), default=0)
    right = min(longest, width * 0.3) + 16
    return Frame(width - left - right, _HEIGHT, left, right, bottom=46)


def _bottom_axis(axis: Axis, chart: Chart, reader: Reader) -> alt.Axis:
    title = reader.heading(column_of(chart, chart.x))
    return alt.Axis(values=list(axis.ticks), labelExpr=_label_of(axis), title=title, titlePadding=6, labelOverlap=True)


def _side_axis(axis: Axis) -> alt.Axis:
    return alt.Axis(values=list(axis.ticks), labelExpr=_label_of(axis), title=None, grid=True)


def _label_of(axis: Axis) -> str:
    """Our own label for each tick: Vega writes numbers in one language only."""
    return f"{_texts(axis.labels)}[indexof({[float(tick) for tick in axis.ticks]}, datum.value)]"


def _texts(labels: Sequence[str]) -> str:
    return "[" + ",".join("'" + label.replace("\\", "").replace("'", "’") + "'" for label in labels) + "]"


def scatter(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """A point for each row, named beside it where the series says what it is."""
    found = [dot for dot in dots(chart) if dot.value.estimate is not None and plain_number(dot.x) is not None]
    if not found:
        return None
    column = column_of(chart, chart.x)
    below = figures([plain_number(dot.x) or 0 for dot in found], column.kind, reader, about=4 if width < 400 else 6)
    axis = figures([dot.value.estimate or 0 for dot in found], found[0].kind, reader)
    frame = replace(_beside(axis, [], width), top=24)  # room for a name above the highest point
    x = alt.X("x:Q", scale=alt.Scale(domain=[below.low, below.high], nice=False), axis=_bottom_axis(below, chart, reader))
    y = alt.Y("estimate:Q", scale=alt.Scale(domain=[axis.low, axis.high], nice=False), axis=_side_axis(axis))
    rows = [look_of(dot, plain_number(dot.x) or 0) | {"name": series_name(chart, dot, reader)} for dot in found]
    names = data(rows).mark_text(dy=-12, fontSize=SMALL, fill=SOFT).encode(x=x, y=y, text="name:N")
    return frame.around([points(rows, x, y), *([names] if chart.series else [])])
