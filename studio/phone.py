"""The sandbox phone: the texts that were sent, as the people who got them would see them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from studio.paths import StudioPaths
from studio.render import page

PAGE = 30  # people
_LINK = re.compile(r"(https?://\S*[^\s.,;:!?)])")


@dataclass(frozen=True, slots=True)
class Text:
    """One text message. `at`, `campaign` and `node` are shown where the sandbox wrote them down."""

    to: str
    text: str
    key: str
    at: datetime | None
    campaign: str
    node: str
    segments: int

    @property
    def linked(self) -> Markup:
        """The text with its links as links, which open in a tab of their own."""
        pieces = _LINK.split(self.text)
        return Markup("").join(_as_link(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces))


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that one number got, oldest first."""

    to: str
    texts: tuple[Text, ...]


def phone_routes(paths: StudioPaths) -> APIRouter:
    """/phone."""
    router = APIRouter()

    @router.get("/phone")
    def show(q: str = "", number: Annotated[int, Query(alias="page", ge=1)] = 1) -> HTMLResponse:
        found = conversations(paths.texts, q)
        shown = found[(number - 1) * PAGE : number * PAGE]
        last = max(-(-len(found) // PAGE), 1)
        return page("phone.html.jinja", paths, conversations=shown, total=len(found), search=q, number=number, last=last)

    return router


def conversations(file: Path, search: str = "") -> list[Conversation]:
    """Who got what, the latest first, of those whose number or texts have every word of `search`."""
    by_number: dict[str, list[Text]] = {}
    for text in read_texts(file):
        # Taken out and put back, so that the order is that of the last text.
        by_number[text.to] = [*by_number.pop(text.to, []), text]
    found = [Conversation(to, tuple(texts)) for to, texts in by_number.items()]
    return [each for each in reversed(found) if _matches(each, search)]


def read_texts(file: Path) -> Iterator[Text]:
    """The lines of the sandbox; one that is only half written yet is left for the next time."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                row = _row(line)
                if row is not None:
                    yield _text(row)
    except FileNotFoundError:
        return


def _row(line: str) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and "to" in row else None


def _text(row: Mapping[str, Any]) -> Text:
    at = row.get("at")
    return Text(
        to=str(row["to"]),
        text=str(row.get("text", "")),
        key=str(row.get("key", "")),
        at=datetime.fromisoformat(at) if isinstance(at, str) else None,
        campaign=str(row.get("campaign") or ""),
        node=str(row.get("node") or ""),
        segments=int(row.get("segments") or 1),
    )


def _matches(conversation: Conversation, search: str) -> bool:
    everything = " ".join([conversation.to, *(f"{text.text} {text.campaign} {text.node}" for text in conversation.texts)]).casefold()
    return all(word in everything for word in search.casefold().split())


def _as_link(link: str) -> Markup:
    return Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(link)
