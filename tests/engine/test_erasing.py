"""A person is erased: nothing of who it was is left anywhere in the database, nothing more is sent, and the numbers stay."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session

from channels.contract import Message, Outcome
from channels.fake import FakeChannel
from channels.feedback import Feedback, Happening
from contactflow.erasing import erase_everywhere
from customers.attributes import declare_attributes
from customers.choices import ChoiceKind, Chosen, record_choices
from customers.conditions.vocabulary import AttributeKind
from customers.consent import ConsentChange, Source, consent_of, record_consent, suppress
from customers.contact_log import Entry, Kind, log
from customers.stated import Occasion, Statement, state
from customers.tables import Contact, Customer, CustomerId, Purchase
from engine.counting import standing
from engine.entry import let_in
from engine.explain import explain
from engine.feedback import take_in
from engine.outbox import message_key
from engine.reasons import Reason
from engine.tables import Request
from landing.recipients import recipient_of
from landing.tables import FormDraft
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench

FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  rest: {wait: 5 days}
  again: {send: email, subject: Hi, template: words.txt, next: end}
"""
DAY = timedelta(days=1)
ANNA, BEN = CustomerId(1), CustomerId(2)
ANNAS = {
    "key": "k-4711",
    "first_name": "Ottoline",
    "last_name": "Quackenbush",
    "email": "o.quackenbush@mail.example",
    "phone": "+31698765432",
    "street": "Zandpad 77",
    "postcode": "9988ZZ",
    "city": "Zuidhorn",
    "birth_date": date(1961, 2, 3),
}
HERS = tuple(str(value).lower() for value in ANNAS.values())
SAID = ("grandchildren", "sunflowers", "allotment", "bill-2044", "evt-8812", "velvet", "550 no such", "counter7", "saddle")


def erase(bench: Bench, customer_id: CustomerId = ANNA, days: float = 1) -> bool:
    with writing(bench.workspace.database) as session:
        return erase_everywhere(session, customer_id, NOON + days * DAY, Source.PAGE)


def everything(database: Engine) -> Iterator[tuple[str, str]]:
    """Every text in every table, in small letters, with the column that it stands in."""
    with database.connect() as connection:
        for table in inspect(connection).get_table_names():
            for column in inspect(connection).get_columns(table):
                rows = connection.execute(text(f'SELECT CAST("{column["name"]}" AS TEXT) FROM "{table}"'))
                yield from ((f"{table}.{column['name']}", str(value).lower()) for (value,) in rows if value is not None)


def found(database: Engine, words: tuple[str, ...]) -> dict[str, set[str]]:
    """Of these words, where each stands."""
    places: dict[str, set[str]] = {}
    for place, value in everything(database):
        for word in words:
            if word in value:
                places.setdefault(word, set()).add(place)
    return places


@pytest.fixture
def full(bench: Bench) -> Bench:
    """Anna, of whom every table knows something in her own words, and Ben, who is like her."""
    database = bench.workspace.database
    bench.people(2)
    with writing(database) as session:
        declare_attributes(session, {"hobby": AttributeKind.TEXT})
        session.execute(text(f"UPDATE customer SET {', '.join(f'{name} = :{name}' for name in ANNAS)} WHERE id = 1"), ANNAS)
    versions = bench.start(FLOW)
    bench.carry_out(versions)
    with writing(database) as session:
        tell(session)
    return bench


