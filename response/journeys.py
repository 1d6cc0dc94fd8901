"""The messages that customers got before they responded, as paths: which nodes, in which order, and how many customers."""

from collections.abc import Sequence
from math import log2
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, case, func, literal_column, or_, select, union_all

from customers.contact_log import WRITTEN_TO
from customers.tables import Contact, table_of
from response.beside import beside
from response.happenings import first_moments
from response.population import in_window, micros, of_campaign
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
    responded = _responded(sources, sides)
    each = beside(people(sources, sides), _path_of_each(sources, sides, nodes, responded), responded)
    did, path = each.c.responded_at.is_not(None), func.coalesce(each.c.path, 0).label("path")
    counted = select(path, func.count().filter(did), func.count().filter(~did)).where(each.c.control == 0)
    statement = counted.group_by(path).order_by(path)
    return [Path(_touches(int(number), nodes), yes, no) for number, yes, no in sources.session.connection().execute(statement)]


def _path_of_each(sources: Sources, sides: Sides, nodes: Sequence[str], responded: Subquery) -> Subquery:
    """(member_id, path) for each member with a touch."""
    touched = _touched(sources, sides, nodes, responded)
    powers = ((place, (len(nodes) + 1) ** (place - 1)) for place in range(1, _longest(len(nodes)) + 1))
    weight = case(*((touched.c.place == place, _number(power)) for place, power in powers), else_=_number(0))
    return select(touched.c.member_id, func.sum(touched.c.code * weight).label("path")).group_by(touched.c.member_id).subquery("written")


def _touched(sources: Sources, sides: Sides, nodes: Sequence[str], responded: Subquery) -> Subquery:
    """(member_id, code of the node, place from the end) for each message before the response."""
    answers = select(responded.c.member_id, responded.c.responded_at.label("at"), _number(0).label("id"), _number(0).label("code"))
    happened = union_all(_messages(sources, sides, nodes), answers).subquery("happened")
    # The response as one more event of the member: a join to it might be read again and again.
    answered_at = func.max(case((happened.c.code == 0, happened.c.at))).over(partition_by=happened.c.member_id)
    known = select(happened, answered_at.label("answered_at")).subquery("known")
    place = func.row_number().over(partition_by=known.c.member_id, order_by=(known.c.at.desc(), known.c.id.desc())).label("place")
    in_time = or_(known.c.answered_at.is_(None), known.c.at <= known.c.answered_at)
    return select(known.c.member_id, known.c.code, place).where(known.c.code > 0, in_time).subquery("touched")


def _messages(sources: Sources, sides: Sides, nodes: Sequence[str]) -> Select[Any]:
    """(member_id, at, id, code of the node) for each message in the window of a member, whichever arm that is of.

    Joined to the members, which have an index: a server that expects one message reads them once for each of a million.
    """
    population, at = sources.population.over(sides.metric), micros(contact.c.at)
    ours = [
        contact.c.customer_id == population.members.c.customer_id,
        contact.c.campaign == population.campaign,
        contact.c.kind.in_([kind.value for kind in WRITTEN_TO]),
        contact.c.node.in_(list(nodes)),
        in_window(population, contact.c.at),
    ]
    code = case(*((contact.c.node == node, _number(place)) for place, node in enumerate(nodes, 1))).label("code")
    columns = (population.members.c.id.label("member_id"), at.label("at"), contact.c.id.label("id"), code)
    return of_campaign(population, select(*columns).select_from(population.members.join(contact, and_(*ours))))


def _responded(sources: Sources, sides: Sides) -> Subquery:
    """(member_id, responded_at in micros)."""
    first = first_moments(sources.population, sides.metric, sources.report.currency).subquery("first")
    return select(first.c.member_id, first.c.at.label("responded_at")).subquery("responded")


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
