"""Variants of a landing page in the report: those who saw one against those who saw another, judged like every other comparison."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from customers.contact_log import Kind
from engine.graph import FlowGraph
from engine.nodes import Node
from engine.nodes.node import Contrast
from engine.tables import Member
from response.facts import Report
from response.render.files import write_csv
from response.render.html import as_html
from response.sections import build_document
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import Sums
from response.statistics.verdicts import Verdict
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, LEARN, MAIL, TEST, Story, flow, pick, telling

PAGE = "winback/page.yaml"
CONTRAST = Contrast("page", "long", {"short": 0.5, "long": 0.5})


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def with_page(*nodes: Node, **header: Any) -> FlowGraph:
    return replace(flow(*nodes, **header), beside={PAGE: CONTRAST})


def visits(story: Story, version: str, sizes: dict[str, tuple[int, int]], unseen: int = 0) -> None:
    """By variant how many saw the page and how many of them answered; `unseen` never opened it."""
    for variant, (size, answered) in sizes.items():
        members = story.arm(size, PAGE, variant, version)
        for member in members:
            story.contact(member, Kind.VISITED)
        for member in members[:answered]:
            story.contact(member, Kind.ANSWERED)
    story.enters(unseen, version)


def test_variants_are_compared_over_those_who_saw_the_page(story: Story) -> None:
    visits(story, story.runs(with_page(EVERYONE, MAIL, DONE)), {"short": (400, 120), "long": (400, 60)}, unseen=300)
    for member in story.session.exec(select(Member).limit(9)):
        story.message(member, "mail", "sent")
    report = story.report()
    (experiment,) = report.experiments
    assert (experiment.kind, experiment.node, experiment.control) == ("page", PAGE, "long")
    assert [(arm.arm, arm.assigned, arm.expected) for arm in experiment.arms] == [("short", 400, 400), ("long", 400, 400)]
    assert not any(arm.reach.decided for arm in experiment.arms)  # it has no message of its own
    found = pick(report, "answer", "short")
    assert found.absolute == difference_of_proportions(Sums.of_count(400, 120), Sums.of_count(400, 60))
    assert (found.verdict, found.control) == (Verdict.BETTER, "long")
    assert found.q_value is not None


def test_nobody_wins_without_an_interval_that_excludes_nothing(story: Story) -> None:
    visits(story, story.runs(with_page(EVERYONE, MAIL, DONE)), {"short": (40, 9), "long": (40, 6)})
    found = pick(story.report(), "answer", "short")
    assert found.arm_total > found.control_total
    assert found.verdict is Verdict.INCONCLUSIVE


def test_having_seen_the_page_is_no_metric_of_its_variants(story: Story) -> None:
    visits(story, story.runs(with_page(EVERYONE, TEST, DONE)), {"short": (4, 2), "long": (4, 1)})
    report = story.report()
    assert {each.metric for each in report.comparisons if each.kind == "page"} == {"purchase", "spend", "answer"}


def test_the_goal_is_answered_by_what_the_flow_compares_before_its_page(story: Story) -> None:
    version = story.runs(with_page(EVERYONE, MAIL, TEST, DONE))
    visits(story, version, {"short": (40, 20), "long": (40, 10)})
    for arm in ("warm", "plain"):
        story.arm(40, "test", arm, version)
    report = story.report()
    assert [(each.kind, each.primary) for each in report.experiments] == [("variants", True), ("page", False)]
    assert not any(each.primary for each in report.comparisons if each.kind == "page")


def test_a_page_alone_may_answer_the_goal(story: Story) -> None:
    learn = {**LEARN, "metric": "answer", "minimum_lift": "3 points"}
    visits(story, story.runs(with_page(EVERYONE, MAIL, DONE, learn=learn)), {"short": (400, 120), "long": (400, 60)})
    report = story.report()
    assert report.headline is not None
    assert (report.headline.node, report.headline.metric, report.headline.verdict) == (PAGE, "answer", Verdict.BETTER)


@pytest.mark.parametrize("metric", ["visit", "response"])
def test_a_goal_that_everybody_reaches_who_sees_the_page_is_not_answered_by_it(story: Story, metric: str) -> None:
    learn = {**LEARN, "metric": metric, "minimum_lift": "3 points"}
    visits(story, story.runs(with_page(EVERYONE, MAIL, DONE, learn=learn)), {"short": (40, 20), "long": (40, 10)}, unseen=20)
    report = story.report()
    assert (report.headline, dict(report.overall)[metric]) == (None, 80)
    assert {each.metric for each in report.comparisons} == {"purchase", "spend", "answer"}
    assert "100 customers came in, of whom 80" in as_html(build_document(story.sources(), ()), "en")


def test_variants_that_were_not_shown_in_the_shares_that_are_written_are_not_judged(story: Story) -> None:
    visits(story, story.runs(with_page(EVERYONE, MAIL, DONE)), {"short": (500, 300), "long": (300, 60)})
    report = story.report()
    assert pick(report, "answer", "short").verdict is Verdict.NOT_VALID


def test_only_the_first_variant_of_somebody_who_came_twice_counts(story: Story) -> None:
    version = story.runs(with_page(EVERYONE, MAIL, DONE))
    members = story.arm(6, PAGE, "short", version)
    story.arm(6, PAGE, "long", version)
    again = story.again([member.customer_id for member in members], version, members[0].entered_at, 2)
    story.assigns(again, PAGE, "short", version)
    assert [arm.assigned for arm in story.report().experiments[0].arms] == [6, 6]


def test_the_whole_document_holds_with_a_page_beside_a_hold_out(story: Story, tmp_path: Path) -> None:
    version = story.runs(with_page(HOLDOUT, MAIL, DONE))
    visits(story, version, {"short": (60, 30), "long": (60, 12)})
    for arm in ("contacted", "control"):
        story.arm(60, "start", arm, version)
    document = build_document(story.sources(), ())
    pages = {language: as_html(document, language) for language in ("en", "nl")}
    assert all(PAGE in page for page in pages.values())
    assert f"Assigned at “{PAGE}”" in pages["en"]
    assert f"Sent after “{PAGE}”" not in pages["en"]
    write_csv(document, tmp_path / "out", "en")
    (trust,) = (tmp_path / "out").glob("**/trust.csv")
    shown = {row["group"]: row["sent"] for row in csv.DictReader(trust.read_text(encoding="utf-8").splitlines())}
    assert (shown["short"], shown["contacted"]) == ("", "0")
    (table,) = (tmp_path / "out").glob("**/result-page-winback-page*.csv")
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert {row["metric"] for row in rows} == {"purchase", "spend", "answer"}


def test_a_campaign_without_variants_of_its_page_is_reported_as_before(story: Story) -> None:
    story.arm(5, "test", "warm", story.runs(flow(EVERYONE, TEST, DONE)))
    report: Report = story.report()
    assert "answer" not in report.metrics
