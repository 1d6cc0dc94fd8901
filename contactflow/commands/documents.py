"""How a report of any sort is written: the formats of the command line."""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from store.errors import InputError

if TYPE_CHECKING:  # the command line starts without what makes reports
    from response.parts import Document


class ReportFormat(StrEnum):
    """How a report is written."""

    HTML = "html"
    PDF = "pdf"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


FORMATS = "html and pdf for people, json for programs; csv and parquet: a folder with every table."
OUTPUT = "The file, or the folder for csv and parquet. Default: {name}.html, {name}.pdf or {name}/ here; json is printed."


def known_language(asked: str | None) -> str | None:
    """The language that was asked for. Refuses one that reports are not written in: a page in another would be taken for it."""
    from response.words import LANGUAGES

    if asked is not None and asked not in LANGUAGES:
        raise typer.BadParameter(f"'{asked}' is not one of {', '.join(map(repr, LANGUAGES))}.")
    return asked


LANGUAGE = typer.Option(help="en or nl. Default: the workspace's.", callback=known_language)


def write_document(
    document: "Document", as_json: Callable[["Document"], dict[str, Any]], format_: ReportFormat, output: Path | None, language: str
) -> None:
    """Write the document and say where; JSON without a file is printed. Raises InputError when it cannot be written there."""
    if format_ is ReportFormat.JSON and output is None:
        typer.echo(_json(as_json(document)), nl=False)
        return
    target = output or Path(document.name if format_ in (ReportFormat.CSV, ReportFormat.PARQUET) else f"{document.name}.{format_.value}")
    try:
        _write(document, as_json, format_, target, language)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}. Name another place with -o.") from error
    typer.echo(f"{target}")


def _write(
    document: "Document", as_json: Callable[["Document"], dict[str, Any]], format_: ReportFormat, target: Path, language: str
) -> None:
    match format_:
        case ReportFormat.HTML:
            from response.render.html import as_html

            target.write_text(as_html(document, language), encoding="utf-8")
        case ReportFormat.PDF:
            from response.render.pdf import as_pdf

            target.write_bytes(as_pdf(document, language))
        case ReportFormat.JSON:
            target.write_text(_json(as_json(document)), encoding="utf-8")
        case ReportFormat.CSV:
            from response.render.files import write_csv

            write_csv(document, target, language)
        case ReportFormat.PARQUET:
            from response.render.files import write_parquet

            write_parquet(document, target, language)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
