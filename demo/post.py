"""What really arrived: read where it was delivered, as the people who got it would read it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from pathlib import Path

from pypdf import PdfReader
from sqlalchemy import select

from demo.households import Household
from demo.public import POST, Message
from store.session import reading
from studio.inbox.reading import open_mail
from studio.inbox.records import MAIL, open_records
from studio.letters import read_runs
from studio.phone import read_texts

# By the words on its button a recipient tells one mail from the other.
BUTTONS: Mapping[str, Message] = {"See my page": "personal", "Get my € 5": "general"}
_LINK = re.compile(r"https?://\S*/(p|o)/([\w.-]*[\w-])")
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
        self._by_door = {_door(each.street, each.postcode): each.key for each in households}
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
            opened = open_mail(row.raw)
            labels = {link.label: link.address for link in opened.links}
            message = next(BUTTONS[label] for label in labels if label in BUTTONS)
            links = _links_of(" ".join(labels.values()))
            one_click = dict(opened.headers)["List-Unsubscribe"].strip("<>")
            yield Arrival(self._by_email[row.recipient], message, row.sent_at, links["p"], links["o"], _path(one_click))

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
                yield self._letter(page.extract_text(), run.at + POST)

    def _letter(self, text: str, at: datetime) -> Arrival:
        code = _CODE.search(text)
        door = next((key for line, below in _pairs(text) if (key := self._by_door.get(_door(line, below)))), None)
        assert code, "a letter without a code"
        assert door, "a letter to nobody that we know"
        return Arrival(door, "letter", at, code=code[0])


def _links_of(text: str) -> dict[str, str]:
    return {kind: f"/{kind}/{token}" for kind, token in _LINK.findall(text)}


def _path(link: str) -> str:
    return "/" + link.split("/", 3)[3]


def _door(street: str, postcode: str) -> str:
    """A street and the beginning of the line below it, which is the postcode: without spaces."""
    return "".join(f"{street}|{postcode}".split())


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Each line with the postcode that the line below begins with."""
    lines = text.splitlines()
    for line, below in pairwise(lines):
        postcode = re.match(r"\d{4}\s*[A-Z]{2}\b|\d{4,5}\b", below.strip())
        if postcode:
            yield line, postcode[0]
