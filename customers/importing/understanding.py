"""From the texts of a batch to clean columns: what may be written, and what is lost and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customers.conditions.vocabulary import AttributeKind
from customers.importing.cleaning.cell import KEEP
from customers.importing.plan import Cell, ConsentPlan, Plan
from customers.importing.problems import MISSING, Problem
from customers.importing.reader import Batch
from customers.importing.subjects import ATTRIBUTE_CLEANERS, CHOICE, MOMENT, PLAIN, Column, ColumnCleaner, Terms

Cleaned = list[Any]  # values as the database stores them; None for an empty cell, KEEP for one that was not understood


@dataclass(frozen=True, slots=True)
class Loss:
    """A cell of a row that was not taken over; `whole_row` when the row was not, because of it."""

    row: int  # its place in the batch
    label: str
    problem: Problem
    whole_row: bool


@dataclass(frozen=True, slots=True)
class ConsentColumn:
    """Consent of each row for one purpose and channel: granted, refused (False) or nothing (None)."""

    plan: ConsentPlan
    says: Cleaned
    at: Cleaned | None  # microseconds; None: the import's own moment
    evidence: Cleaned | None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a batch that can be written, in columns. `places` are their places in the batch."""

    places: Sequence[int]
    fields: Mapping[str, Cleaned]
    attributes: Mapping[str, Cleaned]
    details: Mapping[str, Cleaned]
    consents: tuple[ConsentColumn, ...]

    def __len__(self) -> int:
        return len(self.places)

    def without(self, places: set[int]) -> "Rows":
        """The same without the rows at these places."""
        if not places:
            return self
        kept = [index for index, place in enumerate(self.places) if place not in places]
        return self.only(kept)

    def only(self, indexes: Sequence[int]) -> "Rows":
        """The rows with these indexes (into `places`), in this order."""

        def chosen(columns: Mapping[str, Cleaned]) -> dict[str, Cleaned]:
            return {name: [column[index] for index in indexes] for name, column in columns.items()}

        def each(column: Cleaned | None) -> Cleaned | None:
            return None if column is None else [column[index] for index in indexes]

        consents = tuple(ConsentColumn(c.plan, each(c.says) or [], each(c.at), each(c.evidence)) for c in self.consents)
        places = [self.places[index] for index in indexes]
        return Rows(places, chosen(self.fields), chosen(self.attributes), chosen(self.details), consents)


class Understanding:
    """A plan with its cleaners, which remember what they saw from batch to batch."""

    def __init__(self, plan: Plan, terms: Terms, attributes: Mapping[str, AttributeKind]) -> None:
        self.skipped = 0  # rows that `only_when` left out
        self._plan = plan
        rules = {rule.name: rule for rule in plan.subject.fields}
        self._needed = {rule.name for rule in plan.subject.fields if rule.needed and rule.instead not in plan.fields}
        self._vital = {rule.name for rule in plan.subject.fields if rule.vital}
        self._fields = {name: rules[name].clean(terms) for name in plan.fields}
        self._attributes = {name: ATTRIBUTE_CLEANERS[attributes[name]](terms) for name in plan.attributes}
        self._details = {name: PLAIN(terms) for name in plan.details}
        self._consents = [(CHOICE(terms), MOMENT(terms), PLAIN(terms)) for _ in plan.consents]

    def constant_faults(self) -> list[tuple[str, Problem]]:
        """Constants that are no values of their fields: told once, not for every row."""
        fed = [(name, cell, self._fields[name]) for name, cell in self._plan.fields.items()]
        fed += [(name, cell, self._attributes[name]) for name, cell in self._plan.attributes.items()]
        for consent, (_, moment, _) in zip(self._plan.consents, self._consents, strict=True):
            fed += [("consent: date", consent.date, moment)] if consent.date else []
        constants = ((name, clean(cell.texts((), (1,)), {})[0]) for name, cell, clean in fed if _is_constant(cell))
        return [(name, value) for name, value in constants if isinstance(value, Problem)]

    def of(self, batch: Batch) -> tuple[Rows, list[Loss]]:
        """The rows of a batch that count and can be written, and everything that was lost on the way."""
        columns = list(zip(*batch.rows, strict=True)) or [()] * batch.width
        losses: list[Loss] = []
        places = self._counting(columns, len(batch.rows))
        self.skipped += len(batch.rows) - len(places)
        if len(places) < len(batch.rows):
            columns = [[column[place] for place in places] for column in columns]  # type: ignore[misc]  # a list serves as well
        given = _Given(columns, [batch.numbers[place] for place in places], places, losses)
        fields = given.cleaned(self._plan.fields, self._fields, self._vital, self._needed)
        rows = Rows(
            places,
            fields,
            given.cleaned(self._plan.attributes, self._attributes),
            given.cleaned(self._plan.details, self._details),
            tuple(given.consent(plan, *cleaners) for plan, cleaners in zip(self._plan.consents, self._consents, strict=True)),
        )
        return rows.without({loss.row for loss in losses if loss.whole_row}), losses

    def _counting(self, columns: Sequence[Sequence[str]], number: int) -> Sequence[int]:
        places: Iterable[int] = range(number)
        for column, texts in self._plan.only_when:
            places = [place for place in places if columns[column][place].strip() in texts]
        return list(places)


@dataclass(frozen=True, slots=True)
class _Given:
    """The texts of the rows that count."""

    columns: Sequence[Sequence[str]]
    numbers: Sequence[int]
    places: Sequence[int]
    losses: list[Loss]

    def cleaned(
        self,
        cells: Mapping[str, Cell],
        cleaners: Mapping[str, ColumnCleaner],
        vital: Iterable[str] = (),
        needed: Iterable[str] = (),
    ) -> dict[str, Cleaned]:
        done: dict[str, Column] = {}
        for name in cells:
            done[name] = cleaners[name](cells[name].texts(self.columns, self.numbers), done)
        return {name: self._told(column, cells[name].label, name in vital, name in needed) for name, column in done.items()}

    def consent(self, plan: ConsentPlan, choose: ColumnCleaner, moment: ColumnCleaner, plain: ColumnCleaner) -> ConsentColumn:
        says = self._one(plan.says, choose)
        at = self._one(plan.date, moment) if plan.date else None
        if at is not None:  # without the date that was promised, a grant is not evidence; a refusal is heard anyway
            says = [KEEP if said is True and not isinstance(when, int) else said for said, when in zip(says, at, strict=True)]
        return ConsentColumn(plan, says, at, self._one(plan.evidence, plain) if plan.evidence else None)

    def _one(self, cell: Cell, clean: ColumnCleaner) -> Cleaned:
        return self._told(clean(cell.texts(self.columns, self.numbers), {}), cell.label, vital=False, needed=False)

    def _told(self, column: Column, label: str, vital: bool, needed: bool) -> Cleaned:
        kinds = set(map(type, column))
        values: Cleaned = column
        if Problem in kinds:
            wrong = [(index, value) for index, value in enumerate(column) if isinstance(value, Problem)]
            self.losses.extend(Loss(self.places[index], label, problem, vital) for index, problem in wrong)
            values = [KEEP if isinstance(value, Problem) else value for value in column]
        if needed and type(None) in kinds:
            self.losses.extend(
                Loss(self.places[index], label, MISSING, whole_row=True) for index, value in enumerate(values) if value is None
            )
        return values


def _is_constant(cell: Cell) -> bool:
    return len(cell.template) == 1 and isinstance(cell.template[0], str)
