"""What was decided on a campaign stands in its report, with the figures that it stood on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.promote import Decided, DecidedBy, DecisionKind, write_down
from response.parts import As
from response.sections.goal import section
from response.statistics.sums import Effect
from tests.response.response_story import DONE, HOLDOUT, NOON, TEST, Story, flow, telling
from tests.response.section_reading import keys, rows, spoken


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def comparison(arm: str, metric: str, estimate: float, verdict: str) -> dict[str, Any]:
    limits = {"estimate": estimate, "low": estimate - 0.01, "high": estimate + 0.01}
    return {"metric": metric, "arm": arm, "control": "plain", "p_value": 0.004, "absolute": limits, "verdict": verdict}


def decides(story: Story, kind: DecisionKind, by: DecidedBy, days: float, evidence: dict[str, Any], campaign: str = "spring") -> None:
    arm = "warm" if kind == "promoted" else None
    write_down(story.session, campaign, Decided(NOON + timedelta(days=days), kind, "test", arm, by, "v1", None, evidence))
    story.session.flush()


def test_each_decision_is_said_with_who_took_it_and_on_which_figures(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    story.arm(5, "test", "warm", version)
    decides(story, "kept", "rule", 29, {"comparisons": [comparison("warm", "purchase", 0.001, "inconclusive")], "because": None})
    decides(story, "promoted", "person", 30, {"comparisons": [comparison("warm", "spend", 1.5, "better")], "because": "we like {it}"})
    sources = story.sources(40)
    found = section(sources)
    assert [key for key in keys(found) if key.startswith("decided.")] == ["decided.kept.rule", "decided.promoted.person"]
    first, second = rows(found, "decisions")
    assert (first["decision"], first["decided_by"], first["group"], first["verdict"]) == ("kept", "rule", "warm", "inconclusive")
    assert (second["absolute"], second["p"]) == (Effect(1.5, 1.49, 1.51), 0.004)
    table = next(table for table in found.tables if table.name == "decisions")
    assert [cell.kind for row in table.rows for cell in row if isinstance(cell, As)] == ["points", "extra"]
    told = spoken(found, sources)
    assert "On 1 April 2026, 14:00 somebody made “warm” the routine at “test”." in told["en"]
    assert "“spend” of “warm” against “plain”: +€1.50 (+€1.49 to +€1.51), better. The reason given: we like {it}" in told["en"]
    assert "liet de eigen regel van de flow bij “test” alles zoals het was" in told["nl"]


def test_what_was_decided_later_or_elsewhere_is_not_told(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    story.arm(5, "test", "warm", version)
    decides(story, "promoted", "rule", 50, {"comparisons": []})
    decides(story, "promoted", "rule", 5, {"comparisons": []}, campaign="autumn")
    found = section(story.sources(40))
    assert not [key for key in keys(found) if key.startswith("decided.")]
    assert [table.name for table in found.tables] == ["goal"]
