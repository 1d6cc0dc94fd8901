"""A dossier as a page shows it: who somebody is, the newest lines of each section, and the form to correct it with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from landing.dossier_lines import LINES_OF, Speech
from landing.words import LANGUAGES, WORDS

LINES = 10  # of a section; the rest stands in the file that can be saved
_ME = ("first_name", "last_name", "email", "phone", "street", "postcode", "city", "country", "language", "birth_date")
_ABOUT = ("timezone", "key", "known_since", "changed_at")
_KINDS = {"birth_date": "date", "phone": "tel", "language": "select"}
_AUTOCOMPLETE = {
    "first_name": "given-name",
    "last_name": "family-name",
    "street": "address-line1",
    "postcode": "postal-code",
    "city": "address-level2",
    "country": "country-name",
    "phone": "tel",
    "birth_date": "bday",
    "language": "language",
}  # WCAG 1.3.5


@dataclass(frozen=True, slots=True)
class DossierPage:
    """What the page shows of a dossier, as contactflow/dossiers.py describes it."""

    document: Mapping[str, Any]
    speech: Speech

    @property
    def made_at(self) -> str:
        """When it was gathered."""
        return self.speech.moment(self.document["made_at"], with_time=True)

    def person(self) -> list[tuple[str, str]]:
        """Who it is, by the names of what is known."""
        own = [(self.speech.attribute(name), self.speech.word(value)) for name, value in self.document["own_attributes"].items()]
        return [(self.speech.word(name), self._shown(name)) for name in (*_ME, *_ABOUT) if name in self.document["customer"]] + own

    def sections(self) -> Iterator[dict[str, Any]]:
        """Of what there is: title, number of rows, the newest of them as (day, text), and how many more there are."""
        for name, line_of in LINES_OF.items():
            section = self.document[name]
            if not section["number"]:
                continue
            lines = [line_of(self.speech, row) for row in section["rows"][:LINES]]
            shown = [(self.speech.moment(at) if at else "", text) for at, text in lines]
            yield {"title": self.speech.word(name), "number": section["number"], "lines": shown, "more": section["number"] - len(shown)}

    def nothing_of(self) -> str:
        """The titles of the sections in which there is nothing."""
        return "; ".join(self.speech.word(name) for name in LINES_OF if not self.document[name]["number"])

    def field(self, name: str) -> str:
        """What stands in a field of the form before anybody typed."""
        if name in ("birth_date", "language"):
            return str(self.document["customer"].get(name) or "")
        return self._shown(name)

    def fields(self, names: tuple[str, ...], typed: Mapping[str, str], wrong: frozenset[str]) -> Iterator[dict[str, Any]]:
        """The form's fields: what is typed, or else known, and whether it was understood."""
        for name in names:
            value = typed.get(name, self.field(name))
            yield {
                "name": name,
                "label": self.speech.word(name),
                "value": value,
                "wrong": name in wrong,
                "kind": _KINDS.get(name, "text"),
                "autocomplete": _AUTOCOMPLETE[name],
                "options": self._languages(value) if name == "language" else [],
            }

    def _languages(self, chosen: str) -> list[tuple[str, str]]:
        """Those that the pages speak, and the one that is known where it is another."""
        spoken: list[tuple[str, str]] = [(each, WORDS[each]["own_name"]) for each in LANGUAGES]
        return spoken if chosen in WORDS else [(chosen, chosen or "-"), *spoken]

    def _shown(self, name: str) -> str:
        """What is known of a customer under a name, as it is read; an empty text for nothing."""
        value = self.document["customer"].get(name)
        if value is None:
            return ""
        match name:
            case "country":
                from babel import Locale  # noqa: PLC0415 - only for whoever asks for their data

                return str(Locale.parse(self.speech.language).territories.get(value, value))
            case "language":
                return WORDS[value]["own_name"] if value in WORDS else str(value)
            case "birth_date" | "known_since" | "changed_at":
                return self.speech.moment(value)
            case _:
                return str(value)
