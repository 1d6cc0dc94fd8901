"""May I look today? Sums by the calendar, the band, and the state of the rule in words."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from engine.metrics import BUILT_IN
from engine.tables import Member
from response.daily import Daily, daily_sums
from response.parts import Chart, Section, Word
from response.sections.cumulative import section
from response.statistics.looks import any_time_p, band_of_proportions, confidence_sequence
from response.statistics.sums import Sums
from response.statistics.verdicts import Verdict
from tests.response.response_story import DONE, HOLDOUT, LEARN, NOON, TEST, Story, flow, split, telling
from tests.response.section_reading import keys, opening, rows, said, spoken


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def held_out(story: Story, size: int = 40, **learn: Any) -> tuple[list[Member], list[Member]]:
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, **learn}))
    return story.arm(size, "start", "contacted", version), story.arm(size, "start", "control", version)


def cumulative(story: Story, days: float) -> Section | None:
    return section(story.sources(days))


def by_day(story: Story, metric: str, days: float) -> Daily:
    sources = story.sources(days)
    return daily_sums(sources.session, sources.report, sources.population, BUILT_IN[metric], "start")


def clear_win(story: Story) -> None:
    """All of the contacted buy on the fifth day, nobody of the control."""
    contacted, _ = held_out(story)
    for member in contacted:
        story.buys(member, 100, days=4)


def test_days_are_those_of_the_calendar_and_customers_count_from_their_entry_on(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    [first] = story.arm(1, "start", "contacted", version)
    [second] = story.arm(1, "start", "contacted", version, at=NOON + timedelta(days=2))
    story.buys(first, 100, days=10.9 / 24)  # 22:54 in London, 23:54 in Amsterdam
    story.buys(second, 100, days=11.1 / 24)  # 23:06 in London, 0:06 on the next day in Amsterdam
    found = by_day(story, "purchase", 3)
    assert found.days == [date(2026, 3, day) for day in (2, 3, 4, 5)]
    assert [(each.n, each.y) for each in found.arms["contacted"]] == [(1, 1), (1, 1), (2, 1), (2, 2)]


def test_a_day_of_23_hours_ends_at_midnight_too(story: Story) -> None:
    contacted, _ = held_out(story, size=1, within="60 days")
    at = NOON + timedelta(days=27, hours=10.5)  # 29 March, 22:30 UTC: 0:30 on the 30th, clocks having gone forward
    story.buys(contacted[0], 100, days=(at - NOON) / timedelta(days=1))
    found = by_day(story, "purchase", 29)
    assert next(day for day, each in zip(found.days, found.arms["contacted"], strict=True) if each.y) == date(2026, 3, 30)


def test_squares_are_those_of_what_each_customer_had_come_to(story: Story) -> None:
    contacted, _ = held_out(story, size=3)
    for member, cents, days in ((0, 1000, 0.1), (0, 500, 0.2), (0, -300, 2), (1, 2_000_000_000, 2), (0, 700, 3)):
        story.buys(contacted[member], cents, days=days)
    sums = by_day(story, "spend", 4).arms["contacted"]
    large = 2_000_000_000
    assert [(each.y, each.yy) for each in sums] == [
        (1500, 1500**2),
        (1500, 1500**2),
        (1200 + large, 1200**2 + large**2),
        (1900 + large, 1900**2 + large**2),
        (1900 + large, 1900**2 + large**2),
    ]


def test_the_last_day_has_the_sums_of_the_report(story: Story) -> None:
    generator = np.random.default_rng(11)
    contacted, control = held_out(story, metric="spend", minimum_lift=None)
    for member in [*contacted, *control]:
        for _ in range(int(generator.integers(0, 4))):
            story.buys(member, int(generator.integers(100, 9000)), days=float(generator.uniform(0, 27)))
    sources = story.sources(60)
    (headline,) = [each for each in sources.report.comparisons if each.primary]
    daily = daily_sums(sources.session, sources.report, sources.population, BUILT_IN["spend"], "start")
    last = {arm: each[-1] for arm, each in daily.arms.items()}
    assert last["contacted"].mean - last["control"].mean == pytest.approx(headline.absolute.estimate)
    assert last["contacted"].y / 100 == pytest.approx(headline.arm_total)


def test_an_early_finding_names_the_day_and_the_closing_date(story: Story) -> None:
    clear_win(story)
    found = cumulative(story, 10)
    values = said(found, "cumulative.early.before")
    assert (values["day"], values["closing"], values["direction"]) == (date(2026, 3, 6), date(2026, 3, 30), "higher")
    (chart,) = [part for part in (found.parts if found else ()) if isinstance(part, Chart)]
    assert (chart.kind, chart.rule, chart.minimum) == ("band", date(2026, 3, 30), 0.01)
    assert not [table for table in (found.tables if found else ()) if table.name == "closing"]


def test_undecided_says_when_to_come_back_and_shows_no_fixed_interval(story: Story) -> None:
    contacted, control = held_out(story)
    for member in [*contacted[:6], *control[:4]]:
        story.buys(member, 100)
    found = cumulative(story, 10)
    assert said(found, "cumulative.waiting.until")["closing"] == date(2026, 3, 30)
    assert "cumulative.so_far" in keys(found)
    last = rows(found, "cumulative")[-1]
    assert last["absolute"] == band_of_proportions(Sums.of_count(40, 6), Sums.of_count(40, 4), 0.995)
    assert last["any_time_p"] == any_time_p((6, 4), (40, 40))
    assert last["extra"] == pytest.approx(2)


@pytest.mark.parametrize("buyers", [(40, 0), (6, 4)])
@pytest.mark.parametrize("days", [10, 60])
def test_the_section_and_the_verdict_tell_the_same(story: Story, buyers: tuple[int, int], days: float) -> None:
    for members, count in zip(held_out(story), buyers, strict=True):
        for member in members[:count]:
            story.buys(member, 100, days=4)
    sources = story.sources(days)
    found, opened = sources.report.comparisons[0], opening(section(sources))
    decided = found.verdict in (Verdict.BETTER, Verdict.WORSE)
    assert decided is (buyers == (40, 0))
    if days == 10:
        assert opened.key == ("cumulative.early.before" if decided else "cumulative.waiting.until")
        assert (found.why, found.found_on) == (("early", date(2026, 3, 6)) if decided else ("window_open", None))
    else:
        assert dict(opened.values)["verdict"] == Word("verdict", found.verdict.value)


def test_at_the_closing_date_the_fixed_interval_counts(story: Story) -> None:
    clear_win(story)
    sources = story.sources(60)
    found = section(sources)
    assert opening(found).key == "cumulative.closed.early"
    (row,) = rows(found, "closing")
    assert row["absolute"] == sources.report.comparisons[0].absolute
    assert rows(found, "cumulative")[-1]["day"] == date(2026, 3, 30)


def test_several_arms_share_what_is_spent_on_looking(story: Story) -> None:
    arms = split({"a": {"share": "34%"}, "b": {"share": "33%"}, "c": {"share": "33%", "control": True}})
    version = story.runs(flow(arms, DONE))
    for name, buyers in (("a", 9), ("b", 5), ("c", 2)):
        for member in story.arm(40, "arms", name, version)[:buyers]:
            story.buys(member, 100)
    last = [row for row in rows(cumulative(story, 10), "cumulative") if row["group"] == "a"][-1]
    assert last["absolute"] == band_of_proportions(Sums.of_count(40, 9), Sums.of_count(40, 2), 1 - 0.005 / 2)


def test_averages_have_a_confidence_sequence(story: Story) -> None:
    contacted, control = held_out(story, metric="spend", minimum_lift=None)
    story.buys(contacted[0], 1000)
    story.buys(contacted[1], 3000)
    story.buys(control[0], 500)
    last = rows(cumulative(story, 10), "cumulative")[-1]
    test, other = Sums(40, 4000, 10_000_000, 100), Sums(40, 500, 250_000, 100)
    assert last["absolute"] == confidence_sequence(test, other, 0.995)
    assert last["extra"] == pytest.approx(35)


def test_without_a_goal_there_is_no_date_to_wait_for(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn=None))
    story.buys(story.arm(5, "start", "contacted", version)[0], 100)
    story.arm(5, "start", "control", version)
    assert opening(cumulative(story, 10)).key == "cumulative.waiting.no_goal"


def test_a_broken_split_is_not_looked_at(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    story.buys(story.arm(300, "start", "contacted", version)[0], 100)
    story.arm(150, "start", "control", version)
    assert cumulative(story, 10) is None


def test_before_anybody_has_responded_there_is_nothing_to_look_at(story: Story) -> None:
    held_out(story)
    assert cumulative(story, 10) is None


@pytest.mark.parametrize("days", [10, 60])
def test_every_sentence_can_be_said_in_every_language(story: Story, days: float) -> None:
    clear_win(story)
    sources = story.sources(days)
    texts = spoken(section(sources), sources)
    assert "May I look today?" in texts["en"]
    assert "Mag ik vandaag kijken?" in texts["nl"]


def test_more_customers_take_no_more_statements(database: Engine, story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn=None))  # with a goal, the facts have them
    counts = []
    for size in (10, 500):
        story.buys(story.arm(size, "start", "contacted", version)[0], 100)
        story.arm(size, "start", "control", version)
        sources = story.sources(10)
        statements: list[str] = []
        listen = lambda *details, seen=statements: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        event.listen(database, "before_cursor_execute", listen)
        section(sources)
        event.remove(database, "before_cursor_execute", listen)
        counts.append(len(statements))
    assert counts == [2, 2]
