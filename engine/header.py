"""The header of a flow as it was stored, read without its nodes: what is asked about one message at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from engine.language.source import Mapping, Scalar, Tree, read_text

PAGE_SEGMENT = "page_segment"  # in what the outbox keeps of a message: the segment that its recipient sees the page as


@dataclass(frozen=True, slots=True)
class Header:
    """A flow's title, the purpose that its messages need consent for, its landing page, and what people come in by asking for."""

    title: str
    purpose: str | None
    page: str | None
    asked: tuple[tuple[str, str | None], ...] = ()  # with the page file of the form


@lru_cache(maxsize=256)
def header_of(written: str, campaign: str) -> Header:
    """The header of a stored flow; it passed its checks before it ran."""
    tree = read_text(written, campaign).tree
    keys = {entry.key.text: entry.value for entry in tree.entries} if isinstance(tree, Mapping) else {}
    texts = {name: value.text.strip() for name, value in keys.items() if isinstance(value, Scalar) and not value.is_empty}
    asked = tuple(_asked(keys.get("flow")))
    return Header(texts.get("title", campaign), texts.get("purpose"), texts.get("page"), asked)


def _asked(flow: Tree | None) -> Iterator[tuple[str, str | None]]:
    for node in (entry.value for entry in flow.entries) if isinstance(flow, Mapping) else ():
        asked, page = (node.get("request"), node.get("page")) if isinstance(node, Mapping) else (None, None)
        if isinstance(asked, Scalar):
            yield asked.text.strip(), page.text.strip() if isinstance(page, Scalar) else None
