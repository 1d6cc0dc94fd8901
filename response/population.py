"""Who is measured: members, their windows, and the arms that were written down for them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, Subquery, Table, and_, func, select, tuple_, type_coerce
from sqlmodel import Session

from customers.tables import table_of
from engine.metrics import MetricSpec
from engine.tables import Exposure, FlowVersion, Member, OutboxMessage
from response.copies import assigned_in, members_of, messages_of
from store.clock import SECOND_MICROS

member = table_of(Member)
exposure = table_of(Exposure)
outbox = table_of(OutboxMessage)
version = table_of(FlowVersion)


Row = TypeVar("Row", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Population:
    """The members of one campaign as seen at one moment. Times are micros; `within` None counts without an end.

    `returning`: some customers came in more than once. Then the first assignment at each node stands for the customer, so that
    nobody is counted twice and the units stay independent. `versions`: only members who came in by one of these rows of flow_version.
    `closed_only`: only members whose window has closed. `entered_by`: only members who came in no later. `copied`: the campaign's
    members and assignments are read from the copies of this transaction (response/copies.py).
    """

    campaign_id: int
    campaign: str
    as_of: int
    within: int | None
    returning: bool = False
    versions: tuple[int, ...] | None = None
    closed_only: bool = False
    entered_by: int | None = None
    copied: bool = False

    @property
    def members(self) -> Table:
        """The campaign's members, or (not copied) those of all campaigns: `of_campaign` and `assigned` restrict them."""
        return members_of(self.campaign_id) if self.copied else member

    @property
    def assignments(self) -> Table:
        """The campaign's assignments, or (not copied) those of all campaigns: node, member_id, customer_id, version, arm."""
        return assigned_in(self.campaign_id) if self.copied else exposure

    @property
    def messages(self) -> Table:
        """The messages to the campaign's members, or (not copied) those of all campaigns."""
        return messages_of(self.campaign_id) if self.copied else outbox

    @property
    def uncopied(self) -> "Population":
        """The same, for statements that ask for more of a member than a copy has."""
        return replace(self, copied=False)

    @property
    def restricted(self) -> bool:
        """Whether some members of the campaign are not in it."""
        return self.versions is not None or self.entered_by is not None or (self.closed_only and self.within is not None)

    def over(self, spec: MetricSpec) -> "Population":
        """The same members in a metric's own window, when it has one."""
        return self if spec.within_seconds is None else replace(self, within=spec.within_seconds * SECOND_MICROS)


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


def entries(session: Session, population: Population) -> Entries:
    """How many came in by `as_of`, how many windows are open, and how many entries lie after it."""
    came, as_of, within = population.members.c, population.as_of, population.within
    entered = micros(came.entered_at)
    by_now = entered <= as_of
    statement = select(
        func.count(came.customer_id.distinct()).filter(by_now),
        func.coalesce(func.max(came.entry).filter(by_now), 1),
        func.min(entered).filter(by_now),
        func.max(entered).filter(by_now),
        func.count().filter(and_(by_now, entered > as_of - (within or 0))),
        func.count().filter(entered > as_of),
    ).where(*_own(population), *_chosen(population, population.members))
    customers, most, first, last, still_open, later = session.connection().execute(statement).one()
    return Entries(customers, most > 1, first, last, still_open if within else 0, later)


def nth_entry(session: Session, population: Population, number: int) -> int | None:
    """When (micros) the customer came in with whom there were so many; None when there are fewer."""
    came = population.members.c
    first = of_campaign(population, select(func.min(micros(came.entered_at)).label("at")).group_by(came.customer_id)).subquery("first")
    statement = select(first.c.at).order_by(first.c.at).offset(number - 1).limit(1)
    return session.connection().execute(statement).scalar_one_or_none()


def assigned(population: Population) -> Subquery:
    """One row for each customer assigned at each node: node, arm, version, member_id, customer_id, segment, entered_at, assigned_at."""
    if population.copied:
        return _copied(population)
    statement = (
        select(
            exposure.c.node,
            exposure.c.arm,
            exposure.c.version,
            exposure.c.member_id,
            exposure.c.customer_id,
            member.c.segment,
            micros(member.c.entered_at).label("entered_at"),
            micros(exposure.c.at).label("assigned_at"),
        )
        .join(member, member.c.id == exposure.c.member_id)
        .where(exposure.c.campaign_id == population.campaign_id, exposure.c.arm != "", micros(exposure.c.at) <= population.as_of)
        .where(*_chosen(population, member))
    )
    return (statement.where(_first(population, exposure)) if population.returning else statement).subquery("assigned")


def _copied(population: Population) -> Subquery:
    copy = assigned_in(population.campaign_id)
    names = ("node", "arm", "version", "member_id", "customer_id", "segment", "entered_at", "assigned_at")
    statement = select(*(copy.c[name] for name in names)).where(copy.c.arm != "", copy.c.assigned_at <= population.as_of)
    statement = statement.where(*_chosen(population, copy))
    return (statement.where(_first(population, copy)) if population.returning else statement).subquery("assigned")


def in_window(population: Population, at: ColumnElement[object]) -> ColumnElement[bool]:
    """True when `at` lies from the entry (included) to the end of the window (excluded), and not after the report's moment."""
    moment, entered = micros(at), micros(population.members.c.entered_at)
    bounds = [moment >= entered, moment <= population.as_of]
    return and_(*bounds, moment < entered + population.within) if population.within is not None else and_(*bounds)


def before_entry(population: Population, at: ColumnElement[object]) -> ColumnElement[bool]:
    """True when `at` lies in the window of the same length that ends with the entry (excluded)."""
    moment, entered = micros(at), micros(population.members.c.entered_at)
    return and_(moment < entered, moment >= entered - population.within) if population.within is not None else moment < entered


def of_campaign(population: Population, statement: Select[Row]) -> Select[Row]:
    """Restrict a statement over members to the population."""
    return statement.where(
        *_own(population), micros(population.members.c.entered_at) <= population.as_of, *_chosen(population, population.members)
    )


def _own(population: Population) -> Iterator[ColumnElement[bool]]:
    """The campaign's members; a copy has no others."""
    if not population.copied:
        yield member.c.campaign_id == population.campaign_id


def _chosen(population: Population, came: FromClause) -> Iterator[ColumnElement[bool]]:
    """What restricts members (or assignments with what is known of the member) beyond their campaign and the report's moment."""
    entered = micros(came.c.entered_at)
    if population.versions is not None:
        yield came.c.version_id.in_(population.versions)
    if population.entered_by is not None:
        yield entered <= population.entered_by
    if population.closed_only and population.within is not None:
        yield entered <= population.as_of - population.within


def _first(population: Population, written: FromClause) -> ColumnElement[bool]:
    """The first assignment of each customer, among the versions that count."""
    first = select(written.c.node, func.min(written.c.member_id))
    if not population.copied:
        first = first.where(exposure.c.campaign_id == population.campaign_id)
    if population.versions is not None:
        hashes = select(version.c.version).where(version.c.id.in_(population.versions))
        first = first.where(written.c.version.in_(hashes))
    return tuple_(written.c.node, written.c.member_id).in_(first.group_by(written.c.node, written.c.customer_id))
