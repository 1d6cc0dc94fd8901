"""Charts: the same picture for a desk, a phone and paper, without the network, and never outside its frame."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from response.parts import Cell, Chart, Column, Document, Section, Table, say
from response.render.axes import along, figures, nice_ticks, spread
from response.render.drawings import chart_svg
from response.render.html import as_html
from response.render.reader import Reader
from response.render.theme import INK, NAMES, page_colours
from response.render.wide import read_across
from response.statistics.sums import Effect
from tests.response.report_example import outline

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TITLE = say("versions")
MOVE = re.compile(r"translate\((-?[\d.e-]+),?(-?[\d.e-]+)?\)")


def table(name: str, columns: tuple[Column, ...], *rows: tuple[Cell, ...]) -> Table:
    return Table(name, columns, rows)


ARMS = table(
    "arms",
    (Column("group", "text", words="arm"), Column("metric", "text", words="metric"), Column("absolute", "points")),
    ("contacted", "visit", Effect(0.02, 0.01, 0.03)),
    ("contacted", "purchase", Effect(-0.01, -0.02, 0.001)),
    ("an arm with a very long name indeed", "visit", Effect(0.005, None, None)),
    ("control", "visit", Effect(None, None, None)),
)
COSTS = table("costs", (Column("channel", "text"), Column("spend", "money")), ("e-mail", 33456.2), ("letter", -5000.0))
DAYS = table(
    "days",
    (Column("day", "number"), Column("group", "text", words="arm"), Column("rate", "share")),
    *((day, arm, 0.001 * day * pace) for arm, pace in (("control", 1), ("contacted", 1.1)) for day in range(29)),
)
LOOKS = table(
    "looks",
    (Column("day", "day"), Column("group", "text", words="arm"), Column("absolute", "points")),
    *((date(2026, 3, day), "contacted", Effect(0.01, 0.01 - 0.1 / day, 0.01 + 0.1 / day)) for day in range(1, 29)),
)
CELLS = table(
    "cells",
    (Column("group", "text"), Column("segment", "text"), Column("absolute", "lift")),
    ("a", "young", Effect(0.2, 0.1, 0.3)),
    ("b", "young", Effect(-0.1, -0.2, 0.0)),
    ("a", "old", None),
    ("b", "old", Effect(0.0, -0.1, 0.1)),
)
SPOTS = table("spots", (Column("customers"), Column("absolute", "points"), Column("group", "text")), (10, 0.01, "a"), (500, -0.02, "b"))
CHARTS = (
    Chart("intervals", "intervals", TITLE, ARMS, "group", "absolute", "metric", minimum=0.004),
    Chart("bars", "bars", TITLE, COSTS, "channel", "spend"),
    Chart("lines", "lines", TITLE, DAYS, "day", "rate", "group", muted="control"),
    Chart("band", "band", TITLE, LOOKS, "day", "absolute", "group", rule=date(2026, 3, 20)),
    Chart("heat", "heat", TITLE, CELLS, "group", "segment", "absolute"),
    Chart("points", "points", TITLE, SPOTS, "customers", "absolute", "group"),
)
DOCUMENT = Document("x", TITLE, AT, "Europe/Amsterdam", "EUR", (Section("result", CHARTS),))
NAMED = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.kind)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def places(element: ET.Element, x: float = 0, y: float = 0) -> Iterator[tuple[str, float, float]]:
    """Every text with the place where it is anchored."""
    for across, down in MOVE.findall(element.get("transform", "")):
        x, y = x + float(across), y + float(down or 0)
    if element.tag.endswith("text"):
        yield element.text or "", x, y
    for child in element:
        yield from places(child, x, y)


@NAMED
@pytest.mark.parametrize("width", [320, 640])
def test_a_chart_is_as_wide_as_asked_and_keeps_its_words_inside(chart: Chart, width: int) -> None:
    drawing = ET.fromstring(chart_svg(chart, Reader("nl", DOCUMENT), width))
    _, _, across, down = map(float, drawing.attrib["viewBox"].split())
    assert across == pytest.approx(width, abs=2)
    found = list(places(drawing))
    assert found
    assert all(-1 <= x <= across + 1 and -1 <= y <= down + 1 for _, x, y in found), found


@NAMED
def test_a_chart_names_no_place_outside_and_says_what_is_seen(chart: Chart) -> None:
    svg = str(chart_svg(chart, Reader("en", DOCUMENT), 640))
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert 'role="img" aria-label="Versions of the flow that ran"' in svg


def test_figures_in_charts_are_written_in_the_readers_language() -> None:
    dutch, english = (texts(chart_svg(CHARTS[1], Reader(language, DOCUMENT), 640)) for language in ("nl", "en"))
    assert "€\u00a033.456,20" in dutch
    assert "€33,456.20" in english
    assert "−€\u00a05.000,00" in dutch


@pytest.mark.parametrize(("language", "labels"), [("en", {"0%", "20%", "100%"}), ("nl", {"0%", "20%", "100%"})])
def test_shares_along_the_bottom_are_written_in_per_cent(language: str, labels: set[str]) -> None:
    rows = [(place / 40, name, 0.1 * place) for name in ("a", "b") for place in range(41)]
    shares = table("shares", (Column("written_to", "share"), Column("group", "text"), Column("absolute", "extra")), *rows)
    chart = Chart("shares", "lines", TITLE, shares, "written_to", "absolute", "group")
    assert labels <= set(texts(chart_svg(chart, Reader(language, DOCUMENT), 640)))


def test_an_interval_chart_leaves_out_what_is_not_defined_and_groups_what_belongs_together() -> None:
    found = texts(chart_svg(CHARTS[0], Reader("en", DOCUMENT), 640))
    assert found.count("contacted") == 1
    assert "control" not in found
    assert "+2.0 (+1.0 to +3.0)" in found


def test_a_heat_map_holds_its_figures_and_leaves_an_undefined_cell_grey() -> None:
    found = texts(chart_svg(CHARTS[4], Reader("en", DOCUMENT), 640))
    assert {"+20.0%", "−10.0%", "0.0%", "–", "young", "old", "a", "b"} == set(found)


def test_a_chart_of_nothing_is_not_drawn() -> None:
    nothing = Chart(
        "none", "intervals", TITLE, table("none", ARMS.columns, ("control", "visit", Effect(None, None, None))), "group", "absolute"
    )
    assert chart_svg(nothing, Reader("en", DOCUMENT), 640) == ""
    outline(as_html(Document("x", TITLE, AT, "UTC", "EUR", (Section("result", (nothing,)),))))


def test_a_page_of_charts_is_whole_and_has_each_for_a_desk_and_for_a_phone() -> None:
    page = as_html(DOCUMENT)
    outline(page)
    assert page.count("<svg") == 2 * len(CHARTS)


def test_every_colour_of_a_chart_follows_the_page() -> None:
    svg = "".join(str(chart_svg(chart, Reader("en", DOCUMENT), 640)) for chart in CHARTS)
    assert set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg)) <= set(NAMES)
    assert f'.chart svg [fill="{INK}"] {{ fill: var(--ink); }}' in page_colours()


def test_the_figures_behind_lines_are_read_across_and_nothing_of_them_is_lost() -> None:
    across = read_across(CHARTS[2])
    assert [Reader("nl", DOCUMENT).heading(column) for column in across.columns] == ["Dag", "controle", "benaderd"]
    long = {(row[0], row[1], row[2]) for row in DAYS.rows}
    assert {(row[0], arm, row[place]) for row in across.rows for place, arm in ((1, "control"), (2, "contacted"))} == long
    assert read_across(CHARTS[0]) is ARMS


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
    moved = spread(heights, 236, 16)
    ordered = sorted(moved)
    assert all(after - before >= 16 - 1e-6 for before, after in pairwise(ordered))
    assert max(moved) <= 236


@given(st.integers(1, 2000))
def test_days_are_written_without_crowding(days: int) -> None:
    across = along(list(range(days + 1)), Column("day", "number"), Reader("en", DOCUMENT), 8)
    assert 1 <= len(across.axis.ticks) <= 10


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=5))
def test_ticks_of_points_all_differ_and_say_their_sign(values: list[int]) -> None:
    axis = figures([value / 10_000 for value in values], "points", Reader("en", DOCUMENT))
    assert len(set(axis.labels)) == len(axis.labels)
    assert all(label[0] == ("−" if tick < 0 else "+") for tick, label in zip(axis.ticks, axis.labels, strict=True) if tick)


def test_a_name_and_its_figures_never_lie_over_each_other_on_a_phone() -> None:
    columns = (Column("group", "text", words="arm"), Column("profit", "extra"))
    told = table("profit", columns, ("contacted", Effect(16392.05, 10326.22, 22457.89)))
    chart = Chart("profit-chart", "intervals", TITLE, told, "group", "profit")
    wide, narrow = (" ".join(texts(chart_svg(chart, Reader("nl", DOCUMENT), width))) for width in (640, 320))
    assert "22.457,89" in wide
    assert "22.457,89" not in narrow
    assert "16.392,05" in narrow
