"""A mail taken apart once, into strings: after this nothing can be malformed any more."""

import email.parser
import email.policy
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import TypeAlias

MOST_BYTES = 2_000_000  # what is said of a message stands before its attachments
_MOST_TEXT = 200_000  # characters of a part that are read
_MOST_NESTING = 60  # more is an attack: the parser's time grows with the square, and its recursion ends
_NESTING = re.compile(rb"boundary|message/", re.IGNORECASE)
_ENCODED = ("base64", "quoted-printable")
Mail: TypeAlias = "Message[str, str]"  # as the parser gives it: a payload of its is a text, or a list of mails
_NOTHING_LEFT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fields:
    """Headers, decoded; a name in any case."""

    pairs: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> Iterator[str]:
        """The values of a header, in their order."""
        return (value for each, value in self.pairs if each == name.lower())

    def get(self, name: str) -> str:
        """The first value of a header, or "" when there is none."""
        return next(self.all(name), "")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is not made of others; a delivery status has `blocks`, a returned mail its headers as the one block."""

    kind: str  # text/plain
    text: str = ""
    blocks: tuple[Fields, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The headers of a mail and its parts; `returned` are those of mails inside it."""

    fields: Fields = field(default_factory=Fields)
    parts: tuple[Part, ...] = ()
    returned: tuple[Part, ...] = ()

    def of_kind(self, *kinds: str) -> Iterator[Part]:
        """The parts of some types."""
        return (part for part in self.parts if part.kind in kinds)


def opened(raw: bytes) -> Opened | None:
    """Take a mail apart, whatever its bytes; None when not even headers can be read."""
    data = raw[:MOST_BYTES].replace(b"\0", b"")
    if len(_NESTING.findall(data)) <= _MOST_NESTING:
        try:
            return _taken_apart(email.parser.BytesParser(policy=email.policy.compat32).parsebytes(data))
        except Exception:  # noqa: BLE001 - the parser has many ways to fail on what it was never meant to see
            return _as_text(data)
    return _as_text(data)


def _as_text(data: bytes) -> Opened | None:
    """The mail as if it had no structure."""
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    pairs = re.findall(r"^([!-9;-~]{1,80}):[ \t]*(.*(?:\n[ \t].*)*)", head[:_MOST_TEXT].decode("utf-8", "replace"), re.MULTILINE)
    if not pairs:
        return None
    fields = Fields(tuple((name.lower(), _clean(" ".join(value.split()))) for name, value in pairs))
    return Opened(fields, (Part("text/plain", _clean(body[:_MOST_TEXT].decode("utf-8", "replace"))),))


def _taken_apart(message: Mail) -> Opened | None:
    fields = _fields(message)
    if not fields.pairs:
        return None
    parts: list[Part] = []
    returned: list[Part] = []
    _collect(message, parts, returned)
    return Opened(fields, tuple(parts), tuple(returned))


def _collect(message: Mail, parts: list[Part], returned: list[Part]) -> None:
    kind, inside = message.get_content_type(), _inside(message)
    if kind in ("message/delivery-status", "message/global-delivery-status", "message/feedback-report", "message/disposition-notification"):
        parts.append(Part(kind, _text(message), _blocks(message, inside)))
    elif kind in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
        returned.extend(_returned(message, kind))
    elif inside is not None:
        for inner in inside:
            _collect(inner, parts, returned)
    elif kind.startswith("multipart/"):  # none of its boundaries was found
        parts.append(Part("text/plain", _text(message)))
    elif kind.startswith(("text/", "message/")):
        parts.append(Part(kind, _text(message)))


def _inside(message: Mail) -> Sequence[Mail] | None:
    """The mails that it is made of; None for one that is a text itself."""
    payload = message.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else None


def _returned(message: Mail, kind: str) -> Iterator[Part]:
    inside = _inside(message)
    if inside is None:
        text = _text(message)
        yield Part(kind, text, (_parsed(text),))
        return
    for inner in inside:
        within: list[Part] = []
        _collect(inner, within, within)
        yield Part(kind, "\n".join(part.text for part in within)[:_MOST_TEXT], (_fields(inner),))


def _blocks(message: Mail, inside: Sequence[Mail] | None) -> tuple[Fields, ...]:
    """The blocks of headers of a status; some servers encode the whole, which is not allowed."""
    encoded = str(message.get("content-transfer-encoding", "")).strip().lower() in _ENCODED
    if inside is not None and not encoded:
        return tuple(fields for inner in inside for fields in (_fields(inner), *_further(inner)) if fields.pairs)
    text = "\n\n".join(inner.as_string() for inner in inside) if inside is not None else _text(message)
    if encoded and inside is not None:
        holder: Mail = Message()
        holder["Content-Transfer-Encoding"] = str(message.get("content-transfer-encoding"))
        holder.set_payload(text.strip())
        text = _text(holder)
    return tuple(fields for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")) if (fields := _parsed(block)).pairs)


def _further(inner: Mail) -> Iterator[Fields]:
    """Blocks that the parser took for the body of the first: feedback reports have but one kind of block."""
    payload = inner.get_payload()
    if isinstance(payload, str) and payload.strip():
        yield _parsed(payload)


def _parsed(text: str) -> Fields:
    return _fields(email.parser.Parser(policy=email.policy.compat32).parsestr(text.lstrip(), headersonly=True))


def _fields(message: Mail) -> Fields:
    return Fields(tuple((name.lower(), _decoded(str(value))) for name, value in message.raw_items()))


def _decoded(value: str) -> str:
    # Bytes that are not ASCII are kept as surrogates by the parser; nearly all are UTF-8.
    line = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    if "=?" in line:
        with suppress(HeaderParseError, LookupError, ValueError):  # else kept as it stands
            line = str(make_header(decode_header(line)))
    return _clean(line)


def _text(message: Mail) -> str:
    data = message.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    charset = str(message.get_content_charset() or "utf-8")
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return _clean(text[:_MOST_TEXT].replace("\r\n", "\n").replace("\r", "\n"))


def _clean(text: str) -> str:
    return _NOTHING_LEFT.sub("\N{REPLACEMENT CHARACTER}", text)


def texts_of(parts: Sequence[Part]) -> str:
    """The text of parts, one below the other."""
    return "\n".join(part.text for part in parts)
