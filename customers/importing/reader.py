"""Reading a CSV file in batches: rows, and the lines of the file that they stand on."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import TYPE_CHECKING, BinaryIO

from customers.importing.layout import Layout, open_bytes
from customers.importing.problems import OPEN_QUOTE, TOO_FEW_CELLS, TOO_MANY_CELLS, Problem
from store.errors import InputError

if TYPE_CHECKING:
    from _csv import Reader as _Records

BATCH_ROWS = 5_000
# The first columns of a file of rejected rows. When it is corrected and imported, its rows keep their first numbers.
REJECTED_COLUMNS = ("row", "line", "column", "reason", "remedy")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stretch of the file that could not be cut into cells, or a row that does not fit the header."""

    number: int
    line: int
    cells: Sequence[str]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that fit the header. `numbers` counts rows from 1; `lines` is where each begins; `read` is the share of the file read so far."""

    rows: Sequence[Sequence[str]]
    numbers: Sequence[int]
    lines: Sequence[int]
    unreadable: tuple[Unreadable, ...]
    read: float
    width: int  # of the header, and so of every row


class Reader:
    """A file's header, and its rows in batches. Rows without any text are not counted."""

    def __init__(self, layout: Layout, rows_per_batch: int = BATCH_ROWS) -> None:
        """Reads the header. Raises InputError when it is not one."""
        self.layout = layout
        self._rows_per_batch = rows_per_batch
        self._size = max(layout.path.stat().st_size, 1)
        with self._opened() as (records, _):
            self.header = _header(records, layout)

    def batches(self) -> Iterator[Batch]:
        """All rows, in order."""
        number = 1
        with self._opened() as (records, raw):
            _header(records, self.layout)
            while stretch := _take(records, self._rows_per_batch, self.layout.skip_lines):
                batch = _sorted_out(stretch, self.header, number, min(raw.tell() / self._size, 1.0))
                number += len(batch.rows) + len(batch.unreadable)
                yield batch

    @contextmanager
    def _opened(self) -> Iterator[tuple["_Records", BinaryIO]]:
        with open_bytes(self.layout.path) as (file, raw):
            text = io.TextIOWrapper(file, self.layout.encoding, errors="replace", newline="")
            for _ in range(self.layout.skip_lines):
                text.readline()
            try:
                yield csv.reader(text, delimiter=self.layout.delimiter), raw
            finally:
                text.detach()  # open_bytes closes what it opened


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows as they stand in the file, the line that each begins on, and the line where reading failed behind them."""

    rows: list[list[str]]
    lines: Sequence[int]
    failed_line: int | None


def _header(records: "_Records", layout: Layout) -> tuple[str, ...]:
    try:
        cells: Sequence[str] = next((cells for cells in records if any(map(str.strip, cells))), [])
    except csv.Error as error:
        raise InputError(f"{layout.path}:{records.line_num}: the column names cannot be read: {error}.") from error
    return tuple(" ".join(cell.replace("\ufeff", "").replace("\0", "").split()) for cell in cells)


def _take(records: "_Records", most: int, skipped: int) -> _Stretch | None:
    rows: list[list[str]] = []
    begin, failed = records.line_num, False
    try:
        rows.extend(islice(records, most))  # what was read before a failure stays in the list
    except csv.Error:  # a cell of more than 131,072 letters: the reader goes on at the next line
        failed = True
    if not rows and not failed:
        return None
    if records.line_num - begin == len(rows) and not failed:
        return _Stretch(rows, range(begin + skipped + 1, records.line_num + skipped + 1), None)
    ends = list(accumulate(map(_height, rows), initial=begin + skipped + 1))
    return _Stretch(rows, ends[:-1], ends[-1] if failed else None)


def _height(cells: Sequence[str]) -> int:
    return 1 + sum(len(_LINE_END.findall(cell)) for cell in cells if "\n" in cell or "\r" in cell)


def _sorted_out(stretch: _Stretch, header: Sequence[str], number: int, read: float) -> Batch:
    """Number the rows, and set those aside that do not fit the header."""
    width = len(header)
    if set(map(len, stretch.rows)) == {width} and all(map(str.strip, map("".join, stretch.rows))) and stretch.failed_line is None:
        numbers = list(range(number, number + len(stretch.rows)))
        return Batch(stretch.rows, _first_numbers(stretch.rows, header, numbers), stretch.lines, (), read, width)
    rows, numbers, lines, unreadable = [], [], [], []
    for cells, line in zip(stretch.rows, stretch.lines, strict=True):
        if not any(map(str.strip, cells)):
            continue
        problem = None if len(cells) == width else _misfit(cells, width)
        if problem:
            unreadable.append(Unreadable(number, line, cells, problem))
        else:
            rows.append(cells[:width])
            numbers.append(number)
            lines.append(line)
        number += 1
    if stretch.failed_line is not None:
        unreadable.append(Unreadable(number, stretch.failed_line, (), OPEN_QUOTE))
    return Batch(rows, _first_numbers(rows, header, numbers), lines, tuple(unreadable), read, width)


def _first_numbers(rows: Sequence[Sequence[str]], header: Sequence[str], numbers: list[int]) -> list[int]:
    if tuple(header[: len(REJECTED_COLUMNS)]) != REJECTED_COLUMNS:
        return numbers
    return [int(cells[0]) if cells[0].isdecimal() else number for cells, number in zip(rows, numbers, strict=True)]


def _misfit(cells: Sequence[str], width: int) -> Problem | None:
    if len(cells) > width and any(map(str.strip, cells[width:])):
        return TOO_MANY_CELLS
    if len(cells) < width:
        return OPEN_QUOTE if _height(cells) > 20 else TOO_FEW_CELLS
    return None
