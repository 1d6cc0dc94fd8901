"""Templates of text and simple names only, as most mails are: their pieces are put together without Jinja, for the same result."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

Path = tuple[str, ...]  # ("today",) or ("customer", "first_name")
NEEDED = "needed"  # a filter that shows nothing of a value which has to be there


class Slots:
    """The pieces of a template in their order. `show` is what the template's environment does to a value that is not None.

    Values at `needed` are not shown, but have to be there.
    """

    def __init__(self, pieces: list[str | Path], needed: list[Path], show: Callable[[Any], str]) -> None:
        self._show, self._needed = show, needed
        self._texts = [each for each in pieces if isinstance(each, str)]
        self._paths = list(dict.fromkeys(each for each in pieces if not isinstance(each, str)))
        text, first = iter(range(len(self._texts))), len(self._texts)
        self._order = [next(text) if isinstance(each, str) else first + self._paths.index(each) for each in pieces]

    def render(self, values: Mapping[str, Any]) -> str | None:
        """The text for one recipient; None when a value is missing, which is Jinja's to tell."""
        shown = []
        for path in self._paths:
            value = _value(path, values)
            if value is None:
                return None
            shown.append(self._show(value))
        if any(_value(path, values) is None for path in self._needed):
            return None
        return "".join(map([*self._texts, *shown].__getitem__, self._order))


def _value(path: Path, values: Mapping[str, Any]) -> Any:
    value = values.get(path[0])
    if len(path) > 1:
        value = value.get(path[1]) if type(value) is dict else None
    return value


def slots_of(tree: nodes.Template, show: Callable[[Any], str]) -> Slots | None:
    """The slots of a template; None when it has more than text and simple names."""
    pieces: list[str | Path] = []
    needed: list[Path] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            if path := _needed(node):
                needed.append(path)
                continue
            piece = node.data if isinstance(node, nodes.TemplateData) else _path(node)
            if piece is None:
                return None
            pieces.append(piece)
    return Slots(pieces, list(dict.fromkeys(needed)), show)


def _needed(node: nodes.Node) -> Path | None:
    if not isinstance(node, nodes.Filter) or node.name != NEEDED or node.node is None:
        return None
    return _path(node.node)


def _path(node: nodes.Node) -> Path | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return (node.node.name, node.attr)
    return None
