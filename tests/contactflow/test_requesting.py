"""What people ask for on pages: carried out once, whoever carries it out, and by mail only to whoever asked."""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from contactflow.requesting import HANDLERS, Requests
from customers.choices import ChoiceKind, Chosen, record_choices
from customers.consent import ConsentChange, Source, record_consent, suppress
from customers.contact_log import Entry, Kind, log
from customers.tables import Customer, CustomerId, Purchase, table_of
from engine.asked import LATER, RequestKind, Wanted, ask, offered
from engine.campaigns import open_versions
from engine.explain import explain
from engine.interventions import pause, resume, stop
from engine.joining import FORGOTTEN_AFTER, forget_unconfirmed, join_key, unconfirmed
from engine.running import Running
from engine.simulate import simulate
from engine.tables import Member, OutboxMessage, Request
from landing.tables import FormDraft
from store.clock import to_micros
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench, bench, make_bench

__all__ = ["bench", "make_bench"]
DAY = timedelta(days=1)
NEWSLETTER = """
  form:
    request: join
    page: newsletter/join.yaml
  confirm:
    send: email
    answers_request: yes
    template: words.txt
  confirmed:
    wait_for: reachable by email
    at_most: 7 days
    then: welcome
    timeout: end
  welcome:
    send: email
    template: words.txt
    next: end
"""
MY_DATA = """
  asked:
    request: my data
  mail:
    send: email
    answers_request: yes
    template: words.txt
    next: end
"""


@pytest.fixture(autouse=True)
def page(bench: Bench) -> None:
    (bench.workspace.templates / "newsletter").mkdir()
    (bench.workspace.templates / "newsletter" / "join.yaml").write_text("title: Join\n")
    (bench.workspace.templates / "words.txt").write_text("Hello {{ customer.first_name or '' }}")


def join(bench: Bench, address: str, at: datetime = NOON, **given: str) -> None:
    """As the page writes it down, at most once a day."""
    about = {"email": address, "form": "newsletter/join.yaml", "said": "Yes, write to me.", **given}
    key = join_key("test", address.lower().replace("@", "-"), at.date())
    with writing(bench.workspace.database) as session:
        ask(session, Wanted(key, RequestKind.JOIN, at, campaign="test", given=about))


def look(bench: Bench, at: datetime = NOON) -> int:
    """Carry out what was asked for, and the wave behind it."""
    count = Requests(bench.workspace).look(at)
    bench.carry_out(open_versions(bench.workspace, "test"), at)
    return count


def rows(bench: Bench, table: Any) -> Sequence[Any]:
    with reading(bench.workspace.database) as session:
        return session.execute(select(table_of(table)).order_by(table_of(table).c.id)).all()


def allow(bench: Bench, customer_id: int, at: datetime = NOON) -> None:
    with writing(bench.workspace.database) as session:
        record_consent(session, [ConsentChange(CustomerId(customer_id), "offers", "email", granted=True, at=at, source=Source.PAGE)])


def test_a_stranger_becomes_a_customer_gets_the_mail_and_allows_nothing_by_that(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "New@Example.com", first_name="Ann", language="nl")
    assert look(bench) == 1
    [customer] = rows(bench, Customer)
    assert (customer.key, customer.email, customer.first_name, customer.language) == ("join-1", "new@example.com", "Ann", "nl")
    assert bench.sent() == ["new@example.com"]
    [request] = rows(bench, Request)
    assert (request.state, request.customer_id, request.given) == ("done", customer.id, None)
    assert request.document == {"form": "newsletter/join.yaml", "said": "Yes, write to me.", "language": "nl"}
    [member] = rows(bench, Member)
    assert (request.member_id, member.node, member.ended) == (member.id, "confirmed", None)
    look(bench, NOON + 8 * DAY)
    assert bench.sent() == ["new@example.com"]  # not the welcome: nobody confirmed


