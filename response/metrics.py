"""The metrics, each one GROUP BY: arm to n, Σy, Σy² and what stands beside y. Denominator: customers assigned, whatever became of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, FromClause, Subquery, case, cast, exists, func, literal, or_, select
from sqlmodel import Session

from customers.tables import Contact, Purchase, table_of
from engine.metrics import AMOUNTS, Measure, MetricSpec
from response.happenings import base, by_day, covariate, outcome, purchases_within, sent_elsewhere
from response.population import Population, assigned, of_campaign
from response.statistics.moments import Moments
from store.errors import InputError

ArmKey = tuple[str, str]  # node and arm
SegmentKey = tuple[str | None, str]  # the segment on entry (None: none fitted), and arm
CENTS = 100
MOST_CENTS = 3_037_000_499  # its square still fits 64 bits
_HALF = 1 << 32  # squares are summed in two halves: one sum of 64 bits would overflow with a few large customers
_MILLION = 1_000_000

contact = table_of(Contact)
purchase = table_of(Purchase)


def arm_sums(session: Session, population: Population, spec: MetricSpec, currency: str, beside: bool = True) -> dict[ArmKey, Moments]:
    """The sufficient statistics of one metric for every arm of every node where customers were assigned, in one statement.

    y is the metric (of a ratio: what is divided). x, unless `beside` is False, is what a ratio is divided by, else the covariate for
    CUPED: the same measure in a window of the same length before the entry. A metric that cuts off large amounts takes one more
    statement, for `caps`; its covariate is cut off at the same amount.
    """
    found = _grouped(session, _Asked(population, spec, currency), lambda arms: (arms.c.node, arms.c.arm), beside=beside)
    return {(node, arm): moments for (node, arm), moments in found.items()}


def segment_sums(session: Session, population: Population, spec: MetricSpec, currency: str, node: str) -> dict[SegmentKey, Moments]:
    """As `arm_sums` for one node, by the segment that a customer was in on entry and by arm."""
    found = _grouped(session, _Asked(population, spec, currency), lambda arms: (arms.c.segment, arms.c.arm), node)
    return {(segment, arm): moments for (segment, arm), moments in found.items()}


def caps(session: Session, population: Population, spec: MetricSpec, currency: str) -> dict[str, int]:
    """Node to the amount (cents, or orders) above which a customer counts as that amount; nodes without one are left out.

    It is the smallest amount that at least the share `winsorise` of all customers assigned at the node, those with nothing included,
    do not exceed. Where that is nothing (fewer than the rest spent at all), nothing is cut off: every amount would become 0.
    """
    if spec.winsorise is None:
        return {}
    arms, result = assigned(population.over(spec)), outcome(population, spec, currency).subquery("outcome")
    place = func.row_number().over(partition_by=arms.c.node, order_by=result.c.y.desc())
    joined = arms.join(result, result.c.member_id == arms.c.member_id)
    ranked = select(arms.c.node, result.c.y, place.label("place")).select_from(joined).where(result.c.y > 0).subquery("ranked")
    everyone = assigned(population.over(spec)).alias("everyone")
    sizes = select(everyone.c.node, func.count().label("n")).group_by(everyone.c.node).subquery("sizes")
    below = (sizes.c.n * round(spec.winsorise * _MILLION) + (_MILLION - 1)) // _MILLION  # rounded up
    statement = select(ranked.c.node, ranked.c.y).join(sizes, sizes.c.node == ranked.c.node).where(ranked.c.place == sizes.c.n - below + 1)
    return {node: int(y) for node, y in session.connection().execute(statement)}


def campaign_total(session: Session, population: Population, spec: MetricSpec, currency: str) -> float:
    """The metric's total over all members: customers who did it, orders, or money. Of a ratio: what is divided."""
    result = outcome(population, spec, currency).subquery("outcome")
    total = session.connection().execute(select(func.coalesce(func.sum(result.c.y), 0))).scalar_one()
    return int(total) / unit_of(spec.of)


def daily_totals(session: Session, population: Population, spec: MetricSpec, currency: str, node: str) -> Mapping[str, Mapping[int, float]]:
    """Arm to day since entry (0 is the first 24 hours) to what came on that day: first-time customers, orders, or money (never cut off).

    Of a ratio, it is what is divided.
    """
    return _daily(session, population.over(spec), by_day(population, spec, currency), node, unit_of(spec.of))


def touched_elsewhere(session: Session, population: Population) -> dict[ArmKey, int]:
    """Customers per arm to whom another campaign sent something within their window."""
    ours = contact.c.campaign
    others = or_(ours < population.campaign, ours > population.campaign)  # two ranges of an index, where != would read all of it
    if not session.connection().execute(select(exists().where(others))).scalar():
        return {}
    arms, result = assigned(population), sent_elsewhere(population)
    statement = (
        select(arms.c.node, arms.c.arm, func.count()).join(result, result.c.member_id == arms.c.member_id).group_by(arms.c.node, arms.c.arm)
    )
    return {(node, arm): count for node, arm, count in session.connection().execute(statement)}


