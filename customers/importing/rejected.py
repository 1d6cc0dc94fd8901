"""The file of what was not taken over: every row with its reason and remedy, ready to be corrected and imported again."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from customers.importing.layout import DELIMITERS
from customers.importing.problems import Problem
from customers.importing.reader import REJECTED_COLUMNS
from store.errors import InputError

if TYPE_CHECKING:
    from _csv import Writer as _Writer


def beside(path: Path) -> Path:
    """Where the rejected rows of a file go unless another place is given."""
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    return path.with_name(f"{stem}.rejected.csv")


class Rejects:
    """Writes rejected rows, and counts them by column and reason. Nothing is written while nothing is rejected.

    A file that an earlier import left at the same place is replaced, or taken away when there is nothing to reject.
    """

    def __init__(self, path: Path | None, header: Sequence[str], delimiter: str) -> None:
        """Without a path, it only counts."""
        self.rows = 0
        self.cells: Counter[tuple[str, str]] = Counter()  # by column and reason: the row was kept
        self.whole_rows: Counter[tuple[str, str]] = Counter()  # by column and reason: the row was not
        self._path = path
        self._again = tuple(header[: len(REJECTED_COLUMNS)]) == REJECTED_COLUMNS
        self._header = header
        self._delimiter = delimiter
        self._file: IO[str] | None = None
        self._writer: _Writer | None = None

    @property
    def path(self) -> Path | None:
        """The file, if anything stands in it."""
        return self._path if self._file else None

    def __enter__(self) -> Self:
        if self._path and self._path.exists():
            if not _is_ours(self._path):
                raise InputError(f"{self._path} is there already, and holds no rejected rows. Give another place with --rejected.")
            self._path.unlink()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def add(self, number: int, line: int, cells: Sequence[str], losses: Iterable[tuple[str, Problem]], whole_row: bool) -> None:
        """One row: its number from 1, its line in the file, its cells as they are, and each column's problem."""
        told = list(losses)
        self.rows += whole_row
        (self.whole_rows if whole_row else self.cells).update((label, problem.reason) for label, problem in told)
        if self._path:
            own = cells[len(REJECTED_COLUMNS) :] if self._again else cells
            words = (
                ", ".join(label for label, _ in told),
                *("; ".join(dict.fromkeys(text)) for text in zip(*map(_words, told), strict=True)),
            )
            self._opened().writerow((number, line, *words, *own))

    def flush(self) -> None:
        """Give what was written to the machine: before a batch is committed."""
        if self._file:
            self._file.flush()

    def _opened(self) -> "_Writer":
        if self._writer is None:
            assert self._path
            try:
                # With a mark, so that Excel reads the letters right.
                self._file = self._path.open("w", encoding="utf-8-sig", newline="")
            except OSError as error:
                raise InputError(
                    f"Rejected rows cannot be written to {self._path}: {error.strerror}. Give a place with --rejected."
                ) from error
            self._writer = csv.writer(self._file, delimiter=self._delimiter)
            own = self._header[len(REJECTED_COLUMNS) :] if self._again else self._header
            self._writer.writerow((*REJECTED_COLUMNS, *own))
        return self._writer


def _words(told: tuple[str, Problem]) -> tuple[str, str]:
    _, problem = told
    return problem.reason, problem.remedy


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.startswith(delimiter.join(REJECTED_COLUMNS)) for delimiter in DELIMITERS)
