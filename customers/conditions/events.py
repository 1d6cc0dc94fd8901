"""Phrases as SQL: what happened to one customer, found with the indexes that are there. Nothing after the scope's now counts."""

from collections.abc import Sequence
from typing import Any, assert_never

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, exists, func, literal, not_, select, true, type_coerce
from sqlalchemy.types import Text

from customers.conditions.portable import EventName, FormField
from customers.conditions.scope import Scope
from customers.conditions.tree import EventKind, EventRef
from customers.contact_log import WRITTEN_TO, Kind
from customers.tables import Consent, Contact, Purchase, StatedPreference, Suppression, table_of
from store.clock import DAY_MICROS, to_micros

# Whoever visits by a personal link has clicked on it.
_KINDS: dict[EventKind, tuple[Kind, ...]] = {
    EventKind.RESPONSE: (Kind.VISITED, Kind.CLICKED, Kind.ANSWERED, Kind.REPLIED),
    EventKind.OPEN: (Kind.OPENED,),
    EventKind.CLICK: (Kind.CLICKED, Kind.VISITED),
    EventKind.VISIT: (Kind.VISITED,),
    EventKind.ANSWER: (Kind.ANSWERED,),
    EventKind.EVENT: (Kind.EVENT,),
    EventKind.CONTACTED: WRITTEN_TO,
}
_ADDRESSES = {"email": ("email",), "sms": ("phone",), "print": ("street", "postcode", "city")}


def happened(event: EventRef, scope: Scope) -> ColumnElement[bool]:
    """Whether it happened."""
    match event.kind:
        case EventKind.PURCHASE:
            return _purchase(event, scope)
        case EventKind.CONTACTED:
            return _contacted(event, scope)
        case EventKind.EVENT:
            return _event(event, scope)
        case EventKind.RESPONSE | EventKind.OPEN | EventKind.CLICK | EventKind.VISIT | EventKind.ANSWER:
            return _reaction(event, scope)
        case _:
            assert_never(event.kind)


def latest_answer(event: EventRef, scope: Scope) -> ColumnElement[Any]:
    """The latest answer to a form's field in this campaign, as text; NULL without one."""
    contact = table_of(Contact).alias("answered")
    field = FormField(type_coerce(contact.c.detail, Text), literal(event.name, Text()))
    of_campaign = and_(contact.c.campaign == scope.campaign, _of_kind(contact, EventKind.ANSWER), field.is_not(None))
    query = select(field).where(contact.c.customer_id == scope.customer.c.id, of_campaign, _until_now(contact.c.at, scope))
    query = query.order_by(contact.c.at.desc(), contact.c.id.desc()).limit(1)
    return type_coerce(query.correlate_except(contact).scalar_subquery(), Text)


def last_said(name: str, scope: Scope) -> ColumnElement[Any]:
    """What the customer said last in answer to a question, in any campaign, as text; NULL when it was never answered."""
    said = table_of(StatedPreference).alias("said")
    mine = and_(said.c.customer_id == scope.customer.c.id, said.c.name == name, _until_now(said.c.at, scope))
    return type_coerce(select(said.c.answer).where(mine).correlate_except(said).scalar_subquery(), Text)


def reachable(channel: str, scope: Scope) -> ColumnElement[bool]:
    """Consent for the purpose and the channel, and an address that is not suppressed."""
    consent = table_of(Consent).alias("allowed")
    of_customer = consent.c.customer_id == scope.customer.c.id
    granted = and_(of_customer, consent.c.purpose == scope.purpose, consent.c.channel == channel, consent.c.granted == true())
    columns = [scope.customer.c[name] for name in _ADDRESSES.get(channel, ())]
    present = [func.coalesce(func.trim(column), "") != "" for column in columns]
    return and_(exists().where(granted).correlate_except(consent), *present, *_not_suppressed(channel, columns))


def _not_suppressed(channel: str, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    # A letter has no single address that could have been suppressed.
    if len(columns) != 1:
        return []
    suppression = table_of(Suppression).alias("suppressed")
    same = and_(suppression.c.channel == channel, suppression.c.address == columns[0])
    return [not_(exists().where(same).correlate_except(suppression))]


def _purchase(event: EventRef, scope: Scope) -> ColumnElement[bool]:
    bought = table_of(Purchase).alias("bought")
    at = bought.c.purchased_at
    return _exists(bought, bought.c.customer_id == scope.customer.c.id, _since(at, event, scope), _until_now(at, scope))


def _contacted(event: EventRef, scope: Scope) -> ColumnElement[bool]:
    contact = table_of(Contact).alias("contacted")
    by = [contact.c.channel == event.channel] if event.channel else []
    when = (_since(contact.c.at, event, scope), _until_now(contact.c.at, scope))
    to_customer = (contact.c.customer_id == scope.customer.c.id, contact.c.direction == "out", _of_kind(contact, event.kind))
    return _exists(contact, *to_customer, *when, *by)


def _event(event: EventRef, scope: Scope) -> ColumnElement[bool]:
    contact = table_of(Contact).alias("noted")
    named = EventName(type_coerce(contact.c.detail, Text)) == literal(event.name, Text())
    when = (_since(contact.c.at, event, scope), _until_now(contact.c.at, scope))
    return _exists(contact, contact.c.customer_id == scope.customer.c.id, _of_kind(contact, event.kind), *when, named)


def _reaction(event: EventRef, scope: Scope) -> ColumnElement[bool]:
    contact = table_of(Contact).alias("reacted")
    mine = (contact.c.customer_id == scope.customer.c.id, contact.c.member_id == scope.member_id, contact.c.node == event.node)
    by_a_person = (contact.c.direction == "in", contact.c.human == true(), _of_kind(contact, event.kind))
    return _exists(contact, *mine, *by_a_person, _until_now(contact.c.at, scope))


def _exists(table: FromClause, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(*where).correlate_except(table)


def _of_kind(contact: FromClause, kind: EventKind) -> ColumnElement[bool]:
    return contact.c.kind.in_([each.value for each in _KINDS[kind]])


def _until_now(at: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    return type_coerce(at, BigInteger) <= literal(to_micros(scope.now), BigInteger)


def _since(at: ColumnElement[Any], event: EventRef, scope: Scope) -> ColumnElement[bool]:
    moment: ColumnElement[Any]
    if event.days is not None:
        moment = literal(to_micros(scope.now) - event.days * DAY_MICROS, BigInteger)
    else:
        given = scope.arrived_at if event.since == "arrival" else scope.entered_at
        assert given is not None, "outside a flow there is no entry; parse_condition refuses it there"
        moment = type_coerce(given, BigInteger)
    return type_coerce(at, BigInteger) >= moment
