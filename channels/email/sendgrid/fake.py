"""A SendGrid of one's own on this machine: a real HTTP server with the limits that a description of the interface does not tell.

For tests and trials, also of a whole workspace: `[email.sendgrid] address` leads to it. It takes what SendGrid takes, refuses what it
refuses, can be told to be slow, busy, broken or silent, keeps what it accepted, and signs webhooks.
"""

import json
import re
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.email.sendgrid.events import SIGNATURE, TIMESTAMP
from channels.email.sendgrid.line import RIGHTS, SEND

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")
_MOST_BYTES, _MOST_PERSONALIZATIONS, _MOST_SUBSTITUTED = 30_000_000, 1_000, 10_000
_NAMES = {"text/plain": "text", "text/html": "html"}
_UNKNOWN_KEY = "The provided authorization grant is invalid, expired, or revoked"
_NESTED = 4  # how often it looks for tags in what it has put in


@dataclass(frozen=True)
class Mail:
    """A mail that was accepted, as its recipient gets it."""

    request: Mapping[str, Any]
    personal: Mapping[str, Any]
    provider_id: str

    @property
    def to(self) -> str:
        """Whom it is for."""
        return str(self.personal["to"][0]["email"])

    @property
    def arguments(self) -> Mapping[str, str]:
        """What comes back with each event."""
        return dict(self.personal.get("custom_args", {}))

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of its own; they stand instead of the request's."""
        return dict(self.personal.get("headers") or self.request.get("headers", {}))

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """subject, text and html, with its values put in."""
        texts = {_NAMES[each["type"]]: each["value"] for each in self.request["content"]}
        subject = self.personal.get("subject") or self.request.get("subject", "")
        return {name: self._substituted(text) for name, text in {"subject": subject, **texts}.items()}

    def _substituted(self, text: str) -> str:
        for _ in range(_NESTED):
            for tag, value in self.personal.get("substitutions", {}).items():
                text = text.replace(tag, value)
        return text


@dataclass(frozen=True)
class Reply:
    """What is said to a request instead of what it deserves. `drops`: the connection, without an answer, the body read or not."""

    status: int = 202
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    drops: Literal["before", "after"] | None = None
    hangs: bool = False  # it accepts, and never says so


class FakeSendGrid:
    """The server. `script` is asked at each request, numbered from 1; where it says None, it does what SendGrid does.

    `inspect` is shown each request that is let in, `taken` each mail that was accepted, before the answer.
    """

    def __init__(
        self,
        script: Callable[[int], Reply | None] = lambda _: None,
        key: str = "SG.trial",
        inspect: Callable[[Any], None] = lambda _: None,
        taken: Callable[[Mail], None] = lambda _: None,
    ) -> None:
        self.script, self.key, self.inspect, self.taken = script, key, inspect, taken
        self.accepted: list[Mail] = []
        self.requests = self.bytes = 0
        self.scopes = ["mail.send"]
        self.closing = threading.Event()
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("_Handler", (_Handler,), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake SendGrid", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def webhook_key(self) -> str:
        """The public half of the key that it signs events with, as SendGrid's page shows it."""
        return b64encode(self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    def signed(self, events: Sequence[Mapping[str, Any]] | bytes, at: datetime) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a webhook request."""
        body = events if isinstance(events, bytes) else (json.dumps(list(events)) + "\r\n").encode()
        moment = str(int(at.timestamp()))
        signature = self._private.sign(moment.encode() + body, ec.ECDSA(SHA256()))
        return body, {SIGNATURE: b64encode(signature).decode(), TIMESTAMP: moment, "Content-Type": "application/json"}

    def rights(self, authorization: str) -> Reply:
        """What the key may do."""
        return Reply(200, {"scopes": self.scopes}) if authorization == f"Bearer {self.key}" else _refusal(401, _UNKNOWN_KEY)

    def answer(self, authorization: str, body: bytes) -> Reply:
        """What a request deserves."""
        if authorization != f"Bearer {self.key}":
            return _refusal(401, _UNKNOWN_KEY)
        if len(body) > _MOST_BYTES:
            return _refusal(413, "content too large")
        request = json.loads(body)
        self.inspect(request)
        faults = _faults(request)
        if faults:
            return Reply(400, {"errors": faults})
        if request.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return Reply(200)
        return Reply(202, headers={"X-Message-Id": self.keep(request)})

    def keep(self, request: Mapping[str, Any]) -> str:
        """Accept the mails of a request; gives its name."""
        with self._lock:
            provider_id = f"fake-{len(self.accepted)}"
            mails = [Mail(request, personal, provider_id) for personal in request["personalizations"]]
            self.accepted += mails
            for mail in mails:
                self.taken(mail)
        return provider_id

    def counted(self, size: int) -> int:
        """The number of a request that has come."""
        with self._lock:
            self.requests += 1
            self.bytes += size
            return self.requests


def _refusal(status: int, message: str, name: str | None = None) -> Reply:
    return Reply(status, {"errors": [{"message": message, "field": name, "help": None}]})


def _faults(request: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """What the description of the interface cannot say, in SendGrid's manner."""
    personal = request.get("personalizations", [])
    found = []
    if not 0 < len(personal) <= _MOST_PERSONALIZATIONS:
        found.append(("personalizations", f"The personalization block is limited to 1000 personalizations, you have {len(personal)}."))
    if not _ADDRESS.fullmatch(request["from"]["email"]):
        found.append(("from.email", "The from email does not contain a valid address."))
    found += [
        (f"content.{place}.value", "The content value is too short.") for place, each in enumerate(request["content"]) if not each["value"]
    ]
    seen = set()
    for place, each in enumerate(personal):
        address = each["to"][0]["email"]
        if not _ADDRESS.fullmatch(address) or not address.isascii():
            found.append((f"personalizations.{place}.to.0.email", f"Does not contain a valid address: {address}."))
        if address.casefold() in seen:
            found.append((f"personalizations.{place}.to", f"Each unique email address should only be included once: {address}."))
        seen.add(address.casefold())
        if sum(len(tag.encode()) + len(value.encode()) for tag, value in each.get("substitutions", {}).items()) > _MOST_SUBSTITUTED:
            found.append((f"personalizations.{place}.substitutions", "The substitutions are larger than 10000 bytes."))
    return [{"field": name, "message": message, "help": None} for name, message in found]


class _Server(ThreadingHTTPServer):
    """Says nothing of callers who hang up: trials kill them."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeSendGrid
    _headers_buffer: list[bytes]

    def do_GET(self) -> None:
        self._say(self.fake.rights(self._authorization) if self.path == RIGHTS else _refusal(404, "not found"))

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        told = self.fake.script(self.fake.counted(size))
        if told and told.drops == "before":
            self.close_connection = True
            return
        body = self.rfile.read(size)
        if told and (told.drops or told.hangs):
            self.fake.keep(json.loads(body))
            self.close_connection = True
            if told.hangs:
                self.fake.closing.wait()
        elif self.path != SEND:
            self._say(_refusal(404, "not found"))
        else:
            self._say(told or self.fake.answer(self._authorization, body))

    @property
    def _authorization(self) -> str:
        return self.headers["Authorization"] or ""

    def _say(self, reply: Reply) -> None:
        time.sleep(reply.delay_seconds)
        body = b"" if reply.body is None else reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self._headers_buffer.append(b"\r\n" + body)  # in one piece, so that nothing waits for an acknowledgement
        self.flush_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
        """Say nothing: a line would hold what was asked."""
