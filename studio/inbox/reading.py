"""A mail taken apart for a page."""

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser

_SHOWN_FIRST = ("From", "To", "Subject", "Date", "List-Unsubscribe")


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a mail, with the words that lead to it."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a page shows of a mail. `html` and `text` are as the recipient's program would decode them."""

    html: str | None
    text: str | None
    headers: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    source: str


def open_mail(raw: bytes) -> Opened:
    """Take a mail apart; what is broken in it is shown as well as it goes."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    html, text = _body(message, "html"), _body(message, "plain")
    return Opened(html, text, _headers(message), _links(html or ""), raw.decode("utf-8", "replace").replace("\r\n", "\n"))


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        content = part.get_content()
    except (LookupError, ValueError):
        payload = part.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)
    return str(content).replace("\r\n", "\n")


def _headers(message: EmailMessage) -> tuple[tuple[str, str], ...]:
    headers = [(name, str(value)) for name, value in message.items()]
    return tuple(sorted(headers, key=lambda header: _SHOWN_FIRST.index(header[0]) if header[0] in _SHOWN_FIRST else len(_SHOWN_FIRST)))


def _links(html: str) -> tuple[Link, ...]:
    reader = _LinkReader()
    reader.feed(html)
    return tuple(dict.fromkeys(reader.links))


class _LinkReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._address, self._label = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._address, self._label = dict(attrs).get("href") or "", ""

    def handle_data(self, data: str) -> None:
        self._label += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._address:
            self.links.append(Link(" ".join(self._label.split()) or self._address, self._address))
            self._address = ""
