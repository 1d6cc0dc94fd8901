"""A report as JSON: the contract of `contactflow report --format json`, described by response/schema.json."""

import json
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

from response.facts import Comparison, Experiment, FunnelRow, Report
from response.statistics.sums import Effect
from response.words import Words, comparison_sentence, headline

SCHEMA_NAME = "contactflow-report-1"
LEVEL = 0.95
_METHODS = {
    True: {"absolute": "Newcombe 1998, method 10", "relative": "log scale, delta method", "p_value": "score test, pooled z"},
    False: {"absolute": "Welch", "relative": "log scale, delta method", "p_value": "Welch's t test"},
}


def as_json(report: Report) -> dict[str, Any]:
    """The report as a document that `json.dumps` takes. Instants are ISO 8601 in UTC; what is not defined is null."""
    words = Words("en", report)
    return {
        "schema": SCHEMA_NAME,
        "campaign": report.campaign,
        "title": report.title,
        "as_of": report.as_of.isoformat(),
        "time_zone": report.zone,
        "currency": report.currency,
        "headline": headline(report, words),
        "learning_goal": asdict(report.goal) if report.goal else None,
        "window": _instants(asdict(report.window)),
        "versions": [_instants(asdict(run)) for run in report.versions],
        "comparisons": [_comparison(each, report, words) for each in report.comparisons],
        "trust": [_experiment(each) for each in report.experiments],
        "funnel": [_funnel_row(row) for row in report.funnel],
        "exclusions": [{**asdict(each), "meaning": words.known("reason", each.reason)} for each in report.exclusions],
        "totals": dict(report.overall),
        "curve": _plain(asdict(report.curve)) if report.curve else None,
        "notes": [{"code": note.code, "text": words.note(note)} for note in report.notes],
        "definitions": {metric: words(f"define.{metric}") for metric in report.metrics},
    }


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of `as_json`."""
    document: dict[str, Any] = json.loads(files("response").joinpath("schema.json").read_text("utf-8"))
    return document


def _comparison(found: Comparison, report: Report, words: Words) -> dict[str, Any]:
    return {
        "metric": found.metric,
        "node": found.node,
        "kind": found.kind,
        "primary": found.primary,
        "arm": found.arm,
        "control": found.control,
        "unit": "share of customers assigned" if found.metric != "spend" else f"{report.currency} per customer assigned",
        "arm_assigned": found.arm_assigned,
        "control_assigned": found.control_assigned,
        "arm_total": found.arm_total,
        "control_total": found.control_total,
        "arm_rate": found.arm_rate,
        "control_rate": found.control_rate,
        "level": LEVEL,
        "absolute": _effect(found.absolute),
        "relative": _effect(found.relative),
        "p_value": found.p_value,
        "adjusted_p_value": found.adjusted_p_value,
        "detectable": found.detectable,
        "verdict": found.verdict.value,
        "why": found.why,
        "sentence": comparison_sentence(found, report, words),
        "methods": _METHODS[found.metric != "spend"],
    }


def _effect(effect: Effect) -> dict[str, float | None]:
    return {"estimate": effect.estimate, "low": effect.low, "high": effect.high}


def _experiment(experiment: Experiment) -> dict[str, Any]:
    document: dict[str, Any] = _plain(asdict(experiment))
    return {**document, "sample_ratio_broken": experiment.broken}


def _funnel_row(row: FunnelRow) -> dict[str, Any]:
    messages = asdict(row.messages)
    reasons = dict(messages.pop("reasons"))
    place = {"node": row.node, "channel": row.channel, "arm": row.arm, "queued": row.messages.queued}
    return {**place, **messages, "reasons": reasons, **asdict(row.reactions)}


def _instants(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in document.items()}


def _plain(value: Any) -> Any:
    """Tuples as lists: what comes back from JSON equals what went in."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
