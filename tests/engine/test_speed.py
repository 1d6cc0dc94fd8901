from typing import Any

from sqlalchemy import event, text

from engine.outbox import Claim, claim
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, release: next tuesday 09:00, next: end}
"""


def test_a_claim_reads_only_what_it_takes(bench: Bench) -> None:
    bench.people(50)
    (running,) = bench.start(MAIL)
    bench.carry_out([running])
    asked: list[tuple[str, Any]] = []
    event.listen(bench.workspace.database, "before_cursor_execute", lambda *arguments: asked.append((arguments[2], arguments[3])))
    with writing(bench.workspace.database) as session:
        claim(session, running.version_id, "mail", NOON, Claim("desk", NOON, 10))
    statement, parameters = next(each for each in asked if each[0].startswith("UPDATE"))
    sqlite = bench.workspace.database.dialect.name == "sqlite"
    with reading(bench.workspace.database) as session:
        if not sqlite:
            session.execute(text("SET enable_seqscan = off"))  # fifty rows are read sooner than an index
        plan = session.connection().exec_driver_sql(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement, parameters).all()
    steps = "\n".join(str(row) for row in plan)
    assert "outbox_queued" in steps
    assert not any(word in steps for word in ("TEMP B-TREE", "Sort", "Seq Scan", "SCAN outbox", "Hash")), steps
