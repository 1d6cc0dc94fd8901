"""Where a chart's ticks stand, and what is written beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from math import ceil, floor, log10

from response.parts import Cell, Column, Kind
from response.render.reader import Reader

_MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """The values at the two ends, and the ticks between them with their labels."""

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Across:
    """A column along the bottom: where each of its values stands, and the axis below it."""

    place: Callable[[Cell], float]
    axis: Axis


def figures(values: Sequence[float], kind: Kind, reader: Reader, about: int = 5) -> Axis:
    """An axis of figures, with zero on it."""
    ticks = nice_ticks(min(values, default=0.0), max(values, default=0.0), about)
    step = ticks[1] - ticks[0]
    return Axis(ticks[0], ticks[-1], ticks, [tick_text(tick, kind, step, reader) for tick in ticks])


def along(values: Sequence[Cell], column: Column, reader: Reader, most: int) -> Across:
    """Numbers and days where they belong; words one after the other. At most about `most` labels."""
    known = list(dict.fromkeys(values))
    if all(isinstance(value, date) for value in known):
        days = sorted({_ordinal(value) for value in known})
        shown = days[:: max(1, ceil(len(days) / most))]
        return Across(_ordinal, Axis(days[0], days[-1], shown, [_short_day(day, reader) for day in shown]))
    if all(isinstance(value, int | float) for value in known):
        numbers = [float(value) for value in known if isinstance(value, int | float)]
        if column.kind in ("share", "points", "lift", "money", "extra"):
            return Across(_number, _parts_along(numbers, column.kind, reader, most))
        ticks = _from_first(min(numbers), max(numbers), most)
        return Across(_number, Axis(min(numbers), max(numbers), ticks, [reader.numbers.plain(tick, 0) for tick in ticks]))
    return Across(known.index, Axis(-0.5, len(known) - 0.5, range(len(known)), [reader.in_column(value, column) for value in known]))


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, always with zero among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    rough = max(high - low, 1e-9) / about
    size = 10.0 ** floor(log10(rough))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def tick_text(value: float, kind: Kind, step: float, reader: Reader) -> str:
    """A tick's label, with as many decimals as the distance between ticks needs."""
    scale = 100 if kind in ("share", "points", "lift") else 1
    places = next((each for each in range(6) if abs(round(scale * step, each) - scale * step) < 1e-9), 6)
    plain = reader.numbers.plain(abs(scale * value), places)
    text = reader.numbers.in_currency(plain) if kind in ("money", "extra") else f"{plain}%" if kind in ("share", "lift") else plain
    if abs(value) < step / 2:
        return text
    return f"−{text}" if value < 0 else f"+{text}" if kind in ("points", "lift", "extra", "change") else text


def spread(heights: Sequence[float], bottom: float, least: float) -> list[float]:
    """The same heights, moved apart by at least `least` so that labels do not overlap, in the order given."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved = [heights[place] for place in order]
    for place in range(1, len(moved)):
        moved[place] = max(moved[place], moved[place - 1] + least)
    moved[-1:] = [min(moved[-1], bottom)] if moved else []
    for after, before in pairwise(range(len(moved) - 1, -1, -1)):
        moved[before] = min(moved[before], moved[after] - least)
    back = dict(zip(order, moved, strict=True))
    return [back[place] for place in range(len(heights))]


def _from_first(low: float, high: float, most: int) -> list[float]:
    """Ticks between two numbers: days by the week where that fits, else round numbers."""
    length = max(high - low, 1)
    step = next((each for each in (1, 2, 7, 14, 28, 56, 112, 365) if length / each <= min(most, _MOST_STEPS)), ceil(length / most))
    first = ceil(low / step) * step
    return [float(tick) for tick in range(first, floor(high) + 1, step)] or [low]


def _parts_along(numbers: Sequence[float], kind: Kind, reader: Reader, most: int) -> Axis:
    """Round ticks between two figures that are no days."""
    low, high = min(numbers), max(numbers)
    ticks = nice_ticks(low, high, most)
    inside = [tick for tick in ticks if low - 1e-9 <= tick <= high + 1e-9] or [low]
    return Axis(low, high, inside, [tick_text(tick, kind, ticks[1] - ticks[0], reader) for tick in inside])


def _ordinal(value: Cell) -> float:
    if isinstance(value, datetime):
        return value.timestamp() / 86_400
    return float(value.toordinal()) if isinstance(value, date) else 0.0


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _short_day(ordinal: float, reader: Reader) -> str:
    day = date.fromordinal(int(ordinal))
    return f"{day.day} {reader(f'short.{day.month}')}"
