"""The global hold-out: drawn once, written down, and left alone by every campaign that is not exempt."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
from sqlalchemy import event, text

from engine.campaigns import not_started
from engine.entry import let_in
from engine.explain import explain
from engine.programme import SALT, HoldOut, write_down
from engine.reasons import Reason
from engine.simulate import simulate
from store.clock import from_micros
from store.hashing import fractions
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = "  in: {audience: everyone, again: 1 day}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
TENTH = HoldOut(0.1)
PEOPLE = 200
DRAWN = [n for n in range(1, PEOPLE + 1) if fractions(SALT, np.array([n], np.int64))[0] < TENTH.share]


def with_hold_out(bench: Bench, hold_out: HoldOut | None = TENTH) -> None:
    bench.workspace = replace(bench.workspace, hold_out=hold_out)


def ids(bench: Bench, query: str) -> Sequence[int]:
    with reading(bench.workspace.database) as session:
        return session.execute(text(query)).scalars().all()


def held(bench: Bench) -> Sequence[int]:
    return ids(bench, "SELECT customer_id FROM programme WHERE held_out ORDER BY customer_id")


def members(bench: Bench) -> Sequence[int]:
    return ids(bench, "SELECT customer_id FROM member ORDER BY customer_id")


def test_no_campaign_takes_in_who_is_held_out(bench: Bench) -> None:
    bench.people(PEOPLE)
    with_hold_out(bench)
    bench.carry_out(bench.start(FLOW))
    assert 10 < len(DRAWN) < 30
    assert held(bench) == DRAWN
    assert members(bench) == [n for n in range(1, PEOPLE + 1) if n not in DRAWN]
    assert len(bench.sent()) == PEOPLE - len(DRAWN)


def test_an_exempt_flow_takes_everyone_in_and_still_writes_the_draw_down(bench: Bench) -> None:
    bench.people(PEOPLE)
    with_hold_out(bench)
    bench.carry_out(bench.start(FLOW, header="programme: exempt"))
    assert held(bench) == DRAWN
    assert len(members(bench)) == PEOPLE


def test_without_a_hold_out_nothing_is_drawn(bench: Bench) -> None:
    bench.people(3)
    bench.carry_out(bench.start(FLOW))
    assert ids(bench, "SELECT customer_id FROM programme") == []


def test_a_later_share_changes_nobody_but_those_who_are_new(bench: Bench) -> None:
    bench.people(PEOPLE)
    with_hold_out(bench)
    bench.carry_out(bench.start(FLOW))
    with_hold_out(bench, HoldOut(0.01))
    bench.people(PEOPLE, first=PEOPLE + 1)
    bench.carry_out(bench.start(FLOW), now=NOON + timedelta(days=1))
    assert [n for n in held(bench) if n <= PEOPLE] == DRAWN
    assert set(DRAWN).isdisjoint(members(bench))
    assert ids(bench, "SELECT DISTINCT share FROM programme WHERE customer_id > 200") == [0.01]
    assert len([n for n in held(bench) if n > PEOPLE]) < 8
    drawn_at = ids(bench, "SELECT DISTINCT at FROM programme ORDER BY at")
    assert [from_micros(each) for each in drawn_at] == [NOON, NOON + timedelta(days=1)]


def test_an_arm_does_not_depend_on_the_hold_out() -> None:
    """Two salts: who is held out of all campaigns says nothing about who is held out of one."""
    people = np.arange(1, 200_001, dtype=np.int64)
    both = (fractions(SALT, people) < 0.1) & (fractions("test/in", people) < 0.2)
    assert abs(both.mean() - 0.02) < 4 * (0.02 * 0.98 / len(people)) ** 0.5


def test_a_second_runner_changes_nothing(bench: Bench) -> None:
    bench.people(PEOPLE)
    with writing(bench.workspace.database) as session:
        assert write_down(session, TENTH, NOON, 0, PEOPLE) == PEOPLE
        assert write_down(session, HoldOut(0.01), NOON, 0, PEOPLE) == 0
    assert held(bench) == DRAWN


def test_a_look_costs_two_statements_more_however_many_customers(bench: Bench) -> None:
    counts = []
    for first, many in ((1, 10), (11, 1_000)):
        bench.people(many, first=first)
        for hold_out in (None, TENTH):
            with_hold_out(bench, hold_out)
            [running, *_] = bench.start(FLOW.replace("Hi", f"Hi {first} {hold_out}"))
            seen: list[str] = []
            listen = lambda *details, seen=seen: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
            event.listen(bench.workspace.database, "before_cursor_execute", listen)
            let_in(running, NOON)
            event.remove(bench.workspace.database, "before_cursor_execute", listen)
            counts.append(len(seen))
    assert counts[1] - counts[0] == counts[3] - counts[2] == 2


def test_explain_says_who_is_held_out_and_since_when(bench: Bench) -> None:
    bench.people(PEOPLE)
    with_hold_out(bench)
    [running, *_] = bench.start(FLOW)
    before = explain(running, f"c{DRAWN[0]}", NOON)
    assert before.now.reason is Reason.PROGRAMME_HOLDOUT
    assert before.findings[0].text == "will be drawn into the global hold-out"
    bench.carry_out([running])
    after = explain(running, f"c{DRAWN[0]}", NOON + timedelta(days=3))
    assert (after.entered, after.now.reason) == (False, Reason.PROGRAMME_HOLDOUT)
    assert (after.findings[0].text, after.findings[0].at) == ("was drawn into the global hold-out", NOON)
    assert "comes in when" not in " ".join(finding.text for finding in after.findings)


def test_simulate_counts_who_is_held_out_as_the_run_then_does(bench: Bench) -> None:
    bench.people(PEOPLE)
    with_hold_out(bench)
    [running, *_] = bench.start(FLOW)
    simulation = simulate(not_started(bench.workspace, running.graph), NOON, {})
    assert simulation.audience == PEOPLE - len(DRAWN)
    assert simulation.left_out == {("in", "programme_holdout"): len(DRAWN)}
    assert ids(bench, "SELECT customer_id FROM programme") == []
    bench.carry_out([running])
    assert len(members(bench)) == simulation.audience
    again = simulate(not_started(replace(bench.workspace, hold_out=HoldOut(0.01)), running.graph), NOON, {})
    assert again.left_out == {("in", "programme_holdout"): len(DRAWN)}  # as written down, not as it would be drawn now
