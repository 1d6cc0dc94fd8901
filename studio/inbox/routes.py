"""The pages of the inbox: the list, one mail, and its HTML in a frame of its own that can run and load nothing."""

from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from math import ceil
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import Engine
from sqlmodel import Session

from store.session import reading
from studio.inbox.reading import open_mail
from studio.inbox.records import PAGE, Mail, list_mails, open_records, read_mail, read_record
from studio.paths import StudioPaths
from studio.render import page

Found = TypeVar("Found")
_MOST_PAGES = 1_000_000
_FRAME = {
    # No scripts, nothing from elsewhere, no forms; a link opens in a tab of its own, which knows nothing of us.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_OPEN_ELSEWHERE = '<base target="_blank">'


def inbox_routes(paths: StudioPaths) -> APIRouter:
    """/inbox, /inbox/ID, /inbox/ID/html, /inbox/ID/source and /inbox.json."""
    router = APIRouter()
    read = _reader(paths)

    @router.get("/inbox")
    def show_list(q: str = "", number: Annotated[int, Query(alias="page", ge=1, le=_MOST_PAGES)] = 1) -> HTMLResponse:
        listing = read(lambda session: list_mails(session, q, number))
        return page("inbox.html.jinja", name=paths.name, listing=listing, search=q, number=number, last=max(ceil(listing.total / PAGE), 1))

    @router.get("/inbox.json")
    def count() -> JSONResponse:
        return JSONResponse(asdict(read_record(paths.inbox)))

    @router.get("/inbox/{mail_id}")
    def show_mail(mail_id: int, view: str = "desk") -> HTMLResponse:
        mail = read(lambda session: read_mail(session, mail_id))
        if mail is None:
            return _missing(paths)
        opened = open_mail(mail.raw)
        views = ("desk", "phone", "text", "source") if opened.html else ("text", "source")
        return page("mail.html.jinja", name=paths.name, mail=mail, opened=opened, view=view if view in views else views[0], views=views)

    @router.get("/inbox/{mail_id}/html")
    def show_html(mail_id: int) -> Response:
        mail = read(lambda session: read_mail(session, mail_id))
        return HTMLResponse(_framed(mail), headers=_FRAME) if mail else _missing(paths)

    @router.get("/")
    def enter() -> RedirectResponse:
        return RedirectResponse("/inbox")

    return router


def _reader(paths: StudioPaths) -> Callable[[Callable[[Session], Found]], Found]:
    @cache
    def database() -> Engine:
        return open_records(paths.inbox)

    def read(question: Callable[[Session], Found]) -> Found:
        with reading(database()) as session:
            return question(session)

    return read


def _framed(mail: Mail) -> str:
    html = open_mail(mail.raw).html or ""
    before, head, after = html.partition("<head>")
    return f"{before}{head}{_OPEN_ELSEWHERE}{after}" if head else f"{_OPEN_ELSEWHERE}{html}"


def _missing(paths: StudioPaths) -> HTMLResponse:
    return page("missing.html.jinja", status=404, name=paths.name, what="This mail is not in the inbox.", back="/inbox")
