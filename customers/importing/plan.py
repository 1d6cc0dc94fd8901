"""Which column feeds which field, and how the column names alone say it."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from customers.conditions.vocabulary import AttributeKind
from customers.importing.subjects import Subject
from store.errors import InputError

CHANNELS = ("email", "sms", "print")
ROW = -1  # in a template: the row's number
How = Literal["own name", "synonym", "mapping", "constant", "not used"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a field's text comes from: one column, or a template of texts and columns. `label` names it to the user."""

    label: str
    column: int | None = None
    template: tuple[str | int, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    def texts(self, columns: Sequence[Sequence[str]], numbers: Sequence[int]) -> Sequence[str]:
        """The text of each row, without white space around it."""
        if self.column is None:
            return self._filled_in(columns, numbers)
        texts = list(map(str.strip, columns[self.column]))
        return [self.values.get(text, text) for text in texts] if self.values else texts

    def _filled_in(self, columns: Sequence[Sequence[str]], numbers: Sequence[int]) -> Sequence[str]:
        if len(self.template) == 1 and isinstance(self.template[0], str):
            return [self.template[0]] * len(numbers)
        parts = ([part] * len(numbers) if isinstance(part, str) else self._part(part, columns, numbers) for part in self.template)
        return list(map("".join, zip(*parts, strict=True)))

    def _part(self, part: int, columns: Sequence[Sequence[str]], numbers: Sequence[int]) -> Sequence[str]:
        return list(map(str, numbers)) if part == ROW else list(map(str.strip, columns[part]))


@dataclass(frozen=True, slots=True)
class ConsentPlan:
    """Where consent for one purpose and channel comes from; without a date it is the import's own moment."""

    purpose: str
    channel: str
    says: Cell
    evidence: Cell | None
    date: Cell | None


@dataclass(frozen=True, slots=True)
class Use:
    """How a column was understood."""

    column: str
    feeds: str | None
    how: How


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with each row."""

    subject: Subject
    fields: Mapping[str, Cell]
    attributes: Mapping[str, Cell] = field(default_factory=dict)
    details: Mapping[str, Cell] = field(default_factory=dict)
    consents: tuple[ConsentPlan, ...] = ()
    only_when: tuple[tuple[int, frozenset[str]], ...] = ()
    erase_empty: bool = False
    uses: tuple[Use, ...] = ()


def plan_by_names(subject: Subject, header: Sequence[str], attributes: Mapping[str, AttributeKind], purposes: Sequence[str]) -> Plan:
    """Understand the columns by their names alone. Raises InputError when a needed field is not among them."""
    names = [_folded(name) for name in header]
    feeds: dict[int, tuple[str, How]] = {}
    cells: dict[str, Cell] = {}
    for name, how, spellings in _known_names(subject, attributes, purposes):
        index = next((names.index(each) for each in spellings if names.count(each) == 1 and names.index(each) not in feeds), None)
        if index is not None and name not in cells:
            feeds[index] = (name, how)
            cells[name] = Cell(header[index], index)
    missing = [rule.name for rule in subject.fields if rule.needed and rule.name not in cells]
    if missing:
        raise InputError(_unknown_columns(subject, missing, header))
    return Plan(
        subject,
        {rule.name: cells[rule.name] for rule in subject.fields if rule.name in cells},
        {name: cells[name] for name in attributes if name in cells},
        consents=tuple(
            ConsentPlan(purpose, channel, cells[f"consent_{purpose}_{channel}"], None, None)
            for purpose in purposes
            for channel in CHANNELS
            if f"consent_{purpose}_{channel}" in cells
        ),
        uses=tuple(Use(name, *feeds.get(index, (None, "not used"))) for index, name in enumerate(header)),
    )


def _known_names(
    subject: Subject, attributes: Mapping[str, AttributeKind], purposes: Sequence[str]
) -> Iterator[tuple[str, How, tuple[str, ...]]]:
    """Every name and its spellings, own names first, so that a synonym never takes a column that is somebody's own."""
    own = attributes if subject.takes_attributes else {}
    consents = [f"consent_{purpose}_{channel}" for purpose in purposes for channel in CHANNELS] if subject.takes_attributes else []
    yield from ((name, "own name", (_folded(name),)) for name in (*(rule.name for rule in subject.fields), *own, *consents))
    yield from ((rule.name, "synonym", tuple(map(_folded, rule.synonyms))) for rule in subject.fields)


def _unknown_columns(subject: Subject, missing: Sequence[str], header: Sequence[str]) -> str:
    twice = [name for name, times in Counter(header).items() if times > 1]
    words = " and ".join(f"'{name}'" for name in missing)
    told = f"No column was understood as {words}. The file has: {', '.join(header)}."
    if twice:
        told += f" More than once: {', '.join(twice)}."
    lines = "".join(f"\n        {name}: the name of its column" for name in missing)
    return f"{told}\n    Write a mapping and give it with --map:\n    import: {subject.name}\n    columns:{lines}"


def _folded(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())
