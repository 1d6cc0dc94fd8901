"""A mapping file: what it may say, read with the place of every word, so that a fault is told as file:line:column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from customers.conditions.vocabulary import suggestion
from customers.importing.cleaning.moment import ORDERS
from customers.importing.layout import DELIMITERS
from store.errors import InputError, NotFoundError

_MOST_BYTES = 1 << 20
_MOST_BRACKETS = 1_000  # the YAML reader's time grows with the square of those that stay open

# What may stand at the left margin of a mapping, with the sentence that the docs show.
SECTIONS = {
    "import": "What the file holds: `customers`, `purchases` or `contacts`. It is checked, so that a mapping is not used for another file.",
    "key": "`row` when the file has no keys of its own: the number of the row becomes the key.",
    "columns": "A field, and the column that it comes from.",
    "constants": "A field, and a text that is the same for every row; `{row}` and `{column}` in it are filled in.",
    "attributes": "One of the workspace's own attributes, and the column that it comes from.",
    "details": "Contacts only: a name in the contact's details, and the column that it comes from.",
    "values": "A field, and under it what a text in the file stands for.",
    "consent": "A purpose, and under it each channel with a column, `yes` or `no`; `evidence` says what shows it, `date` since when.",
    "only_when": "A column, and the text (or list of texts) that a row must have there to be read at all.",
    "dates": "How dates are written: `day-month-year`, `month-day-year`, `year-month-day`, or a form such as `%d %b %Y`.",
    "decimal": "The decimal sign of numbers: `comma` or `point`.",
    "erase_empty": "`yes` when an empty cell erases what was known; otherwise it says nothing.",
    "encoding": "The file's encoding, when it is not found out by itself: `utf-8`, `cp1252`.",
    "delimiter": "What stands between cells, when it is not found out by itself: `comma`, `semicolon`, `tab`.",
}


class MappingError(InputError):
    """A mapping contradicts itself or does not fit its file; the text lists every fault."""


@dataclass(frozen=True, slots=True)
class Written:
    """A word of the mapping, and where it stands (from 1)."""

    text: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands on both sides of a colon."""

    name: Written
    value: Written


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """One line under `consent`."""

    purpose: Written
    channel: Written
    value: Written


@dataclass(frozen=True, slots=True)
class ImportMap:
    """A mapping as written. Words are checked against a file's header later, in plan.py."""

    path: Path
    words: Mapping[str, Written] = field(default_factory=dict)  # the sections that hold one word
    pairs: Mapping[str, tuple[Pair, ...]] = field(default_factory=dict)  # columns, constants, attributes, details
    values: tuple[tuple[Written, tuple[Pair, ...]], ...] = ()
    consent: tuple[ConsentRule, ...] = ()
    evidence: Written | None = None
    consent_date: Written | None = None
    only_when: tuple[tuple[Written, tuple[str, ...]], ...] = ()

    def word(self, section: str) -> str | None:
        """The one word of a section."""
        written = self.words.get(section)
        return written.text if written else None


