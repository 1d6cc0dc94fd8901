"""A campaign's page as somebody would see it, as files that stand alone: nothing is read from the contact log or written to it."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.brand import Brand
from customers.tables import CustomerId
from engine.header import Header
from landing.editions import editions
from landing.page import Page
from landing.pictures import PICTURES, picture_path
from landing.recipients import Recipient
from landing.render import Renderer, Visitor
from landing.seals import BAIT
from landing.settings import LandingSettings
from landing.surveys import ONLY, Survey
from landing.turns import Spot
from landing.words import LANGUAGES, Language

PAGE, THANKS = "page", "thanks"
_NOWHERE = "#"
_NO_VOUCHER = "TEST-CODE"  # nobody's


@dataclass(frozen=True, slots=True)
class Preview:
    """One page as it would look. `part` is a page of the form by its name, `page` when it has only one, or `thanks`.

    `variant` is None of a page without variants, `segment` for whoever fits none of those that the page names.
    """

    part: str
    language: Language
    variant: str | None
    segment: str | None
    html: str

    @property
    def name(self) -> str:
        """Which page it is, whatever the language."""
        return ".".join(each for each in (self.variant, self.segment, self.part) if each)

    @property
    def file(self) -> str:
        """A name for it among all previews of the page."""
        return f"{self.name}.{self.language}.html"


def previews(settings: LandingSettings, brand: Brand, page: Page, recipient: Recipient, now: datetime) -> Iterator[Preview]:
    """Every part of the page in every language, variant and segment, for this recipient. Links and buttons lead nowhere."""
    renderer = _Alone(settings, brand)
    for variant, segment in editions(page):
        for language in LANGUAGES:
            visitor = Visitor(language, recipient, _NOWHERE)
            for part, html in _parts(renderer, page.seen(variant, segment), visitor, now):
                yield Preview(part, language, variant, segment, html)


def contents(settings: LandingSettings, brand: Brand, title: str, shown: Sequence[Preview]) -> str:
    """A page that leads to all the others, which lie beside it."""
    rows: dict[str, list[Preview]] = {}
    for each in shown:
        rows.setdefault(each.name, []).append(each)
    return _Alone(settings, brand).render("previews.html", Visitor("en"), {"title": title, "rows": rows})


def somebody(campaign: str, header: Header, attributes: Mapping[str, Any]) -> Recipient:
    """A recipient of no message, of whom this is known."""
    return Recipient(0, 0, CustomerId(0), "email", campaign, "", "", None, header, attributes, voucher=_NO_VOUCHER)


class _Alone(Renderer):
    """Renders pages that bring their style and pictures with them. Films are left out: they would be most of it."""

    def __init__(self, settings: LandingSettings, brand: Brand) -> None:
        super().__init__(settings, brand)
        self._pages.globals["stylesheet"] = _inline("text/css", self.css.encode())

    def picture(self, name: str) -> str:
        """The picture itself, as an address."""
        path = picture_path(self._settings.templates, name)
        return _inline(PICTURES[path.suffix.lower()], path.read_bytes()) if path else _NOWHERE


def _parts(renderer: Renderer, page: Page, visitor: Visitor, now: datetime) -> Iterator[tuple[str, str]]:
    for step in page.pages or (ONLY,):
        told = {"answered": False, "doubted": False, "action": _NOWHERE, "hidden": {}, "bait": BAIT, "again": _NOWHERE}
        back = None if step in (ONLY, page.survey.first) else _NOWHERE
        shown = renderer.page(page, visitor, now, _spot(page.survey, step))
        yield step or PAGE, renderer.render("page.html", visitor, {**told, "back": back, "shown": shown})
    if page.form:
        yield THANKS, renderer.render("thanks.html", visitor, {"shown": renderer.thanks(page, visitor, {}), "back": _NOWHERE})


def _spot(survey: Survey, step: str) -> Spot:
    """A page of the form with nothing filled in, numbered as on the longest way to it."""
    longest = survey.longest_from(survey.first)
    return Spot(step, part=longest - survey.longest_from(step) + 1, parts=longest)


def _inline(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"
