"""Pages behind the personal links of messages: what each of them works with, who stands behind a link, and how a page is addressed."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Response
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from customers.contact_log import Kind
from engine.links import LinkPurpose, Links
from landing.recipients import GONE, Recipient, recipient_of
from landing.render import Renderer, Visitor
from landing.responses import CustomerResponse
from landing.settings import LandingSettings
from landing.site import OnResponse
from landing.words import WORDS, Language
from store.clock import Clock
from store.errors import TokenError
from store.together import Together


class BehindLinks:
    """Some of the pages of one workspace. `on_response` hears of what customers do there, once it is stored."""

    def __init__(
        self, together: Together, settings: LandingSettings, clock: Clock, on_response: OnResponse, links: Links, renderer: Renderer
    ) -> None:
        self._database, self._together = together.database, together
        self._settings, self._clock, self._on_response = settings, clock, on_response
        self._links, self._renderer = links, renderer

    def _recipient(self, session: Session, purpose: LinkPurpose, token: str, now: datetime, *, also_erased: bool = False) -> Recipient:
        recipient = recipient_of(session, self._links.message_of(purpose, token, now), also_erased=also_erased)
        if recipient is None:
            raise TokenError(GONE)
        return recipient

    def _language(self, recipient: Recipient) -> Language:
        return self._renderer.known(recipient, "").language

    def _visitor(self, recipient: Recipient) -> Visitor:
        """Somebody with a language and a way to say stop, and nothing that could be shown of them."""
        stop_link = urlsplit(self._links.link("opt_out", recipient.message_id, None)).path
        return Visitor(self._language(recipient), None, stop_link)

    def _sender(self, language: Language) -> str:
        return self._settings.sender_name or WORDS[language]["us"]

    def _address(self, purpose: LinkPurpose, token: str) -> str:
        """The address of a page, below the path that we are reached at."""
        return f"{self._settings.path}/{self._links.path(purpose)}/{token}"

    def _rendered(self, template: str, visitor: Visitor, values: Mapping[str, object], status: int = 200) -> Response:
        return HTMLResponse(self._renderer.render(template, visitor, values), status)

    def _tell(self, recipient: Recipient, kind: Kind, at: datetime) -> None:
        self._on_response(CustomerResponse(recipient.customer_id, recipient.message_id, recipient.campaign, kind, at))
