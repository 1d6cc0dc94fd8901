"""The parts of a report and its JSON: what every section owes the formats, and the contract of programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import Engine

from engine.metrics import BUILT_IN
from response.facts import GuardrailResult, NoteCode, Why
from response.notebook import CampaignReport
from response.parts import Chart, Column, Definition, Document, Items, Query, Say, Table
from response.reference import reference_page
from response.render.data import as_json, schema
from response.render.reader import Reader
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict
from response.words import LANGUAGES, table
from tests.response.report_example import GOLDEN, a_story, golden, made, winning
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, LEARN, Story, flow, telling


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with a_story(tmp_path) as told:
        yield told


def validate(report: CampaignReport) -> None:
    document = json.loads(json.dumps(as_json(report.document, report.facts), allow_nan=False))
    Draft202012Validator(schema()).validate(document)
    assert document == as_json(report.document, report.facts)


def says(document: Document) -> Iterator[Say]:
    for section in document.sections:
        for part in section.parts:
            match part:
                case Say():
                    yield part
                case Items():
                    yield from part.says
                case _:
                    pass


def test_a_full_report_fits_its_schema(database: Engine) -> None:
    with telling(database) as story:
        report = winning(story)
    validate(report)
    first = as_json(report.document, report.facts)["comparisons"][0]
    assert (first["metric"], first["arm"], first["control"], first["verdict"]) == ("purchase", "contacted", "control", "better")
    assert set(first["absolute"]) == set(first["relative"]) == {"estimate", "low", "high"}


def test_what_the_report_says_of_the_goal_and_the_result_is_what_was_written_down(story: Story) -> None:
    assert golden(winning(story)) == GOLDEN.read_text("utf-8"), "if it should change: python -m tests.response.report_example"


def test_reports_with_nothing_in_them_fit_the_schema_and_say_so(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    nobody = made(story)
    story.arm(3, "start", "contacted", version)
    no_control, early = made(story), made(story, days=1)
    story.arm(3, "start", "control", version)
    no_response = made(story)
    for report, said in (
        (nobody, "Nobody has come into this campaign yet."),
        (no_control, "Nobody was assigned to group “control”"),
        (early, "Nobody was assigned to group “control”"),
        (no_response, "as many bought something as in group “control”"),
    ):
        validate(report)
        assert said in as_json(report.document, report.facts)["headline"]


@pytest.mark.parametrize(("metric", "said"), [("purchase", "of whom 1 bought something"), ("spend", "spend came to €12.34 together")])
def test_a_campaign_without_arms_says_what_it_cannot_say(story: Story, metric: str, said: str) -> None:
    version = story.runs(flow(EVERYONE, DONE, learn={**LEARN, "metric": metric}))
    story.buys(story.enters(4, version)[0], 1234)
    report = made(story)
    validate(report)
    headline = as_json(report.document, report.facts)["headline"]
    assert said in headline
    assert "Without a control group nobody can say" in headline


def test_the_headline_is_a_sentence_that_a_manager_can_repeat(story: Story) -> None:
    report = winning(story)
    assert repr(report) == (
        "Of every 100 customers in group “contacted”, 40.0 more bought something than in group “control” "
        "(95% interval +30.2 to +49.8 points). Verdict: better."
    )
    dutch = repr(report.in_language("nl"))
    assert dutch.startswith("Van elke 100 klanten in groep “benaderd” zijn er 40,0 meer die iets kochten")
    assert "+30,2 tot +49,8 procentpunt" in dutch


def test_an_early_look_says_until_when_it_is_too_early(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.buys(story.arm(50, "start", "contacted", version)[0], 100)
    story.arm(50, "start", "control", version)
    said = repr(made(story, days=10))
    assert "Too early to say: 100 customers still have time to respond, the last of them until 30 March 2026, 14:00." in said


def test_a_difference_that_is_gone_after_rounding_is_no_difference(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "spend"}))
    contacted, control = story.arm(400, "start", "contacted", version), story.arm(400, "start", "control", version)
    for arm in (contacted, control):
        story.buys(arm[0], 1000)
    story.buys(contacted[1], 1)
    assert "was as much as in group “control”" in repr(made(story))


def test_all_tables_of_a_report_have_names_of_their_own(story: Story) -> None:
    document = winning(story).document
    names = [each.name for each in document.tables]
    assert sorted(set(names)) == sorted(names)
    charts = [part.name for section in document.sections for part in section.parts if isinstance(part, Chart)]
    assert sorted(set(charts)) == sorted(charts)


def test_every_row_of_every_table_has_a_cell_for_each_column(story: Story) -> None:
    for each in winning(story).document.tables:
        assert {len(row) for row in each.rows} <= {len(each.columns)}, each.name


def test_everything_adds_up(story: Story) -> None:
    """Every table that says what its rows add up to."""
    document = winning(story).document
    checked = [(each.name, name) for each in document.tables for name in each.sums if _adds_up(each, name)]
    assert checked


def test_what_does_not_add_up_is_found() -> None:
    columns = (Column("group", "text"), Column("customers"))
    wrong = Table("wrong", columns, (("a", 1), ("b", 2), (None, 4)), total=2, sums=("customers",))
    with pytest.raises(AssertionError, match="wrong"):
        _adds_up(wrong, "customers")


def _adds_up(each: Table, name: str) -> bool:
    assert each.total is not None, each.name
    place = [column.name for column in each.columns].index(name)
    cells = [getattr(row[place], "value", row[place]) for row in each.rows]
    total = cells.pop(each.total)
    assert sum(cell for cell in cells if isinstance(cell, int | float)) == pytest.approx(total), f"{each.name}: {name}"
    return True


def test_every_definition_and_table_that_is_pointed_at_is_there(story: Story) -> None:
    document = winning(story).document
    defined = {part.name for section in document.sections for part in section.parts if isinstance(part, Definition)}
    tables = {each.name for each in document.tables}
    assert {column.define for each in document.tables for column in each.columns if column.define} <= defined
    assert {each.define for each in says(document) if each.define} <= defined
    assert {each.table for each in says(document) if each.table} <= tables


def test_every_section_that_asks_the_database_shows_its_sql_and_it_runs_again(database: Engine) -> None:
    with telling(database) as story:
        document = winning(story).document
        queries = {part.section: part.statements for section in document.sections for part in section.parts if isinstance(part, Query)}
        assert {"facts", "trust", "curve"} <= set(queries)
        connection = story.session.connection().execution_options(no_parameters=True)
        for statement in (each for statements in queries.values() for each in statements):
            connection.exec_driver_sql(statement).close()


def test_nobody_is_named_in_a_report(story: Story) -> None:
    report = winning(story)
    shown = report.html + json.dumps(as_json(report.document, report.facts))
    assert not re.search(r"person-\d", shown)


def test_the_reference_page_is_that_of_the_schema() -> None:
    assert (Path(__file__).parents[2] / "docs/reference/report-json.md").read_text("utf-8") == reference_page()


def test_the_schema_names_what_the_code_names() -> None:
    properties = schema()["$defs"]["comparison"]["properties"]
    assert properties["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    assert properties["why"]["enum"] == list(get_args(Why))
    assert properties["guardrail"]["enum"] == [*get_args(GuardrailResult), None]
    kinds = schema()["$defs"]["column"]["properties"]["kind"]["enum"]
    assert {f"kind_of.{kind}" for kind in kinds} <= table("en").keys()


def test_every_language_has_the_same_sentences_with_the_same_gaps() -> None:
    english, dutch = (table(language) for language in LANGUAGES)
    assert english.keys() == dutch.keys()
    for key, sentence in english.items():
        assert set(re.findall(r"{(\w+)}", sentence)) == set(re.findall(r"{(\w+)}", dutch[key])), key
    words = {f"note.{code}" for code in get_args(NoteCode)} | {f"define.{metric}" for metric in BUILT_IN}
    words |= {f"why.{why}" for why in get_args(Why) if why not in ("interval", "nobody_in_arm", "nobody_in_control", "split_broken")}
    assert words <= english.keys()


def test_moments_are_said_in_the_workspaces_zone(story: Story) -> None:
    document = winning(story).document
    assert Reader("en", document).moment(document.as_of) == "1 May 2026, 14:00"


def test_an_effect_without_limits_is_an_estimate_and_one_without_anything_a_dash(story: Story) -> None:
    read = Reader("en", winning(story).document)
    column = Column("absolute", "points")
    assert read.in_column(Effect(0.012, 0.001, 0.023), column) == "+1.2 (+0.1 to +2.3)"
    assert read.in_column(Effect(0.012, None, None), column) == "+1.2"
    assert read.in_column(Effect(None, None, None), column) == "–"
    assert read.in_column(None, column) == "–"


def test_every_table_and_every_column_has_a_name_in_words(story: Story) -> None:
    document = winning(story).document
    known = table("en").keys()
    assert [each.name for each in document.tables if not each.title and f"table.{each.name}" not in known] == []
    assert {column.name for each in document.tables for column in each.columns if f"col.{column.name}" not in known} == set()
