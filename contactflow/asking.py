"""Which questions the forms of a workspace ask: what customers say there can be shown in messages, as `{{ customer.said_NAME }}`."""

from collections.abc import Iterator
from pathlib import Path

from engine.language.source import Mapping, Tree, read_source

_KEY = "form"
_OTHERWISE = ("variants", "by_segment")  # who see another form than the page's own, by the name of theirs


def asked_in(templates: Path) -> tuple[str, ...]:
    """The short names of all questions in the page files under templates/, in order; of a file that cannot be read, none."""
    return tuple(sorted({name for path in templates.rglob("*.yaml") for name in _asked_on(read_source(path).tree)}))


def _asked_on(page: Tree | None) -> Iterator[str]:
    yield from _names(_under(page, _KEY))
    for group in (_under(page, key) for key in _OTHERWISE):
        for name in _names(group):
            yield from _names(_under(_under(group, name), _KEY))


def _under(tree: Tree | None, key: str) -> Tree | None:
    return tree.get(key) if isinstance(tree, Mapping) else None


def _names(tree: Tree | None) -> Iterator[str]:
    yield from (entry.key.text for entry in tree.entries) if isinstance(tree, Mapping) else ()
