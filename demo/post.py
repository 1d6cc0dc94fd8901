"""What really arrived: read where it was delivered, as the people who got it would read it."""

import email
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message as EmailMessage
from itertools import islice
from pathlib import Path

from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject, NameObject
from sqlalchemy import select

from demo.households import Household
from demo.public import POST, Message
from store.session import reading
from studio.inbox.records import MAIL, open_records
from studio.letters import read_runs
from studio.phone import read_texts

# By the words on its button a recipient tells one mail from the other.
BUTTONS: Mapping[str, Message] = {"See my page": "personal", "Get my € 5": "general"}
_LINK = re.compile(r"https?://\S*/(p|o)/([\w.-]*[\w-])")
_POSTCODE = re.compile(r"\d{4}\s*[A-Z]{2}\b|\d{4,5}\b")
_CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it lies before a household. Links are paths; a letter has a code instead."""

    who: str
    message: Message
    at: datetime
    page: str = ""
    opt_out: str = ""
    one_click: str = ""
    code: str = ""


class Post:
    """Watches the inbox, the telephone and the print runs of a workspace."""

    def __init__(self, inbox: Path, texts: Path, letters: Path, households: Sequence[Household]) -> None:
        self._records, self._texts, self._letters = open_records(inbox), texts, letters
        self._by_email = {each.email: each.key for each in households if each.email}
        self._by_phone = {each.phone: each.key for each in households if each.phone}
        self._by_door = {_door(f"{each.first_name} {each.last_name}", each.street, each.postcode): each.key for each in households}
        self._last_mail, self._texts_read, self._runs_read = 0, 0, set[str]()

    def new(self, now: datetime) -> list[Arrival]:
        """What has come since the last look. A text bears no time of its own: it came `now`."""
        return [*self._new_mails(), *self._new_texts(now), *self._new_letters()]

    def close(self) -> None:
        """Let go of the inbox."""
        self._records.dispose()

    def _new_mails(self) -> Iterator[Arrival]:
        with reading(self._records) as session:
            query = select(MAIL.c.id, MAIL.c.recipient, MAIL.c.sent_at, MAIL.c.raw).where(MAIL.c.id > self._last_mail)
            rows = session.execute(query.order_by(MAIL.c.id)).all()
        for row in rows:
            self._last_mail = row.id
            yield _read_mail(self._by_email[row.recipient], row.sent_at, email.message_from_bytes(row.raw))

    def _new_texts(self, now: datetime) -> Iterator[Arrival]:
        for text in islice(read_texts(self._texts), self._texts_read, None):
            self._texts_read += 1
            links = _links_of(text.text)
            yield Arrival(self._by_phone[text.to], "text", now, links["p"], links["o"])

    def _new_letters(self) -> Iterator[Arrival]:
        for run in read_runs(self._letters):
            if run.folder in self._runs_read or run.at is None:
                continue
            self._runs_read.add(run.folder)
            for page in PdfReader(self._letters / run.folder / "letters.pdf").pages:
                yield self._letter(_own_words(page), run.at + POST)

    def _letter(self, text: str, at: datetime) -> Arrival:
        code = _CODE.search(text)
        lines = text.splitlines()
        windows = (_door(*each) for each in zip(lines, lines[1:], lines[2:], strict=False))
        who = next((self._by_door[window] for window in windows if window in self._by_door), None)
        assert code, "a letter without a code"
        assert who, "a letter to nobody that we know"
        return Arrival(who, "letter", at, code=code[0])


def _read_mail(who: str, at: datetime, mail: EmailMessage) -> Arrival:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode()
    links = _links_of(text)
    message = next(message for button, message in BUTTONS.items() if button in text)
    return Arrival(who, message, at, links["p"], links["o"], _path(str(mail["List-Unsubscribe"]).strip("<>")))


def _own_words(page: PageObject) -> str:
    """The words that no other letter has. The others are shared parts of the print run, and slow to read again on each page."""
    resources = page["/Resources"]
    assert isinstance(resources, DictionaryObject)
    shared = resources.get("/XObject", DictionaryObject())
    picture = DictionaryObject({NameObject("/Subtype"): NameObject("/Image")})
    resources[NameObject("/XObject")] = DictionaryObject({NameObject(name): picture for name in shared})
    return page.extract_text()


def _links_of(text: str) -> dict[str, str]:
    return {kind: f"/{kind}/{token}" for kind, token in _LINK.findall(text)}


def _path(link: str) -> str:
    return "/" + link.split("/", 3)[3]


def _door(name: str, street: str, place: str) -> str:
    """Three lines of an address as they can be told apart: of the third the postcode only, and no spaces."""
    postcode = _POSTCODE.match(place.strip())
    return "|".join("".join(each.split()) for each in (name, street, postcode[0] if postcode else ""))
