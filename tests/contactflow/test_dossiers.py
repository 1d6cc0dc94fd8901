"""A dossier has everything that is kept of one customer and of nobody else, and stays bounded where the pages show it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import SQLModel

from contactflow.dossiers import dossier_of
from customers.attributes import declare_attributes, set_attributes
from customers.choices import ChoiceKind, Chosen, record_choices
from customers.conditions.vocabulary import AttributeKind
from customers.consent import EVERYTHING
from customers.contact_log import Entry, Kind, log
from customers.tables import CustomerId
from engine.outbox import State
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FLOW = """
  in: {audience: everyone, holdout: 50%}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
SECTION_OF = {
    "choice": "choices",
    "consent": "consent",
    "consent_event": "evidence_of_consent",
    "contact": "contacts",
    "exposure": "groups",
    "form_draft": "unfinished_forms",
    "member": "campaigns",
    "outbox": "messages",
    "profile": "own_attributes",
    "programme": "hold_out_of_all_campaigns",
    "purchase": "purchases",
    "request": "requests",
    "stated_preference": "stated_preferences",
    "voucher": "vouchers",
}


@contextmanager
def counted(database: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(database, "before_cursor_execute", count)
    yield statements
    event.remove(database, "before_cursor_execute", count)


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory, database: Engine) -> Engine:
    """Two customers, an offer to one of them or both, and what they did."""
    bench = Bench(tmp_path_factory.mktemp("bench"), database)
    bench.people(2)
    bench.carry_out(bench.start(FLOW))
    with writing(database) as session:
        log(session, (contact(CustomerId(1 + number % 2), number) for number in range(300)))
    return database


def contact(customer_id: CustomerId, number: int) -> Entry:
    detail = {"answers": {"interest": "cooking"}, "questions": {"interest": "What would you like to read about?"}}
    return Entry(NOON, customer_id, "in", "web", Kind.ANSWERED, "test", "0123456789ab", "mail", key=f"answered:{number}:1", detail=detail)


def test_every_table_that_knows_a_customer_has_a_section(database: Engine) -> None:
    knowing = {name for name, table in SQLModel.metadata.tables.items() if "customer_id" in table.columns}
    assert knowing == SECTION_OF.keys()
    with reading(database) as session:
        document = dossier_of(session, CustomerId(1), AMSTERDAM, NOON)
    assert set(SECTION_OF.values()) <= document.keys()


def test_it_has_all_rows_of_one_customer_and_none_of_another(database: Engine) -> None:
    with reading(database) as session:
        document = dossier_of(session, CustomerId(1), AMSTERDAM, NOON)
        for table, name in SECTION_OF.items():
            count = session.execute(text(f"SELECT count(*) FROM {table} WHERE customer_id = 1")).scalar()
            assert name == "own_attributes" or document[name]["number"] == len(document[name]["rows"]) == count
    told = json.dumps(document)
    assert "c1@example.com" in told
    assert not any(word in told for word in ("c2@example.com", "Name2", "+31612340002"))


def test_an_own_attribute_is_told_as_what_it_is_on_every_database_also_when_it_is_declared_no_more(database: Engine) -> None:
    kinds = {"likes_wine": AttributeKind.BOOLEAN, "joined_on": AttributeKind.DATE, "children": AttributeKind.INTEGER}
    with writing(database) as session:
        declare_attributes(session, kinds)
        set_attributes(session, np.array([1], np.int64), {"likes_wine": True, "joined_on": date(2020, 2, 29), "children": 0}, kinds)
    with reading(database) as session:
        document = dossier_of(session, CustomerId(1), AMSTERDAM, NOON)
    told = {name: document["own_attributes"].get(name) for name in kinds}
    assert json.dumps(told) == '{"likes_wine": true, "joined_on": "2020-02-29", "children": 0}'


def test_no_link_stands_in_it_by_which_others_could_act(database: Engine) -> None:
    with reading(database) as session:
        told = [json.dumps(dossier_of(session, CustomerId(each), AMSTERDAM, NOON)) for each in (1, 2)]
        assert session.execute(text("SELECT count(*) FROM outbox WHERE state = :sent"), {"sent": State.SENT.value}).scalar()
    assert not any("127.0.0.1" in each for each in told)


def test_of_each_kind_the_newest_are_told_beside_how_many_there_are(database: Engine) -> None:
    with reading(database) as session:
        found = dossier_of(session, CustomerId(1), AMSTERDAM, NOON, 10)["contacts"]
    assert (found["number"] >= 150, len(found["rows"])) == (True, 10)


def test_a_part_of_the_day_is_told_by_its_name_and_one_of_a_later_version_by_its_number(database: Engine) -> None:
    with writing(database) as session:
        for part in (3, 99):
            record_choices(session, CustomerId(1), [Chosen(ChoiceKind.MOMENT, EVERYTHING, part)], NOON, None)
    with reading(database) as session:
        choices = dossier_of(session, CustomerId(1), AMSTERDAM, NOON)["choices"]["rows"]
    assert {each["value"]: each.get("part_of_day") for each in choices} == {3: "evening", 99: None}


def test_a_long_history_takes_as_many_statements_as_a_short_one_and_stays_bounded(database: Engine) -> None:
    with reading(database) as session, counted(database) as few:
        dossier_of(session, CustomerId(1), AMSTERDAM, NOON, 1_000)
    with writing(database) as session:
        log(session, (contact(CustomerId(1), number) for number in range(1_000, 11_000)))
    with reading(database) as session, counted(database) as many:
        document = dossier_of(session, CustomerId(1), AMSTERDAM, NOON, 1_000)
    assert len(few) == len(many)
    assert (document["contacts"]["number"] > 10_000, len(document["contacts"]["rows"])) == (True, 1_000)
    assert len(json.dumps(document)) < 400_000
