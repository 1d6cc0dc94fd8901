"""Whoever did something moves on without a wave: only they, only in campaigns that go on, and whatever becomes of the others."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, text

from contactflow.waking import Waker, waking
from customers.contact_log import Entry, Kind, log
from customers.tables import CustomerId
from engine.feedback import Taken
from engine.interventions import pause
from engine.wake import wake
from landing.responses import CustomerResponse
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  answer: {wait_for: response to mail, at_most: 5 days, then: thanks, timeout: end}
  thanks: {send: sms, template: words.txt, next: end}
"""


@pytest.fixture
def waiting(tmp_path: Path, database: Engine) -> Bench:
    """Three people who got a mail and are waited for."""
    bench = Bench(tmp_path, database)
    bench.people(3)
    bench.carry_out(bench.start(FLOW))
    assert at_nodes(bench) == ["answer"] * 3
    return bench


def answers(bench: Bench, *customers: int) -> None:
    """They visit the page, which wakes them."""
    with writing(bench.workspace.database) as session:
        for number in customers:
            message = session.execute(text("SELECT id, member_id FROM outbox WHERE customer_id = :id"), {"id": number}).one()
            visit = Entry(NOON, CustomerId(number), "in", "web", Kind.VISITED, "test", node="mail", message_id=message.id)
            log(session, [replace(visit, member_id=message.member_id)])
            wake(session, [CustomerId(number)], NOON)


def at_nodes(bench: Bench) -> list[str]:
    with reading(bench.workspace.database) as session:
        return list(session.execute(text("SELECT node FROM member ORDER BY customer_id")).scalars())


def hears(bench: Bench, *about: object) -> list[object]:
    """Let a waker hear of these, and end; gives what it called behind its rounds."""
    rounds: list[object] = []
    waker = Waker(bench.workspace, bench.clock, lambda: rounds.append(at_nodes(bench)))
    with waking(waker):
        for each in about:
            waker.notice(each)
    return rounds


def response(customer_id: int) -> CustomerResponse:
    return CustomerResponse(CustomerId(customer_id), 1, "test", Kind.VISITED, NOON)


def test_who_answered_moves_on_without_a_wave_and_nobody_else_does(waiting: Bench) -> None:
    answers(waiting, 1, 2)
    assert hears(waiting, response(2))[-1] == ["answer", "thanks", "answer"]
    assert waiting.sent() == ["c1@example.com", "c2@example.com", "c3@example.com"]  # what they get next is a wave's work


@pytest.mark.parametrize("about", [Taken(customers=frozenset({1, 3})), frozenset({1, 3})], ids=["a provider", "mail"])
def test_what_a_provider_or_a_mail_tells_moves_all_whom_it_is_about(waiting: Bench, about: object) -> None:
    answers(waiting, 1, 2, 3)
    assert hears(waiting, about)[-1] == ["thanks", "answer", "thanks"]


def test_all_that_was_heard_of_is_done_before_it_ends(waiting: Bench) -> None:
    answers(waiting, 1, 2, 3)
    hears(waiting, response(1), response(2), response(3))
    assert at_nodes(waiting) == ["thanks"] * 3


def test_in_a_campaign_that_is_paused_nobody_moves(waiting: Bench) -> None:
    answers(waiting, 1)
    pause(waiting.workspace, "test", NOON)
    assert hears(waiting, response(1)) == [["answer"] * 3]


def test_who_is_not_due_yet_stays(waiting: Bench) -> None:
    answers(waiting, 1)
    waiting.clock.put(NOON - timedelta(seconds=1))
    assert hears(waiting, response(1)) == [["answer"] * 3]


def test_what_is_about_nobody_is_passed_on(waiting: Bench) -> None:
    assert hears(waiting, None, Taken()) == [["answer"] * 3] * 2


def test_a_round_that_fails_is_left_to_the_wave_and_the_next_is_not(waiting: Bench, caplog: pytest.LogCaptureFixture) -> None:
    answers(waiting, 1, 2)
    with writing(waiting.workspace.database) as session:
        source = session.execute(text("SELECT source FROM flow_version")).scalar_one()
        session.execute(text("UPDATE flow_version SET source = 'no flow'"))
    rounds: list[object] = []
    failed = Event()

    def behind_a_round() -> None:
        rounds.append(at_nodes(waiting))
        failed.set()

    waker = Waker(waiting.workspace, waiting.clock, behind_a_round)
    with waking(waker):
        waker.notice(response(1))
        assert failed.wait(60)
        with writing(waiting.workspace.database) as session:
            session.execute(text("UPDATE flow_version SET source = :source"), {"source": source})
        waker.notice(response(2))
    assert rounds == [["answer"] * 3, ["answer", "thanks", "answer"]]
    assert "Who was woken waits for the next wave" in caplog.text
    assert "c1" not in caplog.text
