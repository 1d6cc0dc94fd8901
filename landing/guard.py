"""The outermost ring: headers on every answer, and a calm page when something breaks."""

import logging
import traceback
from collections.abc import Callable

from fastapi import Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.errors import StorageError

HEADERS = {
    # No script runs and nothing is fetched from elsewhere, whatever a page or an answer holds.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address is the key to the page
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ONLY_SECURE = {"Strict-Transport-Security": "max-age=63072000"}  # two years; of other hosts under our domain we know nothing
UNAVAILABLE = (OperationalError, InterfaceError, NoConnectionError, StorageError)

_logger = logging.getLogger(__name__)


class Guard:
    """Wraps the application. `apologise` makes the page for a failure: it is told the language header and the status.

    Where the pages are reached over https (`is_secure`), browsers are told never to come over http.
    """

    def __init__(self, app: ASGIApp, apologise: Callable[[str, int], Response], *, is_secure: bool) -> None:
        self._app = app
        self._apologise = apologise
        headers = HEADERS | (ONLY_SECURE if is_secure else {})
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(header for header in self._headers if header[0] not in given)]
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            pass  # went away, or was cut off: nobody is there to be told
        except Exception as error:  # noqa: BLE001  # the outermost loop of a request: the recipient gets a page
            _report(error)
            if not started:
                response = self._apologise(_languages(scope), 503 if isinstance(error, UNAVAILABLE) else 500)
                await response(scope, receive, send_guarded)


def _languages(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"), "")


def _report(error: Exception) -> None:
    """Log what failed and where, without the error's text: that may hold a token or somebody's answer."""
    if isinstance(error, UNAVAILABLE):
        _logger.error("The database cannot be reached (%s); a visitor was asked to come back.", type(error).__name__)
    else:
        _logger.error("A request failed with %s:\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
