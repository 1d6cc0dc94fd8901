"""For whom did it work? Lifts by the segment on entry, corrected for looking at many."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from statsmodels.stats.multitest import multipletests

from engine.tables import Member
from response.cells import SMALL
from response.parts import Section
from response.sections.segments import section
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.sums import UNDEFINED, Sums
from tests.response.response_story import DONE, HOLDOUT, LEARN, TEST, Story, flow, split, telling
from tests.response.section_reading import keys, opening, rows, said, spoken


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


class Town:
    """Puts customers of segments into arms, with so many buyers."""

    def __init__(self, story: Story, **learn: Any) -> None:
        self.story = story
        self.version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, **learn}))

    def has(self, segment: str | None, arm: str, count: int, buyers: int, cents: int = 100) -> list[Member]:
        members = self.story.enters(count, self.version, segment=segment)
        self.story.assigns(members, "start", arm, self.version)
        for member in members[:buyers]:
            self.story.buys(member, cents)
        return members


def segments(story: Story, days: float = 60) -> Section | None:
    return section(story.sources(days))


def test_each_segment_has_its_own_lift_and_all_add_up(story: Story) -> None:
    town = Town(story)
    for segment, test, control in (("families", 20, 5), ("students", 6, 5), (None, 4, 4)):
        town.has(segment, "contacted", 60, test)
        town.has(segment, "control", 60, control)
    found = segments(story)
    by_segment = {row["segment"]: row for row in rows(found, "segments")}
    assert list(by_segment) == ["families", "students", "(none)", "(all)"]
    tests = {"families": (20, 5), "students": (6, 5), "(none)": (4, 4)}
    sums = {name: (Sums.of_count(60, one), Sums.of_count(60, other)) for name, (one, other) in tests.items()}
    p_values = [proportions_p_value(*each) for each in sums.values()]
    corrected = multipletests(p_values, method="fdr_bh")[1]
    for place, (name, pair) in enumerate(sums.items()):
        row = by_segment[name]
        assert (row["absolute"], row["p"]) == (difference_of_proportions(*pair), p_values[place])
        assert row["corrected_p"] == pytest.approx(corrected[place])
    assert [by_segment[name]["finding"] for name in tests] == ["stands", "unsure", "unsure"]
    total = by_segment["(all)"]
    assert (total["customers"], total["assigned"], total["control_assigned"]) == (360, 180, 180)
    assert total["absolute"] == difference_of_proportions(Sums.of_count(180, 30), Sums.of_count(180, 14))
    assert said(found, "segments.some") == {"cells": 3, "segments": 3, "standing": 1}
    assert said(found, "segments.lift")["segment"] == "families"


def test_what_only_looked_good_before_the_correction_does_not_survive(story: Story) -> None:
    town = Town(story)
    for number in range(6):
        town.has(f"s{number}", "contacted", 60, 14 if number == 0 else 8)
        town.has(f"s{number}", "control", 60, 5 if number == 0 else 8)
    found = segments(story)
    first = rows(found, "segments")[0]
    assert first["p"] < 0.05 < first["corrected_p"]
    assert opening(found).key == "segments.none"
    assert "segments.alike" in keys(found)


def test_segments_that_pull_in_opposite_directions_are_told_to_differ(story: Story) -> None:
    town = Town(story)
    town.has("a", "contacted", 60, 30)
    town.has("a", "control", 60, 5)
    town.has("b", "contacted", 60, 5)
    town.has("b", "control", 60, 30)
    assert "segments.differ" in keys(segments(story))


def test_small_segments_show_their_size_and_no_figures(story: Story) -> None:
    town = Town(story)
    town.has("large", "contacted", SMALL, 9)
    town.has("large", "control", SMALL, 5)
    town.has("small", "contacted", SMALL, 9)
    town.has("small", "control", SMALL - 1, 5)
    found = segments(story)
    small = rows(found, "segments")[1]
    assert (small["assigned"], small["control_assigned"], small["finding"]) == (SMALL, SMALL - 1, "small")
    assert (small["rate"], small["control_rate"], small["absolute"], small["p"]) == (None, None, UNDEFINED, None)
    assert said(found, "segments.small") == {"small": SMALL, "cells": 1}


def test_with_only_small_segments_nothing_is_said(story: Story) -> None:
    town = Town(story)
    for arm in ("contacted", "control"):
        town.has("a", arm, 10, 5)
        town.has("b", arm, 10, 1)
    assert opening(segments(story)).key == "segments.all_small"


def test_several_arms_have_no_row_that_takes_them_together(story: Story) -> None:
    arms = split({"a": {"share": "34%"}, "b": {"share": "33%"}, "c": {"share": "33%", "control": True}})
    version = story.runs(flow(arms, DONE))
    for arm in ("a", "b", "c"):
        for segment in ("x", "y"):
            members = story.enters(SMALL, version, segment=segment)
            story.assigns(members, "arms", arm, version)
            story.buys(members[0], 100)
    found = segments(story)
    assert [(row["segment"], row["group"]) for row in rows(found, "segments")] == [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]


def test_money_and_ratios_are_compared_too(story: Story) -> None:
    town = Town(story, metric="spend", minimum_lift=None)
    town.has("a", "contacted", 60, 10, cents=2000)
    town.has("a", "control", 60, 10, cents=1000)
    row = rows(segments(story), "segments")[0]
    assert (row["rate"], row["control_rate"]) == pytest.approx((20 / 6, 10 / 6))
    assert row["absolute"].estimate == pytest.approx(10 / 6)


def test_without_segments_or_with_a_broken_split_there_is_no_section(story: Story) -> None:
    town = Town(story)
    town.has(None, "contacted", 60, 10)
    town.has(None, "control", 60, 10)
    assert segments(story) is None
    town.has("a", "contacted", 200, 0)
    assert segments(story) is None


def test_segments_without_an_effect_survive_about_as_rarely_as_promised(story: Story) -> None:
    """A/A in twenty segments: with the correction, a false finding in at most one campaign of twenty; here one campaign, by seed."""
    town, generator = Town(story), np.random.default_rng(23)
    for number in range(20):
        for arm in ("contacted", "control"):
            town.has(f"s{number}", arm, SMALL, int(generator.binomial(SMALL, 0.2)))
    found = segments(story)
    uncorrected = [row["p"] for row in rows(found, "segments")[:-1]]
    assert min(uncorrected) < 0.2
    assert opening(found).key == "segments.none"


def test_every_sentence_can_be_said_in_every_language(story: Story) -> None:
    town = Town(story)
    town.has("families", "contacted", 60, 20)
    town.has("families", "control", 60, 5)
    town.has("few", "control", 3, 1)
    sources = story.sources(10)
    texts = spoken(section(sources), sources)
    assert "survive the correction" in texts["en"]
    assert "verkennend" in texts["nl"]
    assert "no segment" not in texts["en"]
