from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.graph import FlowGraph
from engine.language.values import Moment
from engine.members import LEFT, NEVER, NOT_DELIVERED, UNDER_WAY, Members, new_arrivals
from engine.progress import GOING_ON, REASONS, Progress
from engine.reasons import Reason
from engine.step import step
from store.clock import DAY_MICROS, from_micros, to_micros
from tests.engine.flows import ToldFacts, graph_of

NOW = to_micros(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))  # Monday 13:00 in Amsterdam


def arrivals(graph: FlowGraph, count: int, node: str | None = None) -> Members:
    ids = np.arange(1, count + 1)
    return new_arrivals(ids, ids, graph.place[node or graph.order[0]], NOW)


def again(progress: Progress, delivery: int = 0) -> Members:
    """The members of a progress, as they would be read back."""
    before = progress.members
    return Members(
        before.member_id,
        before.customer_id,
        before.entered_at,
        progress.node,
        progress.arrived_at,
        progress.deadline_at,
        progress.hop,
        progress.fresh,
        np.full(len(before), delivery, np.int8),
    )


def where(progress: Progress) -> Counter[str]:
    return Counter(progress.graph.order[place] for place in progress.node[progress.ended == GOING_ON].tolist())


def reasons(progress: Progress) -> Counter[Reason]:
    return Counter(REASONS[code] for code in progress.ended[progress.ended != GOING_ON].tolist())


def test_a_wait_lasts_its_duration_and_no_longer() -> None:
    graph = graph_of({"in": {"audience": "everyone"}, "pause": {"wait": "5 days"}, "won": {"goal": "buys"}})
    first = step(graph, arrivals(graph, 3), ToldFacts(), NOW)
    assert where(first) == {"pause": 3}
    assert set(first.due_at.tolist()) == {NOW + 5 * DAY_MICROS}
    early = step(graph, again(first), ToldFacts(), NOW + 5 * DAY_MICROS - 1)
    assert where(early) == {"pause": 3}
    on_time = step(graph, again(first), ToldFacts(), NOW + 5 * DAY_MICROS)
    assert reasons(on_time) == {Reason.GOAL_REACHED: 3}


def test_a_time_of_day_is_the_customers_own() -> None:
    graph = graph_of({"in": {"audience": "everyone"}, "morning": {"wait": "until 09:00"}, "won": {"goal": "buys"}})
    amsterdam = step(graph, arrivals(graph, 1), ToldFacts(), NOW).due_at[0]
    new_york = step(graph, arrivals(graph, 1), ToldFacts(zone="America/New_York"), NOW).due_at[0]
    assert from_micros(amsterdam) == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert from_micros(new_york) == datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    graph = graph_of({"in": {"audience": "everyone"}, "then": {"wait": "until 2026-01-01 09:00"}, "won": {"goal": "buys"}})
    assert reasons(step(graph, arrivals(graph, 2), ToldFacts(), NOW)) == {Reason.GOAL_REACHED: 2}


def test_an_answer_ends_a_wait_and_silence_takes_the_time_out() -> None:
    graph = graph_of(
        {
            "in": {"audience": "everyone"},
            "answer": {"wait_for": "response to mail", "at_most": "5 days", "then": "won", "timeout": "end"},
            "won": {"goal": "answers"},
        }
    )
    first = step(graph, arrivals(graph, 4), ToldFacts(), NOW)
    answered = ToldFacts({"response to mail": lambda customer: customer <= 1})
    woken = step(graph, again(first), answered, NOW + DAY_MICROS)
    assert (where(woken), reasons(woken)) == ({"answer": 3}, {Reason.GOAL_REACHED: 1})
    assert set(woken.due_at[1:].tolist()) == {NOW + 5 * DAY_MICROS}
    late = step(graph, again(first), answered, NOW + 5 * DAY_MICROS)
    assert reasons(late) == {Reason.GOAL_REACHED: 1, Reason.FLOW_ENDED: 3}


