"""Every table of a report as a file, CSV or Parquet, with one file that explains each column.

CSV is UTF-8 without a byte order mark, with commas, points and ISO 8601 times, whatever the reader's language: these are files for
programs, and a mark or a semicolon would have to be known of by each of them. In a Dutch Excel: Data > From Text/CSV, which asks.
A text that a spreadsheet would take for a formula (it begins with = + - @ a tab or a return) has an apostrophe before it in CSV, so
that opening a file computes nothing; numbers are never touched, and Parquet has every text as it is.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from response.parts import Definition, Document, Section, Table
from response.render.frames import Field, fields
from response.render.reader import Reader

DESCRIPTION = "datapackage.json"
_TYPES = {pl.String: "string", pl.Int64: "integer", pl.Float64: "number", pl.Date: "date", pl.Datetime: "datetime"}
_FORMULA = r"^[=+\-@\t\r]"
_UNSAFE = re.compile(r"[^\w.-]+")


def write_csv(document: Document, folder: Path, language: str = "en") -> list[Path]:
    """Every table as a CSV file in `folder`, and what its columns are. Gives the files."""
    return _write(document, folder, language, "csv", _save_csv)


def write_parquet(document: Document, folder: Path, language: str = "en") -> list[Path]:
    """Every table as a Parquet file in `folder`, and what its columns are. Gives the files."""
    return _write(document, folder, language, "parquet", lambda frame, path: frame.write_parquet(path))


def _save_csv(frame: pl.DataFrame, path: Path) -> None:
    _guarded(frame).write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")


def _guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """No text in it is a formula to a spreadsheet (OWASP, CSV injection)."""
    texts = [pl.col(name) for name, kind in frame.schema.items() if kind == pl.String]
    guarded = (pl.when(each.str.contains(_FORMULA)).then(pl.lit("'") + each).otherwise(each) for each in texts)
    return frame.with_columns(each.alias(text.meta.output_name()) for each, text in zip(guarded, texts, strict=True))


def _write(document: Document, folder: Path, language: str, ending: str, save: Callable[[pl.DataFrame, Path], None]) -> list[Path]:
    reader = Reader(language, document)
    folder.mkdir(parents=True, exist_ok=True)
    written, resources = [], []
    for section in document.sections:
        for table in section.tables:
            columns = fields(table, reader)
            path = folder / f"{_UNSAFE.sub('_', table.name)}.{ending}"
            save(pl.DataFrame([column.series for column in columns]), path)
            written.append(path)
            resources.append(_resource(table, section, columns, path, reader))
    description = folder / DESCRIPTION
    description.write_text(json.dumps(_package(document, resources, reader), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, description]


def _package(document: Document, resources: list[dict[str, Any]], reader: Reader) -> dict[str, Any]:
    """What is in the folder, after the Data Package specification; what it has no word for stands under names of our own."""
    return {
        "name": document.name,
        "title": reader.say(document.title),
        "description": " ".join(reader.say(each) for each in document.headline),
        "created": document.as_of.isoformat(),
        "currency": document.currency,
        "time_zone": document.zone,
        "resources": resources,
        "definitions": _definitions(document, reader),
    }


def _definitions(document: Document, reader: Reader) -> dict[str, str]:
    found = (part for section in document.sections for part in section.parts if isinstance(part, Definition))
    return {each.name: reader.say(each.text) for each in found}


def _resource(table: Table, section: Section, columns: list[Field], path: Path, reader: Reader) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": table.name,
        "path": path.name,
        "title": reader.name(table),
        "section": reader.title(section),
        "format": path.suffix.removeprefix("."),
        "schema": {"fields": [_described(each, reader) for each in columns], "missingValues": [""]},
    }
    if path.suffix == ".csv":
        resource |= {"mediatype": "text/csv", "encoding": "utf-8", "dialect": {"delimiter": ",", "decimalChar": "."}}
    return resource | ({"total_row": table.total} if table.total is not None else {})


def _described(field: Field, reader: Reader) -> dict[str, Any]:
    kind = "text" if field.part == "kind" else field.column.kind
    words = reader.word("col", field.column.name)
    about = {
        "name": field.name,
        "type": _TYPES[type(field.series.dtype)],
        "title": f"{words}, {reader(f'page.{field.part}')}" if field.part else words,
    }
    return about | {
        "kind": kind,
        "description": reader(f"kind_of.{kind}"),
        **({"define": field.column.define} if field.column.define else {}),
    }
