"""A report's page and files read back as a stranger would: which figure stands in which cell, and whether it is that of the JSON."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

from tests.response.report_example import VOID

HUNDREDS = ("share", "points", "lift", "of_100")  # shown times a hundred
_NUMBER = re.compile(r"[+\-−]?\s?[€$]?\s?\d[\d.,]*")

Cells = list[list[str]]


class Tables(HTMLParser):
    """The text of each cell of each table, by the name of the table."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Cells] = {}
        self._names: list[str | None] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        name = (dict(attrs).get("id") or "").removeprefix("table-")
        self._names.append(name or (self._names[-1] if self._names else None))
        if tag == "table":
            self.found[self._names[-1] or ""] = []
        elif tag == "tr":
            self.found[self._names[-1] or ""].append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is in it."""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.found[self._names[-1] or ""][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        self._names.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def tables_of(page: str) -> dict[str, Cells]:
    """Name of a table to its rows of texts, the heads included."""
    reader = Tables()
    reader.feed(page)
    return reader.found


def figures(text: str, point: str) -> list[tuple[float, float]]:
    """The numbers in a text, each with half of its last decimal."""
    found = []
    for each in _NUMBER.findall(text):
        digits = re.sub(rf"[^\d{re.escape(point)}]", "", each).strip(point).replace(point, ".")
        decimals = len(digits.partition(".")[2])
        found.append((float(digits) * (-1 if each[0] in "-−" else 1), 0.5000001 * 10**-decimals))
    return found


def values(cell: Any, kind: str) -> Iterator[float]:
    """The numbers of a cell of the JSON as they are to be read; an effect has three, and one without an estimate none."""
    if isinstance(cell, dict) and "kind" in cell:
        yield from values(cell["value"], cell["kind"])
    elif isinstance(cell, dict):
        known = [cell["estimate"], cell["low"], cell["high"]]
        yield from (each for value in known if value is not None for each in values(value, kind))
    elif isinstance(cell, int | float):
        yield cell * 100 if kind in HUNDREDS else cell


def differing(table: Mapping[str, Any], shown: Cells, point: str) -> Iterator[str]:
    """Cells whose shown figures are not those of the JSON, rounded. Of a table that is read across, figures that are shown nowhere."""
    _, *rows = shown
    kinds = [column["kind"] for column in table["columns"]]
    if len(rows) != len(table["rows"]) or len(shown[0]) != len(kinds):
        everywhere = [figure for row in rows for text in row for figure in figures(text, point)]
        for place, row in enumerate(table["rows"]):
            for kind, cell in zip(kinds, row, strict=True):
                if not all(any(abs(value - each) <= half for each, half in everywhere) for value in values(cell, kind)):
                    yield f"{table['name']}[{place}]: {cell} is shown nowhere"
        return
    for place, (row, texts) in enumerate(zip(table["rows"], rows, strict=True)):
        for kind, cell, text in zip(kinds, row, texts, strict=True):
            known = list(values(cell, kind))
            if known and not _the_same(known, text, point):
                yield f"{table['name']}[{place}]: {cell} is shown as {text!r}"


def _the_same(known: list[float], text: str, point: str) -> bool:
    found = figures(text, point)
    if "<" in text:  # a p that is too small to be written
        return len(known) == 1 and known[0] < found[0][0]
    return len(found) == len(known) and all(abs(value - each) <= half for value, (each, half) in zip(known, found, strict=True))
