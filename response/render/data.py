"""A report as JSON: the contract of `contactflow report --format json`, described by response/schema.json."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from response.facts import Comparison, Report
from response.parts import As, Cell, Chart, Column, Definition, Document, Items, Picture, Query, Say, Section, Table, Word
from response.render.reader import Reader
from response.sayings import comparison_said, note_said, unit_of
from response.statistics.sums import Effect

SCHEMA_NAME = "contactflow-report-2"
LEVEL = 0.95
_METHODS = {
    "share": {"absolute": "Newcombe 1998, method 10", "relative": "log scale, delta method", "p_value": "score test, pooled z"},
    "money": {"absolute": "Welch", "relative": "log scale, delta method", "p_value": "Welch's t test"},
    "number": {"absolute": "Welch", "relative": "log scale, delta method", "p_value": "Welch's t test"},
    "ratio": {"absolute": "delta method with the covariance", "relative": "log scale, delta method", "p_value": "delta method"},
}


def as_json(document: Document, report: Report) -> dict[str, Any]:
    """A campaign's report as a document that `json.dumps` takes. Instants are ISO 8601 in UTC; what is not defined is null."""
    read = Reader("en", document)
    return {
        "schema": SCHEMA_NAME,
        "campaign": report.campaign,
        "title": report.title,
        "as_of": report.as_of.isoformat(),
        "time_zone": report.zone,
        "currency": report.currency,
        "headline": " ".join(read.say(each) for each in document.headline),
        "learning_goal": _plain(asdict(report.goal)) if report.goal else None,
        "window": _plain(asdict(report.window)),
        "versions": [_plain(asdict(run)) for run in report.versions],
        "comparisons": [_comparison(each, report, read) for each in report.comparisons],
        "totals": dict(report.overall),
        "notes": [{"code": note.code, "text": read.say(note_said(note))} for note in report.notes],
        "sections": sections_as_json(document),
        "definitions": _definitions(document, read),
    }


def sections_as_json(document: Document, language: str = "en") -> list[dict[str, Any]]:
    """The sections of any document: sentences, typed tables, and which chart shows what of them."""
    read = Reader(language, document)
    return [_section(each, read) for each in document.sections]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of `as_json`."""
    document: dict[str, Any] = json.loads(files("response").joinpath("schema.json").read_text("utf-8"))
    return document


def _comparison(found: Comparison, report: Report, read: Reader) -> dict[str, Any]:
    unit = unit_of(found)
    per = "customer assigned" if found.arm_base is None else "unit of what it is measured against"
    return {
        "metric": found.metric,
        "node": found.node,
        "kind": found.kind,
        "primary": found.primary,
        "arm": found.arm,
        "control": found.control,
        "unit": {"share": "share of customers assigned", "money": f"{report.currency} per {per}", "number": f"number per {per}"}[unit],
        "better": found.better,
        "arm_assigned": found.arm_assigned,
        "control_assigned": found.control_assigned,
        "arm_total": found.arm_total,
        "control_total": found.control_total,
        "arm_base": found.arm_base,
        "control_base": found.control_base,
        "arm_rate": found.arm_rate,
        "control_rate": found.control_rate,
        "level": LEVEL,
        "absolute": _effect(found.absolute),
        "relative": _effect(found.relative),
        "p_value": found.p_value,
        "adjusted_p_value": found.adjusted_p_value,
        "q_value": found.q_value,
        "detectable": found.detectable,
        "cuped": _plain(asdict(found.cuped)) if found.cuped else None,
        "reached": _effect(found.cace) if found.cace else None,
        "guardrail": found.guardrail,
        "guardrail_margin": found.guardrail_margin,
        "open_customers": found.open_customers,
        "closes_at": found.closes_at.isoformat() if found.closes_at else None,
        "verdict": found.verdict.value,
        "why": found.why,
        "sentence": read.say(comparison_said(found)),
        "methods": _METHODS[unit if found.arm_base is None else "ratio"],
    }


def _section(section: Section, read: Reader) -> dict[str, Any]:
    parts = section.parts
    return {
        "name": section.name,
        "title": read.title(section),
        "says": [_said(each, read) for each in _sayings(section)],
        "tables": [_table(each, read) for each in section.tables],
        "charts": [_chart(each, read) for each in parts if isinstance(each, Chart)],
        "pictures": [{"name": each.name, "title": read.say(each.title)} for each in parts if isinstance(each, Picture)],
        "queries": {each.section: list(each.statements) for each in parts if isinstance(each, Query)},
    }


def _definitions(document: Document, read: Reader) -> dict[str, str]:
    found = (part for section in document.sections for part in section.parts if isinstance(part, Definition))
    return {each.name: read.say(each.text) for each in found}


def _sayings(section: Section) -> Iterator[Say]:
    for part in section.parts:
        match part:
            case Say():
                yield part
            case Items():
                yield from part.says
            case _:
                pass


def _said(said: Say, read: Reader) -> dict[str, Any]:
    return {"key": said.key, "text": read.say(said), "tone": said.tone, "table": said.table, "define": said.define}


def _chart(chart: Chart, read: Reader) -> dict[str, Any]:
    place = {"x": chart.x, "y": chart.y, "series": chart.series}
    return {"name": chart.name, "kind": chart.kind, "title": read.say(chart.title), "table": chart.table.name, **place}


def _table(table: Table, read: Reader) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": read.name(table),
        "columns": [_column(each, read) for each in table.columns],
        "rows": [[_cell(cell, read) for cell in row] for row in table.rows],
        "total": table.total,
        "sums": list(table.sums),
    }


def _column(column: Column, read: Reader) -> dict[str, Any]:
    return {"name": column.name, "kind": column.kind, "title": read.word("col", column.name), "define": column.define}


def _cell(cell: Cell, read: Reader) -> Any:
    match cell:
        case As():
            return {"kind": cell.kind, "value": _cell(cell.value, read)}
        case Effect():
            return _effect(cell)
        case Word():
            return cell.code
        case Say():
            return read.say(cell)
        case date():  # a moment is one as well
            return cell.isoformat()
        case _:
            return cell


def _effect(effect: Effect) -> dict[str, float | None]:
    return {"estimate": effect.estimate, "low": effect.low, "high": effect.high}


def _plain(value: Any) -> Any:
    """Tuples as lists and instants as text: what comes back from JSON equals what went in."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
