"""What messages cost, by customer."""

from sqlalchemy import ColumnElement, Subquery, and_, func, select

from response.beside import beside
from response.population import Population, micros
from response.sides import Sides, people
from response.sources import Sources

MILLICENTS = 100_000  # in one of the currency's unit
_CHARGED = ("sent", "unknown")  # one that may have been sent may have to be paid


def has_left(population: Population) -> ColumnElement[bool]:
    """True for a message of the outbox that left, or may have."""
    messages = population.messages.c
    return and_(messages.state.in_(_CHARGED), micros(messages.queued_at) <= population.as_of)


def charged(population: Population) -> Subquery:
    """(member_id, cost): the millicents that a member's messages cost. Nobody without a message."""
    messages = population.messages.c
    cost = func.sum(messages.cost_millicents).label("cost")
    return select(messages.member_id, cost).where(has_left(population)).group_by(messages.member_id).subquery("charged")


def extra_cost(sources: Sources, sides: Sides) -> float:
    """What a customer of the arms cost more than one of the control, on average over customers assigned, in the currency's unit."""
    each = beside(people(sources, sides), charged(sources.population))
    statement = select(each.c.control, func.count(), func.coalesce(func.sum(each.c.cost), 0)).group_by(each.c.control)
    rows = sources.session.connection().execute(statement)
    means: dict[int, float] = {control: int(total) / MILLICENTS / customers for control, customers, total in rows}
    return means.get(0, 0.0) - means.get(1, 0.0)
