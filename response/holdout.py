"""The global hold-out as a comparison: all customers whom campaigns may write to, against those whom none may."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, func, literal, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, Purchase, table_of
from engine.tables import Programme
from response.exact import product_sums, whole
from response.metrics import CENTS
from response.population import micros
from response.statistics.allocation import MISMATCH_BELOW, sample_ratio_p_value
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.relative import relative_lift
from response.statistics.several import holm
from response.statistics.sums import UNDEFINED, Effect, Sums
from response.statistics.verdicts import Verdict, judge
from store.clock import DAY_MICROS

Bought = Literal["purchase", "spend", "margin"]
EARLIER_DAYS = 365  # how far back the groups are compared before they were drawn
_MILLION = 1_000_000

programme, purchase, contact = table_of(Programme), table_of(Purchase), table_of(Contact)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when is counted (micros): of each customer never before the draw. `margin_share` where a purchase has no margin."""

    as_of: int
    since: int = 0
    currency: str = "EUR"
    margin_share: float | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """How many were drawn into each group, from when on, and whether that follows the shares in force when they were drawn."""

    open: int
    held_out: int
    first_at: int | None
    expected_held_out: float
    written_to: int  # held-out customers to whom a campaign sent something all the same

    @property
    def ratio_p(self) -> float | None:
        """The sample-ratio check."""
        drawn = self.open + self.held_out
        return sample_ratio_p_value([self.open, self.held_out], [drawn - self.expected_held_out, self.expected_held_out]) if drawn else None

    @property
    def broken(self) -> bool:
        """Whether the groups differ from the written share more than chance explains."""
        p = self.ratio_p
        return p is not None and p < MISMATCH_BELOW


@dataclass(frozen=True, slots=True)
class Together:
    """What all campaigns together changed of one measure, per customer drawn; money in the currency's unit."""

    measure: Bought
    open: Sums
    held_out: Sums
    absolute: Effect
    relative: Effect
    p_value: float | None
    verdict: Verdict


def groups(session: Session, span: Span) -> Groups:
    """Who was drawn into which group, by the end of the span."""
    drawn = select(programme.c.held_out, programme.c.share, func.count(), func.min(micros(programme.c.at)))
    counted = drawn.where(micros(programme.c.at) <= span.as_of).group_by(programme.c.held_out, programme.c.share)
    rows = [(bool(held), share, n, first) for held, share, n, first in session.connection().execute(counted)]
    expected = sum(share * n for _, share, n, _ in rows)
    sizes = {held: sum(n for each, _, n, _ in rows if each is held) for held in (False, True)}
    written_to = session.connection().execute(_written_to(span)).scalar_one()
    return Groups(sizes[False], sizes[True], min((first for *_, first in rows), default=None), expected, int(written_to))


def together(session: Session, span: Span, broken: bool) -> tuple[Together, ...]:
    """The ordinary comparison on what customers bought: buyers, spend, and margin where it is known.

    Every customer counts from the draw on; the draw is random, so that both groups are watched equally long. Holm's correction over
    the measures decides the verdicts. One statement a measure, whatever the number of customers.
    """
    measures: list[Bought] = ["purchase", "spend", "margin"] if _margin_is_known(session, span) else ["purchase", "spend"]
    sums = {measure: arm_sums(session, span, measure) for measure in measures}
    p_values = [_p_value(*each, measure) for measure, each in sums.items()]
    adjusted = holm(p_values)
    return tuple(
        _together(measure, *sums[measure], p, several, broken) for measure, p, several in zip(measures, p_values, adjusted, strict=True)
    )


def earlier(session: Session, span: Span) -> tuple[Sums, Sums]:
    """Buyers in the year before the draw, of the open and the held-out group: no campaign could make these differ."""
    at, drawn = micros(purchase.c.purchased_at), micros(programme.c.at)
    return _sums(
        session,
        span,
        select(programme.c.customer_id, literal(1, BigInteger).label("y")),
        and_(at < drawn, at >= drawn - EARLIER_DAYS * DAY_MICROS),
        1,
    )


