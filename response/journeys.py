"""The messages that customers got before they responded, as paths: which nodes, in which order, and how many customers."""

from collections.abc import Sequence
from math import log2
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Subquery, and_, case, func, literal_column, or_, select

from customers.attributes import WRITTEN_TO
from customers.tables import Contact, table_of
from response.happenings import first_moments
from response.population import micros
from response.sides import Sides, people
from response.sources import Sources
from response.statistics.attribution import Path

MOST_TOUCHES = 12  # of a longer path the last ones count
_BITS = 62

contact = table_of(Contact)


def paths(sources: Sources, sides: Sides, nodes: Sequence[str]) -> list[Path]:
    """The paths over `nodes` of the customers of the arms, those without a touch included; one statement.

    A touch is a message that left in the window, up to the first response. Customers with equal paths are counted in the database: there
    a path is a number with a digit for each touch, the last touch lowest.
    """
    written, responded, everyone = _path_of_each(sources, sides, nodes), _responded(sources, sides), people(sources, sides)
    joined = everyone.outerjoin(written, written.c.member_id == everyone.c.member_id)
    joined = joined.outerjoin(responded, responded.c.member_id == everyone.c.member_id)
    did, path = responded.c.member_id.is_not(None), func.coalesce(written.c.path, 0)
    counted = select(path, func.count().filter(did), func.count().filter(~did)).select_from(joined)
    statement = counted.where(everyone.c.control == 0).group_by(path).order_by(path)
    return [Path(_touches(int(number), nodes), yes, no) for number, yes, no in sources.session.connection().execute(statement)]


def _path_of_each(sources: Sources, sides: Sides, nodes: Sequence[str]) -> Subquery:
    """(member_id, path) for each member with a touch."""
    touched = _touched(sources, sides, nodes)
    powers = ((place, (len(nodes) + 1) ** (place - 1)) for place in range(1, _longest(len(nodes)) + 1))
    weight = case(*((touched.c.place == place, _number(power)) for place, power in powers), else_=_number(0))
    return select(touched.c.member_id, func.sum(touched.c.code * weight).label("path")).group_by(touched.c.member_id).subquery("written")


def _touched(sources: Sources, sides: Sides, nodes: Sequence[str]) -> Subquery:
    """(member_id, code of the node, place from the end) for each message before the response."""
    everyone, responded, population = people(sources, sides), _responded(sources, sides), sources.population.over(sides.metric)
    at = micros(contact.c.at)
    ours = and_(
        contact.c.customer_id == everyone.c.customer_id,
        contact.c.campaign == population.campaign,
        contact.c.kind.in_([kind.value for kind in WRITTEN_TO]),
        contact.c.node.in_(list(nodes)),
        at >= everyone.c.entered_at,
        at <= population.as_of,
    )
    in_time: list[ColumnElement[Any]] = [or_(responded.c.at.is_(None), at <= responded.c.at)]
    if population.within is not None:
        in_time.append(at < everyone.c.entered_at + population.within)
    code = case(*((contact.c.node == node, _number(place)) for place, node in enumerate(nodes, 1)))
    place = func.row_number().over(partition_by=everyone.c.member_id, order_by=(at.desc(), contact.c.id.desc()))
    joined = everyone.join(contact, ours).outerjoin(responded, responded.c.member_id == everyone.c.member_id)
    columns = (everyone.c.member_id, code.label("code"), place.label("place"))
    return select(*columns).select_from(joined).where(everyone.c.control == 0, *in_time).subquery("touched")


def _responded(sources: Sources, sides: Sides) -> Subquery:
    found: Subquery = first_moments(sources.population, sides.metric, sources.report.currency).subquery("responded")
    return found


def _touches(number: int, nodes: Sequence[str]) -> tuple[str, ...]:
    """The nodes of a path, oldest first."""
    found: list[str] = []
    while number:
        number, digit = divmod(number, len(nodes) + 1)
        found.append(nodes[digit - 1])
    return tuple(reversed(found))


def _longest(nodes: int) -> int:
    """Touches that fit in a number of 64 bits, and no more than make sense."""
    return min(MOST_TOUCHES, int(_BITS / log2(nodes + 1)))


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger)
