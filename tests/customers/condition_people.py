"""Three hundred customers of every kind, the same in memory, on SQLite and on PostgreSQL, to ask conditions about."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Engine, create_engine, select
from sqlmodel import Session, SQLModel

from customers.attributes import declare_attributes, profile_table, write_profiles
from customers.conditions.compile import Scope, compile_condition
from customers.conditions.language import parse_condition
from customers.conditions.tree import Condition
from customers.conditions.vocabulary import AttributeKind, Place, SendingNode, Vocabulary
from customers.contact_log import Entry, Kind, log
from customers.tables import Consent, Customer, CustomerId, Purchase, StatedPreference, Suppression, table_of
from store.bulk import column_table, insert_rows
from store.clock import to_micros
from store.session import writing

NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # in Amsterdam it is the 30th already, and the clock changed that morning
ZONE = ZoneInfo("Europe/Amsterdam")
TODAY = date(2026, 3, 30)
OWN = {
    "children": AttributeKind.INTEGER,
    "score": AttributeKind.NUMBER,
    "newsletter": AttributeKind.BOOLEAN,
    "colour": AttributeKind.TEXT,
    "joined_on": AttributeKind.DATE,
}
SEGMENTS = {"families": "children > 0", "loyal": "in segment families and purchase_count >= 2", "dutch": "country = 'NL'"}
VOCABULARY = Vocabulary.of_workspace(OWN, SEGMENTS).of_flow(
    {"mail": SendingNode("email", tracks_opens=True), "text-1": SendingNode("sms")}, ["patience"], "offers"
)
IN_FLOW = VOCABULARY.at(Place.FLOW)

NAMES = (
    "Anna",
    "anna",
    "ANNA",
    "René",
    "RENÉ",
    "Renee",
    "Žižka",
    "žižka",
    "d'Arc",
    'Jan "de" Boer',
    "",
    " ",
    "O_b%!",
    "Σοφία",
    "ÿ",
    "Иван",
    "ИВАН",
    "ẠẸ",
    "ạẹ",
    "ıİſς",
)
CITIES = ("Amsterdam", "amsterdam", "IJmuiden", "ijmuiden", "Zürich", "ZÜRICH", "A", "a", "Z", "z", "100%", "é", "e", "É", "E")
COUNTRIES = ("NL", "BE", "nl", "DE")
NUMBERS = (0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 0.2, 0.30000000000000004, 1e15, 1e16, 1e-15, 1e-20, 1e300, -1e300, 12.345, 99.995)


@dataclass
class Person:
    """All that is known of one customer."""

    id: int
    values: dict[str, Any]
    purchases: list[tuple[datetime, int]] = field(default_factory=list)
    contacts: list[Entry] = field(default_factory=list)
    granted: dict[tuple[str, str], bool] = field(default_factory=dict)
    entered_at: datetime = NOW
    arrived_at: datetime = NOW

    @property
    def said(self) -> str | None:
        """What they said last to `colour`; every fifth says it only after now."""
        return None if self.id % 3 == 0 else ("red", "true")[self.id % 2]

    @property
    def said_at(self) -> datetime:
        return NOW if self.id % 5 else NOW + timedelta(seconds=1)

    @property
    def member_id(self) -> int:
        return self.id + 1000


def some_people(count: int = 300) -> list[Person]:
    """Always the same ones."""
    chance = random.Random(20260330)  # not a secret
    people = [_person(number, chance) for number in range(1, count + 1)]
    people[0].values |= {"children": 2**53 + 1, "score": 2.0**53}  # the same only when both are doubles
    return people


def _person(number: int, chance: random.Random) -> Person:
    def maybe(value: Any) -> Any:
        return None if chance.random() < 0.2 else value

    def day(low: int, high: int) -> date:
        return date.fromordinal(chance.randint(low, high))

    values = {
        "key": f"k{number}",
        "first_name": maybe(chance.choice(NAMES)),
        "city": maybe(chance.choice(CITIES)),
        "country": maybe(chance.choice(COUNTRIES)),
        "email": maybe(chance.choice(["", f"a{number}@example.org"])),
        "phone": maybe(f"+3161234{number:04}"),
        "birth_date": maybe(
            chance.choice([day(700_000, 738_000), date(2000, 2, 29), date(2001, 3, 30), date(2001, 3, 31), TODAY, date(9, 1, 1)])
        ),
        "created_at": NOW - timedelta(days=chance.choice([0, 0, 1, 300, 900]), minutes=chance.randint(0, 1500)),
        "children": maybe(chance.choice([0, 1, 2, 3, -1, 10**12])),
        "score": maybe(chance.choice(NUMBERS)),
        "newsletter": maybe(chance.choice([True, False])),
        "colour": maybe(chance.choice(["red", "Red", "blue", "RÖD", "röd"])),
        "joined_on": maybe(day(736_000, 740_000)),
    }
    person = Person(number, values)
    person.entered_at = NOW - timedelta(days=chance.randint(0, 20), hours=chance.randint(0, 23))
    person.arrived_at = person.entered_at + (NOW - person.entered_at) * chance.random()
    for _ in range(chance.choice([0, 0, 1, 2, 5])):
        person.purchases.append((_moment(chance), chance.choice([0, 1, 999, 10_000, -500, 123_456])))
    person.contacts = [_contact(person, chance) for _ in range(chance.choice([0, 1, 3, 6]))]
    person.granted = {
        (purpose, channel): chance.random() < 0.7 for purpose in ("offers", "service") for channel in ("email", "sms") if maybe(1)
    }
    return person


def _moment(chance: random.Random) -> datetime:
    """Around now, around the change of the clock, and long ago; some of it after now."""
    start = chance.choice(
        [NOW, NOW, datetime(2025, 10, 26, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(1999, 12, 31, 23, tzinfo=UTC)]
    )
    return start + timedelta(days=chance.randint(-40, 2), minutes=chance.randint(-90, 90))


def _contact(person: Person, chance: random.Random) -> Entry:
    kind = chance.choice(
        [Kind.SENT, Kind.SENT, Kind.UNKNOWN, Kind.OPENED, Kind.CLICKED, Kind.VISITED, Kind.ANSWERED, Kind.REPLIED, Kind.EVENT]
    )
    outward = kind in (Kind.SENT, Kind.UNKNOWN)
    detail: Any = None
    if kind is Kind.ANSWERED:
        answer = chance.choice(["red", "Red", 'say "hi"', "", True, False, 5])
        detail = {"answers": {"colour": answer}} if chance.random() < 0.8 else {"answers": {"other": "red"}}
    elif kind is Kind.EVENT:
        detail = {"name": chance.choice(["called", "stood by"])}
    return Entry(
        at=_moment(chance),
        customer_id=CustomerId(person.id),
        direction="out" if outward else "in",
        channel=chance.choice(["email", "sms"]) if outward else "web",
        kind=kind,
        campaign=chance.choice(["winback", "winback", "other"]),
        node=chance.choice(["mail", "text-1"]),
        member_id=chance.choice([person.member_id, person.member_id, person.member_id + 5000]),
        human=chance.random() < 0.8,
        detail=detail,
    )


@dataclass
class World:
    """A database that holds the people."""

    engine: Engine
    people: list[Person]

    def holds(self, *conditions: Condition) -> list[set[int]]:
        """Who fits each condition: one statement."""
        with self._asking() as (connection, scope, source, given):
            columns = [compile_condition(condition, scope).label(f"c{number}") for number, condition in enumerate(conditions)]
            rows = connection.execute(select(given.c.customer_id, *columns).select_from(source)).all()
        assert len(rows) == len(self.people)
        assert all(value in (True, False, 0, 1) for row in rows for value in row[1:]), "an answer is true or false, never unknown"
        return [{row[0] for row in rows if row[number]} for number in range(1, len(conditions) + 1)]

    def fitting(self, text: str, vocabulary: Vocabulary = IN_FLOW) -> set[int]:
        """Who fits, found by WHERE."""
        with self._asking() as (connection, scope, source, given):
            where = compile_condition(parse_condition(text, vocabulary), scope)
            return set(connection.execute(select(given.c.customer_id).select_from(source).where(where)).scalars())

    @contextmanager
    def _asking(self) -> Iterator[tuple[Connection, Scope, Any, Any]]:
        with Session(self.engine) as session:
            customer, profile, given = table_of(Customer), profile_table(OWN), column_table(session, self._members())
            scope = Scope(customer, profile, NOW, ZONE, "offers", "winback", given.c.member_id, given.c.entered_at, given.c.arrived_at)
            joined = given.join(customer, customer.c.id == given.c.customer_id)
            yield session.connection(), scope, joined.outerjoin(profile, profile.c.customer_id == customer.c.id), given

    def _members(self) -> dict[str, Any]:
        return {
            "pos": np.arange(len(self.people)),
            "member_id": np.array([person.member_id for person in self.people]),
            "customer_id": np.array([person.id for person in self.people]),
            "entered_at": np.array([to_micros(person.entered_at) for person in self.people]),
            "arrived_at": np.array([to_micros(person.arrived_at) for person in self.people]),
        }


def new_database(server: str, name: str) -> str:
    """The address of an empty database on a PostgreSQL server."""
    admin = create_engine(server + "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return server.replace("+psycopg", "") + name


def settle(engine: Engine, people: list[Person]) -> World:
    """Make the tables and write the people into them."""
    SQLModel.metadata.create_all(engine)
    with writing(engine) as session:
        declare_attributes(session, OWN)
        _write_people(session, people)
    return World(engine, people)


def _write_people(session: Session, people: list[Person]) -> None:
    own = list(OWN)
    built_in = ["key", "first_name", "city", "country", "email", "phone", "birth_date"]
    born = [person.values["birth_date"] for person in people]
    customers = [
        (person.id, *(person.values[name] for name in built_in[:-1]), day and day.isoformat(), to_micros(person.values["created_at"]), 0)
        for person, day in zip(people, born, strict=True)
    ]
    insert_rows(session, table_of(Customer), ["id", *built_in, "created_at", "changed_at"], customers)
    # Every tenth has no row there at all.
    profiles = [(person.id, [person.values[name] for name in own]) for person in people if person.id % 10]
    write_profiles(session, own, profiles, OWN)
    for person in people:
        if not person.id % 10:
            person.values.update(dict.fromkeys(own))
    bought = [(f"{p.id}-{n}", p.id, to_micros(at), cents, "EUR") for p in people for n, (at, cents) in enumerate(p.purchases)]
    insert_rows(session, table_of(Purchase), ["key", "customer_id", "purchased_at", "amount_cents", "currency"], bought)
    log(session, (entry for person in people for entry in person.contacts))
    granted = [(p.id, purpose, channel, yes, 0) for p in people for (purpose, channel), yes in p.granted.items()]
    insert_rows(session, table_of(Consent), ["customer_id", "purpose", "channel", "granted", "since"], granted)
    said = [(p.id, "colour", "Q", p.said, to_micros(p.said_at), "other", 1) for p in people if p.said]
    columns = ["customer_id", "name", "question", "answer", "at", "campaign", "message_id"]
    insert_rows(session, table_of(StatedPreference), columns, said)
    gone = [("email", f"a{p.id}@example.org", "bounced", 0) for p in people if p.id % 7 == 0]
    insert_rows(session, table_of(Suppression), ["channel", "address", "reason", "since"], gone)
