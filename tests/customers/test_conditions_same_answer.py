"""SQLite, PostgreSQL (with Dutch rules of its own) and plain Python say the same about any condition and any customer."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.conditions.language import parse_condition
from store.session import open_database
from tests.customers.condition_grammar import CONDITIONS, Written
from tests.customers.condition_people import IN_FLOW, World, new_database, settle, some_people


@pytest.fixture(scope="module")
def worlds(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    engines = [
        open_database(f"sqlite:///{tmp_path_factory.mktemp('oracle') / 'people.db'}"),
        open_database(new_database(postgres, "condition_oracle")),
    ]
    people = some_people()
    small, large = (settle(engine, people) for engine in engines)
    yield small, large
    for engine in engines:
        engine.dispose()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(written=st.lists(CONDITIONS, min_size=6, max_size=6))
def test_both_databases_and_plain_python_say_the_same(worlds: tuple[World, World], written: list[Written]) -> None:
    sqlite, postgresql = worlds
    conditions = [parse_condition(each.text, IN_FLOW) for each in written]
    for each, small, large in zip(written, sqlite.holds(*conditions), postgresql.holds(*conditions), strict=True):
        expected = {person.id for person in sqlite.people if each.means(person)}
        assert small == expected, each.text
        assert large == expected, each.text
