"""The metrics, each one GROUP BY: arm to n, Σy and Σy². Denominator: customers assigned, whatever became of their messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Subquery, and_, case, cast, exists, func, literal_column, or_, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, Purchase, table_of
from engine.campaign import Metric
from response.population import Population, assigned, in_window, member, micros, of_campaign
from response.statistics.sums import Sums
from store.clock import DAY_MICROS
from store.errors import InputError

ArmKey = tuple[str, str]  # node and arm
REACTIONS: dict[Metric, tuple[Kind, ...]] = {
    "response": (Kind.VISITED, Kind.CLICKED, Kind.ANSWERED),
    "visit": (Kind.VISITED,),
    "click": (Kind.CLICKED,),
    "answer": (Kind.ANSWERED,),
}
CENTS = 100
MOST_CENTS = 3_037_000_499  # its square still fits 64 bits
_HALF = 1 << 32  # Σy² is summed in two halves: one sum of 64 bits would overflow with a few large customers

contact = table_of(Contact)
purchase = table_of(Purchase)


def arm_sums(session: Session, population: Population, metric: Metric, currency: str) -> dict[ArmKey, Sums]:
    """The sufficient statistics of one metric for every arm of every node where customers were assigned, in one statement."""
    arms, result = assigned(population), outcome(population, metric, currency).subquery("outcome")
    statement = (
        select(arms.c.node, arms.c.arm, func.count(), *_sums_of(result.c.y))
        .select_from(arms.outerjoin(result, result.c.member_id == arms.c.member_id))
        .group_by(arms.c.node, arms.c.arm)
    )
    unit = CENTS if metric == "spend" else 1
    return {(node, arm): _sums(n, unit, *sums) for node, arm, n, *sums in session.connection().execute(statement)}


def campaign_total(session: Session, population: Population, metric: Metric, currency: str) -> float:
    """The metric's total over all members: customers who did it, or money."""
    result = outcome(population, metric, currency).subquery("outcome")
    total = session.connection().execute(select(func.coalesce(func.sum(result.c.y), 0))).scalar_one()
    return int(total) / CENTS if metric == "spend" else int(total)


def daily_totals(session: Session, population: Population, metric: Metric, currency: str, node: str) -> Mapping[str, Mapping[int, float]]:
    """Arm to day since entry (0 is the first 24 hours) to what came on that day: first-time customers, or money."""
    arms, result = assigned(population), _by_day(population, metric, currency)
    statement = (
        select(arms.c.arm, result.c.day, func.sum(result.c.y))
        .join(result, result.c.member_id == arms.c.member_id)
        .where(arms.c.node == node)
        .group_by(arms.c.arm, result.c.day)
    )
    days: dict[str, dict[int, float]] = {}
    for arm, day, total in session.connection().execute(statement):
        days.setdefault(arm, {})[day] = int(total) / CENTS if metric == "spend" else int(total)
    return days


def touched_elsewhere(session: Session, population: Population) -> dict[ArmKey, int]:
    """Customers per arm to whom another campaign sent something within their window."""
    ours = contact.c.campaign
    others = or_(ours < population.campaign, ours > population.campaign)  # two ranges of an index, where != would read all of it
    if not session.connection().execute(select(exists().where(others))).scalar():
        return {}
    sent = and_(contact.c.kind == Kind.SENT.value, ours != population.campaign)
    result = _did(population, _Happenings(contact, contact.c.at), sent).group_by(member.c.id).subquery("elsewhere")
    arms = assigned(population)
    statement = (
        select(arms.c.node, arms.c.arm, func.count()).join(result, result.c.member_id == arms.c.member_id).group_by(arms.c.node, arms.c.arm)
    )
    return {(node, arm): count for node, arm, count in session.connection().execute(statement)}


