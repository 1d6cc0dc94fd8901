"""Which learning goal a report answers, whom it counts, and when a campaign that goes on is judged."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import select

from engine.metrics import BUILT_IN, MetricSpec
from engine.nodes.audience import Audience
from engine.nodes.request import Request
from engine.tables import Campaign
from response.building import build_report, sources
from response.facts import Comparison, Note, Report
from response.statistics.verdicts import Verdict
from store.errors import NotFoundError
from tests.response.response_story import AMSTERDAM, DONE, HOLDOUT, LEARN, MAIL, NOON, Story, flow, pick, telling

MARGIN = MetricSpec("margin", "margin", margin_share=0.5)
METRICS = {**BUILT_IN, "margin": MARGIN}
AGAIN = Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "50%", "again": "1 day"})
BY_MARGIN = {**LEARN, "metric": "margin", "minimum_lift": "0.50"}


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def report_of(story: Story, days: float = 90, goal: str | None = None, metrics: Mapping[str, MetricSpec] = METRICS) -> Report:
    at = NOON + timedelta(days=days)
    return build_report(story.session, "spring", at, AMSTERDAM, "EUR", lambda row: story.flows[row.version], metrics, goal)


def notes(report: Report) -> dict[str, dict[str, str]]:
    return {note.code: dict(note.values) for note in report.notes}


def two_goals(story: Story) -> tuple[str, str]:
    first = story.runs(flow(HOLDOUT, DONE, learn=BY_MARGIN), metrics=METRICS)
    second = story.runs(flow(HOLDOUT, DONE), NOON + timedelta(days=1), metrics=METRICS)
    story.buys(story.arm(30, "start", "contacted", first)[0], 1000)
    story.arm(30, "start", "control", first)
    return first, second


def test_the_newest_goal_that_anybody_came_in_under_is_answered_on_those_who_did(story: Story) -> None:
    _, second = two_goals(story)
    before = report_of(story)
    assert before.goal is not None
    assert (before.goal.metric, before.goal.registered_at, before.window.customers) == ("margin", NOON, 60)
    for arm in ("contacted", "control"):
        story.arm(20, "start", arm, second, NOON + timedelta(days=1))
    report = report_of(story)
    assert report.goal is not None
    assert (report.goal.metric, report.goal.registered_at) == ("purchase", NOON + timedelta(days=1))
    assert [arm.assigned for arm in report.experiments[0].arms] == [20, 20]
    assert (report.window.customers, [run.customers for run in report.versions]) == (40, [40])
    assert [(run.metric, run.customers) for run in report.goals] == [("margin", 60), ("purchase", 40)]
    assert notes(report)["earlier_goals"] == {
        "campaign": "spring",
        "digests": report.goals[0].digest,
        "digest": report.goals[0].digest,
    }
    assert notes(report)["other_goals_customers"] == {"customers": "60"}


def test_customers_assigned_by_other_shares_are_not_added_up(story: Story) -> None:
    """Rates fell between the pilot and the routine: together they would show a rise where in neither there is any."""
    tail = Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "10%"})
    pilot = story.runs(flow(HOLDOUT, DONE), metrics=METRICS)
    routine = story.runs(flow(tail, DONE), NOON + timedelta(days=1), metrics=METRICS)
    for version, sizes, every in ((pilot, (100, 100), 2), (routine, (180, 20), 10)):
        for arm, size in zip(("contacted", "control"), sizes, strict=True):
            for member in story.arm(size, "start", arm, version, NOON + timedelta(days=version == routine))[::every]:
                story.buys(member, 1000)
    report = report_of(story)
    found = pick(report, "purchase", "contacted")
    assert (found.arm_assigned, found.control_assigned, found.absolute.estimate) == (180, 20, 0)
    earlier = notes(report)["earlier_goals"]["digest"]
    before = pick(report_of(story, goal=earlier), "purchase", "contacted")
    assert (before.arm_assigned, before.control_assigned, before.absolute.estimate) == (100, 100, 0)


def test_an_earlier_goal_is_answered_when_it_is_asked_for(story: Story) -> None:
    _, second = two_goals(story)
    story.arm(5, "start", "contacted", second, NOON + timedelta(days=1))
    digest = report_of(story).goals[0].digest
    report = report_of(story, goal=digest[:6])
    assert report.goal is not None
    assert (report.goal.digest, report.window.customers) == (digest, 60)
    assert pick(report, "margin", "contacted").arm_total == 5
    with pytest.raises(NotFoundError, match=rf"no learning goal that begins with 'ffff'. It has: {digest} \(margin\)"):
        report_of(story, goal="ffff")


def test_going_back_to_an_earlier_version_asks_its_question_again(story: Story) -> None:
    first, second = two_goals(story)
    story.arm(5, "start", "contacted", second, NOON + timedelta(days=1))
    story.arm(5, "start", "contacted", first, NOON + timedelta(days=2))
    report = report_of(story)
    assert report.goal is not None
    assert (report.goal.metric, report.window.customers) == ("margin", 65)


def test_the_registered_definition_is_measured_and_that_is_said(story: Story) -> None:
    two_goals(story)
    changed = {**METRICS, "margin": replace(MARGIN, margin_share=0.9)}
    report = report_of(story, metrics=changed)
    assert pick(report, "margin", "contacted").arm_total == 5
    assert notes(report)["metric_changed"] == {"metric": "margin"}
    assert report.spec("margin") == MARGIN
    assert "metric_changed" not in notes(report_of(story))
    assert notes(report_of(story, metrics=BUILT_IN))["metric_changed"] == {"metric": "margin"}


def test_sections_get_the_registered_definitions_too(story: Story) -> None:
    first, second = two_goals(story)
    story.arm(5, "start", "contacted", second, NOON + timedelta(days=1))
    changed = {**METRICS, "margin": replace(MARGIN, margin_share=0.9), "late": MetricSpec("late", "purchase")}
    found = sources(
        story.session, "spring", NOON + timedelta(days=90), AMSTERDAM, "EUR", lambda row: story.flows[row.version], changed, None
    )
    assert list(found.flows) == [second]
    assert found.metrics["late"] == MetricSpec("late", "purchase")
    earlier = found.report.goals[0].digest
    at = NOON + timedelta(days=90)
    before = sources(story.session, "spring", at, AMSTERDAM, "EUR", lambda row: story.flows[row.version], changed, earlier)
    assert (list(before.flows), before.metrics["margin"]) == ([first], MARGIN)


def test_a_guardrail_that_was_registered_stands_when_it_is_taken_away(story: Story) -> None:
    guard = MetricSpec("opt_outs", "opt_out", better="less", guardrail=0.01)
    version = story.runs(flow(HOLDOUT, DONE), metrics={**METRICS, "opt_outs": guard})
    story.arm(5, "start", "contacted", version)
    story.arm(5, "start", "control", version)
    assert pick(report_of(story), "opt_outs", "contacted").guardrail == "inconclusive"


def test_a_version_from_before_goals_were_registered_has_the_goal_of_its_text(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(5, "start", "contacted", version)
    registered = story.runs(flow(HOLDOUT, MAIL, DONE), NOON + timedelta(days=1), metrics=METRICS)
    story.arm(5, "start", "contacted", registered, NOON + timedelta(days=1))
    report = report_of(story)
    assert report.goal is not None
    assert (len(report.goals), report.window.customers) == (1, 10)


def evergreen(story: Story, learn: Mapping[str, Any] = LEARN) -> str:
    version = story.runs(flow(AGAIN, DONE, learn=learn), metrics=METRICS)
    campaign = story.session.exec(select(Campaign)).one()
    campaign.version_id = story.versions[version]
    story.session.flush()
    return version


def comes_in(story: Story, version: str, day: int, size: int, buyers: tuple[int, int]) -> None:
    """A day's customers: `size` in each arm, of whom so many buy a day later."""
    for arm, count in zip(("contacted", "control"), buyers, strict=True):
        for member in story.arm(size, "start", arm, version, NOON + timedelta(days=day))[:count]:
            story.buys(member, 1000)