def tell(session: Session) -> None:
    """What Anna said and did, and what others said of her."""
    session.execute(text("INSERT INTO profile (customer_id, hobby) VALUES (1, 'sunflowers'), (2, 'chess')"))
    state(session, Occasion(ANNA, NOON, "test", 1), [Statement("who", "For whom, Ottoline?", "grandchildren")])
    record_choices(session, ANNA, [Chosen(ChoiceKind.PAUSE, "offers", 0)], NOON, {"says": "velvet"})
    record_consent(
        session, [ConsentChange(ANNA, "offers", "sms", granted=True, at=NOON, source=Source.IMPORT, evidence={"says": "counter7"})]
    )
    suppress(session, "email", {"o.quackenbush@mail.example": "550 no such"}, NOON)
    details = [
        (Kind.ANSWERED, {"answers": {"who": "grandchildren"}, "questions": {"who": "For whom, Ottoline?"}}),
        (Kind.REPLIED, {"text": "my allotment", "source": "mail"}),
        (Kind.BOUNCED, {"bounce": "hard", "detail": "550 no such o.quackenbush@mail.example"}),
    ]
    for number, (kind, detail) in enumerate(details):
        told: dict[str, Any] = {"campaign": "test", "message_id": 1, "member_id": 1, "detail": detail}
        log(session, [Entry(NOON, ANNA, "in", "web", kind, key=f"<evt-8812.{number}@mail.example>", **told)])
    log(
        session,
        [Entry(NOON, ANNA, "in", "import", Kind.EVENT, key="evt-8812", detail={"name": "called", "why": "velvet", "source": "saddle"})],
    )
    session.add(Purchase(key="bill-2044", customer_id=ANNA, purchased_at=NOON, amount_cents=1999, product="Seeds"))
    session.add(FormDraft(message_id=1, customer_id=ANNA, sittings=1, given={"one": {"typed": {"who": "saddle"}}}, changed_at=NOON))
    asked: dict[str, Any] = {"given": {"city": "Zuidhorn"}, "document": {"who": "Ottoline"}}
    session.add(Request(key="join:o.quackenbush@mail.example", kind="join", at=NOON, customer_id=ANNA, state="done", **asked))
    session.execute(text("UPDATE outbox SET answer = '250 for Ottoline', provider_id = 'velvet', code = 'SADDLE' WHERE customer_id = 1"))


def test_no_word_of_the_person_is_left_in_any_table(full: Bench) -> None:
    database = full.workspace.database
    assert set(found(database, HERS + SAID)) == set(HERS + SAID)
    assert erase(full)
    assert found(database, HERS + SAID) == {}


def test_nobody_elses_words_are_touched(full: Bench) -> None:
    his = ("name2", "c2@example.com", "+31612340002", "chess")
    before = found(full.workspace.database, his)
    assert set(before) == set(his)
    erase(full)
    assert found(full.workspace.database, his) == before


def counted(database: Engine) -> dict[str, object]:
    """What reports are made of."""
    asked = {
        "purchases": "SELECT count(*), sum(amount_cents), min(purchased_at) FROM purchase GROUP BY customer_id",
        "contacts": "SELECT kind, campaign, node, arm, count(*) FROM contact GROUP BY kind, campaign, node, arm ORDER BY 1, 2, 3, 4",
        "arms": "SELECT count(*) FROM exposure",
        "members": "SELECT count(*) FROM member",
        "messages": "SELECT state, count(*), sum(units) FROM outbox GROUP BY state",
        "grants": "SELECT count(*) FROM consent_event WHERE granted",
    }
    with database.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(text(sql))] for name, sql in asked.items()}


def test_what_was_done_and_bought_is_still_counted(full: Bench) -> None:
    before = counted(full.workspace.database)
    erase(full)
    assert counted(full.workspace.database) == before


def test_everything_is_refused_from_then_on_and_the_evidence_says_why(full: Bench) -> None:
    erase(full)
    with reading(full.workspace.database) as session:
        for purpose, channel in (("offers", "email"), ("offers", "sms"), ("service", "print")):
            assert consent_of(session, np.array([ANNA]), purpose, channel).refused[0]
        last = session.execute(text("SELECT granted, source, evidence FROM consent_event ORDER BY id DESC LIMIT 1")).one()
        assert (bool(last.granted), last.source, last.evidence) == (False, "page", '{"erased":true}')


def test_erasing_twice_is_erasing_once(full: Bench) -> None:
    assert erase(full)
    before = list(everything(full.workspace.database))
    assert erase(full, days=2)
    assert list(everything(full.workspace.database)) == before


def test_whoever_is_in_a_campaign_leaves_it_with_the_reason_and_gets_nothing_more(full: Bench) -> None:
    versions = full.workspace, full.start(FLOW)
    erase(full)
    full.carry_out(versions[1], NOON + 6 * DAY)
    assert full.sent() == ["o.quackenbush@mail.example", "c2@example.com", "c2@example.com"]
    assert standing(full.workspace, "test").ended["erased"] == 1
    assert explain(versions[1][0], "erased-1", NOON + 6 * DAY).now.reason is Reason.ERASED


