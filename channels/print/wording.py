"""A letter's wording: merged for one recipient, with as many sheets as it takes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from channels.contract import CompositionFault, Content
from channels.merging import Texts, packed
from channels.print.letter import Letter, Letterhead
from channels.print.markup import guard
from channels.print.phrases import PHRASES, Phrases, language_of
from channels.print.template import TEXTS, Template

if TYPE_CHECKING:  # fonts and PDF stay out of `contactflow check`
    from channels.print.printer import Printer

MOST_PAGES = 2
ALWAYS = frozenset({"links.page", "code", "today"})  # every letter has a QR code, a short code and a date


@dataclass(frozen=True)
class LetterWording:
    """A template on a letterhead. `printer` gives whoever measures it: where lines break, not what they say."""

    template: Template
    letterhead: Letterhead
    printer: "Callable[[], Printer]" = field(compare=False, repr=False)

    @property
    def variables(self) -> frozenset[str]:
        written = frozenset(name for texts in self.template.texts.values() for name in texts.variables)
        return written | ALWAYS | (frozenset() if self.template.language else frozenset({"customer.language"}))

    @cached_property
    def source(self) -> bytes:
        texts = {key: dict(each.files) for key, each in self.template.texts.items()}
        return packed({"letter": 1, "texts": texts, "language": self.template.language, "letterhead": asdict(self.letterhead)})

    def compose(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        letter = self._letter(values)
        if isinstance(letter, CompositionFault):
            return letter
        printer = self.printer()
        strange = printer.cannot_write("".join(value for name, value in letter.parts.items() if name != "letterhead"))
        if strange:
            names = ", ".join(sorted(f"U+{ord(each):04X}" for each in strange))
            return CompositionFault(f"the typeface {printer.typeface} has no letter for {names}")
        pages = printer.pages(letter)
        if pages > MOST_PAGES:
            return CompositionFault(f"the letter takes {pages} pages; at most {MOST_PAGES} are sent")
        return Content(letter.parts, segments=pages)

    def lacks(self, values: Mapping[str, Any]) -> CompositionFault | None:
        letter = self._letter(values)
        return letter if isinstance(letter, CompositionFault) else None

    def _letter(self, values: Mapping[str, Any]) -> Letter | CompositionFault:
        fixed = self._fixed(values)
        if isinstance(fixed, CompositionFault):
            return fixed
        merged = {key: texts.merge(values) for key, texts in self.template.texts.items()}
        fault = next((each for each in merged.values() if isinstance(each, CompositionFault)), None)
        if fault:
            return fault
        written = {key: each.strip() for key, each in merged.items() if isinstance(each, str)}
        return Letter(**{**dict.fromkeys(TEXTS, ""), **fixed, **written})

    def _fixed(self, values: Mapping[str, Any]) -> dict[str, str] | CompositionFault:
        """What every letter has, whatever its template says."""
        url, code, today = (values.get("links") or {}).get("page"), values.get("code"), _day(values.get("today"))
        for name, value in (("links.page", url), ("code", code), ("today", today)):
            if not value:
                return CompositionFault(f"{name} has no value, and every letter needs it", name)
        assert today
        language = self._language(values)
        phrases = PHRASES[language]
        sentences = _sentences(phrases, self.letterhead.landing)
        return {
            **sentences,
            "language": language,
            "date": phrases.spell(today),
            "url": str(url),
            "code": str(code),
            "letterhead": self._letterhead,
        }

    def _language(self, values: Mapping[str, Any]) -> str:
        own = str((values.get("customer") or {}).get("language") or "").lower()[:2]
        return self.template.language or (own if own in PHRASES else language_of(self.letterhead.country))

    @cached_property
    def _letterhead(self) -> str:
        return self.letterhead.text


def restore_wording(source: bytes, printer: "Callable[[], Printer]") -> LetterWording:
    """The wording that gave this source."""
    document = json.loads(source)
    head = document["letterhead"]
    texts = {key: Texts(files, guard) for key, files in document["texts"].items()}
    images = {key: head[key] for key in ("logo", "signature") if head[key]}
    letterhead = Letterhead(**{**head, "sender": tuple(head["sender"])})
    return LetterWording(Template(texts, images, head["colour"], document["language"]), letterhead, printer)


def _sentences(phrases: Phrases, landing: str) -> dict[str, str]:
    return {
        "panel": phrases.panel,
        "invitation": phrases.invitation.format(landing=guard(landing)),
        "small_print": phrases.small_print.format(landing=guard(landing)),
    }


def _day(value: object) -> date | None:
    """A date; also one that was stored as text beside the message."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
