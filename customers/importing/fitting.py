"""A mapping, held against the header of a file: which column feeds which field, as its author says."""

import re
from collections.abc import Iterator, Mapping, Sequence

from customers.conditions.vocabulary import AttributeKind, suggestion
from customers.importing.mapping import ConsentRule, Faults, ImportMap, Written
from customers.importing.plan import CHANNELS, ROW, Cell, ConsentPlan, Plan, Use
from customers.importing.subjects import Subject


def plan_by_map(
    subject: Subject, header: Sequence[str], written: ImportMap, attributes: Mapping[str, AttributeKind], purposes: Sequence[str]
) -> Plan:
    """Understand the columns as the mapping says. Raises MappingError with every fault."""
    return _Fitting(subject, header, written, attributes, purposes).plan()


class _Fitting:
    """Holds a mapping against a file's header, and notes where they do not fit."""

    def __init__(
        self, subject: Subject, header: Sequence[str], written: ImportMap, attributes: Mapping[str, AttributeKind], purposes: Sequence[str]
    ) -> None:
        self._subject = subject
        self._header = header
        self._written = written
        self._attributes = attributes
        self._purposes = purposes
        self._faults = Faults(written.path)
        self._values = {name.text: {pair.name.text: pair.value.text for pair in pairs} for name, pairs in written.values}

    def plan(self) -> Plan:
        """The plan; raises MappingError."""
        rules = {rule.name: rule for rule in self._subject.fields}
        fields = self._cells("columns", rules) | self._constants({name: name for name in (*rules, *self._attributes)})
        attributes = self._cells("attributes", self._attributes) if self._allowed("attributes", self._subject.takes_attributes) else {}
        details = self._cells("details", None) if self._allowed("details", self._subject.takes_details) else {}
        attributes |= {name: fields.pop(name) for name in list(fields) if name not in rules}
        self._key(fields)
        consents = tuple(self._consent(rule) for rule in self._written.consent)
        only_when = tuple((self._column(name), frozenset(texts)) for name, texts in self._written.only_when)
        self._check_words(fields, attributes, details)
        self._check_needed(fields)
        self._faults.tell()
        ordered = {name: fields[name] for name in rules if name in fields}
        return Plan(
            self._subject,
            ordered,
            attributes,
            details,
            consents,
            only_when,
            self._written.word("erase_empty") == "yes",
            tuple(self._uses(ordered | attributes | details | {f"consent_{c.purpose}_{c.channel}": c.says for c in consents})),
        )

    def _allowed(self, section: str, allowed: bool) -> bool:
        pairs = self._written.pairs.get(section, ())
        if pairs and not allowed:
            self._faults.add(pairs[0].name, f"{self._subject.name} have no {section}.", f"Remove the section '{section}'.")
        return allowed

    def _cells(self, section: str, known: Mapping[str, object] | None) -> dict[str, Cell]:
        cells = {}
        for pair in self._written.pairs.get(section, ()):
            if known is not None and pair.name.text not in known:
                self._unknown(pair.name, section, known)
                continue
            index = self._column(pair.value)
            cells[pair.name.text] = Cell(self._header[index], index, values=self._values.get(pair.name.text, {}))
        return cells

    def _constants(self, known: Mapping[str, object]) -> dict[str, Cell]:
        cells = {}
        for pair in self._written.pairs.get("constants", ()):
            if pair.name.text not in known:
                self._unknown(pair.name, "constants", known)
            elif any(pair.name.text == other.name.text for other in self._written.pairs.get("columns", ())):
                self._faults.add(pair.name, f"'{pair.name.text}' comes from a column as well.", "Leave one of the two.")
            else:
                cells[pair.name.text] = Cell("(constant)", template=self._template(pair.value))
        return cells

    def _key(self, fields: dict[str, Cell]) -> None:
        written = self._written.words.get("key")
        if written is None:
            return
        if written.text != "row":
            self._faults.add(
                written, "'key' at the left margin can only be `row`.", "For a column, write it under `columns:`, as `key: its name`."
            )
        elif "key" in fields:
            self._faults.add(written, "the key comes from somewhere else as well.", "Leave one of the two.")
        else:
            fields["key"] = Cell("(row number)", template=(ROW,))

    def _consent(self, rule: ConsentRule) -> ConsentPlan:
        if self._subject.name != "customers":
            self._faults.add(rule.purpose, f"{self._subject.name} carry no consent.", "Import it with customers.")
        if self._purposes and rule.purpose.text not in self._purposes:
            hint = suggestion(rule.purpose.text, self._purposes) or "Add it to `purposes` under [consent] in contactflow.toml."
            self._faults.add(rule.purpose, f"there is no purpose '{rule.purpose.text}'.", hint)
        if rule.channel.text not in CHANNELS:
            self._unknown(rule.channel, "channels", dict.fromkeys(CHANNELS))
        constant = rule.value.text.lower() in {"yes", "no", "true", "false"} and rule.value.text not in self._header
        if constant and rule.value.text.lower() in {"yes", "true"} and self._written.evidence is None:
            self._faults.add(
                rule.value, "consent for everybody needs evidence.", "Add under `consent:` a line such as `evidence: order form 2025`."
            )
        says = Cell("(constant)", template=(rule.value.text,)) if constant else self._cell(rule.value)
        evidence = self._text(self._written.evidence)
        return ConsentPlan(rule.purpose.text, rule.channel.text, says, evidence, self._text(self._written.consent_date))

    def _cell(self, written: Written) -> Cell:
        index = self._column(written)
        return Cell(self._header[index], index)

    def _text(self, written: Written | None) -> Cell | None:
        """A column if there is one of that name, or else a text."""
        if written is None:
            return None
        if written.text in self._header:
            return self._cell(written)
        return Cell("(constant)", template=self._template(written))

    def _template(self, written: Written) -> tuple[str | int, ...]:
        parts: list[str | int] = []
        for place, part in enumerate(re.split(r"\{([^{}]*)\}", written.text)):
            if place % 2 == 0:
                parts += [part] if part else []
            else:
                name = part.strip()
                parts.append(
                    ROW if name == "row" and "row" not in self._header else self._column(Written(name, written.line, written.column))
                )
        return tuple(parts) or ("",)

    def _column(self, written: Written) -> int:
        """The place of a column; a fault, and 0, when there is none or more than one."""
        name = " ".join(written.text.split())
        found = [index for index, column in enumerate(self._header) if column == name]
        found = found or [index for index, column in enumerate(self._header) if column.casefold() == name.casefold()]
        if len(found) > 1:
            places = " and ".join(str(index + 1) for index in found)
            self._faults.add(written, f"the file has the column '{name}' twice (columns {places}).", "Rename one of them in the file.")
        if not found:
            hint = suggestion(name, self._header) or f"It has: {', '.join(self._header)}."
            self._faults.add(written, f"the file has no column '{name}'.", hint)
        return found[0] if found else 0

    def _unknown(self, written: Written, what: str, known: Mapping[str, object]) -> None:
        told = f"'{written.text}' is no field of {self._subject.name}"
        if what == "attributes":
            told = f"the workspace has no attribute '{written.text}'"
        if what == "channels":
            told = f"there is no channel '{written.text}'"
        add = " Declare it under [attributes] in contactflow.toml." if what == "attributes" else ""
        self._faults.add(written, f"{told}.", (suggestion(written.text, known) or f"Known are: {', '.join(known) or 'none yet'}.") + add)

    def _check_words(self, *fed: Mapping[str, Cell]) -> None:
        subject = self._written.words.get("import")
        if subject and subject.text != self._subject.name:
            self._faults.add(
                subject, f"this mapping is for {subject.text}, not for {self._subject.name}.", "Use the mapping that belongs to the file."
            )
        names = {name for each in fed for name in each}
        for name, _ in self._written.values:
            if name.text not in names:
                self._faults.add(name, f"'{name.text}' is not filled from any column.", suggestion(name.text, names))

    def _check_needed(self, fields: Mapping[str, Cell]) -> None:
        for rule in self._subject.fields:
            if rule.needed and rule.name not in fields:
                remedy = f"Add under `columns:` a line `{rule.name}: the name of its column`."
                if rule.name == "key":
                    remedy += " If the file has none, write `key: row` at the left margin."
                self._faults.add(None, f"nothing fills '{rule.name}', {rule.title}.", remedy)

    def _uses(self, fed: Mapping[str, Cell]) -> Iterator[Use]:
        by_column: dict[int, list[str]] = {}
        for name, cell in fed.items():
            if cell.column is not None:
                by_column.setdefault(cell.column, []).append(name)
        for index, name in enumerate(self._header):
            feeds = by_column.get(index)
            yield Use(name, ", ".join(feeds) if feeds else None, "mapping" if feeds else "not used")
        yield from (Use(cell.label, name, "constant") for name, cell in fed.items() if cell.column is None)
