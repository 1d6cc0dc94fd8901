"""The JSON and the HTML of a report: both hold to their contract, and never show who anybody is."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import Engine
from sqlmodel import SQLModel

from engine.campaign import Metric
from response.document import as_json, schema
from response.facts import NoteCode, Report, Why
from response.numbers import Numbers
from response.page import as_html
from response.plots import Interval, Line, curve_plot, day_ticks, interval_plot, nice_ticks, spread
from response.reference import reference_page
from response.statistics.verdicts import Verdict
from response.words import LANGUAGES, Words, headline, table
from store.session import open_database
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, LEARN, NOON, TEST, Story, flow, telling

VOID = {"meta", "line", "rect", "circle", "polyline", "br"}


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """On SQLite alone: what is shown here has left the database."""
    engine = open_database(f"sqlite:///{tmp_path / 'story.db'}")
    SQLModel.metadata.create_all(engine)
    with telling(engine) as told:
        yield told
    engine.dispose()


def winning(story: Story) -> Report:
    """A hold-out that wins, variants, and every kind of row."""
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, "also": ["response"]}))
    contacted = story.arm(100, "start", "contacted", version)
    story.arm(100, "start", "control", version)
    story.assigns(contacted[:50], "test", "warm", version)
    story.assigns(contacted[50:], "test", "plain", version)
    for member in contacted[:40]:
        sent = story.message(member, "test", "sent", arm="warm")
        story.contact(member, "clicked", message_id=sent)
        story.buys(member, 1999)
    story.message(contacted[40], "test", "suppressed", arm="warm", reason="opted_out")
    story.contact(contacted[41], "visited")
    return story.report()


def validate(report: Report) -> None:
    document = json.loads(json.dumps(as_json(report), allow_nan=False))
    Draft202012Validator(schema()).validate(document)
    assert document == as_json(report)


class Outline(HTMLParser):
    """Fails on a tag that is not closed, and collects what would fetch or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag in ("script", "link", "img", "iframe") or {"src", "href", "onclick", "onload"} & set(names):
            self.outside.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> str:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.outside == []
    return " ".join(" ".join(outline.text).split())


def test_a_full_report_fits_its_schema(database: Engine) -> None:
    with telling(database) as story:
        report = winning(story)
    validate(report)
    first = as_json(report)["comparisons"][0]
    assert (first["metric"], first["arm"], first["control"], first["verdict"]) == ("purchase", "contacted", "control", "better")
    assert set(first["absolute"]) == set(first["relative"]) == {"estimate", "low", "high"}


