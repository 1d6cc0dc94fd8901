"""The pages of the inbox: the list, one mail, and its HTML in a frame of its own that can run and load nothing."""

from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from math import ceil
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import Engine
from sqlmodel import Session

from store.session import reading
from studio.inbox.answering import answer_routes
from studio.inbox.answers import AnswerBook
from studio.inbox.framing import POLICY, Scheme, framed, has_dark
from studio.inbox.reading import MOST_SHOWN, Opened, open_mail
from studio.inbox.records import PAGE, Mail, list_campaigns, list_mails, open_records, read_mail, read_record
from studio.paths import StudioPaths
from studio.render import page

Found = TypeVar("Found")
MailId = Annotated[int, Path(ge=1, le=2**63 - 1)]
_MOST_PAGES = 1_000_000
_MOST_CUSTOMERS = 5  # words of a search that are looked up as such
_FILE = {"Content-Disposition": 'attachment; filename="mail.eml"', "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_WITH_HTML = ("desk", "phone")
_VIEWS = ("text", "links", "headers", "source")


def inbox_routes(paths: StudioPaths) -> APIRouter:
    """/inbox, /inbox/ID, /inbox/ID/html, /inbox/ID/mail.eml and /inbox.json."""
    desk = _Desk(paths)
    router = APIRouter()
    router.get("/inbox", response_model=None)(desk.show_list)
    router.get("/inbox.json", response_model=None)(desk.count)
    router.include_router(answer_routes(paths))  # before /inbox/ID, which would take the word for one
    router.get("/inbox/{mail_id}", response_model=None)(desk.show_mail)
    router.get("/inbox/{mail_id}/html", response_model=None)(desk.show_html)
    router.get("/inbox/{mail_id}/mail.eml", response_model=None)(desk.download)
    router.get("/", response_model=None)(lambda: RedirectResponse("/inbox"))
    return router


class _Desk:
    """What each address shows, from the records of one inbox."""

    def __init__(self, paths: StudioPaths) -> None:
        self._paths, self._read, self._book = paths, _reader(paths), AnswerBook(paths.inbox)

    def show_list(self, q: str = "", campaign: str = "", number: Annotated[int, Query(alias="page", ge=1, le=_MOST_PAGES)] = 1) -> Response:
        known = {word: self._paths.messages_of(word) for word in q.split()[:_MOST_CUSTOMERS]}
        listing, campaigns = self._read(lambda session: (list_mails(session, q, number, campaign, known), list_campaigns(session)))
        shown: dict[str, Any] = {
            "listing": listing,
            "campaigns": campaigns,
            "filters": {"q": q, "campaign": campaign},
            "number": number,
            "last": max(ceil(listing.total / PAGE), 1),
            "answers": len(self._book.rules()),
        }
        return page("inbox.html.jinja", self._paths, **shown)

    def count(self) -> Response:
        return JSONResponse(asdict(read_record(self._paths.inbox)))

    def show_mail(self, mail_id: MailId, view: str = "", scheme: Scheme = "light") -> Response:
        mail = self._mail(mail_id)
        if mail is None:
            return _missing(self._paths)
        opened = open_mail(mail.raw)
        views = (*(_WITH_HTML if opened.html else ()), *_VIEWS)
        shown = view if view in views else _first_view(opened)
        look = {"views": views, "view": shown, "scheme": scheme, "has_dark": has_dark(opened)}
        return page("mail.html.jinja", self._paths, mail=mail, opened=opened, look=look, most=MOST_SHOWN)

    def show_html(self, mail_id: MailId, scheme: Scheme = "light") -> Response:
        mail = self._mail(mail_id)
        return HTMLResponse(_bytes(framed(open_mail(mail.raw), scheme)), headers=POLICY) if mail else _missing(self._paths)

    def download(self, mail_id: MailId) -> Response:
        mail = self._mail(mail_id)
        return Response(mail.raw, media_type="message/rfc822", headers=_FILE) if mail else _missing(self._paths)

    def _mail(self, mail_id: int) -> Mail | None:
        return self._read(lambda session: read_mail(session, mail_id))


def _reader(paths: StudioPaths) -> Callable[[Callable[[Session], Found]], Found]:
    @cache
    def database() -> Engine:
        return open_records(paths.inbox)

    def read(question: Callable[[Session], Found]) -> Found:
        with reading(database()) as session:
            return question(session)

    return read


def _first_view(opened: Opened) -> str:
    if opened.html:
        return "desk"
    return "source" if opened.fault else "text"


def _bytes(html: str) -> bytes:
    return html.encode("utf-8", "replace")  # a mail can smuggle in half a character


def _missing(paths: StudioPaths) -> HTMLResponse:
    return page("missing.html.jinja", paths, status=404, what="This mail is not in the inbox.", back="/inbox")
