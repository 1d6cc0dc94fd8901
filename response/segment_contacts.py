"""What the customers of each segment got and did in a period, in sums."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, literal, select
from sqlmodel import Session

from customers.conditions.vocabulary import AttributeKind, Vocabulary
from customers.contact_log import Kind
from customers.segments import segmented
from customers.tables import Contact, Purchase, table_of
from engine.metrics import AMOUNTS, Measure
from engine.tables import OutboxMessage
from response.happenings import REACTIONS, REFUSALS
from response.metrics import unit_of
from response.population import micros
from store.clock import DAY_MICROS, from_micros

_MILLION = 1_000_000

contact, outbox, purchase = table_of(Contact), table_of(OutboxMessage), table_of(Purchase)


class Segmented(Protocol):
    """What is known of the workspace's segments."""

    @property
    def segments(self) -> Mapping[str, str]:
        """Name to condition; the first that fits wins."""
        ...

    @property
    def attributes(self) -> Mapping[str, AttributeKind]:
        """The workspace's own attributes."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        ...


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment (micros, excluded) to another (included). `margin_share` is of purchases that carry no margin."""

    since: int
    as_of: int
    currency: str
    margin_share: float | None = None

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.as_of - self.since) / DAY_MICROS

    def holds(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """True when `at` lies in it."""
        return and_(micros(at) > self.since, micros(at) <= self.as_of)


@dataclass(frozen=True, slots=True)
class Traffic:
    """One segment's messages over one channel; all but `messages` are distinct customers."""

    messages: int
    sent: int
    responded: int
    opted_out: int


@dataclass(frozen=True, slots=True)
class Got:
    """One segment: its customers, what reached them by channel, and the total of each measure: customers who did it, or money."""

    segment: str  # empty: none fitted
    customers: int
    reached: int = 0  # customers with at least one message
    channels: Mapping[str, Traffic] = field(default_factory=dict)
    measured: Mapping[Measure, float] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """Over all channels."""
        return sum(each.messages for each in self.channels.values())

    def on(self, channel: str) -> int:
        """Messages over one channel."""
        return self.channels[channel].messages if channel in self.channels else 0


@dataclass(frozen=True, slots=True)
class _Known:
    """Circumstances of customers/conditions/scope.py, outside any campaign."""

    vocabulary: Vocabulary
    attributes: Mapping[str, AttributeKind]
    zone: ZoneInfo
    now: datetime
    campaign: str | None = None
    purpose: str | None = None


def segment_contacts(session: Session, workspace: Segmented, period: Period, measures: Collection[Measure]) -> list[Got]:
    """The workspace's segments in their order, then customers whom none fits. Three statements, and one a measure."""
    vocabulary = Vocabulary.of_workspace(workspace.attributes, workspace.segments)
    known = _Known(vocabulary, workspace.attributes, workspace.zone, from_micros(period.as_of))
    people = segmented(workspace.segments, known)
    execute = session.connection().execute
    sizes = people.subquery("people")
    customers = dict(execute(select(sizes.c.segment, func.count()).group_by(sizes.c.segment)).tuples().all())
    reached = dict(execute(_reached(people, period)).tuples().all())
    traffic: dict[str | None, dict[str, Traffic]] = {}
    for segment, channel, *counts in execute(_traffic(people, period)):
        traffic.setdefault(segment, {})[channel] = Traffic(*counts)
    done = {measure: dict(execute(_done(people, period, measure)).tuples().all()) for measure in sorted(measures)}
    return [
        Got(
            name or "",
            customers.get(name, 0),
            reached.get(name, 0),
            traffic.get(name, {}),
            {measure: int(totals.get(name) or 0) / unit_of(measure) for measure, totals in done.items()},
        )
        for name in [*workspace.segments, None]
        if name is not None or customers.get(None)
    ]


def _of_campaigns(period: Period) -> ColumnElement[bool]:
    return and_(period.holds(contact.c.at), contact.c.campaign.is_not(None))


def _reached(people: Select[Any], period: Period) -> Select[Any]:
    each = people.subquery("people")
    sent = and_(contact.c.customer_id == each.c.customer_id, contact.c.kind == Kind.SENT.value, _of_campaigns(period))
    got = select(contact.c.id).where(sent).exists()
    return select(each.c.segment, func.count()).where(got).group_by(each.c.segment)


def _traffic(people: Select[Any], period: Period) -> Select[Any]:
    """Segment, the channel of the message, and counts in the order of Traffic."""
    each = people.subquery("people")
    channel = func.coalesce(outbox.c.channel, contact.c.channel).label("channel")
    customers, sent = contact.c.customer_id.distinct(), contact.c.kind == Kind.SENT.value
    responded = and_(contact.c.kind.in_([kind.value for kind in REACTIONS["response"]]), contact.c.human.is_(True))
    opted_out = contact.c.kind == Kind.OPTED_OUT.value
    counts = (func.count().filter(sent), *(func.count(customers).filter(which) for which in (sent, responded, opted_out)))
    kinds = [kind.value for kind in (Kind.SENT, Kind.OPTED_OUT, *REACTIONS["response"])]
    joined = contact.join(each, each.c.customer_id == contact.c.customer_id).outerjoin(outbox, outbox.c.id == contact.c.message_id)
    counted = select(each.c.segment, channel, *counts).select_from(joined)
    return counted.where(_of_campaigns(period), contact.c.kind.in_(kinds)).group_by(each.c.segment, channel)


def _done(people: Select[Any], period: Period, measure: Measure) -> Select[Any]:
    """Segment and total: cents or orders, or customers who did it."""
    each = people.subquery("people")
    if measure in AMOUNTS or measure in ("purchase", "orders"):
        joined = each.join(purchase, purchase.c.customer_id == each.c.customer_id)
        counted = select(each.c.segment, _bought(measure, period)).select_from(joined).where(period.holds(purchase.c.purchased_at))
        if measure in AMOUNTS:
            counted = counted.where(purchase.c.currency == period.currency)
        return counted.group_by(each.c.segment)
    kinds = [kind.value for kind in REACTIONS[measure]] if measure in REACTIONS else [REFUSALS[measure].value]
    joined = each.join(contact, contact.c.customer_id == each.c.customer_id)
    did = select(each.c.segment, func.count(contact.c.customer_id.distinct())).select_from(joined)
    return did.where(period.holds(contact.c.at), contact.c.kind.in_(kinds), contact.c.human.is_(True)).group_by(each.c.segment)


def _bought(measure: Measure, period: Period) -> ColumnElement[Any]:
    match measure:
        case "purchase":
            return func.count(purchase.c.customer_id.distinct())
        case "orders":
            return func.count()
        case "spend":
            return func.sum(purchase.c.amount_cents)
        case _:
            millionths = literal(round((period.margin_share or 0) * _MILLION), BigInteger)
            rest = cast(purchase.c.amount_cents, BigInteger) * millionths // literal(_MILLION, BigInteger)
            return func.sum(case((purchase.c.margin_cents.is_not(None), purchase.c.margin_cents), else_=rest))
