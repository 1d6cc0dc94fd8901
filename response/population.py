"""Who is measured: members, their windows, and the arms that were written down for them."""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, func, select, tuple_, type_coerce
from sqlmodel import Session

from customers.tables import table_of
from engine.tables import Exposure, Member

member = table_of(Member)
exposure = table_of(Exposure)


Row = TypeVar("Row", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Population:
    """The members of one campaign as seen at one moment. Times are micros; `within` None counts without an end.

    `returning`: some customers came in more than once. Then the first assignment at each node stands for the customer, so that
    nobody is counted twice and the units stay independent.
    """

    campaign_id: int
    campaign: str
    as_of: int
    within: int | None
    returning: bool = False


@dataclass(frozen=True, slots=True)
class Entries:
    """Counts of members, and the moments (micros) of the first and the last entry."""

    customers: int
    returning: bool
    first: int | None
    last: int | None
    open: int
    later: int


def micros(column: ColumnElement[object]) -> ColumnElement[int]:
    """An instant column as the integer that it is stored as, for arithmetic."""
    return type_coerce(column, BigInteger)


def entries(session: Session, campaign_id: int, as_of: int, within: int | None) -> Entries:
    """How many came in by `as_of`, how many windows are open, and how many entries lie after it."""
    entered = micros(member.c.entered_at)
    by_now = entered <= as_of
    statement = select(
        func.count(member.c.customer_id.distinct()).filter(by_now),
        func.coalesce(func.max(member.c.entry).filter(by_now), 1),
        func.min(entered).filter(by_now),
        func.max(entered).filter(by_now),
        func.count().filter(and_(by_now, entered > as_of - (within or 0))),
        func.count().filter(entered > as_of),
    ).where(member.c.campaign_id == campaign_id)
    customers, most, first, last, still_open, later = session.connection().execute(statement).one()
    return Entries(customers, most > 1, first, last, still_open if within else 0, later)


def assigned(population: Population) -> Subquery:
    """One row for each customer assigned at each node: node, arm, version, member_id, customer_id, entered_at (micros)."""
    statement = (
        select(
            exposure.c.node,
            exposure.c.arm,
            exposure.c.version,
            exposure.c.member_id,
            exposure.c.customer_id,
            micros(member.c.entered_at).label("entered_at"),
        )
        .join(member, member.c.id == exposure.c.member_id)
        .where(exposure.c.campaign_id == population.campaign_id, exposure.c.arm != "", micros(exposure.c.at) <= population.as_of)
    )
    return (statement.where(_first(population)) if population.returning else statement).subquery("assigned")


def in_window(population: Population, at: ColumnElement[object]) -> ColumnElement[bool]:
    """True when `at` lies from the entry (included) to the end of the window (excluded), and not after the report's moment."""
    moment, entered = micros(at), micros(member.c.entered_at)
    bounds = [moment >= entered, moment <= population.as_of]
    return and_(*bounds, moment < entered + population.within) if population.within is not None else and_(*bounds)


def of_campaign(population: Population, statement: Select[Row]) -> Select[Row]:
    """Restrict a statement over members to the population."""
    return statement.where(member.c.campaign_id == population.campaign_id, micros(member.c.entered_at) <= population.as_of)


def _first(population: Population) -> ColumnElement[bool]:
    first = (
        select(exposure.c.node, func.min(exposure.c.member_id))
        .where(exposure.c.campaign_id == population.campaign_id)
        .group_by(exposure.c.node, exposure.c.customer_id)
    )
    return tuple_(exposure.c.node, exposure.c.member_id).in_(first)
