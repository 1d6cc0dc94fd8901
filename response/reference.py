"""The reference page of the JSON report, made from its schema."""

from collections.abc import Iterator
from typing import Any

from response.render.data import schema


def reference_page() -> str:
    """docs/reference/report-json.md; a test holds the two together."""
    document = schema()
    lines = ["# The JSON report", "", document["description"], "", *_fields(document)]
    for name, each in document["$defs"].items():
        lines += ["", f"## {name}", "", each["description"], *(["", *_fields(each)] if "properties" in each else [])]
    return "\n".join(lines) + "\n"


def _fields(document: dict[str, Any]) -> Iterator[str]:
    yield "| field | type | what |"
    yield "|---|---|---|"
    for name, field in document["properties"].items():
        yield f"| `{name}` | {_type(field)} | {field.get('description', '')} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name})"
    if "enum" in field:
        return " · ".join(f"`{value}`" if value else "null" if value is None else "empty" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "oneOf" in field:
        return " or ".join(_type(each) for each in field["oneOf"])
    if field["type"] == "array":
        return f"list of {_type(field['items'])}"
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join(kinds)
