"""YAML with positions: bytes in, a small tree of texts out, and every fault of the file with its place.

Values stay as they were written: `no`, `09:00` and `1e3` are texts here. Anchors, tags, several documents and whatever else
could surprise a reader are faults. Nothing is ever built from a tag.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.language.faults import Fault, quoted
from engine.language.syntax import explain_syntax_error

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_VALUES = 20_000
# What cannot be seen, what steers a terminal or turns text round, and what YAML but no editor takes for the end of a line.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\u200b\u2028-\u202e\u2060\ufeff\u2066-\u2069]")
HARMLESS = {"duplicate-key", "anchor", "tag"}  # faults behind which the rest can still be read
_YAML_TAG = "tag:yaml.org,2002:"
_STRANGE_INDENT = re.compile(r" *[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000](?=\s*\S)")
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one where it was built: ten times faster


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; both count from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text. `raw` is how it stands in the file, `style` the quote or block sign (empty: plain)."""

    text: str
    place: Place
    style: str = ""
    raw: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written: `key:` alone, or YAML's own words for nothing."""
        return not self.style and self.text in ("", "~", "null", "Null", "NULL")

    def place_of(self, offset: int) -> Place:
        """Where the character at `offset` of the text stands in the file; the value's start where that cannot be told."""
        found = _offset_in_raw(self, offset)
        if found is None:
            return self.place
        before = self.raw[:found]
        lines = before.count("\n")
        column = found - before.rfind("\n") if lines else self.place.column + found
        return Place(self.place.line + lines, column)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    key: Scalar
    value: "Tree"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, in the order of the file, each key once."""

    entries: tuple[Entry, ...]
    place: Place

    def get(self, key: str) -> "Tree | None":
        """The value of a key."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Tree", ...]
    place: Place