def test_whoever_allows_it_then_gets_the_welcome(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    look(bench)
    allow(bench, 1, NOON + timedelta(hours=1))
    look(bench, NOON + 7 * DAY)
    assert bench.sent() == ["ann@example.com", "ann@example.com"]


def test_a_customer_is_found_by_the_address_and_stays_as_they_are(bench: Bench) -> None:
    bench.people(2, consent=["sms"])
    bench.start(NEWSLETTER)
    join(bench, "C2@EXAMPLE.COM", first_name="Mallory", language="de")
    look(bench)
    assert [row.first_name for row in rows(bench, Customer)] == ["Name1", "Name2"]
    assert [row.customer_id for row in rows(bench, Member)] == [2]
    assert bench.sent() == ["c2@example.com"]


def test_who_allows_it_already_gets_no_mail(bench: Bench) -> None:
    bench.people(1)
    bench.start(NEWSLETTER)
    join(bench, "c1@example.com")
    assert look(bench) == 1
    assert (bench.sent(), rows(bench, Member)) == ([], [])


def test_who_opted_out_or_asked_for_a_pause_is_answered_because_they_ask(bench: Bench) -> None:
    bench.people(2, consent=[])
    for customer in (1, 2):
        bench.refuse(customer, "email", NOON - DAY)
    with writing(bench.workspace.database) as session:
        record_choices(session, CustomerId(2), [Chosen(ChoiceKind.PAUSE, "offers", to_micros(NOON + 30 * DAY))], NOON - DAY, None)
    bench.start(NEWSLETTER)
    for address in ("c1@example.com", "c2@example.com"):
        join(bench, address)
    look(bench)
    assert bench.sent() == ["c1@example.com", "c2@example.com"]


def test_an_address_that_bounced_for_good_is_not_used_for_it_either(bench: Bench) -> None:
    with writing(bench.workspace.database) as session:
        suppress(session, "email", {"gone@example.com": "bounced"}, NOON - DAY)
    bench.start(NEWSLETTER)
    join(bench, "gone@example.com")
    look(bench)
    assert bench.sent() == []
    assert [row.reason for row in rows(bench, OutboxMessage)] == ["suppressed_address"]


def test_asking_ten_times_is_one_mail_a_day_and_three_in_a_month(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    for day in range(10):
        for hour in range(3):
            join(bench, "ann@example.com", NOON + day * DAY + timedelta(hours=hour))
        look(bench, NOON + day * DAY + timedelta(hours=3))
    assert len(bench.sent()) == 3
    assert [row.state for row in rows(bench, Request)] == ["done"] * 3 + ["refused"] * 7
    assert [row.ended for row in rows(bench, Member)] == ["asked_again", "asked_again", "flow_ended"]
    join(bench, "ann@example.com", NOON + 40 * DAY)
    look(bench, NOON + 40 * DAY)
    assert len(bench.sent()) == 4
    assert [row.state for row in rows(bench, Request)] == ["done"] * 4  # what led to nothing is not kept for good


@pytest.mark.parametrize(("had_it", "mails"), [(False, [1, 1]), (True, [2, 3])], ids=["a stop in answer", "a subscriber who stopped"])
def test_a_stop_in_answer_to_the_mail_keeps_strangers_from_asking_again(bench: Bench, had_it: bool, mails: list[int]) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    look(bench)
    if had_it:
        allow(bench, 1, NOON + timedelta(minutes=1))
    bench.refuse(1, "email", NOON + timedelta(hours=1))
    sent = []
    for days in (9, 200):
        join(bench, "ann@example.com", NOON + days * DAY)
        look(bench, NOON + days * DAY)
        sent.append(len(bench.sent()))
    assert sent == mails


def test_while_the_answer_is_under_way_nobody_comes_in_anew(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    Requests(bench.workspace).look(NOON)
    join(bench, "ann@example.com", NOON + DAY)
    Requests(bench.workspace).look(NOON + DAY)
    assert len(rows(bench, Member)) == 1
    assert [row.member_id for row in rows(bench, Request)] == [1, 1]


def test_a_new_customer_who_never_confirms_is_forgotten_and_nobody_else_is(bench: Bench) -> None:
    bench.people(1, consent=[], first=9)
    bench.start(NEWSLETTER)
    for address in ("c9@example.com", "ann@example.com", "bob@example.com", "cleo@example.com"):
        join(bench, address, first_name="Typed", language="nl")
    look(bench)
    numbers = {row.email: row.id for row in rows(bench, Customer)}
    allow(bench, numbers["bob@example.com"])
    with writing(bench.workspace.database) as session:
        session.add(Purchase(key="p1", customer_id=numbers["cleo@example.com"], purchased_at=NOON, amount_cents=100))
        bounce = {"source": "mail", "bounce": "hard", "detail": "550 no such ann@example.com"}  # a typing error is what mostly happens
        log(session, [Entry(NOON, numbers["ann@example.com"], "in", "email", Kind.BOUNCED, message_id=1, detail=bounce)])
    look(bench, NOON + FORGOTTEN_AFTER - timedelta(minutes=1))
    assert "ann@example.com" in {row.email for row in rows(bench, Customer)}
    Requests(bench.workspace).look(NOON + FORGOTTEN_AFTER + timedelta(minutes=1))
    kept = {row.id: (row.email, row.first_name, row.language) for row in rows(bench, Customer)}
    assert kept == {
        9: ("c9@example.com", "Name9", None),
        numbers["ann@example.com"]: (None, None, None),
        numbers["bob@example.com"]: ("bob@example.com", "Typed", "nl"),
        numbers["cleo@example.com"]: ("cleo@example.com", "Typed", "nl"),
    }
    with reading(bench.workspace.database) as session:
        held = [
            str(row) for table in ("customer", "outbox", "request", "contact") for row in session.execute(text(f"SELECT * FROM {table}"))
        ]
    assert not [row for row in held if "ann@" in row]


def test_whoever_confirms_while_others_are_being_forgotten_is_kept(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    look(bench)
    late = NOON + FORGOTTEN_AFTER + timedelta(minutes=1)
    with reading(bench.workspace.database) as session:
        found = unconfirmed(session, late)
    assert found.tolist() == [1]
    allow(bench, 1)
    with writing(bench.workspace.database) as session:
        assert forget_unconfirmed(session, found, late) == 0
    assert [row.email for row in rows(bench, Customer)] == ["ann@example.com"]


def test_one_broken_request_stands_in_nobody_s_way_and_says_nothing_of_anybody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.start(NEWSLETTER)
    with writing(bench.workspace.database) as session:
        ask(session, Wanted("join:test:x:2026-03-02", RequestKind.JOIN, NOON, campaign="test", given={"mail": "secret@example.com"}))
    join(bench, "ann@example.com")
    with caplog.at_level(logging.ERROR):
        assert look(bench) == 2
    assert [(row.state, row.given) for row in rows(bench, Request)] == [("refused", None), ("done", None)]
    assert bench.sent() == ["ann@example.com"]
    assert "Request 1" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("broken", ["kind = 'nonsense'", "given = '{not a document'"])
def test_a_request_that_cannot_even_be_read_stands_in_nobody_s_way(bench: Bench, broken: str) -> None:
    bench.start(NEWSLETTER)
    for address in ("bob@example.com", "ann@example.com"):
        join(bench, address)
    with writing(bench.workspace.database) as session:
        session.execute(text(f"UPDATE request SET {broken} WHERE id = 1"))
    assert look(bench) == 2
    assert [row.state for row in rows(bench, Request)] == ["refused", "done"]
    assert bench.sent() == ["ann@example.com"]


@pytest.mark.parametrize("away", [OperationalError, InterfaceError])
def test_while_the_database_is_away_a_request_waits_and_is_not_refused(bench: Bench, away: type[DBAPIError]) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")

    def lost(*_: Any) -> Any:
        raise away("SELECT 1", None, OSError("the connection is closed"))

    assert Requests(bench.workspace, {RequestKind.JOIN: lost}).look(NOON) == 0
    assert Requests(bench.workspace).look(NOON) == 1


@pytest.mark.parametrize("campaign", ["nowhere", "other"])
def test_what_no_campaign_answers_is_refused(bench: Bench, campaign: str) -> None:
    bench.start("  in:\n    audience: everyone\n  done:\n    goal: done\n")
    with writing(bench.workspace.database) as session:
        about = {"email": "ann@example.com"}
        ask(session, Wanted("k", RequestKind.JOIN, NOON, campaign=campaign, given=about))
    assert Requests(bench.workspace).look(NOON) == 1
    assert [(row.state, row.given) for row in rows(bench, Request)] == [("refused", None)]
    assert rows(bench, Customer) == []


def test_a_paused_campaign_answers_when_it_goes_on_and_a_stopped_one_never(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    pause(bench.workspace, "test", NOON)
    assert look(bench) == 0
    resume(bench.workspace, "test", NOON)
    assert look(bench) == 1
    stop(bench.workspace, "test", NOON)
    join(bench, "bob@example.com")
    look(bench)
    assert bench.sent() == ["ann@example.com"]
    assert [row.state for row in rows(bench, Request)] == ["done", "refused"]


def test_who_asks_for_their_data_is_let_in_and_written_to_without_consent(bench: Bench) -> None:
    bench.people(2, consent=[])
    bench.start(MY_DATA)
    wanted = Wanted("my_data:2:2026-03-02", RequestKind.MY_DATA, NOON, customer_id=CustomerId(2), message_id=7)
    for _ in range(2):
        with writing(bench.workspace.database) as session:
            ask(session, wanted)
    assert look(bench) == 1
    assert bench.sent() == ["c2@example.com"]
    [request] = rows(bench, Request)
    assert (request.state, request.customer_id, request.message_id, request.member_id) == ("done", 2, 7, 1)


def test_two_processes_carry_a_request_out_once(bench: Bench, make_bench: MakeBench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    seen: list[int] = []

    def also_here(*given: Any) -> Any:
        if bench.workspace.database.dialect.name == "postgresql":  # SQLite has one writer: nobody else is there at this moment
            seen.append(Requests(make_bench().workspace).look(NOON))
        return HANDLERS[RequestKind.JOIN](*given)

    assert Requests(bench.workspace, {RequestKind.JOIN: also_here}).look(NOON) == 1
    assert sum(seen) == 0
    assert Requests(bench.workspace).look(NOON) == 0
    assert len(rows(bench, Member)) == 1


def test_two_processes_make_one_customer_of_one_address(bench: Bench, make_bench: MakeBench) -> None:
    bench.start(NEWSLETTER)
    for day in (0, 1):
        join(bench, "ann@example.com", NOON + day * DAY)
    there = threading.Thread(target=lambda: Requests(make_bench().workspace).look(NOON + DAY))

    waited: list[bool] = []

    def meanwhile(*given: Any) -> Any:
        outcome = HANDLERS[RequestKind.JOIN](*given)
        if not there.ident:
            there.start()
            there.join(0.3)  # waits for us, or it would be over by now
            waited.append(there.is_alive())
        return outcome

    Requests(bench.workspace, {RequestKind.JOIN: meanwhile}).look(NOON + DAY)
    there.join()
    assert waited == [True]
    assert len(rows(bench, Customer)) == 1
    assert [row.state for row in rows(bench, Request)] == ["done", "done"]


@pytest.mark.parametrize("is_asked", [True, False])
def test_whoever_waits_hears_of_what_another_process_wrote_down(bench: Bench, is_asked: bool) -> None:
    bench.start(NEWSLETTER)
    if is_asked:
        join(bench, "ann@example.com")
    told, soon = threading.Event(), timedelta(milliseconds=5)
    ended = threading.Timer(0 if not is_asked else 600, told.set)
    ended.start()
    Requests(bench.workspace).wait(told, timedelta(hours=1), soon)
    assert told.is_set() is not is_asked
    ended.cancel()


def test_what_is_put_off_stays_as_it_was(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    join(bench, "ann@example.com")
    assert Requests(bench.workspace, {RequestKind.JOIN: lambda *_: LATER}).look(NOON) == 0
    assert rows(bench, Request)[0].given["email"] == "ann@example.com"


def test_the_pages_can_tell_who_answers_what(bench: Bench) -> None:
    bench.start(NEWSLETTER)
    with reading(bench.workspace.database) as session:
        assert offered(session, "join") == {"test": "newsletter/join.yaml"}
        assert offered(session, "my data") == {}


def test_nobody_is_looked_for_and_explain_says_why_somebody_is_not_in(bench: Bench) -> None:
    bench.people(1)
    running: Running = bench.start(NEWSLETTER)[0]
    look(bench)
    assert rows(bench, Member) == []
    told = explain(running, "c1", NOON)
    assert told.now.reason == "not_asked"
    assert told.findings == ()
    assert simulate(running, NOON, {}).audience == 0


def test_forms_that_were_left_alone_are_forgotten_by_whoever_looks(bench: Bench) -> None:
    bench.people(1)
    bench.carry_out(bench.start("  in: {audience: everyone}\n  text: {send: sms, template: words.txt, next: end}\n"))
    [message] = rows(bench, OutboxMessage)
    with writing(bench.workspace.database) as session:
        session.add(FormDraft(message_id=message.id, customer_id=1, sittings=1, given={"a": {"typed": {}, "sitting": 1}}, changed_at=NOON))
    for days, given in ((30, {"a": {"typed": {}, "sitting": 1}}), (31, {})):
        Requests(bench.workspace).look(NOON + days * DAY)
        with reading(bench.workspace.database) as session:
            assert session.execute(select(table_of(FormDraft).c.given)).scalar_one() == given
