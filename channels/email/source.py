"""A template and all that it includes, as one text that still knows where each part of it stands."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

from channels.contract import WordingFault
from channels.merging import read_text

MOST_CHARACTERS = 500_000  # mail programs cut a mail off at about 100 kB
_MOST_DEEP = 8
_MOST_INCLUDES = 200
_INCLUDE = re.compile(
    r"""<!--.*?-->|\{\#.*?\#\}
    |<mj-include\b(?P<attributes>(?:[^<>"']|"[^"]*"|'[^']*')*?)/?>(?:\s*</mj-include\s*>)?
    |\{%-?\s*include\s+(?P<quote>["'])(?P<name>[^"'\n]*)(?P=quote)\s*-?%\}""",
    re.DOTALL | re.VERBOSE,
)
_GIVEN = re.compile(r"""\s*(?P<key>[\w-]+)\s*=\s*(?P<quote>["'])(?P<value>[^"']*)(?P=quote)\s*""")
# What a file of each type stands in, where a template includes it.
_FRAMES = {
    "mjml": ("", ""),
    "html": ("<mj-raw>", "</mj-raw>"),
    "css": ("<mj-style>", "</mj-style>"),
    "css inline": ('<mj-style inline="inline">', "</mj-style>"),
}
_HEAD = re.compile(r"<mj-head[\s>]")
_WHOLE = re.compile(r"<mj-body\b[^>]*>(?P<inner>.*)</mj-body\s*>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """A position that an editor can go to."""

    file: Path
    line: int
    column: int

    def fault(self, message: str, remedy: str) -> WordingFault:
        """What is wrong here."""
        return WordingFault(self.file, self.line, self.column, message, remedy)


@dataclass(frozen=True, slots=True)
class Source:
    """One text put together from files. `starts` are the offsets where a piece of another file begins."""

    text: str
    starts: list[int]
    places: list[Place]

    def place(self, offset: int) -> Place:
        """Where the character at `offset` stands."""
        piece = bisect_right(self.starts, offset) - 1
        start, place = self.starts[piece], self.places[piece]
        lines = self.text.count("\n", start, offset)
        if not lines:
            return Place(place.file, place.line, place.column + offset - start)
        return Place(place.file, place.line + lines, offset - self.text.rindex("\n", start, offset))

    def line_start(self, line: int) -> int:
        """The offset at which the how manieth line (from 1) of the whole text begins."""
        offset = 0
        for _ in range(line - 1):
            offset = self.text.find("\n", offset) + 1 or len(self.text)
        return offset

    def replaced(self, swaps: Iterable[tuple[int, int, str]]) -> "Source":
        """The text with other text from begin to end of each swap (in order, not overlapping); all else keeps its place."""
        pieces: list[tuple[Place, str]] = []
        position = 0
        for begin, end, text in swaps:
            pieces += [*self._pieces(position, begin), (self.place(begin), text)]
            position = end
        pieces += self._pieces(position, len(self.text))
        starts = list(accumulate((len(text) for _, text in pieces), initial=0))[: len(pieces)]
        return Source("".join(text for _, text in pieces), starts, [place for place, _ in pieces])

    def _pieces(self, begin: int, end: int) -> list[tuple[Place, str]]:
        """The text between two offsets, cut where a piece of another file begins."""
        cuts = [begin, *(start for start in self.starts if begin < start < end), end]
        return [(self.place(cut), self.text[cut:after]) for cut, after in pairwise(cuts) if cut < after]

    def fault(self, offset: int, message: str, remedy: str) -> WordingFault:
        """What is wrong at `offset`."""
        return self.place(min(offset, max(len(self.text) - 1, 0))).fault(message, remedy)


def read_source(template: Path, root: Path) -> Source | list[WordingFault]:
    """A template with all includes put in; they come from `root` only. All faults at once."""
    joiner = _Joiner(root.resolve())
    joiner.add(template, Place(template, 1, 1), ())
    if joiner.size > MOST_CHARACTERS and not joiner.faults:
        joiner.faults.append(Place(template, 1, 1).fault(f"the template has {joiner.size:,} characters.", _TOO_LONG))
    return joiner.faults or Source("".join(joiner.texts), joiner.starts, joiner.places)


_TOO_LONG = f"Keep it under {MOST_CHARACTERS:,}; put pictures on a server and link to them."


@dataclass
class _Joiner:
    root: Path
    texts: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    faults: list[WordingFault] = field(default_factory=list)
    size: int = 0

    def add(self, file: Path, asked: Place, above: tuple[Path, ...]) -> None:
        text = read_text(file)
        if isinstance(text, list):
            where = asked if above else Place(text[0].file, text[0].line, text[0].column)
            self.faults.append(where.fault(text[0].message, text[0].remedy))
            return
        whole = _WHOLE.search(text) if above else None  # an included file may be a complete document
        begin, end = whole.span("inner") if whole else (0, len(text))
        if head := _HEAD.search(text, 0, begin):
            place = _place_in(file, text, head.start())
            self.faults.append(place.fault("the <mj-head> of an included mail would vanish.", "Include a file with that alone."))
        for match in _INCLUDE.finditer(text, begin, end):
            if match["attributes"] is None and match["name"] is None:
                continue  # a comment
            self._keep(file, text, begin, match.start())
            self._include(match, _place_in(file, text, match.start()), (*above, file.resolve()))
            begin = match.end()
        self._keep(file, text, begin, end)

    def _keep(self, file: Path, text: str, begin: int, end: int) -> None:
        self.starts.append(self.size)
        self.places.append(_place_in(file, text, begin))
        self.texts.append(text[begin:end])
        self.size += end - begin

    def _include(self, match: re.Match[str], place: Place, above: tuple[Path, ...]) -> None:
        name, frame = (match["name"], _FRAMES["mjml"]) if match["name"] else _asked(match["attributes"] or "")
        if name is None:
            self.faults.append(
                place.fault("mj-include understands a path and a type (mjml, html or css).", 'Write <mj-include path="FILE" />.')
            )
            return
        file = next(self._candidates(name, above[-1]), None)
        if file is None:
            self.faults.append(place.fault(f"'{name}' is not among the templates.", "Include a file that lies under templates/."))
        elif file in above or len(above) > _MOST_DEEP or len(self.starts) > 2 * _MOST_INCLUDES:
            self.faults.append(place.fault(f"'{name}' includes itself, or the includes go too deep.", "Break the circle."))
        else:
            self._keep_frame(frame[0], place)
            self.add(file, place, above)
            self._keep_frame(frame[1], place)

    def _keep_frame(self, text: str, place: Place) -> None:
        if text:
            self.starts.append(self.size)
            self.places.append(place)
            self.texts.append(text)
            self.size += len(text)

    def _candidates(self, name: str, asking: Path) -> Iterator[Path]:
        """The files that a name may mean: beside the one that asks, or from the root; none outside the root."""
        for folder in (asking.parent, self.root):
            path = (folder / name.strip()).resolve() if "\0" not in name else folder
            if path.is_relative_to(self.root) and path.is_file():
                yield path


def _asked(attributes: str) -> tuple[str | None, tuple[str, str]]:
    """The path that an mj-include names, None when it is not understood, and what the file is put in."""
    given = {match["key"]: match["value"] for match in _GIVEN.finditer(attributes)}
    kind = " ".join(given[key] for key in ("type", "css-inline") if key in given) or "mjml"
    known = not _GIVEN.sub("", attributes).strip() and set(given) <= {"path", "type", "css-inline"} and kind in _FRAMES
    return (given.get("path"), _FRAMES[kind]) if known else (None, _FRAMES["mjml"])


def _place_in(file: Path, text: str, offset: int) -> Place:
    return Place(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
