"""As the days went by: who is counted, what each day adds, and where each group stood at the last day."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from scipy import stats
from sqlalchemy import Engine

from engine.tables import Member
from response.parts import Section
from response.sections.curve import section
from response.statistics.proportions import difference_of_proportions, wilson
from response.statistics.rates import rate_with_interval
from response.statistics.sums import UNDEFINED, Effect, Sums
from tests.response.response_story import DONE, HOLDOUT, LEARN, NOON, TEST, Story, flow, telling
from tests.response.section_reading import keys, rows, said, spoken


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def held_out(story: Story, **learn: Any) -> tuple[list[Member], list[Member]]:
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, **learn}))
    return story.arm(10, "start", "contacted", version), story.arm(8, "start", "control", version)


def curve(story: Story, days: float = 60) -> Section | None:
    return section(story.sources(days))


def line(found: Section | None, arm: str) -> list[float]:
    return [row["rate"] for row in rows(found, "curve") if row["group"] == arm]


def test_each_day_adds_those_who_did_it_for_the_first_time(story: Story) -> None:
    contacted, control = held_out(story, within="4 days")
    story.buys(contacted[0], 100, days=0)
    story.buys(contacted[0], 100, days=2.5)  # the second time
    story.buys(contacted[1], 100, days=2.5)
    story.buys(contacted[2], 100, days=4)  # after the window
    story.buys(control[0], 100, days=3.9)
    found = curve(story)
    assert line(found, "contacted") == [0, 0.1, 0.1, 0.2, 0.2]
    assert line(found, "control") == [0, 0, 0, 0, 1 / 8]
    assert said(found, "curve.everybody") == {"customers": 18, "of": 18, "days": 4}
    assert said(found, "curve.half") == {"day": 3, "days": 4}
    contacted_row, control_row = rows(found, "curve-end")
    test, other = Sums.of_count(10, 2), Sums.of_count(8, 1)
    assert contacted_row["rate"] == Effect(0.2, *wilson(test))
    assert contacted_row["absolute"] == difference_of_proportions(test, other)
    assert (control_row["counted"], control_row["total"], control_row["absolute"]) == (8, 1, None)


def test_money_has_students_interval(story: Story) -> None:
    contacted, _ = held_out(story, metric="spend", minimum_lift=None)
    story.buys(contacted[0], 1000, days=1)
    story.buys(contacted[0], 500, days=3)
    story.buys(contacted[1], 2500, days=3)
    found = curve(story)
    (row, _) = rows(found, "curve-end")
    spent = [15.0, 25.0] + [0.0] * 8
    low, high = stats.t.interval(0.95, 9, loc=4.0, scale=stats.sem(spent))
    assert (row["total"], row["rate"].estimate) == (40, 4)
    assert (row["rate"].low, row["rate"].high) == pytest.approx((low, high))
    assert line(found, "contacted")[1:5] == [0, 1, 1, 4]


def test_every_point_stands_on_the_same_customers_who_lived_through_all_days_shown(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    early = story.arm(6, "start", "contacted", version)
    story.arm(6, "start", "control", version)
    late = story.arm(4, "start", "contacted", version, at=NOON + timedelta(days=10))
    for member in (early[0], late[0], late[1]):
        story.buys(member, 100, days=0.5)
    story.buys(early[1], 100, days=11.5)
    found = curve(story, days=12)
    assert said(found, "curve.counted") == {"customers": 12, "of": 16, "days": 12}
    assert line(found, "contacted") == [0, *[1 / 6] * 11, 2 / 6]


def test_a_window_that_ends_within_a_day_is_lived_through_when_it_closes(story: Story) -> None:
    contacted, _ = held_out(story, within="36 hours")
    story.buys(contacted[0], 100, days=1.2)
    assert said(curve(story, days=1.25), "curve.everybody")["days"] == 1
    found = curve(story, days=1.5)
    assert said(found, "curve.everybody")["days"] == 2
    assert line(found, "contacted") == [0, 0, 0.1]


def test_while_windows_are_open_the_intervals_are_said_to_hold_for_one_look(story: Story) -> None:
    contacted, _ = held_out(story)
    story.buys(contacted[0], 100)
    assert "curve.open" in keys(curve(story, days=27))
    assert "curve.open" not in keys(curve(story, days=28))


def test_on_the_first_day_there_is_no_curve(story: Story) -> None:
    held_out(story)
    assert keys(curve(story, days=0.9)) == ["curve.too_early"]


def test_without_arms_there_is_no_curve(story: Story) -> None:
    story.enters(3, story.runs(flow(TEST, DONE)))
    assert curve(story) is None


def test_every_sentence_can_be_said_in_every_language(story: Story) -> None:
    contacted, _ = held_out(story)
    story.buys(contacted[0], 100)
    sources = story.sources(12)
    texts = spoken(section(sources), sources)
    assert "12 days after coming in" in texts["en"]
    assert "12 dagen na binnenkomst" in texts["nl"]


def test_a_rate_of_nobody_is_not_defined() -> None:
    assert rate_with_interval(Sums(0, 0, 0), proportion=True) == UNDEFINED
    assert rate_with_interval(Sums(1, 300, 90_000, 100), proportion=False) == Effect(3, None, None)
