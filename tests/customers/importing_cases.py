"""What the tests of importing share: a workspace, a file, and an import of it."""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind
from customers.importing.results import Hooks, House, ImportResult, Order, Preview
from customers.importing.run import import_file, preview_file
from store.clock import FixedClock
from store.session import reading, writing

CLOCK = FixedClock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
ATTRIBUTES = {
    "recency": AttributeKind.INTEGER,
    "history": AttributeKind.NUMBER,
    "newbie": AttributeKind.BOOLEAN,
    "arm": AttributeKind.TEXT,
    "member_since": AttributeKind.DATE,
}
HOUSE = House(ZoneInfo("Europe/Amsterdam"), attributes=ATTRIBUTES, purposes=("offers", "service"))


def with_attributes(database: Engine) -> Engine:
    with writing(database) as session:
        declare_attributes(session, ATTRIBUTES)
    return database


def order(folder: Path, subject: str, content: str | bytes, mapping: str | None = None, name: str = "in.csv") -> Order:
    file = folder / name
    raw = content.encode() if isinstance(content, str) else content
    file.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    if mapping is None:
        return Order(subject, file)
    written = folder / "map.yaml"
    written.write_text(mapping, encoding="utf-8")
    return Order(subject, file, written)


def bring_in(database: Engine, given: Order, hooks: Hooks | None = None) -> ImportResult:
    result = import_file(database, given, HOUSE, CLOCK, hooks)
    assert (
        result.read == result.new + result.changed + result.unchanged + result.repeated + result.skipped + result.erased + result.rejected
    )
    return result


def look(database: Engine, given: Order) -> Preview:
    return preview_file(database, given, HOUSE, CLOCK)


def rows(database: Engine, sql: str) -> list[tuple[Any, ...]]:
    with reading(database) as session:
        return [tuple(row) for row in session.execute(text(sql))]


def told(result: ImportResult | Preview) -> Mapping[tuple[str, str], int]:
    return {(reason.column, reason.reason): reason.times for reason in result.reasons}
