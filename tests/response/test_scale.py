"""Statements, their plans, and many comparisons at once."""

from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import Engine, event

from customers.tables import table_of
from engine.tables import Exposure
from store.bulk import insert_rows
from store.clock import to_micros
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, LEARN, NOON, TEST, Story, flow, split, telling


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def test_a_thousand_customers_take_as_many_statements_as_ten(database: Engine, story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    counts = []
    for size in (10, 1000):
        contacted = story.arm(size // 2, "start", "contacted", version)
        story.arm(size // 2, "start", "control", version)  # as the shares say: a broken randomisation would be asked fewer things
        story.assigns(contacted[::2], "test", "warm", version)
        story.assigns(contacted[1::2], "test", "plain", version)
        statements: list[str] = []
        listen = lambda *details, seen=statements: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        event.listen(database, "before_cursor_execute", listen)
        story.report()
        event.remove(database, "before_cursor_execute", listen)
        counts.append(len(statements))
    assert counts[0] == counts[1] < 50


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it has no hash join to fall back on
def test_no_statement_reads_a_whole_result_again_for_every_customer(database: Engine, story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE, learn={**LEARN, "also": ["response"]}))
    story.assigns(story.arm(3, "start", "contacted", version), "test", "warm", version)
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database, "before_cursor_execute", lambda *details: asked.append((details[2], details[3])))
    story.sources()
    connection = story.session.connection()
    queries = [(sql, values) for sql, values in asked if sql.startswith(("SELECT", "INSERT", "WITH"))]
    plans = [[row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)] for sql, values in queries]
    joined = [step for plan in plans for step in plan if step.endswith("LEFT-JOIN")]
    assert len(joined) > 4
    assert [step for step in joined if not step.startswith("SEARCH")] == []


def test_no_effect_gives_a_winner_about_once_in_twenty_times(story: Story) -> None:
    """A/A: the same 400 customers put into two arms at a hundred nodes, in one report."""
    even = {"a": {"share": "50%"}, "b": {"share": "50%"}}
    nodes = [split(even).model_copy(update={"id": f"node-{number}"}) for number in range(100)]
    version = story.runs(flow(EVERYONE, *nodes, DONE))
    members = story.enters(400, version)
    for member in members[::5]:
        story.buys(member, 1000)
    generator = np.random.default_rng(17)
    columns = ("member_id", "node", "campaign_id", "customer_id", "version", "arm", "at")
    for node in nodes:
        arms = generator.permutation(["a", "b"] * 200).tolist()
        rows = (
            (m.id, node.id, story.campaign_id, m.customer_id, version, arm, to_micros(NOON)) for m, arm in zip(members, arms, strict=True)
        )
        insert_rows(story.session, table_of(Exposure), columns, rows)
    found = [each for each in story.report().comparisons if each.metric == "purchase"]
    assert len(found) == 100
    intervals = [(each.absolute.low or 0.0, each.absolute.high or 0.0) for each in found]
    winners = sum(not low < 0 < high for low, high in intervals)
    assert 0 < winners <= 13  # binomial of 100 and .05: more in one run of two thousand
