"""What each customer did, in SQL: a row (member_id, y) for each member who did something. The metrics add these up."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, FromClause, Select, Subquery, and_, case, func, literal_column, select

from customers.contact_log import Kind
from customers.tables import REFUSED, Contact, Purchase, table_of
from engine.metrics import AMOUNTS, Measure, MetricSpec
from response.population import Population, before_entry, in_window, micros, of_campaign
from store.clock import DAY_MICROS, SECOND_MICROS

REACTIONS: dict[Measure, tuple[Kind, ...]] = {
    "response": (Kind.VISITED, Kind.CLICKED, Kind.ANSWERED, Kind.REPLIED),
    "visit": (Kind.VISITED,),
    "click": (Kind.CLICKED,),
    "answer": (Kind.ANSWERED,),
}
# Whichever message they answer: consent is lost all the same, and a control group has no message of this campaign to answer.
REFUSALS: dict[Measure, Kind] = {"opt_out": Kind.OPTED_OUT, "complaint": Kind.COMPLAINED}
HOUR_MICROS = 3600 * SECOND_MICROS
_MILLION = 1_000_000

contact = table_of(Contact)
purchase = table_of(Purchase)


def outcome(population: Population, spec: MetricSpec, currency: str) -> Select[Any]:
    """(member_id, y) for each member with something in the window: 1 for what one does or not, else orders or cents."""
    within = population.over(spec)
    return _counted(within, spec, spec.of, _happenings(within, spec, spec.of, currency)).group_by(within.members.c.id)


def base(population: Population, spec: MetricSpec, currency: str) -> Select[Any]:
    """(member_id, x) of what a ratio metric divides by, in the same window."""
    assert spec.per is not None
    within = population.over(spec)
    return _counted(within, spec, spec.per, _happenings(within, spec, spec.per, currency), "x").group_by(within.members.c.id)


def covariate(population: Population, spec: MetricSpec, currency: str) -> Select[Any]:
    """(member_id, x): the same measure in a window of the same length before the entry; reactions to any campaign."""
    within = population.over(spec)
    return _counted(within, spec, spec.of, _happenings(within, spec, spec.of, currency, before=True), "x").group_by(within.members.c.id)


def by_day(population: Population, spec: MetricSpec, currency: str) -> Subquery:
    """(member_id, y, day) for each member and day since entry with something new: the first time, or that day's orders or cents."""
    return _by_step(population, spec, currency, _Steps(spec.of, "day", DAY_MICROS, micros(population.members.c.entered_at)))


def by_hour(population: Population, spec: MetricSpec, currency: str, start: int) -> Subquery:
    """(member_id, y, hour) as `by_day`, but by the calendar: hours since `start` (micros)."""
    return _by_step(population, spec, currency, _Steps(spec.of, "hour", HOUR_MICROS, literal_column(str(start), BigInteger)))


@dataclass(frozen=True, slots=True)
class _Steps:
    """A measure by steps of time since a start, both in micros; `name` is that of the column."""

    measure: Measure
    name: str
    length: int
    start: ColumnElement[int]


def _by_step(population: Population, spec: MetricSpec, currency: str, steps: _Steps) -> Subquery:
    within = population.over(spec)
    happenings = _happenings(within, spec, steps.measure, currency)
    step = (micros(happenings.at) - steps.start) // literal_column(str(steps.length), BigInteger)
    counted, name, member = _counted(within, spec, steps.measure, happenings), steps.name, within.members
    if steps.measure in AMOUNTS or steps.measure == "orders":
        return counted.add_columns(step.label(name)).group_by(member.c.id, step).subquery(f"by_{name}")
    return counted.add_columns(func.min(step).label(name)).group_by(member.c.id).subquery(f"by_{name}")


def first_moments(population: Population, spec: MetricSpec, currency: str) -> Select[Any]:
    """(member_id, at in micros) of the first time in the window that each member did it, or bought."""
    within = population.over(spec)
    happenings, member = _happenings(within, spec, spec.of, currency), within.members
    first = select(member.c.id.label("member_id"), func.min(micros(happenings.at)).label("at"))
    return of_campaign(within, first.select_from(_joined(within, happenings))).group_by(member.c.id)


