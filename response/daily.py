"""Arms by the calendar: what each amounted to at the end of each day since the first customer came in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, func, literal_column, select
from sqlmodel import Session

from engine.metrics import MetricSpec
from response.exact import product_sums, whole
from response.facts import Report
from response.happenings import HOUR_MICROS, by_hour
from response.metrics import unit_of
from response.population import Population, assigned
from response.statistics.sums import Sums
from store.clock import from_micros, to_micros


@dataclass(slots=True)
class _Step:
    """What one hour added to an arm: customers, Σy and Σy²."""

    customers: int = 0
    y: int = 0
    yy: int = 0


@dataclass(frozen=True, slots=True)
class Daily:
    """Arm to its sums at the end of each of `days`; the last day ends when the report was made."""

    days: Sequence[date]
    arms: Mapping[str, Sequence[Sums]] = field(default_factory=dict)


def daily_sums(session: Session, report: Report, population: Population, spec: MetricSpec, node: str) -> Daily:
    """The sums of each arm day by day, in two statements: who had come in by the end of the day, and what they had done by then.

    Days are those of the report's zone, from the first entry on. Never a ratio, and amounts are never cut off.
    """
    connection = session.connection()
    if report.window.first_entry_at is None:
        return Daily(())
    zone = ZoneInfo(report.zone)
    first = report.window.first_entry_at.astimezone(zone).date()
    start = to_micros(datetime.combine(first, time(), zone))
    steps: dict[str, dict[date, _Step]] = {}
    for arm, hour, customers in connection.execute(_came_in(population, spec, node, start)):
        _step(steps, arm, hour, start, zone).customers += customers
    for arm, hour, y, upper, lower in connection.execute(_did(population, spec, report.currency, node, start)):
        step = _step(steps, arm, hour, start, zone)
        step.y += int(y)
        step.yy += whole(upper, lower)
    days = list(_days(first, from_micros(population.as_of).astimezone(zone).date()))
    return Daily(days, {arm: _cumulated(each, days, unit_of(spec.of)) for arm, each in steps.items()})


def _step(steps: dict[str, dict[date, _Step]], arm: str, hour: int, start: int, zone: ZoneInfo) -> _Step:
    # By the hour, because a day can have 23 or 25 of them.
    day = from_micros(start + hour * HOUR_MICROS).astimezone(zone).date()
    return steps.setdefault(arm, {}).setdefault(day, _Step())


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _cumulated(steps: Mapping[date, _Step], days: Sequence[date], unit: int) -> list[Sums]:
    found, n, y, yy = [], 0, 0, 0
    for day in days:
        step = steps.get(day, _Step())
        n, y, yy = n + step.customers, y + step.y, yy + step.yy
        found.append(Sums(n, y, yy, unit))
    return found


def _came_in(population: Population, spec: MetricSpec, node: str, start: int) -> Select[tuple[str, int, int]]:
    arms = assigned(population.over(spec))
    hour = (arms.c.entered_at - _number(start)) // _number(HOUR_MICROS)
    return select(arms.c.arm, hour, func.count()).where(arms.c.node == node).group_by(arms.c.arm, hour)


def _did(population: Population, spec: MetricSpec, currency: str, node: str, start: int) -> Select[tuple[str, int, int, Decimal, Decimal]]:
    """What each hour adds to Σy, and to Σ of the squares of what each customer had come to: (before + now)² - before²."""
    arms, did = assigned(population.over(spec)), _running(by_hour(population, spec, currency, start))
    before = did.c.so_far - did.c.y
    upper, lower = product_sums(did.c.so_far, did.c.so_far)
    earlier_upper, earlier_lower = product_sums(before, before)
    return (
        select(arms.c.arm, did.c.hour, func.sum(did.c.y), upper - earlier_upper, lower - earlier_lower)
        .select_from(arms.join(did, did.c.member_id == arms.c.member_id))
        .where(arms.c.node == node)
        .group_by(arms.c.arm, did.c.hour)
    )


def _running(rows: Subquery) -> Subquery:
    so_far = func.sum(rows.c.y).over(partition_by=rows.c.member_id, order_by=rows.c.hour).label("so_far")
    return select(rows.c.member_id, rows.c.y, rows.c.hour, so_far).subquery("running")


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger)
