"""Every table as a file and as a data frame: raw values under real types, and what each column means."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from response import CampaignReport, report
from response.notebook import ENTRY_POINTS
from response.parts import As, Column, Document, Section, Table, Word, say
from response.render.files import DESCRIPTION, write_csv, write_parquet
from response.render.frames import frames
from response.statistics.sums import Effect
from store.errors import NotFoundError
from tests.response.report_example import a_story, winning
from tests.response.response_story import Story

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = Table(
    "kinds",
    (
        Column("arm", "text"),
        Column("customers"),
        Column("absolute", "points"),
        Column("mixed", "number"),
        Column("day", "day"),
        Column("at", "moment"),
    ),
    (
        ("a", 3, Effect(0.01, -0.02, 0.04), As("share", 0.5), date(2026, 3, 2), AT),
        (Word("arm", "control"), None, Effect(None, None, None), As("money", 12.34), None, None),
    ),
)
DOCUMENT = Document("x", say("versions"), AT, "Europe/Amsterdam", "EUR", (Section("result", (KINDS,)),))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[CampaignReport]:
    story: Story
    with a_story(tmp_path) as story:
        yield winning(story)


def test_a_data_frame_has_real_types_and_an_effect_in_three_columns() -> None:
    frame = frames(DOCUMENT)["kinds"]
    assert dict(frame.schema) == {
        "arm": pl.String,
        "customers": pl.Int64,
        "absolute": pl.Float64,
        "absolute_low": pl.Float64,
        "absolute_high": pl.Float64,
        "mixed": pl.Float64,
        "mixed_kind": pl.String,
        "day": pl.Date,
        "at": pl.Datetime("us", "UTC"),
    }
    assert frame.row(0) == ("a", 3, 0.01, -0.02, 0.04, 0.5, "share", date(2026, 3, 2), AT)
    assert frame.row(1) == ("control", None, None, None, None, 12.34, "money", None, None)


def test_parquet_and_csv_hold_the_same_figures(made: CampaignReport, tmp_path: Path) -> None:
    texts, binaries = write_csv(made.document, tmp_path / "csv"), write_parquet(made.document, tmp_path / "parquet")
    assert {path.stem for path in texts} == {path.stem for path in binaries} == {*made.tables, Path(DESCRIPTION).stem}
    for name, frame in made.tables.items():
        assert pl.read_parquet(tmp_path / "parquet" / f"{name}.parquet").equals(frame)
        with (tmp_path / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == frame.columns
        assert len(rows) - 1 == frame.height


def test_a_csv_file_has_points_and_commas_and_no_byte_order_mark_in_any_language(tmp_path: Path) -> None:
    write_csv(DOCUMENT, tmp_path, "nl")
    assert (tmp_path / "kinds.csv").read_bytes().splitlines()[1] == b"a,3,0.01,-0.02,0.04,0.5,share,2026-03-02,2026-03-02T12:00:00.000000Z"


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_column_of_every_file_is_explained(made: CampaignReport, tmp_path: Path, language: str) -> None:
    write_csv(made.document, tmp_path, language)
    package = json.loads((tmp_path / DESCRIPTION).read_text("utf-8"))
    explained = {each["path"]: each["schema"]["fields"] for each in package["resources"]}
    assert sorted(explained) == sorted(path.name for path in tmp_path.glob("*.csv"))
    for name, described in explained.items():
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == [field["name"] for field in described]
        assert all(field["title"] and field["description"] for field in described)
        assert {field["define"] for field in described if "define" in field} <= set(package["definitions"])


def test_a_notebook_has_the_figures_as_data_frames(made: CampaignReport) -> None:
    assert made.primary.select("metric", "arm", "control", "verdict").row(0) == ("purchase", "contacted", "control", "better")
    assert made.primary["absolute"][0] == pytest.approx(0.4)
    assert made.primary["absolute_low"][0] < 0.4 < made.primary["absolute_high"][0]
    assert made.comparisons.height == len(made.facts.comparisons)
    assert made.table("result")["assigned"].to_list() == [100]
    assert made.sections["result"][0].startswith("Of every 100 customers")
    assert made._repr_html_().startswith('<iframe srcdoc="&lt;!doctype html&gt;')


def test_a_table_that_there_is_not_is_answered_with_the_nearest(made: CampaignReport) -> None:
    with pytest.raises(NotFoundError, match=r"Did you mean .*result.*\? It has:"):
        made.table("reslt")


def test_a_notebook_opens_a_workspace_through_whoever_registered_for_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no contactflow\.toml"):
        report("winback", tmp_path)
    assert ENTRY_POINTS == "contactflow.workspace"


def test_no_text_in_csv_is_a_formula_to_a_spreadsheet_and_no_number_is_touched(tmp_path: Path) -> None:
    texts = ("=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx", "plain", "a=b", None)
    rows = tuple((text, -0.5) for text in texts)
    document = Document(
        "x", say("versions"), AT, "UTC", "EUR", (Section("result", (Table("t", (Column("arm", "text"), Column("p", "change")), rows),)),)
    )
    write_csv(document, tmp_path)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["arm"] for row in found] == ["'=1+1", "'+1", "'-2", "'@SUM(A1)", "'\tx", "'\rx", "plain", "a=b", ""]
    assert {row["p"] for row in found} == {"-0.5"}
    write_parquet(document, tmp_path)
    assert pl.read_parquet(tmp_path / "t.parquet")["arm"].to_list() == list(texts)
