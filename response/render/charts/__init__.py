"""The six kinds of chart, said in Altair. Every place is computed here, so that a chart fits a desk, a phone and paper alike."""

from collections.abc import Callable, Mapping

import altair as alt

from response.parts import Chart, ChartKind
from response.render.charts.heat import heat
from response.render.charts.lines import band, lines, scatter
from response.render.charts.rows import bars, intervals
from response.render.reader import Reader

_KINDS: Mapping[ChartKind, Callable[[Chart, Reader, int], alt.LayerChart | None]] = {
    "intervals": intervals,
    "bars": bars,
    "lines": lines,
    "band": band,
    "heat": heat,
    "points": scatter,
}


def drawn(chart: Chart, reader: Reader, width: int) -> alt.LayerChart | None:
    """The chart, so many pixels wide, or None where it has nothing to show."""
    return _KINDS[chart.kind](chart, reader, width)
