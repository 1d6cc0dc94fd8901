"""A mail's HTML as a document that may stand in a frame: its pictures inside, in light or dark, and nothing that reaches out."""

import base64
import re
from typing import Literal
from urllib.parse import quote

from studio.inbox.reading import Opened, Picture

Scheme = Literal["light", "dark"]

POLICY = {
    # No scripts, nothing from elsewhere, no forms; a link opens in a tab of its own, which knows nothing of us.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; form-action 'none'; frame-ancestors 'self'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",  # the policy says nothing about asking for names
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_OPENING = re.compile(r"\s*<!doctype[^>]{0,500}>", re.IGNORECASE)
# The policy stops what these would load; a browser may still look up or connect to the place that they name.
_REACHING_OUT = re.compile(r"<(?:link|meta(?=[^>]{0,500}http-equiv))\b[^>]{0,2000}>", re.IGNORECASE)
_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark", re.IGNORECASE)
_CARRIED = re.compile(r"cid:([^\"'()\s<>]{1,300})", re.IGNORECASE)
_MOST_PICTURES = 40_000_000  # characters: a mail may name one picture a million times
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"


def has_dark(opened: Opened) -> bool:
    """Whether the mail says how it looks in the dark."""
    return bool(_DARK.search(opened.html or ""))


def framed(opened: Opened, scheme: Scheme) -> str:
    """The document of the frame. The scheme is the one asked for, whatever the browser's own is."""
    html = _REACHING_OUT.sub("", opened.html or "")
    html = _QUERY.sub(lambda found: _ALWAYS if found[1].lower() == scheme else _NEVER, html)
    opening = _OPENING.match(html)
    start = opening.end() if opening else 0
    # Right behind the doctype: before it, the page would be drawn as in 1998; in the head, a mail could hide the head.
    return html[:start] + _head(opened, scheme) + _with_pictures(html[start:], opened)


def _head(opened: Opened, scheme: Scheme) -> str:
    used = scheme if has_dark(opened) else "light"
    return f'<base target="_blank"><style>:root{{color-scheme:only {used}!important}}</style>'


def _with_pictures(html: str, opened: Opened) -> str:
    known = {name: _address(picture) for picture in opened.pictures for name in (picture.id, quote(picture.id))}
    left = _MOST_PICTURES

    def put_in(found: re.Match[str]) -> str:
        nonlocal left
        address = known.get(found[1], found[0])
        left -= len(address)
        return address if left > 0 else found[0]

    return _CARRIED.sub(put_in, html) if known else html


def _address(picture: Picture) -> str:
    kind = picture.kind if re.fullmatch(r"image/[\w.+-]+", picture.kind) else "image/png"
    return f"data:{kind};base64,{base64.b64encode(picture.content).decode()}"
