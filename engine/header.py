"""The header of a flow as it was stored, read without its nodes: what is asked about one message at a time."""

from dataclasses import dataclass
from functools import lru_cache

from engine.language.source import Mapping, Scalar, read_text


@dataclass(frozen=True, slots=True)
class Header:
    """A flow's title, the purpose that its messages need consent for, and its landing page."""

    title: str
    purpose: str | None
    page: str | None


@lru_cache(maxsize=256)
def header_of(written: str, campaign: str) -> Header:
    """The header of a stored flow; it passed its checks before it ran."""
    tree = read_text(written, campaign).tree
    keys = {entry.key.text: entry.value for entry in tree.entries} if isinstance(tree, Mapping) else {}
    texts = {name: value.text.strip() for name, value in keys.items() if isinstance(value, Scalar) and not value.is_empty}
    return Header(texts.get("title", campaign), texts.get("purpose"), texts.get("page"))
