"""The page on which the inbox is told what to answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from store.errors import InputError
from studio.inbox.answers import ANSWERS, LONGEST_SECONDS, AnswerBook
from studio.paths import StudioPaths
from studio.render import page

_BACK = "/inbox/answers"


def answer_routes(paths: StudioPaths) -> APIRouter:
    """/inbox/answers, and the two forms on it."""
    router = APIRouter()
    book = AnswerBook(paths.inbox)

    def show(fault: str = "") -> Response:
        told = {"rules": book.rules(), "answers": ANSWERS, "longest": LONGEST_SECONDS, "fault": fault}
        return page("answers.html.jinja", paths, status=400 if fault else 200, **told)

    @router.get("/inbox/answers")
    def look() -> Response:
        return show()

    @router.post("/inbox/answers", dependencies=[Depends(from_our_page)])
    def tell(
        pattern: Annotated[str, Form()] = "",
        answer: Annotated[str, Form()] = "",
        part: Annotated[str, Form()] = "",
        seconds: Annotated[str, Form()] = "",
    ) -> Response:
        try:
            book.tell(pattern, answer, _number(part, 100), _number(seconds, 0))
        except InputError as error:
            return show(str(error))
        return RedirectResponse(_BACK, 303)

    @router.post("/inbox/answers/accept", dependencies=[Depends(from_our_page)])
    def accept(pattern: Annotated[str, Form(min_length=1)], answer: Annotated[str, Form(min_length=1)]) -> Response:
        book.accept(pattern, answer)
        return RedirectResponse(_BACK, 303)

    return router


def from_our_page(request: Request) -> None:
    """Let no other site, and no mail, press our buttons. A browser says where a form stood; a program that is none says nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = f"{request.url.scheme}://{request.url.netloc}"
    if site != "same-origin" and (site or origin not in (None, own)):
        raise HTTPException(403)


def _number(text: str, otherwise: int) -> int:
    text = text.strip().removesuffix("%")
    return int(text) if text.isdecimal() and len(text) < 6 else -1 if text else otherwise