def arm_sums(session: Session, span: Span, measure: Bought) -> tuple[Sums, Sums]:
    """n, Σy and Σy² over the customers drawn, of the open and of the held-out group."""
    at, drawn = micros(purchase.c.purchased_at), micros(programme.c.at)
    counts = and_(at >= drawn, at >= span.since, at <= span.as_of)
    if measure == "purchase":
        return _sums(session, span, select(programme.c.customer_id, literal(1, BigInteger).label("y")), counts, 1)
    cents = purchase.c.amount_cents if measure == "spend" else _margin(span)
    counts = and_(counts, purchase.c.currency == span.currency)
    return _sums(session, span, select(programme.c.customer_id, func.sum(cents).label("y")), counts, CENTS)


def _sums(session: Session, span: Span, each: Select[Any], counts: ColumnElement[bool], unit: int) -> tuple[Sums, Sums]:
    drawn = micros(programme.c.at) <= span.as_of
    joined = programme.join(purchase, and_(purchase.c.customer_id == programme.c.customer_id, counts))
    result = each.select_from(joined).where(drawn).group_by(programme.c.customer_id).subquery("result")
    y = result.c.y
    statement = (
        select(programme.c.held_out, func.count(), func.sum(y), *product_sums(y, y))
        .select_from(programme.outerjoin(result, result.c.customer_id == programme.c.customer_id))
        .where(drawn)
        .group_by(programme.c.held_out)
    )
    found = {
        bool(held): Sums(n, int(total or 0), whole(upper, lower), unit)
        for held, n, total, upper, lower in session.connection().execute(statement)
    }
    nobody = Sums(0, 0, 0, unit)
    return found.get(False, nobody), found.get(True, nobody)


def _margin(span: Span) -> ColumnElement[Any]:
    """Cents of margin: the purchase's own, else the share that the workspace's metric says, else nothing."""
    millionths = round((span.margin_share or 0) * _MILLION)
    rest = purchase.c.amount_cents * literal(millionths, BigInteger) // literal(_MILLION, BigInteger)
    return cast(case((purchase.c.margin_cents.is_not(None), purchase.c.margin_cents), else_=rest), BigInteger)


def _margin_is_known(session: Session, span: Span) -> bool:
    if span.margin_share is not None:
        return True
    known = select(purchase.c.id).where(purchase.c.margin_cents.is_not(None)).limit(1)
    return session.connection().execute(known).first() is not None


def _written_to(span: Span) -> Select[Any]:
    sent = and_(contact.c.kind == Kind.SENT.value, contact.c.campaign.is_not(None), micros(contact.c.at) <= span.as_of)
    after = and_(contact.c.customer_id == programme.c.customer_id, micros(contact.c.at) >= micros(programme.c.at))
    return select(func.count()).select_from(programme).where(programme.c.held_out, select(contact.c.id).where(after, sent).exists())


def _together(measure: Bought, open_: Sums, held_out: Sums, p: float | None, adjusted: float | None, broken: bool) -> Together:
    if not (open_.n and held_out.n):
        return Together(measure, open_, held_out, UNDEFINED, UNDEFINED, None, Verdict.NOT_VALID)
    is_share = measure == "purchase"
    absolute = (difference_of_proportions if is_share else difference_of_means)(open_, held_out)
    verdict = Verdict.NOT_VALID if broken else judge(absolute, None, adjusted)
    return Together(measure, open_, held_out, absolute, relative_lift(open_, held_out, is_share), p, verdict)


def _p_value(open_: Sums, held_out: Sums, measure: Bought) -> float | None:
    if not (open_.n and held_out.n):
        return None
    return (proportions_p_value if measure == "purchase" else means_p_value)(open_, held_out)
