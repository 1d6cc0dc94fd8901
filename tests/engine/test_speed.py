from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sqlalchemy import Engine, event, text

from engine.advance import advance
from engine.entry import let_in
from engine.outbox import Claim, claim
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, release: next tuesday 09:00, next: end}
"""
NOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
Asked = list[tuple[str, Any]]


@contextmanager
def asked_of(database: Engine) -> Iterator[Asked]:
    """The statements that go to the database meanwhile, with their parameters."""
    asked: Asked = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    event.listen(database, "before_cursor_execute", note)
    yield asked
    event.remove(database, "before_cursor_execute", note)


def plan_of(database: Engine, statement: str, parameters: Any) -> str:
    """How the database goes about it when a table is too large to be read."""
    sqlite = database.dialect.name == "sqlite"
    with reading(database) as session:
        if not sqlite:
            session.execute(text("SET enable_seqscan = off"))  # fifty rows are read sooner than an index
        plan = session.connection().exec_driver_sql(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement, parameters).all()
    return "\n".join(str(row) for row in plan)


def test_a_claim_reads_only_what_it_takes(bench: Bench) -> None:
    bench.people(50)
    (running,) = bench.start(MAIL)
    bench.carry_out([running])
    with asked_of(bench.workspace.database) as asked, writing(bench.workspace.database) as session:
        claim(session, running.version_id, "mail", NOON, Claim("desk", NOON, 10))
    steps = plan_of(bench.workspace.database, *next(each for each in asked if each[0].startswith("UPDATE")))
    assert "outbox_queued" in steps
    assert not any(
        word in steps for word in ("TEMP B-TREE", "Sort", "Seq Scan", "SCAN outbox", "Hash", "Bitmap Index Scan on outbox_queued")
    ), steps


def test_what_is_asked_about_a_batch_is_looked_up_by_its_ids(bench: Bench) -> None:
    bench.people(50)
    (running,) = bench.start(NOW)
    with asked_of(bench.workspace.database) as asked:
        bench.carry_out([running])
    told = ("SELECT consent.", "SELECT outbox.id", "UPDATE member SET due_at")
    statements = {start: next(each for each in reversed(asked) if each[0].startswith(start)) for start in told}
    for start, each in statements.items():
        steps = plan_of(bench.workspace.database, *each)
        # A join with the ids was planned as a loop over everybody while PostgreSQL had no statistics of a young table.
        assert not any(word in steps for word in ("Function Scan", "Seq Scan", "SCAN outbox", "SCAN consent", "SCAN member")), (
            start,
            steps,
        )


def test_whoever_answers_is_found_past_all_who_are_due(bench: Bench) -> None:
    bench.people(50)
    (running,) = bench.start(MAIL)
    let_in(running, NOON)
    with asked_of(bench.workspace.database) as asked:
        assert advance(running, NOON, 1, np.array([7], np.int64)) == 1
    steps = plan_of(bench.workspace.database, *next(each for each in asked if "LEFT OUTER JOIN outbox" in each[0]))
    assert "member_of_customer" in steps
    assert "member_due" not in steps
