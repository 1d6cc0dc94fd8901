"""Sentences as a page and as paper set them: what stands between backticks is code, and no line breaks within an amount."""

import re
from xml.sax.saxutils import escape

from markupsafe import Markup
from markupsafe import escape as escaped

_CODE = re.compile(r"`([^`]+)`")
_AMOUNT = re.compile(r"[+−]?[€$£]\u00a0?[\d.,]*\d|[+−][\d.,]*\d|\(p\W{1,3}[\d.,]+\)")  # a browser breaks after a sign, and within (p: 0.5)
_TINT = "#f3f1ec"


def on_page(text: str) -> Markup:
    """The text as HTML, escaped."""
    whole = _AMOUNT.sub(r'<span class="whole">\g<0></span>', str(escaped(text)))
    return Markup(_CODE.sub(r"<code>\1</code>", whole))  # noqa: S704  # escaped above


def on_paper(text: str) -> str:
    """The text as reportlab's markup, escaped; it breaks lines at spaces only."""
    return _CODE.sub(rf'<font backColor="{_TINT}">\1</font>', escape(text))
