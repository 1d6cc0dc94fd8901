"""What each arm was like before its customers came in: dated facts only, as sums per arm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Subquery, and_, case, func, literal_column, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import ConsentEvent, Contact, Purchase, table_of
from response.exact import product_sums, whole
from response.metrics import ArmKey
from response.population import Population, assigned, micros, of_campaign
from response.statistics.sums import Sums
from store.clock import DAY_MICROS

LOOK_BACK_DAYS = 90  # without a window of the goal to mirror
KNOWN = ("bought_before", "days_since_purchase", "purchases", "spend", "contacts", "opt_ins")
CENTS = 100

contact = table_of(Contact)
purchase = table_of(Purchase)
consent_event = table_of(ConsentEvent)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One fact about a customer: a column of a subquery with a row for each member who has any. `some` counts only those."""

    column: str
    unit: int = 1
    some: bool = False


_OF_PURCHASES = {
    "bought_before": _Asked("ever"),
    "days_since_purchase": _Asked("days", some=True),
    "purchases": _Asked("purchases"),
    "spend": _Asked("cents", CENTS),
}


def known_before(session: Session, population: Population, currency: str) -> Mapping[str, Mapping[ArmKey, Sums]]:
    """Fact to arm to its sums over the customers assigned, of what is dated before each one's entry. Three statements.

    `purchases`, `spend` (in `currency`) and `contacts` look back as far as the goal's window looks ahead, or 90 days;
    `bought_before` is 0 or 1; `days_since_purchase` is over those who had bought; `opt_ins` counts purposes and channels for which
    the newest evidence allowed. What came in later but is dated before counts: it is the same for every arm.
    """
    found: dict[str, dict[ArmKey, Sums]] = {}
    for rows, asked in (
        (_purchases(population, currency), _OF_PURCHASES),
        (_contacts(population), {"contacts": _Asked("contacts")}),
        (_opt_ins(population), {"opt_ins": _Asked("opt_ins")}),
    ):
        found |= _by_arm(session, population, rows, asked)
    return found


def look_back(population: Population) -> int:
    """How far before the entry is looked, in micros."""
    return population.within or LOOK_BACK_DAYS * DAY_MICROS


def _by_arm(session: Session, population: Population, rows: Subquery, asked: Mapping[str, _Asked]) -> dict[str, dict[ArmKey, Sums]]:
    arms = assigned(population)
    columns = [sums for each in asked.values() for sums in _sums_of(rows.c[each.column])]
    joined = arms.outerjoin(rows, rows.c.member_id == arms.c.member_id)
    statement = select(arms.c.node, arms.c.arm, func.count(), *columns).select_from(joined).group_by(arms.c.node, arms.c.arm)
    found: dict[str, dict[ArmKey, Sums]] = {name: {} for name in asked}
    for node, arm, customers, *sums in session.connection().execute(statement):
        for place, (name, each) in enumerate(asked.items()):
            having, total, *halves = sums[4 * place : 4 * place + 4]
            found[name][node, arm] = Sums(having if each.some else customers, int(total or 0), whole(*halves), each.unit)
    return found


def _sums_of(y: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return func.count(y), func.sum(y), *product_sums(y, y)


def _purchases(population: Population, currency: str) -> Subquery:
    member, at = population.members, micros(purchase.c.purchased_at)
    entered = micros(member.c.entered_at)
    joined = member.join(purchase, and_(purchase.c.customer_id == member.c.customer_id, at < entered))
    recent = at >= entered - look_back(population)
    columns = {
        "ever": _one(),
        "days": (func.max(entered) - func.max(at)) // _number(DAY_MICROS),
        "purchases": func.count().filter(recent),
        "cents": func.coalesce(func.sum(purchase.c.amount_cents).filter(and_(recent, purchase.c.currency == currency)), 0),
    }
    return _each_member(population, joined, columns)


def _contacts(population: Population) -> Subquery:
    member, at = population.members, micros(contact.c.at)
    entered = micros(member.c.entered_at)
    own = and_(contact.c.customer_id == member.c.customer_id, at < entered, at >= entered - look_back(population))
    sent = member.join(contact, and_(own, contact.c.kind == Kind.SENT.value))
    return _each_member(population, sent, {"contacts": func.count()})


def _opt_ins(population: Population) -> Subquery:
    """The newest evidence of each purpose and channel; a refusal of the same moment is the newer one."""
    member, at = population.members, micros(consent_event.c.at)
    joined = member.join(consent_event, and_(consent_event.c.customer_id == member.c.customer_id, at < micros(member.c.entered_at)))
    newest = func.max(2 * at + case((consent_event.c.granted, 0), else_=1)).label("newest")
    grouped = select(member.c.id.label("member_id"), newest).select_from(joined)
    each = of_campaign(population, grouped).group_by(member.c.id, consent_event.c.purpose, consent_event.c.channel).subquery("evidence")
    granted = func.sum(case((each.c.newest % 2 == 0, 1), else_=0)).label("opt_ins")
    return select(each.c.member_id, granted).group_by(each.c.member_id).subquery("before")


def _each_member(population: Population, joined: FromClause, columns: Mapping[str, ColumnElement[Any]]) -> Subquery:
    named = [column.label(name) for name, column in columns.items()]
    member = population.members
    statement: Select[Any] = select(member.c.id.label("member_id"), *named).select_from(joined)
    return of_campaign(population, statement).group_by(member.c.id).subquery("before")


def _one() -> ColumnElement[int]:
    return _number(1)


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger)
