"""The calendar file of an event on a page, behind the page's own link. Fetching it is no answer, and is not logged."""

from urllib.parse import urlsplit

from fastapi import Request, Response
from sqlalchemy import Engine

from engine.links import Links
from landing.blocks import EventBlock
from landing.calendar_file import MEDIA_TYPE, calendar_file
from landing.page_files import PageShelf
from landing.recipients import recipient_of
from landing.render import Renderer
from landing.seen import seen_by
from landing.settings import LandingSettings
from landing.site import Site
from store.clock import Clock
from store.session import reading


class Calendars:
    """Events of pages as files."""

    def __init__(self, database: Engine, settings: LandingSettings, clock: Clock, links: Links, renderer: Renderer, site: Site) -> None:
        self._database = database
        self._clock = clock
        self._links = links
        self._renderer = renderer
        self._site = site
        self._shelf = PageShelf(settings.templates)
        self._host = urlsplit(settings.base_url).hostname or "contactflow"

    def event(self, token: str, number: int, request: Request) -> Response:
        """The file of the block with this number, in the recipient's language. Raises TokenError for a link that does not work."""
        now = self._clock.now()
        with reading(self._database) as session:
            recipient = recipient_of(session, self._links.message_of("page", token, now))
        blocks = seen_by(self._site.looks.ask, self._shelf, recipient).page.blocks if recipient else ()
        block = blocks[number] if number < len(blocks) else None
        if recipient is None or not isinstance(block, EventBlock):
            return self._site.notice(request.headers.get("accept-language", ""), 404)
        entry = block.entry(self._renderer.sight(self._renderer.known(recipient, ""), now))
        # The same event for everybody: a calendar that is shared does not say who was written to.
        file = calendar_file(entry, f"{recipient.campaign}-{number}@{self._host}", now)
        return Response(file, media_type=MEDIA_TYPE, headers={"Content-Disposition": 'attachment; filename="event.ics"'})