def currencies(session: Session, population: Population) -> dict[str, int]:
    """Currency to number of purchases within members' windows."""
    joined = _joined(population, _Happenings(purchase, purchase.c.purchased_at))
    statement = select(purchase.c.currency, func.count()).select_from(joined).group_by(purchase.c.currency)
    return dict(session.connection().execute(of_campaign(population, statement)).tuples().all())


def outcome(population: Population, metric: Metric, currency: str) -> Select[tuple[int, int]]:
    """One row (member_id, y) for each member whose y is not 0: y is 1, or cents spent."""
    # GROUP BY rather than DISTINCT: only then does SQLite index the result for the join, 400 times as fast.
    happenings = _happenings(population, metric)
    return (_spent(population, currency) if metric == "spend" else _did(population, happenings)).group_by(member.c.id)


@dataclass(frozen=True, slots=True)
class _Happenings:
    """Rows with a customer_id, and the moment of each."""

    rows: FromClause
    at: ColumnElement[Any]


def _happenings(population: Population, metric: Metric) -> _Happenings:
    if metric in ("purchase", "spend"):
        return _Happenings(purchase, purchase.c.purchased_at)
    kinds = [kind.value for kind in REACTIONS[metric]]
    reactions = select(contact.c.customer_id, contact.c.at).where(
        contact.c.campaign == population.campaign, contact.c.kind.in_(kinds), contact.c.human.is_(True)
    )
    # Left to itself, SQLite goes through each member's whole history instead of the campaign's rows: four times as long.
    found = reactions.cte("reaction").prefix_with("MATERIALIZED", dialect="sqlite")
    return _Happenings(found, found.c.at)


def _by_day(population: Population, metric: Metric, currency: str) -> Subquery:
    """One row for each member and day with something new: the first time, or each day's spend."""
    happenings = _happenings(population, metric)
    day = (micros(happenings.at) - micros(member.c.entered_at)) // literal_column(str(DAY_MICROS), BigInteger)
    if metric == "spend":
        return _spent(population, currency).add_columns(day.label("day")).group_by(member.c.id, day).subquery("by_day")
    return _did(population, happenings).add_columns(func.min(day).label("day")).group_by(member.c.id).subquery("by_day")


def _spent(population: Population, currency: str) -> Select[tuple[int, int]]:
    joined = _joined(population, _Happenings(purchase, purchase.c.purchased_at), purchase.c.currency == currency)
    return of_campaign(population, select(member.c.id.label("member_id"), func.sum(purchase.c.amount_cents).label("y")).select_from(joined))


def _did(population: Population, happenings: _Happenings, *conditions: ColumnElement[bool]) -> Select[tuple[int, int]]:
    joined = _joined(population, happenings, *conditions)
    return of_campaign(population, select(member.c.id.label("member_id"), literal_column("1", BigInteger).label("y")).select_from(joined))


def _joined(population: Population, happenings: _Happenings, *conditions: ColumnElement[bool]) -> FromClause:
    """Members with what happened to them within their window."""
    own = happenings.rows.c.customer_id == member.c.customer_id
    return member.join(happenings.rows, and_(own, in_window(population, happenings.at), *conditions))


def _sums_of(y: ColumnElement[int]) -> tuple[ColumnElement[int], ...]:
    """Σy, the two halves of Σy², and the largest |y|, in integers that both databases add exactly."""
    safe = case((func.abs(y) <= MOST_CENTS, cast(y, BigInteger)))
    square = safe * safe
    halves = func.sum(square // _HALF), func.sum(square % _HALF)
    return func.sum(y), *halves, func.max(func.abs(y))


def _sums(n: int, unit: int, total: Decimal | None, upper: Decimal | None, lower: Decimal | None, largest: Decimal | None) -> Sums:
    if (largest or 0) > MOST_CENTS:
        raise InputError(
            "A customer spent more than 30 million within the window of this campaign, which is hardly a purchase. "
            "Look for a wrong amount among the imported purchases, and import them again."
        )
    return Sums(n, int(total or 0), int(upper or 0) * _HALF + int(lower or 0), unit)
