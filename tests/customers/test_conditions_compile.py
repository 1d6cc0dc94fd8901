"""Conditions asked of real databases: a table of cases, counted by hand-written Python beside each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from customers.conditions.language import MOST_DEPTH, parse_condition
from customers.conditions.tree import depth
from customers.conditions.vocabulary import Place
from customers.contact_log import Kind
from customers.segments import segment_of
from store.session import open_database, reading
from tests.customers.condition_people import IN_FLOW, NOW, OWN, TODAY, VOCABULARY, ZONE, Person, World, new_database, settle, some_people
from tests.customers.test_attributes import Known

Test = Callable[[Person], bool]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('conditions') / 'people.db'}"
    else:
        url = new_database(request.getfixturevalue("postgres"), "condition_cases")
    engine = open_database(url)
    yield settle(engine, some_people())
    engine.dispose()


def _known(name: str, test: Callable[[Any], bool]) -> Test:
    return lambda person: person.values[name] is not None and test(person.values[name])


def _local(person: Person) -> list[date]:
    return [at.astimezone(ZONE).date() for at, _ in person.purchases if at <= NOW]


def _did(person: Person, *kinds: Kind, node: str) -> bool:
    mine = [each for each in person.contacts if each.member_id == person.member_id and each.node == node and each.human and each.at <= NOW]
    return any(each.kind in kinds for each in mine)


def _answer(person: Person) -> str | None:
    latest = None
    for each in sorted(person.contacts, key=lambda each: each.at):
        if each.kind is Kind.ANSWERED and each.at <= NOW and each.campaign == "winback" and "colour" in each.detail["answers"]:
            latest = each.detail["answers"]["colour"]
    return str(latest).lower() if isinstance(latest, bool) else latest if latest is None else str(latest)


CASES: dict[str, Test] = {
    "everyone": lambda _: True,
    "false": lambda _: False,
    "country = 'NL'": _known("country", lambda v: v == "NL"),
    'country = "NL"': _known("country", lambda v: v == "NL"),
    "country <> 'NL'": _known("country", lambda v: v != "NL"),
    "country != 'NL'": _known("country", lambda v: v != "NL"),
    "not country = 'NL'": lambda p: p.values["country"] != "NL",
    "country in ('NL', 'BE')": _known("country", lambda v: v in ("NL", "BE")),
    "country not in ('NL', 'BE')": _known("country", lambda v: v not in ("NL", "BE")),
    "not country in ('NL', 'BE')": lambda p: p.values["country"] not in ("NL", "BE"),
    "country is null": lambda p: p.values["country"] is None,
    "country is not null": lambda p: p.values["country"] is not None,
    "first_name > 'a'": _known("first_name", lambda v: v > "a"),
    "city between 'A' and 'Z'": _known("city", lambda v: "A" <= v <= "Z"),
    "city not between 'A' and 'Z'": _known("city", lambda v: not "A" <= v <= "Z"),
    "first_name = 'd''Arc'": _known("first_name", lambda v: v == "d'Arc"),
    "first_name = 'Jan \"de\" Boer'": _known("first_name", lambda v: v == 'Jan "de" Boer'),
    "first_name = ''": _known("first_name", lambda v: v == ""),
    "first_name like 'rené'": _known("first_name", lambda v: v in ("René", "RENÉ")),
    "first_name like 'ren_'": _known("first_name", lambda v: v in ("René", "RENÉ")),
    "first_name like 'ŽIŽ%'": _known("first_name", lambda v: v in ("Žižka", "žižka")),
    "first_name not like 'a%'": _known("first_name", lambda v: not v.lower().startswith("a")),
    "city like '100!%' escape '!'": _known("city", lambda v: v == "100%"),
    "first_name like '%!%!!' escape '!'": _known("first_name", lambda v: v == "O_b%!"),
    "first_name like 'иван'": _known("first_name", lambda v: v in ("Иван", "ИВАН")),
    "lower(city) = 'zürich'": _known("city", lambda v: v in ("Zürich", "ZÜRICH")),
    "upper(city) in ('ZÜRICH', 'A')": _known("city", lambda v: v in ("Zürich", "ZÜRICH", "A", "a")),
    "lower(city) = lower(coalesce(city, 'x'))": _known("city", lambda _: True),
    "upper(city) = city": _known("city", lambda v: v.upper() == v),
    "first_name like 'ẠẸ'": _known("first_name", lambda v: v == "ẠẸ"),
    "lower(first_name) = lower('ẠẸ')": _known("first_name", lambda v: v == "ẠẸ"),
    "children = score": lambda p: p.id == 1 or (p.values["children"] is not None and p.values["children"] == p.values["score"]),
    "lower(colour) = colour": _known("colour", lambda v: v.lower() == v),
    "lower(city) like 'ZÜR%' and coalesce(upper(city), 'x') like 'zür%'": _known("city", lambda v: v in ("Zürich", "ZÜRICH")),
    "length(first_name) = 4": _known("first_name", lambda v: len(v) == 4),
    "coalesce(country, language, '?') = '?'": lambda p: p.values["country"] is None,
    "children > 0": _known("children", lambda v: v > 0),
    "children / 2 = 1.5": _known("children", lambda v: v == 3),
    "6 / children >= 3": _known("children", lambda v: v in (1, 2)),
    "not 6 / children >= 3": lambda p: p.values["children"] not in (1, 2),
    "-children = 1": _known("children", lambda v: v == -1),
    "abs(children) = 1": _known("children", lambda v: v in (1, -1)),
    "round(score) = 3": _known("score", lambda v: v == 2.5),
    "round(score) = -3": _known("score", lambda v: v == -2.5),
    "round(score, 1) = 12.3": _known("score", lambda v: v == 12.345),
    "score = 0.3": _known("score", lambda v: v == 0.3),
    "score + 0.2 = 0.3": _known("score", lambda v: v + 0.2 == 0.3),
    "score * score > 1": _known("score", lambda v: v * v > 1 and abs(v) <= 1e15),
    "newsletter": lambda p: p.values["newsletter"] is True,
    "not newsletter": lambda p: p.values["newsletter"] is not True,
    "newsletter = false": lambda p: p.values["newsletter"] is False,
    "newsletter is not true": lambda p: p.values["newsletter"] is not True,
    "newsletter is false": lambda p: p.values["newsletter"] is False,
    "coalesce(newsletter, true)": lambda p: p.values["newsletter"] is not False,
    "birth_date < '2000-02-29'": _known("birth_date", lambda v: v < date(2000, 2, 29)),
    "birth_date = today": _known("birth_date", lambda v: v == TODAY),
    "age = 26": _known("birth_date", lambda v: date(1999, 3, 31) <= v <= date(2000, 3, 30)),
    "age = 25": _known("birth_date", lambda v: date(2000, 3, 31) <= v <= date(2001, 3, 30)),
    "joined_on > today - 300": _known("joined_on", lambda v: v > TODAY - timedelta(days=300)),
    "today - joined_on <= 300": _known("joined_on", lambda v: (TODAY - v).days <= 300),
    "created_on = today": lambda p: p.values["created_at"].astimezone(ZONE).date() == TODAY,
    "purchase_count = 0": lambda p: not _local(p),
    "purchase_count >= 2 and total_spent > 10": lambda p: len(_local(p)) >= 2 and sum(c for at, c in p.purchases if at <= NOW) > 1000,
    "total_spent = 0": lambda p: sum(c for at, c in p.purchases if at <= NOW) == 0,
    "days_since_purchase <= 1": lambda p: bool(_local(p)) and (TODAY - max(_local(p))).days <= 1,
    "last_purchase_on >= '2026-03-29'": lambda p: bool(_local(p)) and max(_local(p)) >= date(2026, 3, 29),
    "first_purchase_on < '2000-01-01'": lambda p: bool(_local(p)) and min(_local(p)) < date(2000, 1, 1),
    "days_since_purchase is null": lambda p: not _local(p),
    "purchase in last 7 days": lambda p: any(NOW - timedelta(days=7) <= at <= NOW for at, _ in p.purchases),
    "purchase since entry": lambda p: any(p.entered_at <= at <= NOW for at, _ in p.purchases),
    "purchase": lambda p: any(p.entered_at <= at <= NOW for at, _ in p.purchases),
    "purchase since arrival": lambda p: any(p.arrived_at <= at <= NOW for at, _ in p.purchases),
    "response to mail": lambda p: _did(p, Kind.VISITED, Kind.CLICKED, Kind.ANSWERED, Kind.REPLIED, node="mail"),
    "open of mail": lambda p: _did(p, Kind.OPENED, node="mail"),
    "opened mail": lambda p: _did(p, Kind.OPENED, node="mail"),
    "click on text-1": lambda p: _did(p, Kind.CLICKED, Kind.VISITED, node="text-1"),
    "visit from text-1": lambda p: _did(p, Kind.VISITED, node="text-1"),
    "answer to 'mail'": lambda p: _did(p, Kind.ANSWERED, node="mail"),
    "answer colour = 'red'": lambda p: _answer(p) == "red",
    "answer colour in ('true', '5')": lambda p: _answer(p) in ("true", "5"),
    "answer colour = 'say \"hi\"'": lambda p: _answer(p) == 'say "hi"',
    "answer colour is null": lambda p: _answer(p) is None,
    "said colour = 'red'": lambda p: p.said == "red" and p.said_at <= NOW,
    "said 'colour' is null": lambda p: not p.said or p.said_at > NOW,
    "event called since entry": lambda p: any(
        each.kind is Kind.EVENT and each.detail == {"name": "called"} and p.entered_at <= each.at <= NOW for each in p.contacts
    ),
    "event 'stood by' in last 100 days": lambda p: any(
        each.kind is Kind.EVENT and each.detail == {"name": "stood by"} and NOW - timedelta(days=100) <= each.at <= NOW
        for each in p.contacts
    ),
    "contacted in last 30 days": lambda p: any(
        each.kind in (Kind.SENT, Kind.UNKNOWN) and NOW - timedelta(days=30) <= each.at <= NOW for each in p.contacts
    ),
    "contacted by sms in the last 30 days": lambda p: any(
        each.kind in (Kind.SENT, Kind.UNKNOWN) and each.channel == "sms" and NOW - timedelta(days=30) <= each.at <= NOW
        for each in p.contacts
    ),
    "days_since_contact <= 10": lambda p: any(
        each.kind in (Kind.SENT, Kind.UNKNOWN) and each.at <= NOW and (TODAY - each.at.astimezone(ZONE).date()).days <= 10
        for each in p.contacts
    ),
    "reachable by email": lambda p: bool(p.granted.get(("offers", "email")) and p.values["email"] and p.id % 7),
    "reachable by sms": lambda p: bool(p.granted.get(("offers", "sms")) and p.values["phone"]),
    "reachable by print": lambda _: False,  # nobody has a street
    "in segment families": _known("children", lambda v: v > 0),
    "not in segment families": lambda p: not (p.values["children"] or 0) > 0,
    "in segment loyal": lambda p: (p.values["children"] or 0) > 0 and len(_local(p)) >= 2,
}


@pytest.mark.parametrize("text", CASES)
def test_a_condition_fits_those_whom_it_should(world: World, text: str) -> None:
    expected = {person.id for person in world.people if CASES[text](person)}
    assert world.fitting(text) == expected


def test_nearly_every_case_tells_customers_apart(world: World) -> None:
    """Otherwise the table above would prove little."""
    same_for_all = [text for text in CASES if len({bool(CASES[text](person)) for person in world.people}) == 1]
    assert set(same_for_all) <= {"everyone", "false", "reachable by print", "score = 0.3", "score + 0.2 = 0.3"}


DEEPEST = (
    "not (" * 10 + "country = 'NL'" + ")" * 10,
    "(country = 'NL' and (age > 3 or " * 5 + "in segment dutch" + "))" * 5,
    "country = 'NL' and not (age > 3 or not " * 3 + "answer colour = 'red'" + ")" * 3,
    "coalesce(colour, " * 9 + "lower(coalesce(city, 'x'))" + ")" * 9 + " like 'é%'",
    "coalesce(colour, " * 9 + "lower(city)" + ")" * 9 + " in (" + "coalesce(colour, " * 9 + "upper(first_name)" + ")" * 9 + ", 'é')",
    "abs(1 - " * 5 + "days_since_purchase" + ")" * 5 + " > 1",
    "coalesce(children, 1 - " * 5 + "round(score, 2)" + ")" * 5 + " between 1 and " + "(1 + " * 10 + "score" + ")" * 10,
    "not (" * 5 + "reachable by email or reachable by sms and in segment loyal" + ")" * 5,
)


@pytest.mark.parametrize("text", DEEPEST)
def test_what_is_nested_as_deep_as_is_allowed_can_be_asked(world: World, text: str) -> None:
    """SQLite's parser holds a stack of 100 and PostgreSQL's is larger: MOST_DEPTH must keep to the smaller."""
    assert depth(parse_condition(text, IN_FLOW).predicate) >= MOST_DEPTH - 2
    assert world.fitting(text) <= {person.id for person in world.people}
    vocabulary = replace(VOCABULARY, segments={**VOCABULARY.segments, "deep": text.replace("answer colour", "colour")})
    known = Known(vocabulary, OWN, purpose="offers")
    with reading(world.engine) as session:
        assert len(segment_of(session, np.array([1, 2]), {"deep": vocabulary.segments["deep"]}, known)) == 2


def test_a_bare_purchase_in_a_wait_is_since_the_arrival(world: World) -> None:
    assert world.fitting("purchase", VOCABULARY.at(Place.WAIT)) == world.fitting("purchase since arrival")
    assert world.fitting("purchase") != world.fitting("purchase since arrival")