def sent_elsewhere(population: Population) -> Subquery:
    """(member_id, y) for each member to whom another campaign sent something within the window."""
    sent = and_(contact.c.kind == Kind.SENT.value, contact.c.campaign != population.campaign)
    joined, member = _joined(population, _Happenings(contact, contact.c.at), sent), population.members
    return of_campaign(population, select(member.c.id.label("member_id")).select_from(joined)).group_by(member.c.id).subquery("elsewhere")


def purchases_within(population: Population) -> FromClause:
    """Members with each purchase in their window."""
    return _joined(population, _Happenings(purchase, purchase.c.purchased_at))


@dataclass(frozen=True, slots=True)
class _Happenings:
    """Rows with a customer_id, the moment of each, and which of them count."""

    rows: FromClause
    at: ColumnElement[Any]
    which: ColumnElement[bool] | None = None
    before: bool = False


def _happenings(population: Population, spec: MetricSpec, measure: Measure, currency: str, before: bool = False) -> _Happenings:
    if measure not in REACTIONS and measure not in REFUSALS:
        # Of a ratio with money in it, both sides are of the same purchases.
        in_money = spec.of in AMOUNTS or spec.per in AMOUNTS
        return _Happenings(purchase, purchase.c.purchased_at, purchase.c.currency == currency if in_money else None, before)
    if measure in REFUSALS:
        # Spelled out, for SQLite plans before it knows what is bound: only so it sees that a small index has all of these.
        refused = literal_column(f"contact.{REFUSED} AND contact.kind = '{REFUSALS[measure].value}'", Boolean)
        return _Happenings(contact, contact.c.at, refused, before)
    did = and_(contact.c.kind.in_([kind.value for kind in REACTIONS[measure]]), contact.c.human.is_(True))
    if before:
        return _Happenings(contact, contact.c.at, did, before)
    # Left to itself, SQLite goes through each member's whole history instead of the campaign's rows: four times as long.
    ours = select(contact.c.customer_id, contact.c.at).where(contact.c.campaign == population.campaign, did)
    found = ours.cte(measure).prefix_with("MATERIALIZED", dialect="sqlite")
    return _Happenings(found, found.c.at)


def _counted(population: Population, spec: MetricSpec, measure: Measure, happenings: _Happenings, name: str = "y") -> Select[Any]:
    value = value_of(spec, measure).label(name)
    return of_campaign(population, select(population.members.c.id.label("member_id"), value).select_from(_joined(population, happenings)))


def value_of(spec: MetricSpec, measure: Measure) -> ColumnElement[int]:
    """What a customer's happenings amount to, in the statement that groups them: cents, orders, or 1 for having done it."""
    match measure:
        case "spend":
            return func.sum(purchase.c.amount_cents)
        case "margin":
            return func.sum(_margin_cents(spec))
        case "orders":
            return func.count()
        case _:
            return literal_column("1", BigInteger)


def _margin_cents(spec: MetricSpec) -> ColumnElement[int]:
    """A purchase's own margin, else the declared share of its amount in whole cents (half a cent away from zero), else nothing."""
    if spec.margin_share is None:
        return func.coalesce(purchase.c.margin_cents, 0)
    half = case((purchase.c.amount_cents < 0, -_MILLION // 2), else_=_MILLION // 2)
    # Integers throughout: both databases cut a quotient of integers off towards zero.
    share = (purchase.c.amount_cents * round(spec.margin_share * _MILLION) + half) // _MILLION
    return func.coalesce(purchase.c.margin_cents, share)


def _joined(population: Population, happenings: _Happenings, *conditions: ColumnElement[bool]) -> FromClause:
    """Members with what happened to them within their window (or in the one before it)."""
    member = population.members
    own = happenings.rows.c.customer_id == member.c.customer_id
    when = before_entry(population, happenings.at) if happenings.before else in_window(population, happenings.at)
    which = [] if happenings.which is None else [happenings.which]
    return member.join(happenings.rows, and_(own, when, *which, *conditions))
