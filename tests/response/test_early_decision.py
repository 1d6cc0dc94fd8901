"""The hybrid rule as the report applies it: early by the test that holds at any look, at the closing date by what is left."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from engine.metrics import BUILT_IN
from response.comparisons import Measured, compare
from response.facts import ArmTrust, Comparison, Experiment, Goal
from response.statistics.day_by_day import Look, first_finding
from response.statistics.looks import HYBRID_EARLY, any_time_p
from response.statistics.moments import Moments
from response.statistics.sums import Sums
from response.statistics.verdicts import Verdict

GOAL = Goal("Does it help?", "purchase", "28 days", None, None)
FIRST = date(2026, 3, 2)
SIZE = 20_000


def experiment(*names: str) -> Experiment:
    arms = tuple(ArmTrust(name, SIZE, SIZE) for name in (*names, "control"))
    return Experiment("start", "holdout", "control", primary=True, arms=arms, sample_ratio_p=0.5, sent_ratio_p=None)


def moments(buyers: int) -> Moments:
    return Moments(SIZE, buyers, buyers, 0, 0, 0)


def looks(course: list[tuple[int, int]], alpha: float = HYBRID_EARLY) -> tuple[Look, ...]:
    """Buyers so far of the arm and of control, at the end of each day."""
    found, smallest = [], 1.0
    for number, (arm, control) in enumerate(course):
        smallest = min(smallest, any_time_p((arm, control), (SIZE, SIZE)))
        sums = (Sums.of_count(SIZE, arm), Sums.of_count(SIZE, control))
        found.append(Look(FIRST + timedelta(days=number), *sums, alpha, smallest))
    return tuple(found)


def judged(course: list[tuple[int, int]], still_open: int = 0, goal: Goal = GOAL, **changes: Any) -> Comparison:
    arm, control = course[-1]
    sums = {("start", "contacted"): moments(arm), ("start", "control"): moments(control)}
    spec = replace(BUILT_IN["purchase"], **changes)
    (found,) = compare([experiment("contacted")], [Measured(spec, sums, still_open, looks={"contacted": looks(course)})], goal)
    return found


def test_while_windows_are_open_a_difference_that_holds_at_any_look_decides() -> None:
    found = judged([(20, 18), (120, 40), (130, 60)], still_open=500)
    assert (found.verdict, found.why, found.found_on) == (Verdict.BETTER, "early", FIRST + timedelta(days=1))
    turned = judged([(18, 20), (40, 120)], still_open=500)
    assert (turned.verdict, turned.why) == (Verdict.WORSE, "early")


def test_where_less_is_better_the_early_verdict_turns() -> None:
    assert judged([(120, 40)], still_open=500, better="less").verdict is Verdict.WORSE
    assert judged([(40, 120)], still_open=500, better="less").verdict is Verdict.BETTER


def test_before_the_test_crosses_nothing_is_concluded_whatever_the_interval() -> None:
    found = judged([(130, 100)], still_open=500)
    assert found.p_value is not None
    assert found.p_value < 0.05
    assert (found.verdict, found.why, found.found_on) == (Verdict.INCONCLUSIVE, "window_open", None)


def test_an_early_finding_stands_at_the_closing_date_and_while_the_difference_shrinks() -> None:
    course = [(120, 40), (220, 190)]
    assert first_finding(looks(course)) is not None
    for still_open in (500, 0):
        found = judged(course, still_open)
        assert (found.verdict, found.why, found.found_on) == (Verdict.BETTER, "early", FIRST)


def test_an_early_finding_that_the_fixed_test_contradicts_concludes_nothing() -> None:
    found = judged([(120, 40), (200, 300)])
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "contradicted")


def test_within_the_smallest_effect_there_is_no_difference_that_matters_however_it_began() -> None:
    found = judged([(120, 40), (300, 290)], goal=replace(GOAL, minimum=0.02))
    assert (found.verdict, found.why) == (Verdict.SAME, "within_minimum")


def test_the_closing_date_has_what_looking_early_left_and_the_interval_shown_is_of_95_per_cent() -> None:
    """1.00 % against 1.20 %: p is .046 at 20,000 an arm, between what is left and what an interval of 95 % takes."""
    course = next([(arm, 200)] for arm in range(200, 260) if (judged([(arm, 200)]).p_value or 1) < 0.05)
    found = judged(course)
    assert 0.045 < (found.p_value or 0) < 0.05
    assert found.absolute.low is not None
    assert found.absolute.low > 0
    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, "early_spent")
    (plain,) = compare(
        [experiment("contacted")],
        [Measured(BUILT_IN["purchase"], {("start", "contacted"): moments(course[0][0]), ("start", "control"): moments(200)})],
        GOAL,
    )
    assert (plain.verdict, plain.absolute, plain.relative, plain.p_value) == (
        Verdict.BETTER,
        found.absolute,
        found.relative,
        found.p_value,
    )


def test_a_metric_that_does_not_answer_the_goal_waits_for_its_window() -> None:
    sums = {("start", "contacted"): moments(120), ("start", "control"): moments(40)}
    measured = [Measured(BUILT_IN["purchase"], sums, 500, looks={"contacted": looks([(120, 40)])}), Measured(BUILT_IN["visit"], sums, 500)]
    first, second = compare([experiment("contacted")], measured, GOAL)
    assert (first.verdict, second.verdict, second.why) == (Verdict.BETTER, Verdict.INCONCLUSIVE, "window_open")


def test_of_several_arms_each_is_found_by_itself() -> None:
    course = {"a": looks([(120, 40)], HYBRID_EARLY / 2), "b": looks([(60, 40)], HYBRID_EARLY / 2)}
    sums = {("start", name): moments(buyers) for name, buyers in (("a", 120), ("b", 60), ("control", 40))}
    found = compare([experiment("a", "b")], [Measured(BUILT_IN["purchase"], sums, 500, looks=course)], GOAL)
    assert [(each.verdict, each.why) for each in found] == [(Verdict.BETTER, "early"), (Verdict.INCONCLUSIVE, "window_open")]


@pytest.mark.parametrize("arms", [("contacted",), ("a", "b", "c")])
def test_looking_every_day_at_a_campaign_that_does_nothing_finds_a_winner_in_one_of_twenty(arms: tuple[str, ...]) -> None:
    """400 campaigns of 20,000 an arm at 2 %, looked at daily for 28 days; of 2,500 it were .046 and, with three arms, .044."""
    generator, pace = np.random.default_rng(45), np.cumsum(0.85 ** np.arange(28))
    campaigns, false = 400, 0
    for _ in range(campaigns):
        days = generator.multinomial(SIZE, [*(0.02 * np.diff(pace / pace[-1], prepend=0)), 0.98], len(arms) + 1)[:, :28].cumsum(axis=1)
        false += _finds(arms, days.tolist())
    assert false / campaigns <= 0.05 + 0.011  # one standard error of 400


def _finds(arms: tuple[str, ...], days: list[list[int]]) -> bool:
    """Whether any look calls any arm better or worse."""
    control = days[-1]
    course = {arm: looks(list(zip(each, control, strict=True)), HYBRID_EARLY / len(arms)) for arm, each in zip(arms, days, strict=False)}
    sums = [{("start", arm): moments(each[day]) for arm, each in zip((*arms, "control"), days, strict=True)} for day in range(28)]
    for day in (*range(0, 27, 3), 27):  # an early finding stands, so that the days between are not missed
        seen = {arm: each[: day + 1] for arm, each in course.items()}
        measured = Measured(BUILT_IN["purchase"], sums[day], int(day < 27), looks=seen)
        found = compare([experiment(*arms)], [measured], GOAL)
        if any(each.verdict in (Verdict.BETTER, Verdict.WORSE) for each in found):
            return True
    return False
