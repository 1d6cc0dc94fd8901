"""A mail taken apart for a page. Whatever it holds, something sensible comes out: it may be broken, huge, or meant to do harm."""

import email
import email.policy
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from html.parser import HTMLParser

MOST_SHOWN = 500_000  # characters of a text or a source on a page; all of it can be taken from the file
_MOST_SEARCHED = 1_000_000  # characters in which links are looked for
_SHOWN_FIRST = ("From", "To", "Subject", "Date", "List-Unsubscribe")
_SLOW_CODECS = frozenset({"idna", "punycode"})  # no mail's, and quadratic


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a mail, with the words that lead to it."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is neither the text nor its pictures: its name as it was given, its kind, and its bytes counted."""

    name: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a mail carries for its HTML, which names it `cid:` and this id."""

    id: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What a page shows of a mail, decoded as the recipient's program would; `fault` says why nothing but the source can be shown."""

    source: str
    html: str | None = None
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Picture, ...] = ()
    fault: str | None = None

    @property
    def html_size(self) -> int:
        """Bytes of the HTML alone: mail programs clip by these."""
        return len((self.html or "").encode("utf-8", "replace"))


def open_mail(raw: bytes) -> Opened:
    """Take a mail apart; what is broken in it is shown as well as it goes."""
    source = raw[:MOST_SHOWN].decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        return _opened(raw, source)
    except Exception as error:  # noqa: BLE001 - the standard library's reader fails in many ways; the source can always be shown
        return Opened(source, fault=f"This mail cannot be taken apart ({type(error).__name__}). Its source shows what came in.")


def shown_name(text: str) -> str:
    """A name that somebody else chose, without what could make it read as another: control characters and changes of direction."""
    return "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cf")).strip()


def _opened(raw: bytes, source: str) -> Opened:
    # compat32 reads headers without understanding them, and so does not stumble over them.
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    html, text = _Part.of(message, "text/html"), _Part.of(message, "text/plain")
    content = html.text if html else None
    others = [part for part in _leaves(message) if part not in (html.part if html else None, text.part if text else None)]
    return Opened(
        source=source,
        html=content,
        text=text.text if text else None,
        headers=_headers(message),
        links=_links(content[:_MOST_SEARCHED]) if content else (),
        attachments=tuple(_attachment(part) for part in others if not _is_picture(part)),
        pictures=tuple(_picture(part) for part in others if _is_picture(part)),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    part: Message
    text: str

    @classmethod
    def of(cls, message: Message, kind: str) -> "_Part | None":
        for part in _leaves(message):
            if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
                return cls(part, _text(part))
        return None


def _leaves(message: Message) -> Iterator[Message]:
    return (part for part in message.walk() if not part.is_multipart())


def _text(part: Message) -> str:
    content = _content(part)
    charset = (part.get_content_charset() or "utf-8").lower()
    for codec in (charset, "utf-8"):
        try:
            if codec not in _SLOW_CODECS:
                return content.decode(codec).replace("\r\n", "\n")
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace").replace("\r\n", "\n")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _is_picture(part: Message) -> bool:
    return part.get_content_maintype() == "image" and part["Content-ID"] is not None


def _picture(part: Message) -> Picture:
    return Picture(str(part["Content-ID"]).strip().strip("<>"), part.get_content_type(), _content(part))


def _attachment(part: Message) -> Attachment:
    name = shown_name(decoded_header(part.get_filename() or ""))
    return Attachment(name or "(no name)", shown_name(part.get_content_type()), len(_content(part)))


def _headers(message: Message) -> tuple[tuple[str, str], ...]:
    headers = [(name, decoded_header(str(value))) for name, value in message.raw_items()]
    return tuple(sorted(headers, key=lambda header: _SHOWN_FIRST.index(header[0]) if header[0] in _SHOWN_FIRST else len(_SHOWN_FIRST)))


def decoded_header(value: str) -> str:
    """A header's value in letters: unfolded, its encoded words read where they can be."""
    unfolded = re.sub(r"[\r\n]+(?=[ \t])", "", value).strip()
    plain = unfolded.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" not in plain:
        return plain
    try:
        return str(make_header(decode_header(plain))).encode("utf-8", "replace").decode()
    except (HeaderParseError, LookupError, ValueError):
        return plain


def _links(html: str) -> tuple[Link, ...]:
    reader = _LinkReader()
    reader.feed(html)
    return tuple(dict.fromkeys(reader.links))


class _LinkReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self._address = ""
        self._label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._address, self._label = (dict(attrs).get("href") or "").strip(), []
        elif tag == "img" and self._address:
            self._label.append(dict(attrs).get("alt") or "")

    def handle_data(self, data: str) -> None:
        if self._address:
            self._label.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._address:
            self.links.append(Link(" ".join(" ".join(self._label).split()) or self._address, self._address))
            self._address = ""
