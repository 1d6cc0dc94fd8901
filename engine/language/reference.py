"""The reference page of the flow language, written from the classes: `python -m engine.language.reference docs/reference`."""

import inspect
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from customers.conditions.vocabulary import BUILT_IN
from engine.campaign import CampaignSpec, LearningGoal
from engine.language.checks.wording import ANSWERING, FIXED
from engine.language.fields import Name, Named, Names
from engine.language.leaf import annotated
from engine.language.read import fields_of
from engine.language.schema import campaign_schema
from engine.language.values import Count, Duration, Lift, Moment, Share
from engine.metrics import BUILT_IN as METRICS
from engine.nodes import Node, node_types
from engine.nodes.node import ConditionText
from engine.tracking import Track

PAGE = "flow-language.md"
SCHEMA = "flow.schema.json"
_INTRODUCTION = """\
# The flow language

*Written from the code by `python -m engine.language.reference docs/reference`; a test fails when it is not up to date.*

A campaign is one YAML file in `flows/`. At its top stands what the campaign is; below `flow:` stand its nodes by name, in
reading order. A node is what its own key says: a node with `send:` sends, one with `wait:` waits. It goes on to the node that
`next` names, or to the one below it. `contactflow check` tells every fault, with the line and what to do.

For completion in an editor, put this at the top of a flow (`docs/reference/flow.schema.json` comes from the same classes):

```yaml
# yaml-language-server: $schema=../docs/reference/flow.schema.json
```
"""
_NAMED: dict[Named, str] = {
    "node": "the name of a node",
    "condition": "a condition",
    "template": "a file under `templates/`",
    "segment": "a segment of `contactflow.toml`",
    "channel": "`email`, `sms` or `print`",
    "purpose": "a purpose of `contactflow.toml`",
    "attribute": "an attribute",
    "metric": f"a metric: {', '.join(f'`{name}`' for name in METRICS)}, or one of `[metrics]` in `contactflow.toml`",
}


def reference_page() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def write_reference(folder: Path) -> None:
    """Write the page and the schema."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(reference_page(), encoding="utf-8")
    (folder / SCHEMA).write_text(schema_text(), encoding="utf-8")


def schema_text() -> str:
    """The JSON Schema as a file."""
    return json.dumps(campaign_schema(), indent=2, ensure_ascii=False) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield from ("## The top of the file", "")
    yield from _table(CampaignSpec)
    for key, model in (("learn", LearningGoal), ("track", Track)):
        yield from (f"### `{key}`", "", _about(model), "")
        yield from _table(model)
    yield from ("## Nodes", "", "Every node may also have these keys:", "")
    yield from _table(Node)
    for kind in node_types().values():
        yield from _node(kind)
    yield from _values()
    yield from _variables()


def _node(kind: type[Node]) -> Iterator[str]:
    yield from (f"### `{kind.word}`", "", _about(kind), "", "```yaml", kind.example.strip("\n"), "```", "")
    shared = fields_of(Node)
    yield from _table(kind, [name for name in fields_of(kind) if name not in shared])
    for model in _inner(kind):
        yield from (f"**{model.__name__}.** {_about(model)}", "")
        yield from _table(model)


def _inner(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that stand inside a node's fields, each once."""
    found: dict[type[BaseModel], None] = {}
    for info in kind.model_fields.values():
        for part in _parts(info.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found[part] = None
    return list(found)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for each in get_args(annotation):
        yield from _parts(each)


def _about(model: type[BaseModel]) -> str:
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _table(model: type[BaseModel], names: list[str] | None = None) -> Iterator[str]:
    known = fields_of(model)
    yield "| key | what it says | how it is written | |"
    yield "|---|---|---|---|"
    for name in names if names is not None else known:
        info = known[name]
        needed = "needed" if info.is_required() or getattr(model, "word", None) == name else ""
        yield f"| `{name}` | {info.description or ''} | {_written(annotated(info.annotation, info.metadata))} | {needed} |"
    yield ""


def _written(annotation: Any) -> str:  # noqa: PLR0911  # a table of kinds of types, one line each
    """How a value of this type is written, in words."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if annotation is ConditionText:
        return _NAMED["condition"]
    if annotation == Name:
        return "a name: small letters, figures, - and _"
    if origin is Annotated:
        names = next((each for each in inside[1:] if isinstance(each, Names)), None)
        return _NAMED[names.what] if names else _written(inside[0])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_written(each) for each in inside if each is not type(None)))
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inside)
    if origin is tuple:
        return f"a list: {_written(inside[0])}"
    if origin is dict:
        return "the nodes" if inside[1] is Node or Node in get_args(inside[1]) else f"names, and for each {_written(inside[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"the keys of {annotation.__name__}"
    return _SIMPLE.get(annotation, "a text")


_SIMPLE: dict[Any, str] = {
    Duration: "a duration: `5 days`",
    Share: "a share: `45%`",
    Lift: "a lift: `1 point`",
    Count: "a number: `40000`",
    Moment: "a moment: `monday 09:00`",
    bool: "`yes` or `no`",
}


def _values() -> Iterator[str]:
    yield from ("## Values", "")
    for kind in (Duration, Share, Moment, Lift):
        yield from (f"**{kind.__name__}.** {' '.join(inspect.cleandoc(kind.__doc__ or '').replace('``', '`').split())}", "")
    yield from ("Shares and lifts may have a comma or a point. Everything is kept as it was written: `no` and `09:00` are no puzzles.", "")


def _variables() -> Iterator[str]:
    yield from ("## Variables in subjects and templates", "")
    yield from ("`{{ customer.ATTRIBUTE }}` for each attribute below and each of the workspace's own, and:", "")
    yield from (", ".join(f"`{{{{ {name} }}}}`" for name in FIXED) + ".", "")
    yield from ("In a message that answers a request also " + ", ".join(f"`{{{{ {name} }}}}`" for name in ANSWERING) + ".", "")
    yield from ("| attribute | what it holds | kind |", "|---|---|---|")
    yield from (f"| `{name}` | {each.title} | {each.kind.value} |" for name, each in BUILT_IN.items())


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
