"""Attributes: declared as columns, set and read in bulk, each built-in one with its kind."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, event, insert, inspect, select
from sqlmodel import Session

from customers.attributes import (
    READINGS,
    Value,
    attribute_columns,
    declare_attributes,
    profile_table,
    read_attributes,
    set_attributes,
    write_profiles,
)
from customers.conditions.scope import Scope
from customers.conditions.vocabulary import BUILT_IN, AttributeKind, Vocabulary
from customers.contact_log import Entry, Kind, log
from customers.tables import Customer, CustomerId, Purchase, table_of
from store.errors import InputError, NotFoundError
from store.session import reading, writing

NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # in Amsterdam it is the 30th already
OWN = {
    "children": AttributeKind.INTEGER,
    "score": AttributeKind.NUMBER,
    "newsletter": AttributeKind.BOOLEAN,
    "colour": AttributeKind.TEXT,
    "joined_on": AttributeKind.DATE,
}


@dataclass(frozen=True)
class Known:
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary.of_workspace(OWN, {}))
    attributes: dict[str, AttributeKind] = field(default_factory=lambda: OWN)
    campaign: str | None = None
    purpose: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Amsterdam"))
    now: datetime = NOW


def ids(*numbers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(numbers, np.int64)


def add_customers(session: Session, count: int) -> None:
    rows = [{"id": n, "key": f"k{n}", "created_at": NOW, "changed_at": NOW} for n in range(1, count + 1)]
    session.execute(insert(table_of(Customer)), rows)


@pytest.fixture
def filled(database: Engine) -> Engine:
    with writing(database) as session:
        declare_attributes(session, OWN)
        add_customers(session, 5)
    return database


def test_every_built_in_attribute_is_described_and_can_be_read(filled: Engine) -> None:
    assert set(READINGS) == set(BUILT_IN)
    with reading(filled) as session:
        values = read_attributes(session, ids(1), list(BUILT_IN), Known())
    assert values["purchase_count"] == [0]
    assert values["total_spent"] == [0.0]
    assert values["created_on"] == [date(2026, 3, 30)]
    assert all(each.title.endswith(".") for each in BUILT_IN.values())


def test_what_comes_out_is_of_the_kind_that_is_promised(filled: Engine) -> None:
    expected = {
        AttributeKind.TEXT: str,
        AttributeKind.INTEGER: int,
        AttributeKind.NUMBER: float,
        AttributeKind.BOOLEAN: bool,
        AttributeKind.DATE: date,
    }
    texts = {name: "x" for name, each in BUILT_IN.items() if each.kind is AttributeKind.TEXT and name != "key"}
    customer = table_of(Customer)
    with writing(filled) as session:
        session.execute(customer.update().where(customer.c.id == 1).values(birth_date=date(2000, 2, 29), **texts))
        session.add(Purchase(key="p", customer_id=1, purchased_at=NOW, amount_cents=1050))
        log(session, [Entry(NOW, CustomerId(1), "out", "email", Kind.SENT)])
        own: dict[str, Value] = {"children": 2, "score": 1, "newsletter": True, "colour": "red", "joined_on": date(2020, 1, 1)}
        set_attributes(session, ids(1), own, OWN)
    with reading(filled) as session:
        values = read_attributes(session, ids(1), [*BUILT_IN, *OWN], Known())
    for name, kind in {**{name: each.kind for name, each in BUILT_IN.items()}, **OWN}.items():
        assert type(values[name][0]) is expected[kind], name
    assert values["age"] == [26]
    assert values["total_spent"] == [10.5]
    assert values["days_since_purchase"] == [0]
    assert values["days_since_contact"] == [0]
    assert values["last_purchase_on"] == [date(2026, 3, 30)]


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Amsterdam", datetime(2026, 3, 28, 22, 59, tzinfo=UTC), date(2026, 3, 28)),
        ("Europe/Amsterdam", datetime(2026, 3, 28, 23, 0, tzinfo=UTC), date(2026, 3, 29)),  # winter time
        ("Europe/Amsterdam", datetime(2026, 3, 29, 21, 59, tzinfo=UTC), date(2026, 3, 29)),
        ("Europe/Amsterdam", datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30)),  # summer time
        ("Europe/Amsterdam", datetime(1975, 7, 1, 23, 0, tzinfo=UTC), date(1975, 7, 2)),
        ("Pacific/Apia", datetime(2011, 12, 30, 9, 59, tzinfo=UTC), date(2011, 12, 29)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC), date(2011, 12, 31)),  # there was no 30th
        ("America/New_York", datetime(2026, 1, 1, 4, 59, tzinfo=UTC), date(2025, 12, 31)),
        ("Asia/Kathmandu", datetime(2026, 1, 1, 18, 15, tzinfo=UTC), date(2026, 1, 2)),
        ("Etc/UTC", datetime(1969, 12, 31, 23, 59, tzinfo=UTC), date(1969, 12, 31)),
    ],
)
def test_a_day_begins_at_midnight_in_the_workspace(filled: Engine, zone: str, at: datetime, day: date) -> None:
    with writing(filled) as session:
        session.add(Purchase(key="p", customer_id=1, purchased_at=at, amount_cents=1))
    with reading(filled) as session:
        assert read_attributes(session, ids(1), ["last_purchase_on"], Known(zone=ZoneInfo(zone)))["last_purchase_on"] == [day]


def test_what_lies_after_now_is_not_known_yet(filled: Engine) -> None:
    later = NOW + timedelta(seconds=1)
    with writing(filled) as session:
        session.add(Purchase(key="p", customer_id=1, purchased_at=later, amount_cents=100))
        log(session, [Entry(later, CustomerId(1), "out", "email", Kind.SENT)])
    with reading(filled) as session:
        names = ["purchase_count", "total_spent", "days_since_purchase", "days_since_contact"]
        assert read_attributes(session, ids(1), names, Known()) == dict(zip(names, ([0], [0.0], [None], [None]), strict=True))


def test_reading_keeps_the_order_asked_and_knows_who_is_missing(filled: Engine) -> None:
    with reading(filled) as session:
        assert read_attributes(session, ids(3, 99, 1, 3), ["key"], Known()) == {"key": ["k3", None, "k1", "k3"]}


def test_reading_and_setting_take_one_statement_for_any_number_of_customers(filled: Engine) -> None:
    with writing(filled) as session:
        session.execute(
            insert(table_of(Customer)), [{"id": n, "key": f"k{n}", "created_at": NOW, "changed_at": NOW} for n in range(6, 3000)]
        )
    everyone = np.arange(1, 3000, dtype=np.int64)
    statements: list[str] = []
    with writing(filled) as session:
        session.connection()
        event.listen(filled, "before_cursor_execute", lambda *given: statements.append(given[2]))
        set_attributes(session, everyone, {"children": 3, "colour": "red"}, OWN)
        values = read_attributes(session, everyone, ["key", "children", "days_since_purchase"], Known())
    assert values["children"] == [3] * len(everyone)
    assert len(statements) == 2


def test_declaring_twice_adds_nothing(database: Engine) -> None:
    with writing(database) as session:
        assert declare_attributes(session, {"children": AttributeKind.INTEGER}) == ["children"]
    with writing(database) as session:
        assert declare_attributes(session, OWN) == ["score", "newsletter", "colour", "joined_on"]
    with writing(database) as session:
        assert declare_attributes(session, OWN) == []
    assert {each["name"] for each in inspect(database).get_columns("profile")} == {"customer_id", *OWN}


@pytest.mark.parametrize("before", AttributeKind)
def test_a_kind_cannot_change_once_there_are_values(database: Engine, before: AttributeKind) -> None:
    with writing(database) as session:
        declare_attributes(session, {"thing": before})
    for after in AttributeKind:
        with writing(database) as session:
            if after is before:
                assert declare_attributes(session, {"thing": after}) == []
            else:
                with pytest.raises(InputError, match=f'kept as {before}, and now it is declared as {after}. Declare it as "{before}"'):
                    declare_attributes(session, {"thing": after})


@pytest.mark.parametrize(
    "name",
    ["age", "email", "customer_id", "select", "purchase", "Children", "a-b", 'x" int; drop table customer; --', "1a", "", "é", "a" * 64],
)
def test_a_name_that_would_confuse_is_refused(database: Engine, name: str) -> None:
    with writing(database) as session, pytest.raises(InputError, match=r"\[attributes\] in contactflow.toml: "):
        declare_attributes(session, {name: AttributeKind.TEXT, "fine": AttributeKind.TEXT})
    assert [each["name"] for each in inspect(database).get_columns("profile")] == ["customer_id"]


def test_setting_some_attributes_leaves_the_others(filled: Engine) -> None:
    with writing(filled) as session:
        write_profiles(session, ["children", "joined_on"], [(1, [2, date(2020, 1, 1)]), (2, [None, "2021-02-03"]), (1, [3, None])], OWN)
        set_attributes(session, ids(1, 2, 2), {"colour": "red"}, OWN)
        set_attributes(session, ids(2), {"children": 7.0, "score": float("nan")}, OWN)
    with reading(filled) as session:
        values = read_attributes(session, ids(1, 2, 3), ["children", "joined_on", "colour", "score"], Known())
    assert values == {
        "children": [3, 7, None],
        "joined_on": [None, date(2021, 2, 3), None],
        "colour": ["red", "red", None],
        "score": [None, None, None],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("children", 1.5),
        ("children", "two"),
        ("children", True),
        ("children", 2**63),
        ("score", "1.5"),
        ("score", float("inf")),
        ("newsletter", "yes"),
        ("newsletter", 1),
        ("joined_on", "31-01-2026"),
        ("unknown", 1),
    ],
)
def test_a_value_of_another_kind_is_refused_without_showing_it(filled: Engine, name: str, value: Any) -> None:
    with writing(filled) as session:
        with pytest.raises(InputError, match=f"attribute '{name}'") as caught:
            set_attributes(session, ids(1), {name: value}, OWN)
        with pytest.raises(InputError):
            write_profiles(session, [name], [(1, [value])], OWN)
    assert str(value) not in str(caught.value).replace(name, "") or value in (1, True)


def test_an_attribute_that_nobody_knows_is_told() -> None:
    scope = Scope(table_of(Customer), profile_table(OWN), NOW, ZoneInfo("Etc/UTC"))
    with pytest.raises(NotFoundError, match=r"There is no attribute 'childern'. Did you mean 'children'\?"):
        attribute_columns(["childern"], scope)


def test_columns_are_labelled_for_whoever_selects_them(filled: Engine) -> None:
    scope = Scope(table_of(Customer), None, NOW, ZoneInfo("Etc/UTC"))
    with reading(filled) as session:
        row = session.execute(select(*attribute_columns(["key", "age"], scope)).where(table_of(Customer).c.id == 2)).one()
    assert row._asdict() == {"key": "k2", "age": None}


def test_a_table_of_the_same_attributes_is_the_same_so_that_its_statements_are_compiled_once() -> None:
    declared = {"shoe_size": AttributeKind.NUMBER, "club": AttributeKind.TEXT}
    assert profile_table(declared) is profile_table(dict(declared))
    assert profile_table(declared) is not profile_table({"club": AttributeKind.NUMBER})
