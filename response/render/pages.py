"""A page about several campaigns as JSON, in the same form as the sections of a report."""

from typing import Any

from response.parts import Definition, Document
from response.render.data import sections_as_json
from response.render.reader import Reader

SCHEMA_NAME = "contactflow-page-1"


def page_as_json(document: Document) -> dict[str, Any]:
    """The page as a document that `json.dumps` takes. Instants are ISO 8601 in UTC; what is not defined is null."""
    read = Reader("en", document)
    parts = (part for section in document.sections for part in section.parts)
    return {
        "schema": SCHEMA_NAME,
        "page": document.name,
        "title": read.say(document.title),
        "as_of": document.as_of.isoformat(),
        "time_zone": document.zone,
        "currency": document.currency,
        "headline": " ".join(read.say(each) for each in document.headline),
        "sections": sections_as_json(document),
        "definitions": {part.name: read.say(part.text) for part in parts if isinstance(part, Definition)},
    }
