"""A report's tables as data frames: raw values under real types, an effect as three columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import starmap
from typing import Any

import polars as pl

from response.parts import As, Cell, Column, Document, Kind, Say, Table, Word
from response.render.reader import Reader
from response.statistics.sums import Effect

LIMITS = ("low", "high")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a file: `part` is "low" or "high" for an interval's limits, and "kind" where each row says what its figure is."""

    name: str
    column: Column
    part: str
    values: Sequence[Any]

    @property
    def series(self) -> pl.Series:
        """The values under the narrowest type that holds them all: whole numbers, numbers, days, moments or text."""
        return pl.Series(self.name, self.values, dtype=_type_of(self.values, "share" if self.part else self.column.kind))


def frames(document: Document, language: str = "en") -> Mapping[str, pl.DataFrame]:
    """Every table of the document by its name."""
    return {table.name: frame(table, Reader(language, document)) for table in document.tables}


def frame(table: Table, reader: Reader) -> pl.DataFrame:
    """A table as a data frame. Codes stay codes; a sentence in a cell is in the reader's language."""
    return pl.DataFrame([field.series for field in fields(table, reader)])


def fields(table: Table, reader: Reader) -> list[Field]:
    """The columns of a table as a file has them."""
    columns = [[row[place] for row in table.rows] for place in range(len(table.columns))]
    return [
        field
        for made in starmap(lambda column, cells: _fields(column, cells, reader), zip(table.columns, columns, strict=True))
        for field in made
    ]


def _fields(column: Column, cells: Sequence[Cell], reader: Reader) -> Iterator[Field]:
    raw = [_raw(cell, reader) for cell in cells]
    effects = any(isinstance(value, Effect) for value in raw)
    estimates = [value.estimate if isinstance(value, Effect) else value for value in raw]
    mixed = any(isinstance(value, str) for value in estimates) and any(isinstance(value, int | float) for value in estimates)
    yield Field(column.name, column, "", [None if value is None else str(value) for value in estimates] if mixed else estimates)
    if effects:
        for part in LIMITS:
            yield Field(
                f"{column.name}_{part}", column, part, [getattr(value, part) if isinstance(value, Effect) else None for value in raw]
            )
    kinds = [cell.kind if isinstance(cell, As) else column.kind for cell in cells]
    if len(set(kinds)) > 1 or any(kind != column.kind for kind in kinds):
        yield Field(f"{column.name}_kind", column, "kind", kinds)


def _raw(cell: Cell, reader: Reader) -> str | float | date | datetime | Effect | None:
    match cell:
        case As():
            return cell.value
        case Word():
            return cell.code
        case Say():
            return reader.say(cell)
        case _:
            return cell


def _type_of(values: Sequence[Any], kind: Kind) -> pl.DataType:
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known) or (not known and kind == "text"):
        return pl.String()
    if any(isinstance(value, datetime) for value in known) or (not known and kind == "moment"):
        return pl.Datetime("us", "UTC")
    if any(isinstance(value, date) for value in known) or (not known and kind == "day"):
        return pl.Date()
    whole = all(isinstance(value, int) for value in known)
    return pl.Int64() if whole and (kind == "count" or (known and kind in ("number", "day"))) else pl.Float64()
