"""What a followed link and the picture of openings answer: at once, and whatever becomes of the count."""

import re

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from engine.links import Links
from landing.followed import Leads, Remembered
from landing.machines import is_machines_click, is_machines_open
from landing.traces import Traces
from store.clock import Clock
from store.errors import TokenError

FOUND = 302
_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
# One transparent point.
POINT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


class Redirects:
    """The links and pictures of one workspace's mails."""

    def __init__(self, links: Links, remembered: Remembered, traces: Traces, clock: Clock) -> None:
        self._links, self._remembered, self._traces, self._clock = links, remembered, traces, clock

    async def follow(self, token: str, number: str, request: Request) -> Response:
        """Lead to where the link of the mail led before it was followed; nowhere else, whatever stands in the address."""
        message_id = self._links.message_of("click", token, self._clock.now())
        place = int(number) if _NUMBER.fullmatch(number) else 0
        leads = await self._leads(message_id) if place else None
        address = leads.address(place) if leads else None
        if leads is None or address is None:
            raise TokenError("This link leads nowhere any more.")
        human = not is_machines_click(request.method, request.headers)
        self._traces.note(message_id, human=human, number=place, label=leads.targets.label(place))
        return RedirectResponse(address, FOUND)

    async def picture(self, token: str, request: Request) -> Response:
        """The point that nobody sees."""
        message_id = self._links.message_of("open", token, self._clock.now())
        self._traces.note(message_id, human=not is_machines_open(request.method, request.headers))
        return Response(POINT, media_type="image/gif")

    async def _leads(self, message_id: int) -> Leads | None:
        # Waiting for a thread takes longer than remembering.
        return self._remembered.at_hand(message_id) or await run_in_threadpool(self._remembered.of, message_id)