def test_a_message_is_queued_once_and_the_member_waits_for_it() -> None:
    graph = graph_of({"in": {"audience": "everyone"}, "mail": {"send": "email", "template": "a.mjml"}, "won": {"goal": "buys"}})
    first = step(graph, arrivals(graph, 2), ToldFacts(), NOW)
    assert [len(queued.rows) for queued in first.messages] == [2]
    assert where(first) == {"mail": 2}
    assert set(first.due_at.tolist()) == {NEVER}
    waiting = step(graph, again(first, UNDER_WAY), ToldFacts(), NOW + DAY_MICROS)
    assert not waiting.messages
    assert where(waiting) == {"mail": 2}
    assert reasons(step(graph, again(first, LEFT), ToldFacts(), NOW)) == {Reason.GOAL_REACHED: 2}


def test_who_cannot_be_reached_takes_the_other_channel() -> None:
    graph = graph_of(
        {
            "in": {"audience": "everyone"},
            "mail": {"send": "email", "template": "a.mjml", "unreachable": "letter", "next": "end"},
            "letter": {"send": "print", "template": "b"},
        }
    )
    first = step(graph, arrivals(graph, 2), ToldFacts(), NOW)
    refused = step(graph, again(first, NOT_DELIVERED), ToldFacts(), NOW)
    assert [(queued.node, len(queued.rows)) for queued in refused.messages] == [("letter", 2)]
    assert reasons(step(graph, again(first, LEFT), ToldFacts(), NOW)) == {Reason.FLOW_ENDED: 2}


def test_a_message_waits_for_its_release_and_is_stale_after_its_freshness() -> None:
    graph = graph_of(
        {
            "in": {"audience": "everyone"},
            "letter": {"send": "print", "template": "b", "release": "next monday 09:00", "fresh_for": "2 days"},
        }
    )
    queued = step(graph, arrivals(graph, 1), ToldFacts(), NOW).messages[0]
    assert from_micros(queued.due_at[0]) == datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
    assert from_micros(queued.stale_at[0]) == datetime(2026, 3, 11, 8, 0, tzinfo=UTC)


def test_next_monday_is_not_this_monday() -> None:
    monday = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # nine o'clock in Amsterdam
    zone = ZoneInfo("Europe/Amsterdam")
    assert Moment.parse("monday 09:00").after(monday, zone) == monday
    assert Moment.parse("next monday 09:00").after(monday, zone) == monday + timedelta(days=7)


def test_the_exit_condition_holds_at_every_node_but_not_before_the_first() -> None:
    graph = graph_of({"in": {"audience": "everyone"}, "pause": {"wait": "5 days"}, "won": {"goal": "x"}}, exit_when="purchase since entry")
    bought = ToldFacts({"purchase since entry": True})
    first = step(graph, arrivals(graph, 2), bought, NOW)
    assert where(first) == {"pause": 2}
    assert reasons(step(graph, again(first), bought, NOW + 1)) == {Reason.EXIT_CONDITION: 2}


def test_a_branch_takes_the_first_way_that_holds() -> None:
    ways = [{"when": "a", "then": "won"}, {"when": "b", "then": "lost"}, {"otherwise": "end"}]
    graph = graph_of({"in": {"audience": "everyone"}, "which": {"branch": ways}, "won": {"goal": "w"}, "lost": {"end": "l"}})
    facts = ToldFacts({"a": lambda customer: customer <= 2, "b": lambda customer: customer <= 5})
    moves = {(moved.node, moved.exit): len(moved.rows) for moved in step(graph, arrivals(graph, 9), facts, NOW).moves}
    assert {key: count for key, count in moves.items() if key[0] == "which"} == {
        ("which", "when-1"): 2,
        ("which", "when-2"): 3,
        ("which", "otherwise"): 4,
    }


