"""The JSON Schema of a campaign's file, for editors: completion and first faults while typing. `check` knows more.

Editors read YAML's plain values as numbers and booleans where we keep what was written, so texts may be those as well.
"""

import re
from typing import Any

from pydantic import BaseModel

from engine.campaign import CampaignSpec
from engine.language.fields import NAME
from engine.nodes import node_types

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOOLEAN = {"anyOf": [{"enum": [True, False, "yes", "no"]}, {"type": "string", "pattern": "^([Yy]es|[Nn]o|[Oo]n|[Oo]ff|YES|NO|ON|OFF)$"}]}
_TEXT = ["string", "number", "boolean"]


def campaign_schema() -> dict[str, Any]:
    """The schema of one file in flows/."""
    definitions: dict[str, Any] = {}
    document = _schema_of(CampaignSpec, definitions)
    kinds = [{"$ref": f"#/$defs/{_take(kind, word, definitions)}"} for word, kind in node_types().items()]
    about = document["properties"]["flow"].get("description", "")
    document["properties"]["flow"] = {
        "type": "object",
        "description": about,
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"anyOf": kinds},
    }
    definitions.pop("Node", None)
    return {"$schema": DIALECT, "title": "A campaign", **document, "$defs": dict(sorted(definitions.items()))}


def _take(model: type[BaseModel], word: str, definitions: dict[str, Any]) -> str:
    schema = _schema_of(model, definitions)
    required = dict.fromkeys([word, *schema.get("required", [])])
    definitions[model.__name__] = {**schema, "required": list(required)}
    return model.__name__


def _schema_of(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """A model's schema as authors meet it; the models inside it go to `definitions`."""
    schema = model.model_json_schema()
    definitions.update({name: _mended(each) for name, each in schema.pop("$defs", {}).items()})
    for name, info in model.model_fields.items():
        if info.exclude:
            schema["properties"].pop(name, None)
    mended: dict[str, Any] = _mended(schema)
    return mended


def _mended(part: Any) -> Any:
    """Without pydantic's titles and defaults, and with every way in which an editor may see a value."""
    if isinstance(part, list):
        return [_mended(each) for each in part]
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("properties"), dict):
        part = {**part, "properties": {name: _mended(each) for name, each in part["properties"].items()}}
        inside, part = part["properties"], {key: each for key, each in part.items() if key != "properties"}
        return {**_mended(part), "properties": inside}
    plain = {key: _mended(each) for key, each in part.items() if key not in ("title", "default")}
    if isinstance(plain.get("description"), str):
        plain["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", plain["description"])
    return _wider(_without_null(plain))


def _without_null(part: dict[str, Any]) -> dict[str, Any]:
    """A key that may be left out is left out, not empty."""
    ways = [each for each in part.get("anyOf", []) if each != {"type": "null"}]
    if "anyOf" not in part or len(ways) == len(part["anyOf"]):
        return part
    rest = {key: each for key, each in part.items() if key != "anyOf"}
    return {**ways[0], **rest} if len(ways) == 1 else {**rest, "anyOf": ways}


def _wider(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "boolean":
        return {**{key: each for key, each in part.items() if key != "type"}, **_BOOLEAN}
    if part.get("type") == "string" and not part.keys() & {"pattern", "enum", "const"}:
        return {**part, "type": _TEXT}
    if part.get("type") == "array" and part.get("items", {}).keys() & {"enum", "pattern"}:  # one may be written without its dash
        about = {"description": part["description"]} if "description" in part else {}
        return {**about, "anyOf": [{key: each for key, each in part.items() if key != "description"}, part["items"]]}
    return part