def asked(story: Story, days: float) -> Comparison:
    return pick(report_of(story, days), "purchase", "contacted")


def test_a_campaign_that_goes_on_is_judged_on_those_whose_window_has_closed(story: Story) -> None:
    version = evergreen(story)
    for day in (0, 10, 20):
        comes_in(story, version, day, 200, (100, 20))
    report = report_of(story, days=40)
    found = pick(report, "purchase", "contacted")
    assert (found.arm_assigned, found.arm_total, found.verdict) == (400, 200, Verdict.BETTER)
    assert (report.window.customers, report.window.open_customers, report.window.goes_on) == (1200, 400, True)
    assert notes(report)["open_windows"] == {"customers": "400"}
    assert [arm.assigned for arm in report.experiments[0].arms] == [400, 400]
    assert (asked(story, 27.9).why, asked(story, 27.9).arm_assigned) == ("window_open", 600)  # nobody has had all their time


def test_a_campaign_that_people_ask_to_come_into_goes_on(story: Story) -> None:
    ask = Request.model_validate({"id": "start", "request": "join", "page": "join.yaml"})
    campaign = story.session.exec(select(Campaign)).one()
    campaign.version_id = story.versions[story.runs(flow(ask, DONE), metrics=METRICS)]
    assert report_of(story, days=40).window.goes_on


