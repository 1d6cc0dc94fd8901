"""Scores by rank, and what the campaign did in each cell, against numpy, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from customers.tables import Purchase
from response.sections.rfm import section
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Sums
from store.clock import to_micros
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, NOON, Story, flow, telling
from tests.response.section_reading import keys, said, spoken
from tests.response.section_tables import assert_it_adds_up, table_rows
from tests.response.test_hillstrom import put


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def history(story: Story, count: int, seed: int = 3) -> list[tuple[int, int, int]]:
    """`count` customers of each side with random purchases before; gives (days, orders, cents) of each, in order, all buyers."""
    version = story.runs(flow(HOLDOUT, DONE))
    members = [member for arm in ("contacted", "control") for member in story.arm(count, "start", arm, version)]
    generator = np.random.default_rng(seed)
    rows, known = [], []
    for member in members:
        orders = int(generator.integers(1, 6))
        days = sorted(generator.integers(1, 100, orders).tolist())
        cents = [int(each) for each in generator.integers(100, 900, orders)]
        rows += [
            (f"b{member.id}-{n}", member.customer_id, to_micros(NOON - timedelta(days=day, hours=1)), amount, "EUR")
            for n, (day, amount) in enumerate(zip(days, cents, strict=True))
        ]
        known.append((days[0], orders, sum(cents)))
    put(story, Purchase, "key customer_id purchased_at amount_cents currency", rows)
    return known


def fifths(values: list[int]) -> list[int]:
    """1 to 5 by rank, ties with the lowest of them: how many are smaller decides."""
    ordered = np.sort(values)
    return [1 + int(5 * np.searchsorted(ordered, each, side="left") // len(values)) for each in values]


def test_scores_are_fifths_by_rank_with_equals_together(story: Story) -> None:
    known = history(story, 100)
    columns = [list(each) for each in zip(*known, strict=True)]
    expected = list(zip(fifths([-each for each in columns[0]]), fifths(columns[1]), fifths(columns[2]), strict=True))
    found = section(story.sources())
    cells = {(row["recency"], row["frequency"], row["monetary"]): row for row in table_rows(found, "rfm-cells") if row["recency"] != "sum"}
    counted = {key: (expected[:100].count(key), expected[100:].count(key)) for key in set(expected)}
    assert {key: (row["assigned"], row["control_assigned"]) for key, row in cells.items()} == counted
    assert_it_adds_up(found)


def test_only_what_was_bought_before_counts_and_who_bought_nothing_stands_apart(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    first, second, third = story.arm(3, "start", "contacted", version)
    story.buys(first, 1000, days=-0.001)
    story.buys(second, 1000, days=0)
    story.buys(third, 1000, days=1)
    found = section(story.sources())
    assert [(row["recency"], row["assigned"]) for row in table_rows(found, "rfm-cells")] == [(0, 2), (1, 1), ("sum", 3)]
    assert table_rows(found, "rfm-scores")[-1]["score"] == "never"


def lopsided(story: Story, recent: tuple[int, int], gone: tuple[int, int]) -> None:
    """100 of each side bought a day ago, 100 a hundred days ago; so many of them buy again, of contacted and of control."""
    version = story.runs(flow(HOLDOUT, DONE))
    for place, arm in enumerate(("contacted", "control")):
        members = story.arm(200, "start", arm, version)
        for member in members[:100]:
            story.buys(member, 100, days=-1.5)
        for member in members[100:]:
            story.buys(member, 100, days=-100.5)
        for member in [*members[: recent[place]], *members[100 : 100 + gone[place]]]:
            story.buys(member, 100)


def test_a_lift_that_differs_is_told(story: Story) -> None:
    lopsided(story, (60, 20), (20, 20))
    sources = story.sources()
    found = section(sources)
    grid = {row["recency"]: row for row in table_rows(found, "rfm-grid")}
    assert set(grid) == {1, 3}  # two lumps of equals: half is smaller, so that the later half begins in the third fifth
    assert grid[3]["absolute"] == difference_of_proportions(Sums.of_count(100, 60), Sums.of_count(100, 20))
    assert keys(found)[0] == "rfm.differs.some"
    assert said(found, "rfm.differs.some")["found"] == 1
    assert [said for said in keys(found) if said == "rfm.ties"] == ["rfm.ties"] * 3
    assert "differs between kinds of customers" in spoken(found, sources)["en"]


def test_one_lift_for_all_is_told(story: Story) -> None:
    lopsided(story, (60, 20), (60, 20))
    found = section(story.sources())
    assert keys(found)[0] == "rfm.same.some"
    assert said(found, "rfm.same.some")["found"] == 2


def test_no_lift_at_all_is_told(story: Story) -> None:
    lopsided(story, (20, 20), (20, 20))
    assert keys(section(story.sources()))[0] == "rfm.same.none"


def test_small_cells_have_no_lift_and_tiny_ones_no_rate(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    for arm, count in (("contacted", 60), ("control", 49)):
        for member in story.arm(count, "start", arm, version):
            story.buys(member, 100, days=-1)
    (loner,) = story.arm(1, "start", "contacted", version)
    story.buys(loner, 900, days=-0.5)
    story.buys(loner, 900, days=2)
    found = section(story.sources())
    cells = table_rows(found, "rfm-cells")
    assert [row["absolute"] for row in cells[:-1]] == [UNDEFINED] * len(cells[:-1])
    alone = next(row for row in cells if row["assigned"] == 1)
    assert alone["rate"] is None
    assert keys(found)[0] == "rfm.unknown"
    assert "rfm.small" in keys(found)


def test_without_a_control_it_says_who_responds(story: Story) -> None:
    for member in story.enters(20, story.runs(flow(EVERYONE, DONE))):
        story.buys(member, 100, days=-1)
    found = section(story.sources())
    assert keys(found)[:2] == ["rfm.one_fifth", "rfm.no_control"]
    assert "absolute" not in table_rows(found, "rfm-grid")[0]


def test_nobody_who_bought_before_makes_no_section(story: Story) -> None:
    story.buys(story.arm(2, "start", "contacted", story.runs(flow(HOLDOUT, DONE)))[0], 100)
    assert section(story.sources()) is None
