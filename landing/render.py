"""HTML of every page: a page file and a recipient in, text out."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from channels.brand import Brand
from landing.alike import Alike, personal
from landing.blocks import Sight
from landing.colours import brand_css
from landing.drafts import NOTHING_YET
from landing.fields import ChoiceField, FormField, ScaleField, Words
from landing.frame import frames_of, style_of
from landing.moments import zone_named
from landing.page import Page
from landing.recipients import Recipient
from landing.results import Counts, shares
from landing.seals import KEPT
from landing.settings import LandingSettings
from landing.surveys import END
from landing.turns import Spot, resume
from landing.wording import Merger
from landing.words import WORDS, Language, language_of

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ShownField:
    """A question as one recipient sees it."""

    name: str
    field: FormField
    question: Markup
    hint: Markup
    typed: str
    complaint: str | None
    suggestion: str | None
    kept: str  # what was asked about already
    options: Mapping[str, Markup]
    lowest: Markup | str
    highest: Markup | str


@dataclass(frozen=True, slots=True)
class Visitor:
    """For whom a page is rendered: a recipient with their links, or (without one) anybody."""

    language: Language
    recipient: Recipient | None = None
    stop_link: str | None = None


class Renderer:
    """Renders pages in the brand of a workspace."""

    def __init__(self, settings: LandingSettings, brand: Brand) -> None:
        self._settings = settings
        self._sender = {"name": settings.sender_name, "address": settings.sender_address}
        self._merger, self._alike = Merger(), Alike()
        self._pages = Environment(
            loader=FileSystemLoader(_HERE / "html"),
            auto_reload=False,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        logo = brand.logo and self.picture(brand.logo)
        self._frames = frames_of(settings.templates, self._sender, logo, self.picture)
        self.css = brand_css(brand) + (_HERE / "static" / "page.css").read_text(encoding="utf-8") + style_of(settings.templates)
        digest = hashlib.sha256(self.css.encode()).hexdigest()[:12]
        self._pages.globals.update(kept=KEPT, stylesheet=f"{settings.path}/static/{digest}.css", logo=logo, sender=self._sender)

    def anybody(self, accepted: str | None) -> Visitor:
        """A visitor of whom only the browser's languages are known."""
        return Visitor(language_of(accepted, self._settings.language))

    def known(self, recipient: Recipient, stop_link: str) -> Visitor:
        """A visitor behind a personal link."""
        return Visitor(language_of(recipient.attributes.get("language"), self._settings.language), recipient, stop_link)

    def render(self, template: str, visitor: Visitor, values: Mapping[str, object]) -> str:
        """A template of ours for a visitor."""
        stop_link = visitor.stop_link and personal(visitor.stop_link)
        same = {"words": WORDS[visitor.language], "frame": self._frames[visitor.language]}
        known = {"template": template, "language": visitor.language, "stop_link": stop_link, **values}
        return self._alike.rendered(known, lambda each: self._pages.get_template(template).render(**same, **each))

    def page(self, page: Page, visitor: Visitor, now: datetime, spot: Spot | None = None) -> dict[str, Any]:
        """What page.html shows of a campaign's page, and of its form at a spot; without one where everybody begins."""
        say, sight, spot = self._speaker(visitor), self.sight(visitor, now), spot or resume(page.survey, NOTHING_YET, None)
        return {
            "title": say.line(page.title),
            "greeting": say.line(page.greeting),
            "intro": say.paragraphs(page.intro),
            "image": page.image and self.picture(page.image),
            "alt": say.line(page.alt),
            "blocks": [{"word": each.word, **each.shown(sight)} for each in page.blocks],
            "fields": list(self._fields(page, visitor, spot)),
            "button": say.line(page.button),
            "part": self._part(page, visitor, spot),
        }

    def thanks(self, page: Page, visitor: Visitor, counts: Counts) -> dict[str, Any]:
        """What thanks.html shows of a campaign's page, and of how many gave which answer."""
        say, thanks = self._speaker(visitor), page.thanks
        return {
            "title": say.line(thanks.title),
            "paragraphs": say.paragraphs(thanks.text),
            "voucher": say.line(thanks.voucher),
            "voucher_note": say.line(thanks.voucher_note),
            "results": list(self._results(page, visitor, counts)),
        }

    def said(self, words: Words, visitor: Visitor) -> Markup:
        """One text as this visitor reads it."""
        return self._speaker(visitor).line(words)

    def questions(self, page: Page, visitor: Visitor) -> dict[str, str]:
        """Each question as it is shown, without markup: what the contact log keeps beside the answers."""
        say = self._speaker(visitor)
        return {name: say.line(shown.question).unescape() for name, shown in page.form.items()}

    def sight(self, visitor: Visitor, now: datetime) -> Sight:
        """Who looks, and when."""
        say, home = self._speaker(visitor), self._settings.zone
        here = zone_named(visitor.recipient.attributes.get("timezone") if visitor.recipient else None, home)
        return Sight(say.line, say.paragraphs, self.picture, visitor.language, now, here, home)

    def picture(self, name: str) -> str:
        """The address of a picture or a film under templates/."""
        return f"{self._settings.path}/i/{quote(name)}"

    def _results(self, page: Page, visitor: Visitor, counts: Counts) -> Iterator[dict[str, Any]]:
        say, words = self._speaker(visitor), WORDS[visitor.language]
        for name, shown in page.form.items():
            found = shares(counts[name], shown.answers) if name in counts else None
            if found:
                total = words["results_total"].format(total=sum(counts[name].values()))
                texts = {value: say.line(text) for value, text in shown.options.items()} if isinstance(shown, ChoiceField) else {}
                yield {
                    "question": say.line(shown.question),
                    "total": total,
                    "shares": [{"text": texts.get(each.answer, each.answer), "percent": each.percent} for each in found],
                }

    def _part(self, page: Page, visitor: Visitor, spot: Spot) -> dict[str, Any]:
        """What page.html shows of one page of a form over several."""
        say, words = self._speaker(visitor), WORDS[visitor.language]
        mine = page.pages.get(spot.step)
        return {
            "is_first": spot.step == page.survey.first,
            "is_last": page.survey.ways(spot.step) == {END},
            "is_resumed": spot.is_resumed,
            "title": say.line(mine.title if mine else None),
            "paragraphs": say.paragraphs(mine.text if mine else None),
            "where": words["part"].format(part=spot.part, parts=spot.parts) if page.pages else "",
            "asks_again": bool(spot.complaints or spot.suggestions),
        }

    def _fields(self, page: Page, visitor: Visitor, spot: Spot) -> Iterator[ShownField]:
        say, words = self._speaker(visitor), WORDS[visitor.language]
        known = visitor.recipient.attributes if visitor.recipient else {}
        for name, shown in page.survey.asked(spot.step).items():
            lowest, highest = (shown.lowest, shown.highest) if isinstance(shown, ScaleField) else (None, None)
            yield ShownField(
                name=name,
                field=shown,
                question=say.line(shown.question),
                hint=say.line(shown.hint),
                typed=_as_typed(shown, spot.typed.get(name, shown.filled_in(known))),
                complaint=words[spot.complaints[name]] if name in spot.complaints else None,
                suggestion=spot.suggestions.get(name),
                kept=_as_typed(shown, spot.typed.get(name if name in spot.suggestions else KEPT + name, "")),
                options={value: say.line(text) for value, text in shown.options.items()} if isinstance(shown, ChoiceField) else {},
                lowest=say.line(lowest) or words["lowest"],
                highest=say.line(highest) or words["highest"],
            )

    def _speaker(self, visitor: Visitor) -> "_Speaker":
        values = visitor.recipient.values(self._sender) if visitor.recipient else {"sender": self._sender}
        return _Speaker(self._merger, visitor.language, values)


def _as_typed(shown: FormField, text: str) -> str:
    """What was typed; what could be anything is personal."""
    return text if shown.answers else personal(text)


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Texts of a page in one language, merged with one recipient's values."""

    merger: Merger
    language: Language
    values: Mapping[str, Any]

    def line(self, words: Words | None) -> Markup:
        return self.merger.merge(words.spoken(self.language), self.values) if words else Markup()

    def paragraphs(self, words: Words | None) -> list[Markup]:
        return self.merger.paragraphs(words.spoken(self.language), self.values) if words else []
