"""What an audience does anyway: a metric over customers who were not written to for it, from their own history."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, not_, or_, select
from sqlmodel import Session

from customers.conditions.compile import compile_condition
from customers.conditions.vocabulary import Place
from customers.tables import Contact, Customer, Purchase, table_of
from engine.facts import SqlFacts
from engine.metrics import AMOUNTS, Measure, MetricSpec
from engine.nodes.audience import audiences_of
from engine.running import Running
from response.exact import product_sums, whole
from response.happenings import REACTIONS, REFUSALS, value_of
from response.metrics import unit_of
from response.population import micros
from response.statistics.moments import Moments
from store.clock import from_micros

contact, purchase, customer = table_of(Contact), table_of(Purchase), table_of(Customer)


def baseline(session: Session, running: Running, spec: MetricSpec, currency: str, since: int, until: int) -> Moments:
    """The metric over everybody whom the audience would have let in at `since`, from then (included) to `until` (micros).

    What changes by itself (the days since a purchase) is taken as of `since`; attributes that were imported are those of today.
    Reactions are those to any campaign. Amounts are never cut off, so that the spread is rather too large. One statement.
    """
    facts = SqlFacts(session, running.known(from_micros(since)))
    people = select(customer.c.id).select_from(facts.people()).where(_lets_in(running, facts)).subquery("people")
    window = _Window(spec, currency, since, until)
    y = window.counted(spec.of, "y").subquery("outcome")
    joined = people.outerjoin(y, y.c.customer_id == people.c.id)
    beside: ColumnElement[Any] = literal(0)
    if spec.per:
        x = window.counted(spec.per, "x").subquery("base")
        joined, beside = joined.outerjoin(x, x.c.customer_id == people.c.id), x.c.x
    products = (*product_sums(y.c.y, y.c.y), *product_sums(beside, beside), *product_sums(beside, y.c.y))
    statement = select(func.count(), func.sum(y.c.y), func.sum(beside), *products).select_from(joined)
    n, of_y, of_x, *halves = session.connection().execute(statement).one()
    yy, xx, xy = (whole(*halves[place : place + 2]) for place in (0, 2, 4))
    return Moments(n, int(of_y or 0), yy, int(of_x or 0), xx, xy, unit_of(spec.of), unit_of(spec.per or spec.of))


def arrivals(session: Session, running: Running, since: int, until: int) -> int:
    """How many the audience would let in at `until` whom it would not have let in at `since`."""
    then, now = (SqlFacts(session, running.known(from_micros(moment))) for moment in (since, until))
    new = and_(_lets_in(running, now), not_(_lets_in(running, then)))
    return int(session.connection().execute(select(func.count()).select_from(now.people()).where(new)).scalar_one())


def _lets_in(running: Running, facts: SqlFacts) -> ColumnElement[bool]:
    """Whether any audience of the flow lets a customer in."""
    audiences = audiences_of(running.graph.nodes).values()
    lets_in = or_(
        false(), *(compile_condition(running.read_condition(node.audience, Place.CUSTOMER), facts.scope(None)) for node in audiences)
    )
    return and_(customer.c.erased_at.is_(None), lets_in)


class _Window:
    """A stretch of time in which a metric is counted, for every customer alike."""

    def __init__(self, spec: MetricSpec, currency: str, since: int, until: int) -> None:
        self._spec, self._currency, self._since, self._until = spec, currency, since, until

    def counted(self, measure: Measure, name: str) -> Select[Any]:
        """(customer_id, value) for each customer with something in the window."""
        rows, at, which = self._happenings(measure)
        inside = and_(micros(at) >= self._since, micros(at) < self._until)
        value = value_of(self._spec, measure).label(name)
        return select(rows.c.customer_id, value).where(inside, *which).group_by(rows.c.customer_id)

    def _happenings(self, measure: Measure) -> tuple[Any, ColumnElement[Any], list[ColumnElement[bool]]]:
        if measure in REFUSALS:
            return contact, contact.c.at, [contact.c.kind == REFUSALS[measure].value]
        if measure in REACTIONS:
            kinds = [kind.value for kind in REACTIONS[measure]]
            return contact, contact.c.at, [contact.c.kind.in_(kinds), contact.c.human.is_(True)]
        in_money = self._spec.of in AMOUNTS or self._spec.per in AMOUNTS
        return purchase, purchase.c.purchased_at, [purchase.c.currency == self._currency] if in_money else []
