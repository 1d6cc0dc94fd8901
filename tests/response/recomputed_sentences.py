"""Every figure that a report says in a sentence: it stands in a table that was made again, or is made again by name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from response.parts import As, Document, Items, Say
from response.statistics.sums import Effect
from tests.response.recomputed_facts import Row


def figures_said(document: Document) -> Iterator[tuple[str, Any]]:
    """Where it is said (key and name) and the value, of every number; an effect is three."""
    for said in [*document.headline, *(each for section in document.sections for part in section.parts for each in _says(part))]:
        yield from _figures(said)
    for table in document.tables:
        for row in table.rows:
            for cell in row:
                if isinstance(cell, Say):
                    yield from _figures(cell)


def _says(part: object) -> Iterable[Say]:
    return part.says if isinstance(part, Items) else [part] if isinstance(part, Say) else []


def _figures(said: Say) -> Iterator[tuple[str, Any]]:
    for name, value in said.values:
        where = f"{said.key}:{name}"
        if isinstance(value, Say):
            yield from _figures(value)
        elif isinstance(value, As) and isinstance(value.value, Effect):
            yield from ((where, each) for each in (value.value.estimate, value.value.low, value.value.high) if each is not None)
        elif isinstance(value, As) and not isinstance(value.value, str | date | None):
            yield where, value.value


def known_figures(tables: Mapping[str, Iterable[Row]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """All numbers of tables that were made again."""
    return np.unique([number for rows in tables.values() for row in rows for cell in row.values() for number in _numbers(cell)])


def _numbers(cell: Any) -> Iterator[float]:
    if isinstance(cell, dict):
        for each in cell.values():
            yield from _numbers(each)
    elif isinstance(cell, tuple):
        for each in cell:
            yield from _numbers(each)
    elif isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool):
        yield float(cell)


def unknown(document: Document, tables: Mapping[str, Iterable[Row]], named: Mapping[str, Sequence[float]]) -> list[str]:
    """Figures that are said and stand in no table, nor under their name. `named` holds what was made again for one sentence."""
    known = known_figures(tables)
    return [
        f"{where} = {value!r}"
        for where, value in figures_said(document)
        if not np.isclose(named.get(where, known), value, rtol=1e-6, atol=1e-12).any()
    ]