def test_arms_given_by_the_data_are_followed_and_an_unknown_arm_is_told() -> None:
    arms = {"mens": {"is": "M", "next": "won"}, "none": {"is": "N", "next": "end", "control": True}}
    graph = graph_of({"in": {"audience": "everyone"}, "group": {"split": arms, "by": "segment"}, "won": {"goal": "w"}})
    facts = ToldFacts(attributes={"segment": lambda customer: {1: "M", 2: "N"}.get(customer, "?")})
    progress = step(graph, arrivals(graph, 3), facts, NOW)
    assert reasons(progress) == {Reason.GOAL_REACHED: 1, Reason.FLOW_ENDED: 1, Reason.NO_ARM: 1}
    assert {exposed.arm: exposed.rows.tolist() for exposed in progress.exposures} == {"mens": [0], "none": [1]}


def test_a_holdout_is_about_its_share_is_written_down_and_gets_nothing() -> None:
    graph = graph_of({"in": {"audience": "everyone", "holdout": "10%"}, "mail": {"send": "email", "template": "a.mjml"}})
    progress = step(graph, arrivals(graph, 20_000), ToldFacts(), NOW)
    arms = {exposed.arm: len(exposed.rows) for exposed in progress.exposures}
    assert abs(arms["control"] - 2_000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5
    assert arms["control"] + arms["contacted"] == 20_000
    assert reasons(progress) == {Reason.HELD_OUT: arms["control"]}
    assert len(progress.messages[0].rows) == arms["contacted"]


def test_an_arm_depends_on_the_customer_and_the_node_alone() -> None:
    variants = {"a": {"share": "50%", "template": "a.mjml"}, "b": {"share": "50%", "template": "b.mjml"}}
    graph = graph_of({"in": {"audience": "everyone"}, "mail": {"send": "email", "variants": variants}})
    whole = step(graph, arrivals(graph, 1_000), ToldFacts(), NOW).messages[0].arms
    ids = np.arange(501, 1_001)
    half = step(graph, new_arrivals(ids + 77, ids, 0, NOW + DAY_MICROS), ToldFacts(), NOW + DAY_MICROS).messages[0].arms
    assert whole[500:].tolist() == half.tolist()


@given(st.integers(1, 400), st.integers(0, 2**32))
def test_everyone_is_somewhere_and_a_step_changes_nothing_it_was_given(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = graph_of(
        {
            "in": {"audience": "everyone", "holdout": "20%"},
            "mail": {"send": "email", "template": "a.mjml", "unreachable": "which"},
            "answer": {"wait_for": "response to mail", "at_most": "5 days", "then": "won", "timeout": "which"},
            "which": {"branch": [{"when": "a", "then": "pause"}, {"otherwise": "end"}]},
            "pause": {"wait": "1 day"},
            "won": {"goal": "w"},
        }
    )
    yes = random.random(count + 1) < 0.5
    facts = ToldFacts({"a": lambda customer: yes[customer], "response to mail": lambda customer: ~yes[customer]})
    members, now = arrivals(graph, count), NOW
    for _ in range(12):
        before = members.node.copy()
        progress = step(graph, members, facts, now)
        assert members.node.tolist() == before.tolist()
        assert progress.active.sum() == 0
        again_progress = step(graph, members, facts, now)
        assert again_progress.node.tolist() == progress.node.tolist()
        still = np.flatnonzero(progress.ended == GOING_ON)
        left = again(progress, int(random.integers(LEFT, NOT_DELIVERED + 1)))
        members = Members(*(getattr(left, name)[still] for name in Members.__slots__))
        now += DAY_MICROS
        if not len(members):
            break
    assert not len(members)


def test_ten_and_ten_thousand_members_ask_the_same_number_of_questions() -> None:
    ways = [{"when": "a", "then": "end"}, {"otherwise": "end"}]
    graph = graph_of({"in": {"audience": "everyone"}, "which": {"branch": ways}})
    few, many = ToldFacts({"a": True}), ToldFacts({"a": True})
    step(graph, arrivals(graph, 10), few, NOW)
    step(graph, arrivals(graph, 10_000), many, NOW)
    assert few.questions == many.questions == 1
