"""Which questions the forms of a workspace ask: what customers say there can be shown in messages, as `{{ customer.said_NAME }}`."""

from collections.abc import Iterator
from pathlib import Path

from engine.language.source import Mapping, read_source

_KEY = "form"


def asked_in(templates: Path) -> tuple[str, ...]:
    """The short names of all questions in the page files under templates/, in order; of a file that cannot be read, none."""
    return tuple(sorted({name for path in templates.rglob("*.yaml") for name in _asked_on(path)}))


def _asked_on(path: Path) -> Iterator[str]:
    tree = read_source(path).tree
    form = tree.get(_KEY) if isinstance(tree, Mapping) else None
    if isinstance(form, Mapping):
        yield from (entry.key.text for entry in form.entries)
