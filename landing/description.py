"""The OpenAPI description of the public addresses, made from the routes of the application: for testers and for whoever guards it.

It is written into docs/ and not served: the pages are for people.
"""

import inspect
import json
import re
import warnings
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from landing.site import Form

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_PAGE = {"text/html": _TEXT}
_FILES = ("text/css", "text/calendar", "text/vtt", "image/*", "video/*")
# What an address may give, by kind of content: files under templates/, and what is made here.
FOUND = {**_PAGE, **dict.fromkeys(_FILES, _TEXT), "application/json": {"schema": {"type": "object"}}}
_ANSWERS: dict[str, str] = {
    "200": "A page, a picture, a film, a style, a calendar file, or somebody's data as a file.",
    "204": "Done, and there is nothing to show.",
    "302": "Led on to where a link of the message leads.",
    "303": "Led on to another page.",
    "403": "What claims to come from a provider is not signed by it.",
    "404": "No such address, or no such link: the same page for every wrong, altered, expired and foreign one.",
    "405": "This address knows other methods.",
    "413": "Too large, or it cannot be read.",
    "422": "Something has to be filled in otherwise; the page says what.",
    "429": "Too much within a minute, or too many wrong codes.",
    "500": "A failure of ours; nothing was stored.",
    "503": "The database is away; nothing was stored.",
}
_FORM = {
    "type": "object",
    "description": "The fields of the page's form. What a field may hold, the page says; the rest is not looked at.",
    "additionalProperties": {"type": "string"},
}
_CODE = {"type": "object", "properties": {"code": {"type": "string", "maxLength": 40, "description": "The short code of a letter."}}}


def description(app: FastAPI) -> dict[str, Any]:
    """The description, as OpenAPI 3.1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GET and HEAD of one address share a name, and are given their own below
        found = get_openapi(title="contactflow: landing pages", version="1", routes=app.routes, description=__doc__)
    # In place of FastAPI's own way of complaining, which the pages do not use.
    found["components"] = {"responses": {f"A{status}": _answer(status, text) for status, text in _ANSWERS.items()}}
    forms = {each.path_format for each in app.routes if isinstance(each, APIRoute) and _reads_form(each)}
    for path, operations in found["paths"].items():
        # The methods of an address are a set, which has another order in every process.
        found["paths"][path] = dict(sorted(operations.items()))
        for method, operation in operations.items():
            named = {each["name"] for each in operation.get("parameters", ())}
            missing = [name for name in re.findall(r"{(\w+)}", path) if name not in named]
            operation["parameters"] = [*operation.get("parameters", ()), *map(_in_path, missing)]
            operation["responses"] = {status: {"$ref": f"#/components/responses/A{status}"} for status in _ANSWERS}
            operation["operationId"] = f"{method} {path}"
            operation["summary"] = operation.get("description", path).partition("\n")[0]
            operation.pop("description", None)
            if method == "post" and path in forms:
                schema = _CODE if path == "/c" else _FORM
                operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    return found


def _reads_form(route: APIRoute) -> bool:
    return any(each.annotation is Form for each in inspect.signature(route.endpoint).parameters.values())


def _answer(status: str, text: str) -> dict[str, Any]:
    content = {"200": FOUND, "204": {}, "302": {}, "303": {}}.get(status, _PAGE)
    return {"description": text, **({"content": content} if content else {})}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def description_text(app: FastAPI) -> str:
    """The description as it stands in docs/."""
    return json.dumps(description(app), indent=1, ensure_ascii=False) + "\n"