def test_a_campaign_that_nobody_comes_into_any_more_is_judged_at_its_closing_date(story: Story) -> None:
    version = evergreen(story)
    comes_in(story, version, 0, 200, (100, 20))
    comes_in(story, version, 10, 200, (100, 20))
    story.session.exec(select(Campaign)).one().version_id = None
    story.session.flush()
    early, closed = asked(story, 37.9), asked(story, 38)
    assert (early.why, early.open_customers, early.arm_assigned) == ("early", 400, 400)
    assert (closed.why, closed.open_customers, closed.verdict) == ("interval", 0, Verdict.BETTER)


def test_what_a_single_look_would_call_better_must_hold_at_any_look_when_there_is_no_closing_date(story: Story) -> None:
    version = evergreen(story)
    comes_in(story, version, 0, 1000, (60, 40))
    found = asked(story, 30)
    assert found.p_value is not None
    assert found.p_value < 0.05
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "looked_at_any_time")


def test_a_planned_number_is_judged_once_on_the_first_so_many(story: Story) -> None:
    version = evergreen(story, {**LEARN, "customers": "2000"})
    comes_in(story, version, 0, 500, (25, 20))
    assert (asked(story, 30).verdict, asked(story, 30).why) == (Verdict.INCONCLUSIVE, "planned_open")
    comes_in(story, version, 10, 500, (35, 20))
    early = asked(story, 37.9)
    assert (early.why, early.closes_at) == ("window_open", NOON + timedelta(days=38))
    answer = asked(story, 38)
    assert (answer.arm_assigned, answer.arm_total, answer.verdict) == (1000, 60, Verdict.BETTER)
    comes_in(story, version, 40, 500, (0, 100))
    report = report_of(story, 200)
    assert replace(pick(report, "purchase", "contacted"), closes_at=None) == replace(answer, closes_at=None)
    assert Note("planned_reached", (("planned", "2000"),)) in report.notes
    assert report.window.customers == 3000


def test_daily_looks_at_a_campaign_that_goes_on_find_nothing_where_there_is_nothing(story: Story) -> None:
    """Sixty looks at one A/A campaign: a fixed test would be tempted, the any-time test gives no winner."""
    version, random = evergreen(story), np.random.default_rng(4)
    for day in range(0, 60, 2):
        comes_in(story, version, day, 25, (int(random.binomial(25, 0.2)), int(random.binomial(25, 0.2))))
    verdicts = {asked(story, 30 + look).verdict for look in range(0, 60, 4)}
    assert not verdicts & {Verdict.BETTER, Verdict.WORSE}
