"""Where providers post what became of messages: POST /hooks/NAME, signed by the provider and taken in as one transaction."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from channels.feedback import Feedback
from engine.feedback import Taken, take_in
from store.clock import Clock
from store.errors import ForgedError
from store.session import writing

LARGEST_BODY = 4_000_000  # a thousand events are about one million
FORBIDDEN, NOT_FOUND, NO_CONTENT, TOO_LARGE = 403, 404, 204, 413

# The feedback in a request's body and headers (their names in small letters). Raises ForgedError for what the provider did not sign.
Reader = Callable[[bytes, Mapping[str, str], datetime], Sequence[Feedback]]

_logger = logging.getLogger(__name__)


class Hooks:
    """The webhooks of a workspace, by the provider's name. `on_taken` is told from a worker thread what came in."""

    def __init__(self, database: Engine, readers: Mapping[str, Reader], clock: Clock, on_taken: Callable[[Taken], object]) -> None:
        self._database, self._readers, self._clock, self._on_taken = database, readers, clock, on_taken

    @property
    def router(self) -> APIRouter:
        """The address, for the application."""
        router = APIRouter()
        router.add_api_route("/hooks/{name}", self.take, methods=["POST"], response_model=None)
        return router

    async def take(self, name: str, request: Request) -> Response:
        """Take in what was posted. When the database is busy the answer is 503, and the provider comes again: nothing is lost."""
        reader = self._readers.get(name)
        if reader is None:
            raise HTTPException(NOT_FOUND)
        body = await _body(request)
        return await run_in_threadpool(self._taken, name, reader, body, request.headers)

    def _taken(self, name: str, reader: Reader, body: bytes, headers: Mapping[str, str]) -> Response:
        now = self._clock.now()
        try:
            feedback = reader(body, headers, now)
        except ForgedError as error:
            _logger.warning("What was posted to /hooks/%s is refused: %s", name, error)
            return Response(status_code=FORBIDDEN)
        if feedback:
            with writing(self._database) as session:
                taken = take_in(session, feedback, now)
            self._on_taken(taken)
        return Response(status_code=NO_CONTENT)


async def _body(request: Request) -> bytes:
    """The body; HTTP 413 as soon as it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise HTTPException(TOO_LARGE)
    return bytes(body)