def test_reports_with_nothing_in_them_fit_the_schema_and_read_well(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    nobody = story.report()
    story.arm(3, "start", "contacted", version)
    no_control, early = story.report(), story.report(days=1)
    story.arm(3, "start", "control", version)
    no_response = story.report()
    for report, said in (
        (nobody, "Nobody has come into this campaign yet."),
        (no_control, "Nobody was assigned to group “control”"),
        (early, "Nobody was assigned to group “control”"),
        (no_response, "as many bought something as in group “control”"),
    ):
        validate(report)
        assert said in read(as_html(report))
        read(as_html(report, "nl"))


@pytest.mark.parametrize(("metric", "said"), [("purchase", "of whom 1 bought something"), ("spend", "who spent €12.34 together")])
def test_a_campaign_without_arms_says_what_it_cannot_say(story: Story, metric: str, said: str) -> None:
    version = story.runs(flow(EVERYONE, DONE, learn={**LEARN, "metric": metric}))
    story.buys(story.enters(4, version)[0], 1234)
    report = story.report()
    validate(report)
    assert said in read(as_html(report))
    assert "Without a control group nobody can say" in as_json(report)["headline"]


def test_the_headline_is_a_sentence_that_a_manager_can_repeat(story: Story) -> None:
    report = winning(story)
    assert headline(report, Words("en", report)) == (
        "Of every 100 customers in group “contacted”, 40.0 more bought something than in group “control” (95% interval +30.2 to +49.8). "
        "Verdict: better."
    )
    assert headline(report, Words("nl", report)).startswith("Van elke 100 klanten in groep “benaderd” zijn er 40,0 meer die iets kochten")


def test_an_early_look_says_until_when_it_is_too_early(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.buys(story.arm(50, "start", "contacted", version)[0], 100)
    story.arm(50, "start", "control", version)
    report = story.report(days=10)
    assert "Too early to say: 100 customers still have time to respond, the last of them until 30 March 2026, 14:00." in read(
        as_html(report)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_whole_file_that_fetches_and_runs_nothing(story: Story, language: str) -> None:
    page = as_html(winning(story), language)
    text = read(page)
    assert f'<html lang="{language}">' in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert "Spring <offer>" in text
    order = [
        text.index(table(language)[f"section.{name}"]) for name in ("goal", "trust", "funnel", "primary", "others", "curve", "appendix")
    ]
    assert order == sorted(order)


def test_what_a_flow_is_called_cannot_break_the_page(story: Story) -> None:
    evil = "<script>alert(1)</script>"
    version = story.runs(flow(HOLDOUT, DONE, title=evil, learn={**LEARN, "question": f"{evil} {{0}} & co"}))
    story.arm(30, "start", "contacted", version)
    page = as_html(story.report())
    assert "<script" not in page
    assert f"Report: {evil}" in read(page)
    assert f"{evil} {{0}} & co" in read(page)


def test_nobody_is_named_in_a_report(story: Story) -> None:
    report = winning(story)
    shown = as_html(report) + json.dumps(as_json(report))
    assert not re.search(r"person-\d", shown)


def test_the_reference_page_is_that_of_the_schema() -> None:
    assert (Path(__file__).parents[2] / "docs/reference/report-json.md").read_text("utf-8") == reference_page()


def test_the_schema_names_what_the_code_names() -> None:
    properties = schema()["$defs"]["comparison"]["properties"]
    assert tuple(properties["metric"]["enum"]) == get_args(Metric)
    assert properties["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    assert properties["why"]["enum"] == list(get_args(Why))


def test_every_language_has_the_same_sentences_with_the_same_gaps() -> None:
    english, dutch = (table(language) for language in LANGUAGES)
    assert english.keys() == dutch.keys()
    for key, sentence in english.items():
        assert set(re.findall(r"{(\w+)}", sentence)) == set(re.findall(r"{(\w+)}", dutch[key])), key
    words = {f"note.{code}" for code in get_args(NoteCode)} | {f"define.{metric}" for metric in get_args(Metric)}
    assert words <= english.keys()


def test_an_unknown_language_is_answered_in_english(story: Story) -> None:
    story.runs(flow(HOLDOUT, DONE))
    assert as_html(story.report(), "xx") == as_html(story.report())


def test_spend_is_said_in_money(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "spend", "minimum_lift": "0.50"}))
    for place, member in enumerate(story.arm(40, "start", "contacted", version)):
        story.buys(member, 1000 + place)
    story.arm(40, "start", "control", version)
    report = story.report()
    validate(report)
    assert "On average, a customer in group “contacted” spent €10.20 more than one in group “control”" in read(as_html(report))
    assert "€0.50" in read(as_html(report))
    assert "besteedde een klant in groep “benaderd” €\u00a010,20 meer" in as_html(report, "nl")


@pytest.mark.parametrize(
    ("language", "currency", "money", "percent", "count"),
    [
        ("en", "USD", "−$1,234.50", "12.5%", "64,000"),
        ("nl", "EUR", "−€\u00a01.234,50", "12,5%", "64.000"),
        ("en", "SEK", "−1,234.50\u00a0SEK", "12.5%", "64,000"),
    ],
)
def test_figures_are_written_as_people_write_them(language: str, currency: str, money: str, percent: str, count: str) -> None:
    numbers = Numbers(language, currency)
    assert (numbers.money(-1234.5), numbers.percent(0.125), numbers.count(64000)) == (money, percent, count)


def test_nothing_is_written_as_minus_zero() -> None:
    numbers = Numbers("en", "EUR")
    assert (numbers.money(-0.001), numbers.signed("visit", -0.00001), numbers.signed("spend", 0.001)) == ("€0.00", "0.00", "€0.00")
    assert (numbers.money(None), numbers.percent(None), numbers.p(None), numbers.p(0.0001)) == ("–", "–", "–", "<\u00a00.001")


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_axis_holds_zero_and_both_ends_in_few_round_steps(one: float, other: float) -> None:
    ticks = nice_ticks(min(one, other), max(one, other))
    slack = 1e-6 * max(1, abs(one), abs(other))
    assert 2 <= len(ticks) <= 9
    assert ticks[0] - slack <= min(one, other, 0)
    assert ticks[-1] + slack >= max(one, other, 0)
    assert 0 in ticks


@given(st.lists(st.floats(12, 236), min_size=1, max_size=8))
def test_labels_never_overlap(heights: list[float]) -> None:
    moved = spread(heights, 236)
    ordered = sorted(moved)
    assert all(after - before >= 16 - 1e-6 for before, after in pairwise(ordered))
    assert max(moved) <= 236


@given(st.integers(1, 400))
def test_days_are_written_without_crowding(days: int) -> None:
    assert 2 <= len(day_ticks(days)) <= 9


def test_plots_stay_inside_their_frame_whatever_the_figures() -> None:
    drawing = interval_plot([Interval("a" * 60, -0.5, -0.9, -0.1, "x")], 0.01, "{:.3} {:.2}".format, "t")
    drawing += curve_plot([Line("a" * 60, [0.0, 0.2]), Line("b", [0.0, 0.0], muted=True)], "{:.3} {:.2}".format, "t")
    across = [float(x) for x in re.findall(r' (?:x|x1|x2|cx)="(-?[\d.]+)"', drawing)]
    assert min(across) >= 0
    assert max(across) <= 480
    assert "…" in drawing


def test_a_curve_of_many_days_is_tabled_by_the_week(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "within": "60 days"}))
    story.buys(story.arm(5, "start", "contacted", version)[0], 100)
    story.arm(5, "start", "control", version)
    report = story.report(days=80)
    page = as_html(report)
    assert len(report.curve.arms[0].values if report.curve else ()) == 60
    assert '<th scope="row" class="words">56</th>' in page
    assert '<th scope="row" class="words">60</th>' in page
    assert '<th scope="row" class="words">55</th>' not in page


def test_moments_are_said_in_the_workspaces_zone(story: Story) -> None:
    story.runs(flow(HOLDOUT, DONE))
    report = replace(story.report(), zone="America/New_York")
    assert Words("en", report).moment(NOON) == "2 March 2026, 07:00"