Tree = Scalar | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its tree, or None with the faults that say why."""

    file: str
    text: str
    tree: Tree | None
    faults: tuple[Fault, ...]


def read_source(path: Path, shown_as: str | None = None) -> Source:
    """Read a file. `shown_as` is how its name stands in the faults."""
    file = shown_as or str(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            remedy = "A flow is a few hundred lines. Look whether another file was meant, and take out what is not the flow."
            return _refused(file, "too-large", f"the file has {size / 1e6:.1f} MB; a flow has at most 1 MB.", remedy)
        with path.open("rb") as stream:  # a device or a pipe has no size: read no more than could be accepted
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        return _refused(file, "unreadable", f"the file cannot be read: {reason}.", "Check the name and the rights of the file.")
    except ValueError:
        return _refused(file, "unreadable", "this is not the name of a file.", "Check the name.")
    return read_bytes(content, file)


def read_bytes(content: bytes, file: str) -> Source:
    """Read the content of a file; for any bytes whatever it gives a tree or faults."""
    if len(content) > MAX_BYTES:
        return _refused(file, "too-large", "the file has more than 1 MB.", "A flow is a few hundred lines. Take out what is not the flow.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _refused(file, "encoding", "the file is in UTF-16.", "Save it as UTF-8 in your editor.")
    try:
        text = content.decode("utf-8-sig")  # Windows' editors put an invisible mark in front, which harms nobody
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        return _refused(file, "encoding", "the file is not in UTF-8 from here on.", "Save it as UTF-8 in your editor.", place)
    return read_text(text.replace("\r\n", "\n").replace("\r", "\n"), file)


def read_text(text: str, file: str) -> Source:
    """Read the text of a file."""
    faults = list(_character_faults(text, file))
    if faults:
        return Source(file, text, None, tuple(faults))
    builder = _Builder(file, text)
    try:
        tree = builder.build()
    except yaml.YAMLError as error:
        found = explain_syntax_error(error, text, file)
        known = any(fault.line == found.line and fault.code == "braces" for fault in builder.faults)
        return Source(file, text, None, tuple(builder.faults) if known else (*builder.faults, found))
    except _StopError:
        tree = None
    return Source(file, text, tree, tuple(builder.faults))


def _refused(file: str, code: str, message: str, remedy: str, place: Place = START) -> Source:
    return Source(file, "", None, (Fault(file, place.line, place.column, code, message, remedy),))


def _character_faults(text: str, file: str) -> Iterator[Fault]:
    """Tabs in the indentation and characters that cannot be seen: at most the first twenty."""
    found = 0
    for number, line in enumerate(text.split("\n"), 1):
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        hidden = _NOT_TEXT.search(line)
        strange = _STRANGE_INDENT.match(line)
        if strange:
            message = "there is a space in the indentation that is none to YAML, as web pages and word processors have them."
            yield Fault(file, number, strange.end(), "indentation", message, "Type the spaces anew.")
        elif "\t" in indent and line.strip():
            yield Fault(
                file, number, indent.index("\t") + 1, "tab", "there is a tab in the indentation.", "Indent with spaces, two a step."
            )
        elif hidden:
            name = f"the invisible character U+{ord(hidden[0]):04X}"
            yield Fault(
                file, number, hidden.start() + 1, "character", f"there is {name} in the file.", "Delete it, and type the line anew."
            )
        else:
            continue
        found += 1
        if found == 20:
            return


class _StopError(Exception):
    """Reading on makes no sense; the fault has been noted."""


@dataclass
class _Open:
    """A mapping or list that is not complete yet."""

    place: Place
    is_mapping: bool
    parts: list[Tree] = field(default_factory=list)


class _Builder:
    """Makes a tree from the parser's events, without recursion."""

    def __init__(self, file: str, text: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._text = text
        self._open: list[_Open] = []
        self._values = 0
        self._root: Tree | None = None

    def build(self) -> Tree | None:
        for event in yaml.parse(self._text, Loader=_LOADER):
            self._take(event)
        if self._root is None or (isinstance(self._root, Scalar) and self._root.is_empty):
            self._fault(START, "empty", "the file is empty.", "Begin with `campaign: NAME` and `flow:`.")
            return None
        return self._root if all(fault.code in HARMLESS for fault in self.faults) else None

    def _take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent() if self._root is not None:
                self._fault(_place(event), "documents", "a second document begins here.", "Take `---` out: one file is one campaign.")
                raise _StopError
            case yaml.AliasEvent():
                self._fault(_place(event), "alias", f"`*{event.anchor}` repeats another part of the file.", "Write the part out here.")
                self._add(Scalar("", _place(event), "*"))
            case yaml.ScalarEvent():
                self._check_properties(event)
                raw = self._text[getattr(event.start_mark, "index", 0) : getattr(event.end_mark, "index", 0)]
                self._add(Scalar(event.value, _place(event), event.style or "", raw))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._check_properties(event)
                self._begin(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._add(self._close())

    def _begin(self, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._fault(
                _place(event),
                "depth",
                f"this stands more than {MAX_DEPTH} levels deep.",
                "A flow needs five levels. Take the inner ones out.",
            )
            raise _StopError
        self._open.append(_Open(_place(event), isinstance(event, yaml.MappingStartEvent)))

    def _add(self, tree: Tree) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._fault(tree.place, "too-long", f"the file has more than {MAX_VALUES:,} values.", "Make several campaigns of it.")
            raise _StopError
        if isinstance(tree, Scalar) and (hidden := _NOT_TEXT.search(tree.text)):
            message = f"the text holds the invisible character U+{ord(hidden[0]):04X}."
            self._fault(tree.place, "character", message, "Take the backslash and what follows it out.")
        if self._open:
            self._open[-1].parts.append(tree)
        else:
            self._root = tree

    def _close(self) -> Tree:
        done = self._open.pop()
        if not done.is_mapping:
            return Sequence(tuple(done.parts), done.place)
        entries: dict[str, Entry] = {}
        for key, value in zip(done.parts[::2], done.parts[1::2], strict=True):
            if self._is_key(key, done.place) and isinstance(key, Scalar):
                if key.text in entries:
                    first = entries[key.text].key.place.line
                    message = f"{quoted(key.text)} stands here a second time; the first is on line {first}."
                    self._fault(key.place, "duplicate-key", message, "Keep one of the two.")
                else:
                    entries[key.text] = Entry(key, value)
        return Mapping(tuple(entries.values()), done.place)

    def _is_key(self, key: Tree, outside: Place) -> bool:
        if not isinstance(key, Scalar):
            message = "a value that begins with { or [ is a mapping or a list to YAML."
            self._fault(outside, "braces", message, 'Put text with {{ variables }} in quotes: "{{ customer.first_name }}".')
        elif key.text == "<<" and not key.style:
            self._fault(key.place, "merge-key", "`<<` takes over keys from another part of the file.", "Write the keys out here.")
        elif key.is_empty:
            self._fault(key.place, "empty-key", "there is a colon without a key in front of it.", "Write a key, or take the line away.")
        else:
            return True
        return False

    def _check_properties(self, event: Any) -> None:
        if event.anchor:
            message = f"`&{event.anchor}` names a part of the file to be repeated elsewhere."
            self._fault(_place(event), "anchor", message, "Take it out, and write repeated parts out.")
        if event.tag:
            self._fault(
                _place(event),
                "tag",
                f"the tag {quoted(event.tag.replace(_YAML_TAG, '!!'))} is not for flows.",
                "Take the word with `!` out.",
            )

    def _fault(self, place: Place, code: str, message: str, remedy: str) -> None:
        self.faults.append(Fault(self._file, place.line, place.column, code, message, remedy))


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _offset_in_raw(scalar: Scalar, offset: int) -> int | None:
    """The offset in the raw text of a character of the text: both are walked along, white space against white space."""
    raw, at = scalar.raw, _first_letter(scalar)
    for number, letter in enumerate(scalar.text):
        if letter.isspace():
            if number == offset:
                return at
            continue
        while at < len(raw) and raw[at].isspace():
            at += 1
        if scalar.style == '"' and raw[at : at + 1] == "\\":
            at += 1  # an escape: right for \" and \\, and near enough for the others, which conditions do not need
        if raw[at : at + 1] != letter:
            return None
        if number == offset:
            return at
        at += 2 if scalar.style == "'" and letter == "'" else 1
    return min(at, len(raw)) if offset >= len(scalar.text) else None


def _first_letter(scalar: Scalar) -> int:
    if scalar.style in ("|", ">"):
        return scalar.raw.find("\n") + 1
    return 1 if scalar.style in ("'", '"') else 0