def currencies(session: Session, population: Population) -> dict[str, int]:
    """Currency to number of purchases within members' windows."""
    statement = select(purchase.c.currency, func.count()).select_from(purchases_within(population)).group_by(purchase.c.currency)
    return dict(session.connection().execute(of_campaign(population, statement)).tuples().all())


def without_margin(session: Session, population: Population, currency: str) -> int:
    """Purchases within members' windows that carry no margin of their own."""
    lacking = (purchase.c.margin_cents.is_(None), purchase.c.currency == currency)
    statement = select(func.count()).select_from(purchases_within(population)).where(*lacking)
    return int(session.connection().execute(of_campaign(population, statement)).scalar_one())


def unit_of(measure: Measure) -> int:
    """In how many parts of its own unit a measure is counted: money in cents."""
    return CENTS if measure in AMOUNTS else 1


Keys = Callable[[Subquery], tuple[ColumnElement[Any], ColumnElement[Any]]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is counted of whom."""

    population: Population
    spec: MetricSpec
    currency: str


def _daily(session: Session, population: Population, result: Subquery, node: str, unit: int) -> dict[str, dict[int, float]]:
    arms = assigned(population)
    statement = (
        select(arms.c.arm, result.c.day, func.sum(result.c.y))
        .join(result, result.c.member_id == arms.c.member_id)
        .where(arms.c.node == node)
        .group_by(arms.c.arm, result.c.day)
    )
    days: dict[str, dict[int, float]] = {}
    for arm, day, total in session.connection().execute(statement):
        days.setdefault(arm, {})[day] = int(total) / unit
    return days


def _grouped(session: Session, asked: _Asked, keys: Keys, node: str | None = None, beside: bool = True) -> dict[tuple[Any, Any], Moments]:
    population, spec, currency = asked.population, asked.spec, asked.currency
    cut = caps(session, population, spec, currency)
    arms, result = assigned(population.over(spec)), outcome(population, spec, currency).subquery("outcome")
    joined: FromClause = arms.outerjoin(result, result.c.member_id == arms.c.member_id)
    y, x = _capped(result.c.y, arms, cut), None
    if spec.per or beside:
        other = (base if spec.per else covariate)(population, spec, currency).subquery("beside")
        joined = joined.outerjoin(other, other.c.member_id == arms.c.member_id)
        x = other.c.x if spec.per else _capped(other.c.x, arms, cut)
    statement = select(*keys(arms), func.count(), *_sums_of(y, x)).select_from(joined).group_by(*keys(arms))
    if node is not None:
        statement = statement.where(arms.c.node == node)
    units = unit_of(spec.of), unit_of(spec.per or spec.of)
    return {(one, two): _moments(n, _Sums(*sums), *units) for one, two, n, *sums in session.connection().execute(statement)}


def _capped(y: ColumnElement[int], arms: Subquery, cut: Mapping[str, int]) -> ColumnElement[int]:
    """No more than the node's cap."""
    if not cut:
        return y
    most = case(*((arms.c.node == node, literal(cap, BigInteger)) for node, cap in cut.items()), else_=y)
    return case((y > most, most), else_=y)


class _Sums(NamedTuple):
    """Σ of y, x and their products, the products in two halves, and the largest of |y| and |x|; None where there is nothing."""

    y: Decimal | None
    yy_upper: Decimal | None
    yy_lower: Decimal | None
    y_largest: Decimal | None
    x: Decimal | None = None
    xx_upper: Decimal | None = None
    xx_lower: Decimal | None = None
    x_largest: Decimal | None = None
    xy_upper: Decimal | None = None
    xy_lower: Decimal | None = None


def _sums_of(y: ColumnElement[int], x: ColumnElement[int] | None) -> tuple[ColumnElement[Any], ...]:
    """In integers that both databases add exactly, in the order of _Sums."""
    of_y = (func.sum(y), *_halves(y, y), func.max(func.abs(y)))
    return of_y if x is None else (*of_y, func.sum(x), *_halves(x, x), func.max(func.abs(x)), *_halves(x, y))


def _halves(one: ColumnElement[int], two: ColumnElement[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    product = _safe(one) * _safe(two)
    return func.sum(product // _HALF), func.sum(product % _HALF)


def _safe(value: ColumnElement[int]) -> ColumnElement[int]:
    return case((func.abs(value) <= MOST_CENTS, cast(value, BigInteger)))


def _moments(n: int, sums: _Sums, y_unit: int, x_unit: int) -> Moments:
    if max(sums.y_largest or 0, sums.x_largest or 0) > MOST_CENTS:
        raise InputError(
            "A customer spent more than 30 million within the window of this campaign, which is hardly a purchase. "
            "Look for a wrong amount among the imported purchases, and import them again."
        )
    products = ((sums.yy_upper, sums.yy_lower), (sums.xx_upper, sums.xx_lower), (sums.xy_upper, sums.xy_lower))
    yy, xx, xy = (_whole(upper, lower) for upper, lower in products)
    return Moments(n, int(sums.y or 0), yy, int(sums.x or 0), xx, xy, y_unit, x_unit)


def _whole(upper: Decimal | None, lower: Decimal | None) -> int:
    return int(upper or 0) * _HALF + int(lower or 0)
