"""The figures behind lines as people read them: a row for each day, a column for each line. Files keep them long."""

from dataclasses import replace

from response.parts import Cell, Chart, Column, Table, Word


def read_across(chart: Chart) -> Table:
    """The chart's table with its series beside each other; as it is when it holds more than the chart shows."""
    table = chart.table
    names = [column.name for column in table.columns]
    if chart.kind not in ("lines", "band") or chart.series is None or sorted(names) != sorted([chart.x, chart.series, chart.y]):
        return table
    x, series, y = (names.index(name) for name in (chart.x, chart.series, chart.y))
    found = {(row[x], row[series]): row[y] for row in table.rows}
    codes: list[Cell] = list(dict.fromkeys(row[series] for row in table.rows))
    across = [_named(table.columns[y], table.columns[series], str(code)) for code in codes]
    rows = ((at, *(found.get((at, code)) for code in codes)) for at in dict.fromkeys(row[x] for row in table.rows))
    return replace(table, columns=(table.columns[x], *across), rows=tuple(rows), total=None, sums=())


def _named(value: Column, series: Column, code: str) -> Column:
    return replace(value, name=code, title=Word(series.words or "", code))
