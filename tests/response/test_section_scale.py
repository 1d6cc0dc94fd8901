"""Sections about money and kinds of customers: as many statements for many customers as for few, and none that reads a result again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from customers.tables import Contact
from response.sections import attribution, money, pressure, rfm, uplift
from store.clock import to_micros
from tests.response.response_story import MAIL, NOON, Story, telling
from tests.response.test_hillstrom import put
from tests.response.test_section_attribution import TEXT
from tests.response.test_section_uplift import crowd

SECTIONS = (money, attribution, pressure, rfm, uplift)


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def busy(story: Story, size: int) -> None:
    """Everything that the sections look at: purchases before and after, messages before and after, costs."""
    crowd(story, size, 0.3, MAIL, TEXT)
    columns = "at customer_id direction channel kind campaign node human"
    before, after = (to_micros(NOON + timedelta(days=days)) for days in (-5, 1))
    written = [
        (after + place, n, "out", "email", "sent", "spring", node, True)
        for n in range(1, size)
        for place, node in enumerate(("mail", "text"))
    ]
    written += [(before, n, "out", "email", "sent", "winter", "letter", True) for n in range(1, size, 3)]
    put(story, Contact, columns, written)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it has no hash join to fall back on
def test_no_section_reads_a_result_again_for_every_customer(database: Engine, story: Story) -> None:
    busy(story, 1000)
    sources = story.sources()
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database, "before_cursor_execute", lambda *details: asked.append((details[2], details[3])))
    assert all(module.section(sources) for module in SECTIONS)
    connection = story.session.connection()
    statements = [each for each in asked if not each[0].startswith("PRAGMA")]
    plans = [[row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)] for sql, values in statements]
    joined = [step for plan in plans for step in plan if step.endswith("LEFT-JOIN")]
    assert [step for step in joined if not step.startswith("SEARCH")] == []
    # A subquery that another step goes through row by row would be read as often: only tables with an index of their own are.
    assert [step for plan in plans for step in plan if "AUTOMATIC" in step and "opt_out" not in step] == []


@pytest.mark.parametrize("size", [1000, 2500])
def test_many_customers_take_as_many_statements_as_few(database: Engine, story: Story, size: int) -> None:
    counts = []
    busy(story, size)
    for module in SECTIONS:
        statements: list[str] = []
        listen = lambda *details, seen=statements: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        sources = story.sources()
        event.listen(database, "before_cursor_execute", listen)
        assert module.section(sources)
        event.remove(database, "before_cursor_execute", listen)
        counts.append(len([each for each in statements if not each.startswith("PRAGMA") and "pg_catalog" not in each]))
    assert counts == [3, 2, 1, 1, 2]  # however many customers there are
