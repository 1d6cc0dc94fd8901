"""One connection to the provider, which knows at each moment whether a request can have been understood.

http.client instead of a client that pools and retries by itself: what may have been sent must be known, and said before, to the byte.
"""

import select
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from channels.email.sendgrid.settings import SendGridSettings
from store.errors import DeliveryError

SEND, RIGHTS = "/v3/mail/send", "/v3/scopes"
_MOST_IDLE_SECONDS = 30.0  # a balancer in front of it may close what is silent for a minute
_MOST_READ = 1_000_000
_SECONDS_FOR_LAST_WORDS = 2.0
_SECONDS_FOR_RIGHTS = 10.0


class NotSentError(Exception):
    """The request did not leave as a whole, so that nobody can have acted on it."""


class NoAnswerError(Exception):
    """The request left, and nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Line:
    """A warm connection; one request at a time."""

    def __init__(self, settings: SendGridSettings) -> None:
        """Connect. Raises DeliveryError with what to do about it."""
        self._settings = settings
        self._headers = {"Authorization": f"Bearer {settings.key}", "Content-Type": "application/json", "User-Agent": "contactflow"}
        self._http = _connection(settings)
        self._used_at = time.monotonic()
        self._deadline = 0.0
        self._is_whole = False
        self._http.auto_open = 0  # it would connect again by itself, behind our back
        where = f"SendGrid ({settings.address})"
        try:
            self._http.connect()
        except ssl.SSLError as error:
            raise DeliveryError(
                f"{where} cannot be reached securely. Check [email.sendgrid] address, and this machine's certificates."
            ) from error
        except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
            raise DeliveryError(f"{where} cannot be reached ({type(error).__name__}). Check the network, and try again.") from error

    @property
    def is_warm(self) -> bool:
        """Whether it can be used again: it was used lately, and the other side has not closed it."""
        sock = self._http.sock
        if sock is None or time.monotonic() - self._used_at > _MOST_IDLE_SECONDS:
            return False
        return not select.select([sock], [], [], 0)[0]

    def ask_for_rights(self) -> None:
        """Ask what the key may do, which sends nothing."""
        self._write("GET", RIGHTS, None, min(self._settings.answer_seconds, _SECONDS_FOR_RIGHTS))

    def ask(self, body: bytes) -> None:
        """Write a request to send; whether that went well, `answer` tells."""
        self._write("POST", SEND, body, self._settings.answer_seconds)

    def _write(self, method: str, path: str, body: bytes | None, patience: float) -> None:
        self._deadline = time.monotonic() + patience
        self._is_whole = False
        try:
            self._http.request(method, path, body, self._headers)
            self._is_whole = True
        except (OSError, HTTPException):
            # Who does not want to read it all may have said why before hanging up.
            self._deadline = time.monotonic() + _SECONDS_FOR_LAST_WORDS

    def answer(self) -> Answer:
        """Wait for the answer. Raises NotSentError when the request had broken off, NoAnswerError when it had left."""
        try:
            if self._http.sock is not None:
                self._http.sock.settimeout(max(self._deadline - time.monotonic(), 0.05))
            response = self._http.getresponse()
        except (OSError, HTTPException) as error:
            self.close()
            raise (NoAnswerError if self._is_whole else NotSentError) from error
        headers = {name.lower(): value for name, value in response.getheaders()}
        try:
            body = response.read(_MOST_READ)
        except (OSError, HTTPException):
            body = b""  # what it says has begun with the status, which is there
            self.close()
        if not (response.isclosed() and self._is_whole):
            self.close()
        self._used_at = time.monotonic()
        if self._http.sock is not None:
            self._http.sock.settimeout(self._settings.timeout_seconds)
        return Answer(response.status, headers, body)

    def close(self) -> None:
        """Hang up."""
        self._http.close()


def _connection(settings: SendGridSettings) -> HTTPConnection:
    parts = urlsplit(settings.address)
    assert parts.hostname is not None
    if parts.scheme == "http":
        return HTTPConnection(parts.hostname, parts.port, timeout=settings.timeout_seconds)
    return HTTPSConnection(parts.hostname, parts.port, timeout=settings.timeout_seconds, context=ssl.create_default_context())
