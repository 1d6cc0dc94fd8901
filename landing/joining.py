"""The page on which anybody may ask to join a campaign. It answers the same to all: whether an address is known is not to be learned."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from engine.asked import RequestKind, Wanted, ask, offered
from engine.joining import join_key
from engine.nodes.request import JOIN
from landing.drafts import NOTHING_YET
from landing.fields import Value
from landing.join_page import EMAIL, FIRST_NAME, JoinPage
from landing.join_words import SAID
from landing.page_files import Shelf
from landing.render import Renderer, Visitor
from landing.seals import BAIT, SHOWN, Seals
from landing.settings import LandingSettings
from landing.site import SEE_OTHER, Form
from landing.turns import Spot, resume, send
from store.clock import Clock
from store.errors import TokenError
from store.session import reading
from store.together import Together
from store.tokens import Signer

STRANGER = 0  # in the seal of the form: the number of no message
SHOWN_LASTS = timedelta(days=1)
ADDRESS = "address"  # what the digest in a request's key is of

OnRequest = Callable[[], object]


class Joining:
    """The forms of campaigns that can be joined. `on_request` is called after each request that was stored, from a worker thread."""

    def __init__(self, together: Together, settings: LandingSettings, clock: Clock, on_request: OnRequest, renderer: Renderer) -> None:
        self._database, self._together = together.database, together
        self._settings, self._clock, self._on_request, self._renderer = settings, clock, on_request, renderer
        self._shelf = Shelf(JoinPage)
        self._signer = Signer(settings.keys)
        self._seals = Seals(self._signer)

    def show(self, campaign: str, request: Request) -> Response:
        """The form."""
        _, page = self._page(campaign)
        return self._form(campaign, page, self._visitor(request), resume(page.survey, NOTHING_YET, None))

    def take(self, campaign: str, request: Request, typed: Form) -> Response:
        """Write down that somebody wants to join; or show again what is not right."""
        now, visitor = self._clock.now(), self._visitor(request)
        name, page = self._page(campaign)
        sent = send(page.survey, NOTHING_YET, typed, None, None)
        doubted = self._is_doubted(typed, now)
        if doubted or not sent.is_right:
            return self._form(campaign, page, visitor, sent.spot, doubted=doubted)
        said = self._renderer.said(page.consent, visitor).unescape()
        wanted = self._wanted(campaign, sent.values, {"language": visitor.language, "form": name, "said": said}, now)
        with self._together.writing() as session:
            ask(session, wanted)
        self._on_request()
        return RedirectResponse(f"{self._address(campaign)}/asked", SEE_OTHER)

    def show_asked(self, campaign: str, request: Request) -> Response:
        """What comes now."""
        _, page = self._page(campaign)
        visitor = self._visitor(request)
        return self._html("asked.html", visitor, {"shown": self._renderer.thanks(page, visitor, {})})

    def _page(self, campaign: str) -> tuple[str, JoinPage]:
        """The page file of a campaign that can be joined. Raises TokenError for any other."""
        with reading(self._database) as session:
            name = offered(session, JOIN).get(campaign)
        page = self._shelf.at(self._settings.templates / name) if name else None
        if name is None or page is None:
            raise TokenError("There is nothing to join here.")
        return name, page

    def _is_doubted(self, typed: Mapping[str, str], now: datetime) -> bool:
        """Whether the form was not shown to a person lately: here no link says who may send it."""
        shown_at = self._seals.shown_at(STRANGER, typed.get(SHOWN, ""))
        return shown_at is None or now - shown_at > SHOWN_LASTS or self._seals.is_a_machines(STRANGER, typed, now)

    def _wanted(self, campaign: str, answers: Mapping[str, Value], about: Mapping[str, str], now: datetime) -> Wanted:
        address = str(answers[EMAIL]).lower()
        digest = urlsafe_b64encode(self._signer.mark(ADDRESS, address.encode())).decode()
        # What was filled in goes as soon as it is carried out, and the key stays: it is not to say who asked.
        key = join_key(campaign, digest, now.astimezone(self._settings.zone).date())
        given = {**about, "email": address, "first_name": answers.get(FIRST_NAME)}
        return Wanted(key, RequestKind.JOIN, now, campaign=campaign, given=given)

    def _form(self, campaign: str, page: JoinPage, visitor: Visitor, spot: Spot, *, doubted: bool = False) -> Response:
        now, is_wrong = self._clock.now(), bool(spot.complaints or spot.suggestions)
        shown = self._renderer.page(page, visitor, now, spot)
        values = {
            "shown": {**shown, "button": shown["button"] or SAID[visitor.language]["join"]},
            "answered": False,
            "back": None,
            "consent": self._renderer.said(page.consent, visitor),
            "doubted": doubted,
            "action": self._address(campaign),
            "hidden": {SHOWN: self._seals.shown(STRANGER, now)},
            "bait": BAIT,
        }
        return self._html("join.html", visitor, values, 422 if is_wrong or doubted else 200)

    def _visitor(self, request: Request) -> Visitor:
        return self._renderer.anybody(request.headers.get("accept-language"))

    def _address(self, campaign: str) -> str:
        return f"{self._settings.path}/join/{campaign}"

    def _html(self, template: str, visitor: Visitor, values: dict[str, Any], status: int = 200) -> Response:
        return HTMLResponse(self._renderer.render(template, visitor, {"say": SAID[visitor.language], **values}), status)
