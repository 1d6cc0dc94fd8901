"""The metrics, each one GROUP BY: arm to n, Σy and Σy². Denominator: customers assigned, whatever became of their messages."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, Table, and_, case, cast, func, literal_column, select
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
    others = and_(contact.c.kind == Kind.SENT.value, contact.c.campaign != population.campaign)
    result = _did(population, contact, and_(in_window(population, contact.c.at), others)).group_by(member.c.id).subquery("elsewhere")
    arms = assigned(population)
    statement = (
        select(arms.c.node, arms.c.arm, func.count()).join(result, result.c.member_id == arms.c.member_id).group_by(arms.c.node, arms.c.arm)
    )
    return {(node, arm): count for node, arm, count in session.connection().execute(statement)}


def currencies(session: Session, population: Population) -> dict[str, int]:
    """Currency to number of purchases within members' windows."""
    within = in_window(population, purchase.c.purchased_at)
    joined = member.join(purchase, and_(purchase.c.customer_id == member.c.customer_id, within))
    statement = select(purchase.c.currency, func.count()).select_from(joined).group_by(purchase.c.currency)
    return dict(session.connection().execute(of_campaign(population, statement)).tuples().all())


def outcome(population: Population, metric: Metric, currency: str) -> Select[tuple[int, int]]:
    """One row (member_id, y) for each member whose y is not 0: y is 1, or cents spent."""
    # GROUP BY rather than DISTINCT: only then does SQLite index the result for the join, 400 times as fast.
    found = _spent(population, currency) if metric == "spend" else _happened(population, metric)
    return found.group_by(member.c.id)


def _by_day(population: Population, metric: Metric, currency: str) -> Subquery:
    """One row for each member and day with something new: the first time, or each day's spend."""
    at = micros(purchase.c.purchased_at if metric in ("purchase", "spend") else contact.c.at)
    day = (at - micros(member.c.entered_at)) // literal_column(str(DAY_MICROS), BigInteger)
    if metric == "spend":
        return _spent(population, currency).add_columns(day.label("day")).group_by(member.c.id, day).subquery("by_day")
    return _happened(population, metric).add_columns(func.min(day).label("day")).group_by(member.c.id).subquery("by_day")


def _spent(population: Population, currency: str) -> Select[tuple[int, int]]:
    within = in_window(population, purchase.c.purchased_at)
    spent = select(member.c.id.label("member_id"), func.sum(purchase.c.amount_cents).label("y"))
    joined = member.join(purchase, and_(purchase.c.customer_id == member.c.customer_id, within))
    return of_campaign(population, spent.select_from(joined)).where(purchase.c.currency == currency)


def _happened(population: Population, metric: Metric) -> Select[tuple[int, int]]:
    if metric == "purchase":
        return _did(population, purchase, in_window(population, purchase.c.purchased_at))
    kinds = [kind.value for kind in REACTIONS[metric]]
    reaction = and_(contact.c.campaign == population.campaign, contact.c.kind.in_(kinds), contact.c.human.is_(True))
    return _did(population, contact, and_(in_window(population, contact.c.at), reaction))


def _did(population: Population, table: Table, happened: ColumnElement[bool]) -> Select[tuple[int, int]]:
    joined = member.join(table, and_(table.c.customer_id == member.c.customer_id, happened))
    return of_campaign(population, select(member.c.id.label("member_id"), literal_column("1", BigInteger).label("y")).select_from(joined))


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
