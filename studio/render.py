"""Pages out of the templates in studio/pages, with headers that let nothing in from elsewhere."""

from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from studio.paths import StudioPaths

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


def page(template: str, paths: StudioPaths, /, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the studio, with the name of the workspace and its times."""
    known = {"name": paths.name, "zone": paths.zone, **values}
    return HTMLResponse(_environment().get_template(template).render(known).encode("utf-8", "replace"), status, headers=_GUARD)


def shown_moment(moment: datetime | None, zone: tzinfo) -> str:
    """A moment as a list shows it; the page says once of which zone."""
    local = moment.astimezone(zone) if moment else None
    return f"{local.day} {local:%b %Y, %H:%M}" if local else ""


@pass_context
def _moment(context: Context, moment: datetime | None) -> str:
    return shown_moment(moment, context["zone"])


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
    environment.filters |= {"moment": _moment, "size": shown_size, "count_of": shown_count}
    return environment
