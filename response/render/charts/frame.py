"""What every chart shares: its frame, the table's rows as it needs them, and marks on inline data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from engine.picture.lettering import width_of
from response.parts import As, Cell, Chart, Column, Kind
from response.render.reader import Reader
from response.render.theme import DASHES, MUTED_DASH, PAPER, SERIES, SHAPES, SMALL, SOFT
from response.statistics.sums import Effect

Layer = alt.Chart | alt.LayerChart


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot's own size in pixels, and the room around it."""

    width: float
    height: float
    left: float
    right: float
    top: float = 10
    bottom: float = 34

    def around(self, layers: Sequence[Layer]) -> alt.LayerChart:
        """The layers within this frame."""
        room = {"left": self.left, "right": self.right, "top": self.top, "bottom": self.bottom}
        whole = alt.LayerChart(layer=list(layers))
        return whole.properties(width=self.width, height=self.height, padding=room, autosize={"type": "none"})


@dataclass(frozen=True, slots=True)
class Dot:
    """One row of the table as the chart needs it."""

    x: Cell
    series: str | None
    value: Effect
    kind: Kind
    place: int  # the series' number
    muted: bool


def points(rows: Sequence[Mapping[str, Any]], x: alt.X, y: alt.Y) -> Layer:
    """A shape of the series' own at each point."""
    look = {"fill": alt.Fill("colour:N", scale=None), "shape": alt.Shape("shape:N", scale=None)}
    drawn: Layer = data(rows).mark_point(size=95, stroke=PAPER, strokeWidth=1.5, opacity=1).encode(x=x, y=y, **look)
    return drawn


def look_of(dot: Dot, x: float) -> dict[str, Any]:
    """A row of data at `x`, with the colour, shape and dashes of its series."""
    return {
        "x": x,
        "estimate": dot.value.estimate,
        "low": dot.value.low,
        "high": dot.value.high,
        "place": dot.place,
        "colour": SOFT if dot.muted else SERIES[dot.place % len(SERIES)],
        "shape": SHAPES[dot.place % len(SHAPES)],
        "dash": MUTED_DASH if dot.muted else DASHES[dot.place % len(DASHES)],
    }


def dots(chart: Chart) -> Iterator[Dot]:
    """The table's rows as the chart needs them, in their order. The muted series takes no colour from the others."""
    y = column_of(chart, chart.y)
    places: dict[Cell, int] = {}
    for row in chart.table.rows:
        series = row[at(chart, column_of(chart, chart.series))] if chart.series else None
        muted = chart.muted is not None and series == chart.muted
        if series not in places:
            places[series] = -1 if muted else sum(place >= 0 for place in places.values())
        value, kind = effect_of(row[at(chart, y)], y)
        yield Dot(row[at(chart, column_of(chart, chart.x))], None if series is None else str(series), value, kind, places[series], muted)


def effect_of(cell: Cell, column: Column) -> tuple[Effect, Kind]:
    """A cell as an effect, with or without an interval."""
    value, kind = (cell.value, cell.kind) if isinstance(cell, As) else (cell, column.kind)
    if isinstance(value, Effect):
        return value, kind
    return Effect(float(value) if isinstance(value, int | float) else None, None, None), kind


def series_name(chart: Chart, dot: Dot, reader: Reader) -> str:
    """What a series is called; nothing when the chart has only one."""
    return reader.in_column(dot.series, column_of(chart, chart.series)) if chart.series else ""


def column_of(chart: Chart, name: str | None) -> Column:
    """The column of that name of the table behind the chart."""
    return next(column for column in chart.table.columns if column.name == name)


def at(chart: Chart, column: Column) -> int:
    """Where a column stands in a row."""
    return chart.table.columns.index(column)


def plain_number(cell: Cell) -> float | None:
    """A cell as a number, or None when it is something else."""
    return float(cell) if isinstance(cell, int | float) else None


def shortened(name: str, room: float) -> str:
    """A name that fits so many pixels."""
    while len(name) > 2 and width_of(name, SMALL, bold=True) > room:
        name = name[:-2].rstrip() + "…"
    return name


def data(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Rows for a layer to draw; none of them leaves this machine."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))