def test_a_message_that_waits_is_not_sent_and_says_why(bench: Bench) -> None:
    bench.people(2)
    versions = bench.start(FLOW.replace("template: words.txt}", "template: words.txt, release: next tuesday 09:00}", 1))
    bench.carry_out(versions)
    assert erase(bench, days=0.1)
    bench.carry_out(versions, NOON + 2 * DAY)
    assert bench.sent() == ["c2@example.com"]
    with reading(bench.workspace.database) as session:
        settled = session.execute(text("SELECT state, reason FROM outbox WHERE customer_id = 1")).one()
        logged = session.execute(text("SELECT kind, detail FROM contact WHERE customer_id = 1")).one()
    assert tuple(settled) == ("suppressed", "erased")
    assert tuple(logged) == ("suppressed", '{"reason":"erased"}')


def test_while_a_message_is_on_the_wire_nothing_is_erased_and_it_is_tried_again(make_bench: MakeBench) -> None:
    outcomes: list[bool] = []

    def script(_: Message) -> Outcome:
        outcomes.append(erase(bench))
        return Outcome.ACCEPTED

    bench = make_bench(FakeChannel("email", ("email",), script=script))
    bench.people(1)
    bench.carry_out(bench.start(FLOW))
    assert outcomes == [False]
    with reading(bench.workspace.database) as session:
        assert session.execute(text("SELECT email FROM customer")).scalar() == "c1@example.com"
    assert erase(bench)


def test_whoever_somebody_else_has_in_their_hands_is_not_waited_for(bench: Bench) -> None:
    if bench.workspace.database.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, who is waited for")
    bench.people(1)
    for table in ("customer", "member", "outbox"):
        bench.carry_out(bench.start(FLOW))
        with writing(bench.workspace.database) as holding:
            holding.execute(text(f"SELECT id FROM {table} FOR UPDATE"))
            assert not erase(bench), table


def test_whoever_was_erased_comes_into_no_campaign_again(bench: Bench) -> None:
    bench.people(2)
    erase(bench)
    running = bench.start(FLOW)[0]
    assert let_in(running, NOON + DAY) == 1
    told = explain(running, "erased-1", NOON + 2 * DAY)
    assert (told.now.reason, told.findings[0].at, told.findings[0].text) == (Reason.ERASED, NOON + DAY, "was erased")
    assert not any("comes in" in finding.text for finding in told.findings)


def test_what_comes_back_late_about_an_erased_person_is_not_taken_in(full: Bench) -> None:
    erase(full)
    database = full.workspace.database
    with reading(database) as session:
        version = session.execute(text("SELECT version FROM flow_version LIMIT 1")).scalar_one()
    key = message_key(version, 1)
    piece = Feedback(Happening.REPLIED, "mail", "late-1", NOON + 2 * DAY, key, address=HERS[2], text="sunflowers", proven=True)
    bounced = Feedback(Happening.BOUNCED_HARD, "mail", "late-2", NOON + 2 * DAY, key, address=HERS[2], detail="550 no such", proven=True)
    with writing(database) as session:
        assert take_in(session, [piece, bounced], NOON + 2 * DAY).strange == 2
    assert found(database, HERS + SAID) == {}


def test_an_address_that_somebody_else_has_too_stays_suppressed(full: Bench) -> None:
    database = full.workspace.database
    with writing(database) as session:
        session.execute(text("UPDATE customer SET email = 'o.quackenbush@mail.example' WHERE id = 2"))
    erase(full)
    with reading(database) as session:
        assert session.execute(text("SELECT address FROM suppression")).scalar() == "o.quackenbush@mail.example"


def test_links_of_an_erased_person_lead_nowhere_but_to_the_stop(full: Bench) -> None:
    erase(full)
    with reading(full.workspace.database) as session:
        assert recipient_of(session, 1) is None
        stopping = recipient_of(session, 1, also_erased=True)
        assert stopping
        assert stopping.is_erased
        assert session.get(Customer, 1)
        assert session.get(Contact, 1)
