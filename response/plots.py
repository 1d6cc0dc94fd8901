"""Two plots as inline SVG, drawn by hand: an interval plot and a cumulative curve. Text is escaped; colours come from the page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from markupsafe import Markup, escape

WIDTH = 480
_ROW = 46
_LABEL = 16  # the least distance between two labels
_BESIDE_LINE, _ABOVE_INTERVAL = 13, 28  # letters of a name that fit


@dataclass(frozen=True, slots=True)
class Interval:
    """One row of an interval plot; `text` is the same in figures."""

    name: str
    estimate: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a curve: the value at the end of each day, day 1 first. `muted` is for the control."""

    name: str
    values: Sequence[float]
    muted: bool = False


def interval_plot(rows: Sequence[Interval], minimum: float | None, label: Callable[[float, float], str], title: str) -> Markup:
    """Estimates with their intervals on one scale; zero is a line, what does not matter is a band. `label` gets a tick and the step."""
    reach = [limit for row in rows for limit in (row.low, row.high)] + [0.0, minimum or 0.0, -(minimum or 0.0)]
    ticks = nice_ticks(min(reach), max(reach))
    left, right = min(ticks[0], *reach), max(ticks[-1], *reach)

    def across(value: float) -> float:
        return round(24 + (value - left) / (right - left) * (WIDTH - 48), 1)

    bottom = _ROW * len(rows) + 12
    parts = []
    if minimum:
        parts.append(
            f'<rect class="band" x="{across(-minimum)}" y="4" width="{across(minimum) - across(-minimum):.1f}" height="{bottom - 4}"/>'
        )
    parts += [f'<line class="grid" x1="{across(tick)}" x2="{across(tick)}" y1="4" y2="{bottom}"/>' for tick in ticks]
    parts.append(f'<line class="zero" x1="{across(0)}" x2="{across(0)}" y1="4" y2="{bottom}"/>')
    parts += [_tick(across(tick), bottom + 17, label(tick, ticks[1] - ticks[0])) for tick in ticks]
    for place, row in enumerate(rows):
        parts += _interval_row(row, across, _ROW * place + 8)
    return _svg(title, bottom + 26, parts)


def curve_plot(lines: Sequence[Line], label: Callable[[float, float], str], title: str) -> Markup:
    """Cumulative lines from zero at entry; each is named at its end, and the control is dashed."""
    days = max(len(line.values) for line in lines)
    ticks = nice_ticks(0.0, max(max(line.values) for line in lines))
    left, right, top, bottom = 54.0, WIDTH - 96.0, 12.0, 236.0

    def point(day: float, value: float) -> tuple[float, float]:
        return round(left + day / days * (right - left), 1), round(bottom - value / ticks[-1] * (bottom - top), 1)

    parts = []
    for tick in ticks:
        height = point(0, tick)[1]
        parts.append(f'<line class="{"axis" if tick == 0 else "grid"}" x1="{left}" x2="{right}" y1="{height}" y2="{height}"/>')
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{height + 4}" text-anchor="end">{escape(label(tick, ticks[1] - ticks[0]))}</text>'
        )
    parts += [_tick(point(day, 0)[0], bottom + 18, str(day)) for day in day_ticks(days)]
    ends = spread([point(days, line.values[-1])[1] for line in lines], bottom)
    for number, (line, end) in enumerate(zip(lines, ends, strict=True)):
        colour = "muted" if line.muted else f"line-{number % 5}"
        dots = " ".join(f"{x},{y}" for x, y in [point(0, 0), *(point(day, value) for day, value in enumerate(line.values, 1))])
        parts.append(f'<polyline class="curve {colour}" points="{dots}"/>')
        parts.append(f'<text class="name {colour}" x="{right + 6}" y="{end + 4}">{escape(short(line.name, _BESIDE_LINE))}</text>')
    return _svg(title, 262, parts)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, always with zero among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    rough = max(high - low, 1e-9) / about
    size = 10.0 ** floor(log10(rough))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def day_ticks(days: int) -> list[int]:
    """Days to write on the axis: every one, or weeks, or more."""
    step = next(each for each in (1, 7, 14, 28, 56, days) if days / each <= 8)
    return list(range(0, days + 1, step))


def spread(heights: Sequence[float], bottom: float) -> list[float]:
    """The same heights, moved apart so that labels do not overlap, in the order given."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved = [heights[place] for place in order]
    for place in range(1, len(moved)):
        moved[place] = max(moved[place], moved[place - 1] + _LABEL)
    moved[-1:] = [min(moved[-1], bottom)] if moved else []
    for after, before in pairwise(range(len(moved) - 1, -1, -1)):
        moved[before] = min(moved[before], moved[after] - _LABEL)
    back = dict(zip(order, moved, strict=True))
    return [back[place] for place in range(len(heights))]


def short(name: str, longest: int) -> str:
    """A name that fits its place."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _interval_row(row: Interval, across: Callable[[float], float], top: float) -> Iterator[str]:
    low, high, middle, line = across(row.low), across(row.high), across(row.estimate), top + 28
    yield f'<text class="name" x="24" y="{top + 12}">{escape(short(row.name, _ABOVE_INTERVAL))}</text>'
    yield f'<text class="figure" x="{WIDTH - 24}" y="{top + 12}" text-anchor="end">{escape(row.text)}</text>'
    yield f'<line class="interval" x1="{low}" x2="{high}" y1="{line}" y2="{line}"/>'
    yield from (f'<line class="interval" x1="{end}" x2="{end}" y1="{line - 5}" y2="{line + 5}"/>' for end in (low, high))
    yield f'<circle class="estimate" cx="{middle}" cy="{line}" r="5.5"/>'


def _tick(x: float, y: float, text: str) -> str:
    return f'<text class="tick" x="{x}" y="{y}" text-anchor="middle">{escape(text)}</text>'


def _svg(title: str, height: float, parts: Sequence[str]) -> Markup:
    body = "".join(parts)
    return Markup(  # noqa: S704  # every text in `parts` has been escaped above; the rest are numbers and our own words
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )
