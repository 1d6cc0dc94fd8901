"""Named segments: the first that fits a customer, in the workspace's order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, literal, null, select, type_coerce
from sqlmodel import Session

from customers.attributes import profile_table
from customers.conditions.compile import compile_condition
from customers.conditions.language import parse_segments
from customers.conditions.scope import Circumstances, Scope
from customers.tables import Customer, table_of
from store.bulk import Ids, id_table


def segmented(segments: Mapping[str, str], known: Circumstances) -> Select[tuple[int, str | None]]:
    """A statement that gives every customer (`customer_id`) with the name of the first segment that fits, or NULL (`segment`)."""
    customer, profile = table_of(Customer), profile_table(known.attributes)
    scope = Scope(customer, profile, known.now, known.zone, known.purpose, known.campaign)
    conditions = parse_segments(replace(known.vocabulary, segments=segments))
    fits = [(compile_condition(condition, scope), literal(name)) for name, condition in conditions.items()]
    name: ColumnElement[Any] = case(*fits, else_=null()) if fits else null()
    joined = customer.outerjoin(profile, profile.c.customer_id == customer.c.id)
    return select(customer.c.id.label("customer_id"), type_coerce(name, String).label("segment")).select_from(joined)


def segment_of(session: Session, customer_ids: Ids, segments: Mapping[str, str], known: Circumstances) -> list[str | None]:
    """The first of `segments` that fits each customer, or None, in the order asked. One statement.

    `segments` may be some of the workspace's; what they refer to is looked up in `known.vocabulary`. Raises SegmentsError for
    faults in them.
    """
    if not segments:
        return [None] * len(customer_ids)
    vocabulary = replace(known.vocabulary, segments={**known.vocabulary.segments, **segments})
    conditions = parse_segments(vocabulary, segments)
    customer, profile, given = table_of(Customer), profile_table(known.attributes), id_table(session, customer_ids)
    scope = Scope(customer, profile, known.now, known.zone, known.purpose, known.campaign)
    fits = [(compile_condition(condition, scope), literal(place)) for place, condition in enumerate(conditions.values())]
    joined = given.join(customer, customer.c.id == given.c.id).outerjoin(profile, profile.c.customer_id == customer.c.id)
    rows = session.connection().execute(select(customer.c.id, case(*fits, else_=null())).select_from(joined))
    first, names = dict(rows.tuples().all()), list(conditions)
    places = [first.get(customer_id) for customer_id in customer_ids.tolist()]
    return [None if place is None else names[place] for place in places]
