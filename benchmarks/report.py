"""A whole report over a contact log on SQLite, beside numpy counting the same log in memory for one metric.

    python -m benchmarks.report [CUSTOMERS] [CONTACTS]

The reference has the columns in memory already, joined and without a database; it only finds the distinct visitors of each arm.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, event
from sqlmodel import Session, SQLModel

from customers.tables import Contact, Customer, Purchase, table_of
from engine.campaign import CampaignSpec
from engine.graph import FlowGraph, build_graph
from engine.nodes.audience import Audience
from engine.nodes.send import Send
from engine.tables import Campaign, Exposure, FlowVersion, Member, OutboxMessage
from response.building import build_report
from store.bulk import insert_rows
from store.clock import DAY_MICROS, to_micros
from store.session import open_database, reading, writing

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = ("delivered", "opened", "clicked", "visited", "answered")


def main(customers: int = 100_000, contacts: int = 1_000_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{Path(folder) / 'report.db'}")
        SQLModel.metadata.create_all(engine)
        flow = _flow()
        with writing(engine) as session:
            who, kind, held = _fill(session, flow, customers, contacts)
        slowest = _listen(engine)
        with reading(engine) as session:
            whole = _seconds(
                lambda: build_report(session, "spring", START + timedelta(days=60), ZoneInfo("Europe/Amsterdam"), "EUR", lambda _: flow)
            )
        reference = _seconds(lambda: [len(np.unique(who[(kind == 3) & (held[who] == arm)])) for arm in (True, False)])
        engine.dispose()
    print(f"{customers:,} customers, {contacts:,} contacts")
    print(f"report                         {whole:8.2f} s   {contacts / whole:12,.0f} contacts/s")
    print(f"one metric by numpy in memory  {reference:8.2f} s   the report takes {whole / reference:.1f} times as long")
    print(
        f"peak memory                    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB (with the reference's columns)"
    )
    for seconds, statement in sorted(slowest, reverse=True)[:5]:
        print(f"{seconds:8.2f} s  {' '.join(statement.split())[:150]}")


def _flow() -> FlowGraph:
    nodes = {
        "start": Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "10%"}),
        "mail": Send.model_validate({"id": "mail", "send": "email", "template": "a.txt"}),
    }
    learn = {"question": "Does it help?", "metric": "purchase", "within": "28 days", "also": ["response", "click"]}
    return build_graph(CampaignSpec.model_validate({"campaign": "spring", "learn": learn, "flow": nodes}))


def _fill(session: Session, flow: FlowGraph, customers: int, contacts: int) -> tuple[Any, Any, Any]:
    campaign = Campaign(name="spring", started_at=START)
    version = FlowVersion(campaign="spring", version=flow.version, stored_at=START, source="")
    session.add_all([campaign, version])
    session.flush()
    generator, at = np.random.default_rng(1), to_micros(START)
    held = generator.random(customers + 1) < 0.1
    people = range(1, customers + 1)
    _put(session, Customer, "id key created_at changed_at", ((n, f"k{n}", at, at) for n in people))
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh"
    _put(session, Member, columns, ((n, campaign.id, version.id, n, at, "end", at, 1, 0, False) for n in people))
    columns = "member_id node campaign_id customer_id version arm at"
    arms = ("contacted", "control")
    _put(session, Exposure, columns, ((n, "start", campaign.id, n, flow.version, arms[int(held[n])], at) for n in people))
    columns = "id member_id version_id customer_id node entry hop channel state queued_at due_at stale_at attempts units cost_millicents"
    _put(
        session,
        OutboxMessage,
        columns,
        ((n, n, version.id, n, "mail", 1, 1, "email", "sent", at, at, at, 1, 1, 0) for n in people if not held[n]),
    )
    who, kind = generator.integers(1, customers + 1, contacts), generator.integers(0, len(KINDS), contacts)
    late = (generator.random(contacts) * 40 * DAY_MICROS).astype(np.int64)
    rows = zip(who.tolist(), kind.tolist(), late.tolist(), strict=True)
    columns = "at customer_id direction channel kind campaign message_id human"
    _put(session, Contact, columns, ((at + t, n, "in", "email", KINDS[k], "spring", None if held[n] else n, True) for n, k, t in rows))
    buyers = generator.integers(1, customers + 1, customers // 5).tolist()
    columns = "key customer_id purchased_at amount_cents currency"
    _put(session, Purchase, columns, ((f"p{place}", n, at + DAY_MICROS, 100 + n % 9000, "EUR") for place, n in enumerate(buyers)))
    return who, kind, held


def _put(session: Session, model: type[SQLModel], columns: str, rows: Iterator[tuple[Any, ...]]) -> None:
    insert_rows(session, table_of(model), columns.split(), rows)


def _listen(engine: Engine) -> list[tuple[float, str]]:
    """Seconds and text of every statement from now on."""
    timed: list[tuple[float, str]] = []
    started: list[float] = []
    event.listen(engine, "before_cursor_execute", lambda *_: started.append(time.perf_counter()))
    event.listen(engine, "after_cursor_execute", lambda *details: timed.append((time.perf_counter() - started[-1], details[2])))
    return timed


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
