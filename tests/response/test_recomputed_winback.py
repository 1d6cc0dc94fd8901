"""A campaign drawn by lot, walked from top to bottom: each figure is made again from the raw tables, by formulas of others."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from math import prod
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from response.notebook import CampaignReport
from response.render.data import as_json
from response.render.files import write_csv, write_parquet
from store.clock import to_micros
from tests.response.recomputed_facts import Facts, as_cell, heterogeneity
from tests.response.recomputed_kinds import SMALL
from tests.response.recomputed_page import differing, tables_of
from tests.response.recomputed_reading import facts_of_tables, walk, walk_comparisons
from tests.response.recomputed_result import comparisons, others_at
from tests.response.recomputed_sentences import unknown
from tests.response.recomputed_tables import TABLES
from tests.response.recomputed_winback import load, told_of
from tests.response.report_example import a_story, made

RECOMPUTED = {**TABLES, "result-lapsed": others_at("lapsed"), "result-mail": others_at("mail")}
NO_FIGURES = {"goal", "versions", "made-with"}  # what was asked (its figures are said, and looked at below), and what it was made with
HUMAN = ("visited", "clicked", "answered")  # that a machine can do as well, which does not count


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CampaignReport, Facts]]:
    with a_story(tmp_path_factory.mktemp("winback")) as story:
        load(story)
        report = made(story)
        yield report, facts_of_tables(story.session.connection(), told_of(to_micros(report.facts.as_of)), story.campaign_id)


def test_every_figure_of_every_table_comes_from_the_raw_tables_by_another_way(told: tuple[CampaignReport, Facts]) -> None:
    report, facts = told
    document: dict[str, Any] = as_json(report.document, report.facts)
    compared = walk(document, facts, RECOMPUTED, NO_FIGURES)
    assert compared == set(report.tables) - NO_FIGURES
    assert compared >= {"pressure-30", "pressure-90", "segments", "other-campaigns", "held-back", "rfm-grid", "result-ways"}
    assert walk_comparisons(document, facts) == 6


def test_every_figure_that_is_said_comes_from_the_raw_tables_by_another_way(told: tuple[CampaignReport, Facts]) -> None:
    report, facts = told
    tables = {name: list(RECOMPUTED[name](facts)) for name in set(report.tables) - NO_FIGURES}
    tables["comparisons"] = comparisons(facts)
    assert unknown(report.document, tables, named(facts)) == []


@pytest.mark.parametrize(("language", "point"), [("en", "."), ("nl", ",")])
def test_the_page_shows_the_figures_of_the_json(told: tuple[CampaignReport, Facts], language: str, point: str) -> None:
    report, _ = told
    shown = tables_of(report.in_language(language).html)
    tables = [table for section in as_json(report.document, report.facts)["sections"] for table in section["tables"]]
    assert {table["name"] for table in tables} - set(shown) <= {"goal"}  # shown as names and what is to be said of them
    assert [fault for table in tables if table["name"] in shown for fault in differing(table, shown[table["name"]], point)] == []


def test_files_and_data_frames_hold_the_figures_of_the_json(told: tuple[CampaignReport, Facts], tmp_path: Path) -> None:
    report, _ = told
    write_csv(report.document, tmp_path)
    write_parquet(report.document, tmp_path)
    for table in (table for section in as_json(report.document, report.facts)["sections"] for table in section["tables"]):
        frame, binary = report.table(table["name"]), pl.read_parquet(tmp_path / f"{table['name']}.parquet")
        with (tmp_path / f"{table['name']}.csv").open(encoding="utf-8", newline="") as file:
            texts = list(csv.DictReader(file))
        assert binary.equals(frame)
        assert len(texts) == frame.height == len(table["rows"])
        for text, row, cells in zip(texts, frame.to_dicts(), table["rows"], strict=True):
            for column, cell in zip(table["columns"], cells, strict=True):
                should = in_json(cell)
                if isinstance(row[column["name"]], str):  # as is every cell of a column with words in it
                    should = [str(each) for each in should]
                assert in_file(row, column["name"]) == should, (table["name"], column["name"])
                assert in_text(text, column["name"], row) == should, (table["name"], column["name"])


def in_json(cell: Any) -> list[Any]:
    """A cell as a file has it: the value, or the estimate and its limits as far as they are known."""
    value = as_cell(cell)
    return [value[0], *(each for each in value[1:] if each is not None)] if isinstance(value, tuple) else [value]


def in_file(row: Mapping[str, Any], name: str) -> list[Any]:
    """What a data frame has of a cell."""
    limits = [row[f"{name}_{part}"] for part in ("low", "high") if row.get(f"{name}_{part}") is not None]
    return [each.isoformat() if isinstance(each, date) else each for each in (row[name], *limits)]


def in_text(row: Mapping[str, str], name: str, like: Mapping[str, Any]) -> list[Any]:
    """What a file of texts has of a cell, of the kinds that the data frame has."""
    names = [name, *(f"{name}_{part}" for part in ("low", "high") if row.get(f"{name}_{part}"))]
    return [_of_kind(row[each], like[each]) for each in names]


def _of_kind(text: str, like: Any) -> Any:
    if like is None:
        return text or None
    if isinstance(like, datetime):
        return datetime.fromisoformat(text).isoformat()
    return type(like)(text) if isinstance(like, int | float) else text


def named(facts: Facts) -> dict[str, Sequence[float]]:
    """What is said and stands in no table."""
    tables = {name: list(TABLES[name](facts)) for name in ("trust", "balance", "segments", "pressure-90", "rfm-scores")}
    contacted, control = tables["trust"][:2]
    reacted, opted_out = (part_of(facts, pl.col("kind").is_in(kinds)) for kinds in (HUMAN, ("opted_out",)))
    written = part_of(facts, pl.col("kind") == "sent")
    alike = prod(1 - row["far"] for row in tables["balance"])
    main = comparisons(facts)[0]
    half = (main["absolute"][2] - main["absolute"][1]) / 2
    return {
        "trust.elsewhere.some:share": [control["elsewhere"] / control["assigned"]],
        "trust.elsewhere.some:others": [contacted["elsewhere"] / contacted["assigned"]],
        "balance.alike:chance": [1 - alike],
        "funnel.open.all:responded": [reacted],
        "funnel.open.all:sent_share": [written / facts.size],
        "funnel.open.all:responded_share": [reacted / facts.size],
        "funnel.open.all:opted_out_share": [opted_out / facts.size],
        "segments.alike:p": [heterogeneity([row["absolute"] for row in tables["segments"][:-1]])],
        "segments.small:small": [SMALL],
        "pressure.lift.same:p": [heterogeneity([row["absolute"] for row in tables["pressure-90"][:-1]])],
        "rfm.same.none:p": [heterogeneity([row["absolute"] for row in tables["rfm-scores"] if row["score"] == "recency"])],
        "uplift.too_few:least": [1_000],
        "points:size": [facts.told.minimum, half, main["detectable"]],
    }


def part_of(facts: Facts, which: pl.Expr) -> int:
    """Customers of whom this campaign's log has such a contact."""
    mine = facts.contacts.filter((pl.col("campaign") == facts.told.campaign) & which & (pl.col("human") | ~pl.col("kind").is_in(HUMAN)))
    return int(mine["customer"].n_unique())
