"""What a field may hold besides the values: one line, a name, or the name of something outside itself."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from engine.language.values import Duration, Moment, ValueFault, read_pause
from engine.metrics import BUILT_IN

Named = Literal["node", "condition", "template", "segment", "channel", "purpose", "attribute", "metric"]


def _one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


def _name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        remedy = "Use small letters, figures, - and _, beginning with a letter; at most 63 characters."
        raise ValueFault(f"'{value[:60]}' cannot be a name.", remedy)
    return value


@dataclass(frozen=True, slots=True)
class MayBeEmpty:
    """Marks a field in which nothing may be written after the colon."""


NAME = r"[a-z][a-z0-9_-]{0,62}"
NAME_PATTERN = re.compile(NAME)
Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Line = Annotated[str, BeforeValidator(_one_line), Field(min_length=1, max_length=200)]  # one line that people read
LineOrNothing = Annotated[
    str,
    MayBeEmpty(),
    BeforeValidator(_one_line),
    Field(max_length=200),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Pause = Annotated[Duration | Moment, BeforeValidator(read_pause)]


@dataclass(frozen=True, slots=True)
class Names:
    """Marks a field whose text names something outside itself; the check looks it up."""

    what: Named


NodeRef = Annotated[str, Names("node")]
TemplateFile = Annotated[str, Names("template")]  # a file under templates/
SegmentName = Annotated[str, Names("segment")]
ChannelName = Annotated[str, Names("channel")]
PurposeName = Annotated[str, Names("purpose")]
AttributeName = Annotated[str, Names("attribute")]
# One of the built-in metrics, or of [metrics] in contactflow.toml.
MetricName = Annotated[str, Names("metric"), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$", "examples": list(BUILT_IN)})]
