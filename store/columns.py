"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from store.clock import from_micros, to_micros

# SQLite gives a row its number by itself only in a column that is spelled INTEGER.
BigId: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """A moment, stored as microseconds since 1970 UTC: the same arithmetic on both databases.

    Gives aware UTC datetimes; refuses naive ones with NaiveTimeError. docs/decisions/0002-instants.md.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


def json_or_none(value: Any) -> str | None:
    """A document as the column type Json stores it, for rows that go in as they are stored."""
    return None if value is None else _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))  # json.dumps would make one each time


class Json(TypeDecorator[Any]):
    """A small JSON document as text, keys sorted, so that equal documents are equal bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return json_or_none(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