class Faults:
    """Collects what is wrong with a mapping, to tell all of it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: list[str] = []

    def add(self, place: Written | None, message: str, remedy: str = "") -> None:
        """Note a fault; `place` is None when the mapping as a whole lacks something."""
        where = f"{self._path}:{place.line}:{place.column}" if place else str(self._path)
        self._told.append(f"{where}: {message}" + (f"\n    {remedy}" if remedy else ""))

    def tell(self) -> None:
        """Raise MappingError if there are any."""
        if self._told:
            raise MappingError("\n".join(self._told))


def read_map(path: Path) -> ImportMap:
    """The mapping in a file. Raises MappingError with every fault in it, or NotFoundError."""
    faults = Faults(path)
    sheet = _Sheet(faults)
    root = _compose(path, faults)
    sections = {name.text: (name, node) for name, node in sheet.pairs(root, "the mapping")}
    for name, _ in sections.values():
        if name.text not in SECTIONS:
            faults.add(name, f"'{name.text}' is not known here.", suggestion(name.text, SECTIONS) or f"Use one of {', '.join(SECTIONS)}.")
    found = {name: node for name, (_, node) in sections.items()}
    consent = dict(sheet.section(found, "consent"))
    about = {name.text: sheet.word(node) for name, node in consent.items() if name.text in _ABOUT_CONSENT}
    mapping = ImportMap(
        path,
        words={name: sheet.word(found[name]) for name in _WORDS if name in found},
        pairs={name: tuple(sheet.words_of(found.get(name), f"'{name}'")) for name in _PAIRS},
        values=tuple((name, tuple(sheet.words_of(node, f"'{name.text}'"))) for name, node in sheet.section(found, "values")),
        consent=tuple(sheet.rules(consent)),
        evidence=about.get("evidence"),
        consent_date=about.get("date"),
        only_when=tuple((name, sheet.texts(node)) for name, node in sheet.section(found, "only_when")),
    )
    _check_choices(mapping.words, faults)
    faults.tell()
    return mapping


_WORDS = ("import", "key", "dates", "decimal", "erase_empty", "encoding", "delimiter")
_PAIRS = ("columns", "constants", "attributes", "details")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "import": ("customers", "purchases", "contacts"),
    "dates": tuple(ORDERS),
    "decimal": ("comma", "point"),
    "erase_empty": ("yes", "no"),
    "delimiter": tuple(DELIMITERS.values()),
}
_ABOUT_CONSENT = ("evidence", "date")  # stand beside the purposes


def _check_choices(words: Mapping[str, Written], faults: Faults) -> None:
    for name, choices in _CHOICES.items():
        written = words.get(name)
        if written and written.text not in choices and not (name == "dates" and "%" in written.text):
            faults.add(
                written, f"'{written.text}' is no choice for '{name}'.", suggestion(written.text, choices) or f"Write {', '.join(choices)}."
            )


class _Sheet:
    """Walks YAML nodes, and notes what is not of the shape that it should be."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[Written, yaml.Node]]:
        """The left sides of a mapping, each once, with the node on the right."""
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            self._faults.add(_place(node), f"{what} should be lines of `name: value`.")
            return
        seen: set[str] = set()
        for left, right in node.value:
            name = self.word(left)
            if name.text in seen:
                self._faults.add(name, f"'{name.text}' stands here twice.", "Leave one of the two.")
            seen.add(name.text)
            yield name, right

    def section(self, found: Mapping[str, yaml.Node], name: str) -> Iterator[tuple[Written, yaml.Node]]:
        """The lines of a section."""
        return self.pairs(found.get(name), f"'{name}'")

    def words_of(self, node: yaml.Node | None, what: str) -> Iterator[Pair]:
        """Lines that have a word on either side."""
        return (Pair(name, self.word(right)) for name, right in self.pairs(node, what))

    def rules(self, consent: Mapping[Written, yaml.Node]) -> Iterator[ConsentRule]:
        """The lines about purposes."""
        for purpose, node in consent.items():
            if purpose.text not in _ABOUT_CONSENT:
                yield from (ConsentRule(purpose, pair.name, pair.value) for pair in self.words_of(node, f"'{purpose.text}'"))

    def word(self, node: yaml.Node) -> Written:
        """A single text."""
        if not isinstance(node, yaml.ScalarNode):
            self._faults.add(_place(node), "a single text should stand here.")
            return _place(node)
        return Written(str(node.value).strip(), node.start_mark.line + 1, node.start_mark.column + 1)

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        """One text or a list of them."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.word(each).text for each in node.value)
        return (self.word(node).text,)


def _place(node: yaml.Node) -> Written:
    return Written("", node.start_mark.line + 1, node.start_mark.column + 1)


def _compose(path: Path, faults: Faults) -> yaml.Node | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(f"There is no mapping {path}. Look at the name and the folder.") from None
    except OSError as error:
        raise InputError(f"The mapping {path} cannot be read: {error.strerror}.") from error
    if len(text) > _MOST_BYTES:
        raise InputError(f"{path} is too large for a mapping. Is it the data file? The mapping goes behind --map.")
    if text.count(b"[") + text.count(b"{") > _MOST_BRACKETS:
        raise InputError(f"{path} has more brackets than any mapping needs. Is it the data file? The mapping goes behind --map.")
    try:
        # BaseLoader: every value stays a text. In YAML's own reading the country NO is false.
        return yaml.compose(text.decode("utf-8-sig"), Loader=yaml.BaseLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not in UTF-8. Save it as UTF-8 in your editor.") from error
    except RecursionError:
        raise InputError(f"{path} is nested too deeply for a mapping.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Written("", mark.line + 1, mark.column + 1) if mark else None
        faults.add(place, f"this is not YAML: {error.problem}.", "Look at indents, colons and quotation marks; use spaces, not tabs.")
    except yaml.YAMLError as error:
        faults.add(None, f"this is not YAML: {str(error).splitlines()[0]}.")
    faults.tell()
    return None
