"""Pages out of the templates in studio/pages, with headers that let nothing in from elsewhere."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGES = Path(__file__).parent / "pages"
_GUARD = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the studio."""
    return HTMLResponse(_environment().get_template(template).render(values).encode("utf-8", "replace"), status, headers=_GUARD)


def shown_moment(moment: datetime | None) -> str:
    """A moment as a list shows it, in UTC as the log has it."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC" if moment else ""


def shown_size(size: int) -> str:
    """Bytes in words."""
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def shown_count(count: int, word: str) -> str:
    """``1 mail``, ``2,000 mails``"""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"moment": shown_moment, "size": shown_size, "count_of": shown_count}
    return environment
