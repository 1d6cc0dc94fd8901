"""The wording of a mail: three templates, and the MIME body that they make together."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from jinja2 import TemplateError, UndefinedError

from channels.contract import CompositionFault, Content
from channels.email.encoding import header_text, quoted, unquoted
from channels.email.merging import PlainTemplate, QuotedTemplate, variables_of
from channels.email.pictures import Picture
from channels.following import TARGETS
from channels.merging import one_line, packed

_PART = "MIME-Version: 1.0\r\nContent-Type: {type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_OWN_PART = "Content-Type: {type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"


class MailParts(Mapping[str, str]):
    """subject, text and (unless it is a mail of text only) html: read back from the bytes that travel, when asked for.

    `quoted` has text and html as they travel, and `pictures` what goes with the html: for whoever sends them otherwise than as MIME.
    """

    __slots__ = ("_html", "_subject", "_text", "pictures")

    def __init__(self, subject: str, text: str, html: str | None, pictures: tuple[Picture, ...] = ()) -> None:
        self._subject, self._text, self._html, self.pictures = subject, text, html, pictures

    @property
    def quoted(self) -> dict[str, str]:
        """Text and html in quoted-printable: what is the same for all recipients and what is not stand on lines of their own."""
        return {"text": self._text} if self._html is None else {"text": self._text, "html": self._html}

    def __getitem__(self, name: str) -> str:
        if name == "subject":
            return self._subject
        if name == "text":
            return unquoted(self._text.encode())
        if name == "html" and self._html is not None:
            return unquoted(self._html.encode())
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from ("subject", "text") if self._html is None else ("subject", "text", "html")

    def __len__(self) -> int:
        return 2 if self._html is None else 3


@dataclass(frozen=True)
class EmailWording:
    """Jinja templates of a mail; `html` is compiled from MJML and may be absent. `targets` are where its followed links lead."""

    subject: str
    text: str
    html: str | None
    pictures: tuple[Picture, ...] = ()
    targets: tuple[str, ...] = ()

    @cached_property
    def variables(self) -> frozenset[str]:
        return variables_of(self.subject) | variables_of(self.text) | variables_of(self.html or "")

    @cached_property
    def source(self) -> bytes:
        pictures = {"pictures": [asdict(each) for each in self.pictures]} if self.pictures else {}
        targets = {TARGETS: self.targets} if self.targets else {}
        return packed({"email": 1, "subject": self.subject, "text": self.text, "html": self.html, **pictures, **targets})

    @staticmethod
    def restored(source: bytes) -> "EmailWording":
        """The wording that gave this source."""
        document = json.loads(source)
        pictures = tuple(Picture(**each) for each in document.get("pictures", ()))
        return EmailWording(document["subject"], document["text"], document["html"], pictures, tuple(document.get(TARGETS, ())))

    def compose(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        try:
            return self._merge.content(values)
        except UndefinedError as error:
            name = self._missing(values, str(error.message))
            return CompositionFault(f"{name or 'a variable'} has no value", name)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, NameError, RecursionError) as error:
            # The text of the exception may quote a value; its kind does not.
            return CompositionFault(f"the wording cannot be worked out ({type(error).__name__})")

    def lacks(self, values: Mapping[str, Any]) -> CompositionFault | None:
        composed = self.compose(values)
        return composed if isinstance(composed, CompositionFault) else None

    @cached_property
    def _merge(self) -> "_Merge":
        return _Merge(self)

    def _missing(self, values: Mapping[str, Any], message: str) -> str | None:
        """The variable that Jinja's message is about: it quotes the last part of the name."""
        missing = sorted(name for name in self.variables if _has_no_value(name, values))
        named = [name for name in missing if f"'{name.rpartition('.')[2]}'" in message or f"'{name.partition('.')[0]}' is" in message]
        return next(iter(named or missing), None)


class _Merge:
    """The compiled templates of a wording."""

    def __init__(self, wording: EmailWording) -> None:
        self._subject = PlainTemplate(wording.subject)
        self._text = QuotedTemplate(wording.text, escaping=False)
        self._shown = wording.pictures
        self._pictures = "".join(f"\r\n--{_RELATED}\r\n{each.part}" for each in wording.pictures)
        self._html = None if wording.html is None else QuotedTemplate(wording.html, escaping=True)

    def content(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        subject = one_line(self._subject.render(values)).strip()
        if not subject:
            return CompositionFault("the subject is empty")
        text = self._text.render(values)
        html = None if self._html is None else self._html.render(values)
        return Content(MailParts(subject, text, html, self._shown), raw=_assemble(subject, text, html, self._pictures))


def encode_parts(parts: Mapping[str, str]) -> bytes:
    """The bytes of a mail whose content was not composed by an EmailWording."""
    html = parts.get("html")
    return _assemble(parts.get("subject", ""), quoted(parts.get("text", "")), None if html is None else quoted(html))


def _assemble(subject: str, text: str, html: str | None, pictures: str = "") -> bytes:
    """Subject, MIME headers and body; `pictures` are parts that go with the HTML.

    Quoted-printable and base64 never have ``=_``, so the boundary cannot occur in a part.
    """
    top = f"Subject: {header_text(subject)}\r\n"
    if html is None:
        return f"{top}{_TEXT_ONLY}{text}".encode("ascii")
    if pictures:
        return f"{top}{_BEGIN}{text}{_BEFORE_RELATED}{html}{pictures}{_AFTER_RELATED}{_END}".encode("ascii")
    return f"{top}{_BEGIN}{text}{_MIDDLE}{html}{_END}".encode("ascii")


_BOUNDARY = "=_" + sha256(b"contactflow").hexdigest()[:24]
_TEXT_ONLY = _PART.format(type="text/plain")
_BEGIN = (
    f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="{_BOUNDARY}"\r\n\r\n'
    f"--{_BOUNDARY}\r\n{_OWN_PART.format(type='text/plain')}"
)
_MIDDLE = f"\r\n--{_BOUNDARY}\r\n{_OWN_PART.format(type='text/html')}"
_RELATED = f"{_BOUNDARY}-html"
_BEFORE_RELATED = (
    f'\r\n--{_BOUNDARY}\r\nContent-Type: multipart/related; type="text/html";\r\n boundary="{_RELATED}"\r\n\r\n'
    f"--{_RELATED}\r\n{_OWN_PART.format(type='text/html')}"
)
_AFTER_RELATED = f"\r\n--{_RELATED}--\r\n"
_END = f"\r\n--{_BOUNDARY}--\r\n"


def _has_no_value(name: str, values: Mapping[str, Any]) -> bool:
    value: Any = values
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is None
