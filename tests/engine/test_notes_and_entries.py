"""Updates, re-entry, segments, loops, and messages shown again."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind
from engine.counting import standing
from engine.explain import explain
from engine.reasons import Reason
from engine.sent import sent_message
from store.errors import NotFoundError
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

DAY = timedelta(days=1)


def rows(bench: Bench, query: str) -> list[tuple[object, ...]]:
    with reading(bench.workspace.database) as session:
        return [tuple(row) for row in session.execute(text(query))]


def declare(bench: Bench, **attributes: AttributeKind) -> None:
    bench.workspace = replace(bench.workspace, attributes=attributes)
    with writing(bench.workspace.database) as session:
        declare_attributes(session, attributes)


def test_an_update_sets_attributes_of_those_who_pass(bench: Bench) -> None:
    declare(bench, wave=AttributeKind.INTEGER, mood=AttributeKind.TEXT)
    bench.people(3)
    bench.carry_out(bench.start("  in: {audience: key <> 'c3'}\n  note: {update: {wave: 4, mood: glad}}\n  done: {end: over}\n"))
    assert rows(bench, "SELECT customer_id, wave, mood FROM profile ORDER BY 1") == [(1, 4, "glad"), (2, 4, "glad")]


def test_an_update_records_a_refusal_that_holds(bench: Bench) -> None:
    bench.people(1)
    flow = """
  in: {audience: everyone}
  note: {update: {consent: {email: no}}}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
    bench.carry_out(bench.start(flow))
    assert bench.sent() == []
    assert rows(bench, "SELECT granted, source FROM consent_event WHERE source = 'flow'") in ([(0, "flow")], [(False, "flow")])


def test_nobody_comes_in_twice_unless_the_flow_allows_it(bench: Bench) -> None:
    bench.people(1)
    flow = "  in: {audience: everyone, again: 1 day}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
    never = bench.start(flow)
    for day in range(3):
        bench.carry_out(never, NOON + day * DAY)
    assert len(bench.sent()) == 1
    allowed = bench.start(flow, "reentry: 3 days")
    for day in range(3, 9):
        bench.carry_out(allowed, NOON + day * DAY)
    assert len(bench.sent()) == 3
    assert rows(bench, "SELECT entry FROM member ORDER BY id") == [(1,), (2,), (3,)]


def test_a_loop_with_a_wait_writes_again_but_keeps_its_arm(bench: Bench) -> None:
    bench.people(6)
    flow = """
  in: {audience: everyone}
  mail:
    send: email
    subject: Hi
    variants:
      a: {share: 50%, template: words.txt}
      b: {share: 50%, template: words.txt}
  answer: {wait_for: response to mail, at_most: 1 day, then: end, timeout: mail}
"""
    versions = bench.start(flow)
    for day in range(3):
        bench.carry_out(versions, NOON + day * DAY)
    assert len(bench.sent()) == 18
    assert rows(bench, "SELECT count(DISTINCT arm) FROM outbox GROUP BY customer_id") == [(1,)] * 6
    assert rows(bench, "SELECT count(*) FROM exposure") == [(6,)]


def test_a_segment_gets_its_own_words(bench: Bench) -> None:
    bench.workspace = replace(bench.workspace, segments={"first": "key = 'c1'", "all": "everyone"})
    bench.people(2)
    flow = """
  in: {audience: everyone}
  mail: {send: email, subject: Dear customer, template: words.txt, by_segment: {first: {subject: Dear first}}, next: end}
"""
    bench.carry_out(bench.start(flow))
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    assert {line["address"]: line["parts"]["subject"] for line in lines} == {
        "c1@example.com": "Dear first",
        "c2@example.com": "Dear customer",
    }


def test_what_was_sent_can_be_shown_exactly(bench: Bench) -> None:
    bench.people(2)
    bench.carry_out(bench.start("  in: {audience: everyone}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"))
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    shown = [dict(sent_message(bench.workspace, int(line["key"].rpartition(".")[2])).content.parts) for line in lines]
    assert shown == [line["parts"] for line in lines]
    with pytest.raises(NotFoundError):
        sent_message(bench.workspace, 99)


def test_explain_tells_the_whole_way_and_why_not(bench: Bench) -> None:
    bench.people(3)
    bench.refuse(2, "email")
    flow = """
  in: {audience: key <> 'c3'}
  mail: {send: email, subject: Hi, template: words.txt}
  pause: {wait: 2 days}
  won: {goal: x}
"""
    running = bench.start(flow)[0]
    bench.carry_out([running])
    first = explain(running, "c1", NOON)
    assert [finding.text.split(" (")[0] for finding in first.findings] == [
        "came in",
        "went on by 'next'",
        "a message was queued",
        "the message was sent",
        "went on by 'next'",
    ]
    assert "waits until 2026-03-04 13:00" in first.now.text  # in Amsterdam
    assert Reason.OPTED_OUT in [finding.reason for finding in explain(running, "c2", NOON).findings]
    outside = explain(running, "c3", NOON)
    assert (outside.entered, outside.now.reason) == (False, Reason.NOT_IN_AUDIENCE)
    assert "key is c3" in outside.findings[0].text
    with pytest.raises(NotFoundError):
        explain(running, "c4", NOON)


def test_totals_add_up(bench: Bench) -> None:
    bench.people(40)
    bench.refuse(3, "email")
    flow = "  in: {audience: everyone, holdout: 25%}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
    bench.carry_out(bench.start(flow))
    stood = standing(bench.workspace, "test")
    assert stood.members == 40
    assert sum(stood.messages.values()) == 40 - stood.ended["held_out"]
    assert stood.nodes["mail"].through == 40 - stood.ended["held_out"]
