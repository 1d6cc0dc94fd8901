"""Instants and dates in SQL without a database's own date functions: both give the same answer, in any time zone."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Dialect, case, literal_column, type_coerce
from sqlalchemy.types import TypeDecorator

from store.clock import DAY_MICROS, SECOND_MICROS, to_micros

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SHIFT_DAYS = 1_000_000  # keeps sums positive, because integer division rounds towards zero


class Day(TypeDecorator[date]):
    """A date as the number of days since 1970-01-01: what conditions reckon with on either database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> int | None:
        return None if value is None else day_number(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> date | None:
        return None if value is None else date.fromordinal(int(value) + EPOCH_ORDINAL)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL


def local_day(at: ColumnElement[Any], zone: ZoneInfo, now: datetime) -> ColumnElement[Any]:
    """The date (a Day) in `zone` of an instant in micros: the offset that held then is looked up among the zone's changes.

    Changes of the clock are known up to a year after `now`.
    """
    first, *changes = zone_changes(zone, now.year + 2)
    offset: ColumnElement[Any] = _number(first[1])
    if changes:  # the newest first: most instants in a database are young
        offset = case(*((at >= _number(moment), _number(micros)) for moment, micros in reversed(changes)), else_=offset)
    return type_coerce((at + offset + _number(_SHIFT_DAYS * DAY_MICROS)) // _number(DAY_MICROS) - _number(_SHIFT_DAYS), Day)


def start_of(day: date, zone: ZoneInfo) -> int:
    """Micros of the first instant of a day in `zone`."""
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))


@lru_cache(maxsize=64)
def zone_changes(zone: ZoneInfo, before_year: int) -> tuple[tuple[int, int], ...]:
    """(micros, offset in micros) of every change of the clock from 1970 on, the offset of 1970 first."""
    moment, end = datetime(1970, 1, 1, tzinfo=UTC), datetime(before_year, 1, 1, tzinfo=UTC)
    offset = _offset(moment, zone)
    changes = [(to_micros(moment), offset)]
    while moment < end:
        following = moment + timedelta(days=2)  # no zone has ever changed its clock twice within two days
        if _offset(following, zone) != offset:
            changed = _find_change(moment, following, zone)
            offset = _offset(changed, zone)
            changes.append((to_micros(changed), offset))
        moment = following
    return tuple(changes)


def _find_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second at which the new offset holds."""
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=1) // 2)
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1) * SECOND_MICROS


def _number(value: int) -> ColumnElement[Any]:
    # Written out: a parameter for each would come near SQLite's limit in a long condition.
    return literal_column(str(value), BigInteger)
