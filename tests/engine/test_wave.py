from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from channels.contract import Message, Outcome, Receipt
from channels.fake import FakeChannel
from customers.tables import CustomerId, Purchase, table_of
from engine.agenda import next_due
from engine.counting import standing
from engine.wake import wake
from engine.wave import carry_out
from store.bulk import insert_rows
from store.clock import to_micros
from store.errors import DeliveryError
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
DAY = timedelta(days=1)


def count(bench: Bench, query: str) -> int:
    with reading(bench.workspace.database) as session:
        return int(session.execute(text(query)).scalar_one())


def everything(bench: Bench) -> list[list[tuple[object, ...]]]:
    tables = ("member", "move", "exposure", "outbox", "contact")
    with reading(bench.workspace.database) as session:
        return [[tuple(row) for row in session.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2"))] for name in tables]


def test_people_come_in_get_their_message_and_leave(bench: Bench) -> None:
    bench.people(3)
    versions = bench.start(MAIL)
    assert bench.carry_out(versions) == []
    assert sorted(bench.sent()) == ["c1@example.com", "c2@example.com", "c3@example.com"]
    assert standing(bench.workspace, "test").ended == {"goal_reached": 3}
    assert count(bench, "SELECT count(*) FROM contact WHERE kind = 'sent' AND campaign = 'test' AND node = 'mail'") == 3


def test_the_same_wave_twice_changes_nothing(bench: Bench) -> None:
    bench.people(20)
    versions = bench.start(MAIL.replace("won: {goal: buys}", "pause: {wait: 5 days}\n  won: {goal: buys}"))
    bench.carry_out(versions)
    before = everything(bench)
    bench.carry_out(versions)
    assert everything(bench) == before
    assert len(bench.sent()) == 20


def test_a_withdrawn_consent_stops_a_queued_message(bench: Bench) -> None:
    bench.people(2)
    versions = bench.start(MAIL.replace("template: words.txt", "template: words.txt, release: next tuesday 09:00"))
    bench.carry_out(versions)
    assert bench.sent() == []
    bench.refuse(1, "email")
    bench.carry_out(versions, NOON + DAY)
    assert bench.sent() == ["c2@example.com"]
    assert count(bench, "SELECT count(*) FROM outbox WHERE customer_id = 1 AND state = 'suppressed' AND reason = 'opted_out'") == 1


def test_nobody_is_written_to_without_consent(bench: Bench) -> None:
    bench.people(2, consent=())
    bench.carry_out(bench.start(MAIL))
    assert bench.sent() == []
    assert count(bench, "SELECT count(*) FROM outbox WHERE reason = 'no_consent'") == 2


def test_who_has_left_the_campaign_gets_no_queued_message(bench: Bench) -> None:
    bench.people(2)
    flow = MAIL.replace("template: words.txt", "template: words.txt, release: next tuesday 09:00")
    versions = bench.start(flow, "exit_when: purchase since entry")
    bench.carry_out(versions)
    buy(bench, 1)
    bench.carry_out(versions, NOON + DAY)
    assert bench.sent() == ["c2@example.com"]
    assert count(bench, "SELECT count(*) FROM outbox WHERE customer_id = 1 AND reason = 'left_the_campaign'") == 1


def test_a_message_that_is_too_late_is_not_sent(bench: Bench) -> None:
    bench.people(1)
    versions = bench.start(MAIL.replace("template: words.txt", "template: words.txt, release: next tuesday 09:00, fresh_for: 1 day"))
    bench.carry_out(versions)
    bench.carry_out(versions, NOON + 3 * DAY)
    assert bench.sent() == []
    assert count(bench, "SELECT count(*) FROM outbox WHERE reason = 'too_late'") == 1


def test_a_message_without_its_words_is_told_and_the_others_go(bench: Bench) -> None:
    bench.people(3)
    with writing(bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET first_name = NULL WHERE id = 2"))
    bench.carry_out(bench.start(MAIL))
    assert len(bench.sent()) == 2
    assert count(bench, "SELECT count(*) FROM outbox WHERE customer_id = 2 AND reason = 'not_composed'") == 1


def test_a_temporary_failure_is_tried_again_later_and_an_end_is_made_of_it(make_bench: MakeBench) -> None:
    channel = FakeChannel("email", ("email",), script=lambda _: Outcome.TEMPORARY)
    bench = make_bench(channel)
    bench.people(1)
    versions = bench.start(MAIL.replace("template: words.txt", "template: words.txt, fresh_for: 60 days"))
    now = NOON
    bench.carry_out(versions, now)
    while due := next_due(versions):
        assert now < due < now + timedelta(days=2)
        now = due
        bench.carry_out(versions, now)
    assert channel.sent == 6
    assert count(bench, "SELECT count(*) FROM outbox WHERE state = 'failed' AND reason = 'gave_up' AND attempts = 6") == 1


def test_a_refused_address_is_not_used_again(make_bench: MakeBench) -> None:
    def refuse(message: Message) -> Receipt:
        return Receipt(message.key, Outcome.PERMANENT, "550 5.1.1", "no such user", bad_address=True)

    bench = make_bench(FakeChannel("email", ("email",), script=refuse))
    bench.people(1)
    bench.carry_out(bench.start(MAIL))
    assert count(bench, "SELECT count(*) FROM suppression WHERE address = 'c1@example.com'") == 1
    assert count(bench, "SELECT count(*) FROM outbox WHERE state = 'failed' AND reason = 'refused'") == 1


def test_a_channel_that_is_down_loses_nothing_and_stops_nobody_else(make_bench: MakeBench) -> None:
    down = FakeChannel("email", ("email",), down=DeliveryError("The mail server does not answer."))
    bench = make_bench(down)
    bench.people(700)
    versions = bench.start(MAIL)
    troubles = bench.carry_out(versions)
    assert [trouble.node for trouble in troubles] == ["mail"]
    assert count(bench, "SELECT count(*) FROM outbox WHERE state = 'queued'") == 700
    down.down, down.record = None, bench.record
    due = next_due(versions)
    assert due == NOON + timedelta(minutes=5)
    assert bench.carry_out(versions, due) == []
    assert 0 < len(bench.sent()) < 200  # the others a little later: a server that just came back is not asked all at once
    assert bench.carry_out(versions, NOON + 2 * timedelta(minutes=5)) == []
    assert len(set(bench.sent())) == len(bench.sent()) == 700


def test_an_error_in_mid_batch_is_made_good_by_the_next_try_of_the_same_process(make_bench: MakeBench) -> None:
    class Broken(FakeChannel):
        def _send(self, message: Message) -> Receipt:
            if self.sent == 3:
                self.sent = 4
                raise RuntimeError
            return super()._send(message)

    bench = make_bench(broken := Broken("email", ("email",)))
    broken.record = bench.record
    bench.people(9)
    versions = bench.start(MAIL)
    with bench.desk() as desk:
        with pytest.raises(RuntimeError):
            carry_out(versions, NOON, desk)
        assert carry_out(versions, NOON, desk) == []
    assert len(set(bench.sent())) == len(bench.sent()) == 8
    assert standing(bench.workspace, "test").messages == {("mail", "sent"): 8, ("mail", "unknown"): 1}


def test_a_claim_that_was_taken_away_is_not_sent_by_its_slow_owner(make_bench: MakeBench) -> None:
    class Robbed(FakeChannel):
        def address_of(self, customer: Mapping[str, object]) -> str | None:
            with writing(bench.workspace.database) as session:
                session.execute(text("UPDATE outbox SET claim = 'another', claimed_until = NULL WHERE claim = 'slow'"))
            return super().address_of(customer)

    bench = make_bench(Robbed("email", ("email",)))
    bench.people(3)
    bench.carry_out(bench.start(MAIL), claim="slow")
    assert bench.sent() == []
    assert standing(bench.workspace, "test").messages == {("mail", "claimed"): 3}


def test_an_unknown_outcome_is_listed_and_never_sent_again(make_bench: MakeBench) -> None:
    channel = FakeChannel("email", ("email",), script=lambda _: Outcome.UNKNOWN)
    bench = make_bench(channel)
    bench.people(1)
    versions = bench.start(MAIL)
    bench.carry_out(versions)
    bench.carry_out(versions, NOON + 30 * DAY)
    assert channel.sent == 1
    assert [row[1:] for row in standing(bench.workspace, "test").unknown] == [("mail", "c1")]
    assert standing(bench.workspace, "test").ended == {"goal_reached": 1}


def test_a_message_is_one_row_whatever_tries_to_make_two(bench: Bench) -> None:
    bench.people(1)
    bench.carry_out(bench.start(MAIL))
    columns = "member_id, version_id, customer_id, node, entry, hop, channel, state, queued_at, due_at, stale_at, attempts, units"
    again = text(f"INSERT INTO outbox ({columns}, cost_millicents) SELECT {columns}, 0 FROM outbox")
    with writing(bench.workspace.database) as session, pytest.raises(IntegrityError):
        session.execute(again)


def test_ten_and_a_thousand_people_cost_the_same_statements_a_chunk(bench: Bench) -> None:
    bench.people(10)
    statements: list[str] = []
    event.listen(bench.workspace.database, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    flow = MAIL.replace("won: {goal: buys}", "pause: {wait: 5 days}\n  won: {goal: buys}")
    bench.carry_out(bench.start(flow))
    few = len(statements)
    bench.people(480, first=11)
    versions = bench.start(flow.replace("everyone", "key <> 'c1'"))
    statements.clear()
    bench.carry_out(versions[:1])
    assert len(bench.sent()) == 490
    assert few - 10 <= len(statements) <= few  # without the statements that started the campaign


def test_an_answer_wakes_whoever_waits_for_it(bench: Bench) -> None:
    bench.people(2)
    flow = MAIL.replace("won:", "answer: {wait_for: purchase, at_most: 5 days, then: won, timeout: end}\n  won:")
    versions = bench.start(flow)
    bench.carry_out(versions)
    buy(bench, 1)
    bench.carry_out(versions, NOON + DAY)
    assert standing(bench.workspace, "test").ended == {"goal_reached": 1}
    bench.carry_out(versions, NOON + 5 * DAY)
    assert standing(bench.workspace, "test").ended == {"goal_reached": 1, "flow_ended": 1}


def test_people_in_flight_stay_on_their_version(bench: Bench) -> None:
    bench.people(2)
    bench.carry_out(bench.start("  in: {audience: everyone, again: 1 day}\n  pause: {wait: 5 days}\n  won: {goal: old}\n"))
    versions = bench.start(
        "  in: {audience: everyone, again: 1 day}\n  mail: {send: email, subject: Hi, template: words.txt}\n  won: {goal: new}\n"
    )
    assert len(versions) == 2
    bench.people(1, first=3)
    bench.carry_out(versions, NOON + DAY)
    assert bench.sent() == ["c3@example.com"]
    bench.carry_out(versions, NOON + 5 * DAY)
    with reading(bench.workspace.database) as session:
        goals = session.execute(text("SELECT customer_id, detail FROM contact WHERE kind = 'goal' ORDER BY 1")).all()
    assert [(row[0], row[1]) for row in goals] == [(1, '{"goal":"old"}'), (2, '{"goal":"old"}'), (3, '{"goal":"new"}')]


def buy(bench: Bench, customer_id: int) -> None:
    at = NOON + timedelta(hours=1)
    with writing(bench.workspace.database) as session:
        columns = ("key", "customer_id", "purchased_at", "amount_cents", "currency")
        insert_rows(session, table_of(Purchase), columns, [(f"p{customer_id}", customer_id, to_micros(at), 100, "EUR")])
        wake(session, [CustomerId(customer_id)], at)


def test_when_its_turn_is_over_a_desk_sends_a_batch_of_each_node_and_leaves_the_rest_due(tmp_path: Path, make_bench: MakeBench) -> None:
    channel = FakeChannel("email", max_batch=10, record=tmp_path / "record.jsonl")
    bench = make_bench(channel)
    bench.people(25)
    versions = bench.start(MAIL.partition("  won:")[0] + "  text: {send: sms, template: words.txt, next: end}\n")
    sent = list[Counter[str]]()
    for _ in range(4):
        with bench.desk() as desk:
            carry_out(versions, NOON, replace(desk, until=NOON))
        sent.append(Counter("sms" if each.startswith("+") else "email" for each in bench.sent()))
    assert sent == [{"email": 10}, {"email": 20, "sms": 10}, {"email": 25, "sms": 20}, {"email": 25, "sms": 25}]
