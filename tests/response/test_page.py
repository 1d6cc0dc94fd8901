"""The page: one whole file for every reader, and figures as people write them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from response.numbers import Numbers
from response.render.html import as_html
from response.words import LANGUAGES, table
from tests.response.report_example import a_story, made, outline, read, winning
from tests.response.response_story import DONE, HOLDOUT, LEARN, Story, flow


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with a_story(tmp_path) as told:
        yield told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_whole_file_that_fetches_and_runs_nothing(story: Story, language: str) -> None:
    report = winning(story)
    page = as_html(report.document, language)
    text = read(page)
    assert f'<html lang="{language}">' in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert "@import" not in page
    assert "url(" not in page.replace("url(#", "")
    assert "Spring <offer>" in text
    assert all(table(language)[f"section.{section.name}"] in text for section in report.document.sections)
    order = [page.index(f'<h2 id="head-{section.name}">') for section in report.document.sections]
    assert order == sorted(order)


def test_every_link_of_the_page_leads_to_a_place_on_it_and_no_place_is_named_twice(story: Story) -> None:
    found = outline(as_html(winning(story).document))
    assert set(found.targets) <= set(found.names)
    assert len(set(found.names)) == len(found.names)
    assert {"goal", "table-result", "define-absolute"} <= set(found.targets)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_and_every_table_is_on_the_page(story: Story, language: str) -> None:
    report = winning(story)
    names = set(outline(as_html(report.document, language)).names)
    assert {section.name for section in report.document.sections} <= names
    assert {f"table-{each.name}" for each in report.document.tables} <= names


def test_what_a_flow_is_called_cannot_break_the_page(story: Story) -> None:
    evil = "<script>alert(1)</script>"
    version = story.runs(flow(HOLDOUT, DONE, title=evil, learn={**LEARN, "question": f"{evil} {{0}} & co"}))
    story.arm(30, "start", "contacted", version)
    page = as_html(made(story).document)
    assert "<script" not in page
    assert f"Report: {evil}" in read(page)
    assert f"{evil} {{0}} & co" in read(page)


def test_an_unknown_language_is_answered_in_english(story: Story) -> None:
    story.runs(flow(HOLDOUT, DONE))
    document = made(story).document
    assert as_html(document, "xx") == as_html(document, "en")


def test_spend_is_said_in_money(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "spend", "minimum_lift": "0.50"}))
    for place, member in enumerate(story.arm(40, "start", "contacted", version)):
        story.buys(member, 1000 + place)
    story.arm(40, "start", "control", version)
    document = made(story).document
    english = read(as_html(document))
    assert "On average, spend of a customer in group “contacted” was €10.20 more than in group “control”" in english
    assert "€0.50" in english
    assert 'de besteding van een klant in groep “benaderd” <span class="whole">€\u00a010,20</span> meer' in as_html(document, "nl")


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


def test_parts_of_a_cent_are_written_below_ten_cents() -> None:
    numbers = Numbers("en", "EUR")
    assert [numbers.money(each) for each in (0.0005, 0.0111, 0.075, 0.05, 0.29)] == ["€0.0005", "€0.011", "€0.075", "€0.05", "€0.29"]


def test_nothing_is_written_as_minus_zero() -> None:
    numbers = Numbers("en", "EUR")
    assert (numbers.money(-0.00001), numbers.signed(-0.001, 2), numbers.signed_money(0.00001)) == ("€0.00", "0.00", "€0.00")
    assert numbers.money(0.0005) == "€0.0005", "an e-mail costs a part of a cent"
    assert (numbers.money(None), numbers.percent(None), numbers.p(None), numbers.p(0.0001)) == ("–", "–", "–", "<\u00a00.001")
