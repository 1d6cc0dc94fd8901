"""The segment that is written down when a customer comes in."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import event, text

from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind
from engine.entry import let_in
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = "  in: {audience: everyone}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
SEGMENTS = {"buyers": "purchase_count > 0", "northern": "postcode like '9%' and not in segment buyers", "known": "first_name is not null"}


def with_segments(bench: Bench) -> None:
    attributes = {"size": AttributeKind.INTEGER}
    bench.workspace = replace(bench.workspace, segments=SEGMENTS, attributes=attributes)
    with writing(bench.workspace.database) as session:
        declare_attributes(session, attributes)
    bench.people(4)
    change(bench, "UPDATE customer SET postcode = '9712 AB' WHERE id IN (1, 2)")
    change(bench, "UPDATE customer SET first_name = NULL WHERE id = 4")
    change(bench, "INSERT INTO purchase (key, customer_id, purchased_at, amount_cents, currency) VALUES ('p', 1, 1, 500, 'EUR')")


def change(bench: Bench, statement: str) -> None:
    with writing(bench.workspace.database) as session:
        session.execute(text(statement))


def segments(bench: Bench) -> Sequence[str | None]:
    with reading(bench.workspace.database) as session:
        return session.execute(text("SELECT segment FROM member ORDER BY customer_id")).scalars().all()


def test_a_member_keeps_the_first_segment_that_fitted_on_entry(bench: Bench) -> None:
    with_segments(bench)
    versions = bench.start(FLOW)
    bench.carry_out(versions)
    assert segments(bench) == ["buyers", "northern", "known", None]
    change(bench, "UPDATE customer SET postcode = '1012 AB', first_name = 'Ann'")
    change(bench, "DELETE FROM purchase")
    bench.carry_out(versions)
    bench.carry_out(bench.start(FLOW.replace("Hi", "Hello")))
    assert segments(bench) == ["buyers", "northern", "known", None]


def test_without_segments_nothing_is_written(bench: Bench) -> None:
    bench.people(1)
    bench.carry_out(bench.start(FLOW))
    assert segments(bench) == [None]


def test_segments_cost_no_further_statement(bench: Bench) -> None:
    counts = []
    for named in (False, True):
        with_segments(bench) if named else bench.people(2, first=10)
        [running, *_] = bench.start(FLOW.replace("Hi", f"Hi {named}"))
        seen: list[str] = []
        listen = lambda *details, seen=seen: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        event.listen(bench.workspace.database, "before_cursor_execute", listen)
        let_in(running, NOON)
        event.remove(bench.workspace.database, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[0] == counts[1]
