"""Attributes: what is known of a customer. Built in, derived from purchases, contacts and answers, and the workspace's own.

The names, kinds and sentences of the built-in ones stand in customers/conditions/vocabulary.py (which needs no database); how each is
read stands here, in READINGS. Dates come out as dates, whole numbers as int, numbers as float, unknown as None.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Double,
    FromClause,
    MetaData,
    Table,
    Text,
    cast,
    func,
    inspect,
    literal,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import Float, Integer, TypeEngine
from sqlmodel import Session

from customers.conditions.events import last_said
from customers.conditions.instants import day_number, local_day
from customers.conditions.portable import AgeDigits, DayNumber
from customers.conditions.scope import Circumstances, Scope
from customers.conditions.vocabulary import BUILT_IN, SAID, AttributeKind, attribute_name_fault, suggestion
from customers.contact_log import WRITTEN_TO
from customers.tables import Contact, Customer, Purchase, table_of
from store.bulk import Ids, id_table
from store.clock import to_micros
from store.errors import InputError, NotFoundError

Value = str | int | float | bool | date | None
Reading = Callable[[Scope], ColumnElement[Any]]

_TYPES: Mapping[AttributeKind, type[TypeEngine[Any]]] = MappingProxyType(
    {
        AttributeKind.TEXT: Text,
        AttributeKind.INTEGER: BigInteger,
        AttributeKind.NUMBER: Double,
        AttributeKind.BOOLEAN: Boolean,
        AttributeKind.DATE: Date,
    }
)
_BIRTHDAY_SHIFT = 10_000  # years, so that nobody is younger than zero while it is divided


def attribute_columns(names: Iterable[str], scope: Scope) -> list[ColumnElement[Any]]:
    """A labelled column for each attribute, for a statement that selects from the scope's tables.

    Raises NotFoundError for a name that nobody knows.
    """
    return [attribute_value(name, scope).label(name) for name in names]


def attribute_value(name: str, scope: Scope) -> ColumnElement[Any]:
    """The expression of one attribute; a date is a Day (instants.py). Raises NotFoundError for a name that nobody knows."""
    if name in READINGS:
        return READINGS[name](scope)
    if name.startswith(SAID):
        return last_said(name.removeprefix(SAID), scope)
    if scope.profile is None or name not in scope.profile.c:
        known = [*BUILT_IN, *(scope.profile.c.keys() if scope.profile is not None else ())]
        raise NotFoundError(f"There is no attribute '{name}'. {suggestion(name, known)}".strip())
    column = scope.profile.c[name]
    return DayNumber(column) if isinstance(column.type, Date) else column


def read_attributes(session: Session, customer_ids: Ids, names: Sequence[str], known: Circumstances) -> dict[str, list[Value]]:
    """The attributes of each customer, in the order asked; None throughout for a customer who is not there. One statement."""
    given = id_table(session, customer_ids)
    customer, profile = table_of(Customer), profile_table(known.attributes)
    scope = Scope(customer, profile, known.now, known.zone, known.purpose, known.campaign)
    joined = given.join(customer, customer.c.id == given.c.id).outerjoin(profile, profile.c.customer_id == customer.c.id)
    rows = session.connection().execute(select(customer.c.id, *attribute_columns(names, scope)).select_from(joined))
    found = {row[0]: row[1:] for row in rows}
    nobody = (None,) * len(names)
    people = [found.get(customer_id, nobody) for customer_id in customer_ids.tolist()]
    return {name: [values[place] for values in people] for place, name in enumerate(names)}


def profile_table(declared: Mapping[str, AttributeKind]) -> Table:
    """The table of the workspace's own attributes, with these columns; in a MetaData of its own."""
    return _profile_table(tuple(declared.items()))


@lru_cache(maxsize=16)
def _profile_table(declared: tuple[tuple[str, AttributeKind], ...]) -> Table:
    # The same one each time: SQLAlchemy knows a statement again by its tables, and would compile and keep each batch's anew.
    columns = [Column(name, _TYPES[kind]()) for name, kind in declared]
    return Table("profile", MetaData(), Column("customer_id", BigInteger, primary_key=True), *columns)


def stored_attributes(session: Session) -> dict[str, AttributeKind]:
    """The workspace's own attributes that have a column, by name, also those that are no longer declared."""
    columns = inspect(session.connection()).get_columns("profile")
    return {each["name"]: _kind_of(each["type"]) for each in columns if each["name"] != "customer_id"}


def declare_attributes(session: Session, declared: Mapping[str, AttributeKind]) -> list[str]:
    """Add the columns of attributes that are new, and give their names.

    Raises InputError, all at once, for names that cannot be used and for attributes that were of another kind before.
    """
    faults = [fault for fault in map(attribute_name_fault, declared) if fault]
    existing = stored_attributes(session)
    for name, kind in declared.items():
        stored = existing.get(name, kind)
        if stored is not kind:
            faults.append(
                f"attribute '{name}' is kept as {stored}, and now it is declared as {kind}. "
                f'Declare it as "{stored}" again, or give the new kind a new name and import it under that.'
            )
    if faults:
        raise InputError("\n".join(f"[attributes] in contactflow.toml: {fault}" for fault in faults))
    added = [name for name in declared if name not in existing]
    for name in added:
        column = profile_table(declared).c[name]
        session.connection().exec_driver_sql(f'ALTER TABLE profile ADD COLUMN "{name}" {column.type.compile(session.connection().dialect)}')
    return added


def set_attributes(session: Session, customer_ids: Ids, values: Mapping[str, Value], declared: Mapping[str, AttributeKind]) -> None:
    """Give all these customers the same values; their other attributes stay. One statement.

    Raises InputError for an attribute that is not declared, or a value that is not of its kind.
    """
    rows = id_table(session, customer_ids)
    typed = {name: _typed(name, value, declared) for name, value in values.items()}
    profile = profile_table(declared)
    kinds = {name: profile.c[name].type for name in typed}
    # A NULL by itself has no kind on PostgreSQL; a cast of anything else would spoil SQLite's dates.
    columns = [cast(null(), kinds[name]) if value is None else literal(value, kinds[name]) for name, value in typed.items()]
    chosen = select(rows.c.id, *columns).distinct().where(literal(value=True))
    insert = _insert(session)(profile).from_select(["customer_id", *typed], chosen)
    kept = {name: insert.excluded[name] for name in typed}
    session.connection().execute(insert.on_conflict_do_update(index_elements=["customer_id"], set_=kept))


def write_profiles(
    session: Session, names: Sequence[str], rows: Iterable[tuple[int, Sequence[Value]]], declared: Mapping[str, AttributeKind]
) -> int:
    """Give each customer its own values of `names`, and give the number of customers; other attributes stay.

    A row is (customer id, values in the order of `names`); of several rows for a customer the last counts. Raises InputError
    for an attribute that is not declared, or a value that is not of its kind.
    """
    profile = profile_table(declared)
    given = [
        {"customer_id": int(customer_id), **{name: _typed(name, value, declared) for name, value in zip(names, values, strict=True)}}
        for customer_id, values in dict(rows).items()
    ]
    if given:
        insert = _insert(session)(profile)
        kept = {name: insert.excluded[name] for name in names}
        session.connection().execute(insert.on_conflict_do_update(index_elements=["customer_id"], set_=kept), given)
    return len(given)


def _typed(name: str, value: Value, declared: Mapping[str, AttributeKind]) -> Value:
    """The value as its column holds it."""
    if name not in declared:
        raise InputError(f"There is no attribute '{name}' to set. {suggestion(name, declared) or 'Declare it under [attributes].'}")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        return _CONVERTERS[declared[name]](value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"The value for attribute '{name}' is not of the kind {declared[name]}. Write one that is.") from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _integer(value: Any) -> int:
    number = int(value)
    if isinstance(value, bool) or number != value or not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _date(value: Any) -> date:
    return date(value.year, value.month, value.day) if isinstance(value, date) else date.fromisoformat(value)


_CONVERTERS: Mapping[AttributeKind, Callable[[Any], Value]] = MappingProxyType(
    {
        AttributeKind.TEXT: _text,
        AttributeKind.INTEGER: _integer,
        AttributeKind.NUMBER: _number,
        AttributeKind.BOOLEAN: _boolean,
        AttributeKind.DATE: _date,
    }
)


def _kind_of(stored: TypeEngine[Any]) -> AttributeKind:
    kinds: tuple[tuple[type[TypeEngine[Any]], AttributeKind], ...] = (
        (Boolean, AttributeKind.BOOLEAN),
        (Date, AttributeKind.DATE),
        (Integer, AttributeKind.INTEGER),
        (Float, AttributeKind.NUMBER),
    )
    return next((kind for each, kind in kinds if isinstance(stored, each)), AttributeKind.TEXT)


def _insert(session: Session) -> Any:
    return postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert


def _own(name: str) -> Reading:
    return lambda scope: scope.customer.c[name]


def _day_of(name: str) -> Reading:
    return lambda scope: local_day(type_coerce(scope.customer.c[name], BigInteger), scope.zone, scope.now)


def _age(scope: Scope) -> ColumnElement[Any]:
    # As whole numbers YYYYMMDD: 2026-03-01 less 2000-02-29 is 26.0072 ten thousands, and the day before it was 25.9999.
    today = scope.today.year * 10_000 + scope.today.month * 100 + scope.today.day
    shifted = literal(today + _BIRTHDAY_SHIFT * 10_000, BigInteger) - AgeDigits(scope.customer.c.birth_date)
    return shifted // literal(10_000, BigInteger) - literal(_BIRTHDAY_SHIFT, BigInteger)


def _of_purchases(scope: Scope, make: Callable[[FromClause], ColumnElement[Any]]) -> ColumnElement[Any]:
    bought = table_of(Purchase).alias("bought")
    until_now = type_coerce(bought.c.purchased_at, BigInteger) <= literal(to_micros(scope.now), BigInteger)
    query = select(make(bought)).where(bought.c.customer_id == scope.customer.c.id, until_now)
    return query.correlate_except(bought).scalar_subquery()


def _purchase_count(scope: Scope) -> ColumnElement[Any]:
    return _of_purchases(scope, lambda bought: func.count(bought.c.id))


def _total_spent(scope: Scope) -> ColumnElement[Any]:
    # Doubles add up cents exactly to some ninety million millions, and never overflow as SQLite's whole numbers do.
    return _of_purchases(scope, lambda bought: func.coalesce(func.sum(cast(bought.c.amount_cents, Double)), literal(0.0)) / literal(100.0))


def _first_purchase_on(scope: Scope) -> ColumnElement[Any]:
    return _of_purchases(scope, lambda bought: _local(scope, func.min(bought.c.purchased_at)))


def _last_purchase_on(scope: Scope) -> ColumnElement[Any]:
    return _of_purchases(scope, lambda bought: _local(scope, func.max(bought.c.purchased_at)))


def _days_since_purchase(scope: Scope) -> ColumnElement[Any]:
    return _of_purchases(scope, lambda bought: _days_since(scope, func.max(bought.c.purchased_at)))


def _days_since_contact(scope: Scope) -> ColumnElement[Any]:
    contact = table_of(Contact).alias("contacted")
    until_now = type_coerce(contact.c.at, BigInteger) <= literal(to_micros(scope.now), BigInteger)
    query = select(_days_since(scope, func.max(contact.c.at))).where(contact.c.customer_id == scope.customer.c.id, until_now)
    query = query.where(contact.c.direction == "out", contact.c.kind.in_([kind.value for kind in WRITTEN_TO]))
    return query.correlate_except(contact).scalar_subquery()


def _local(scope: Scope, at: ColumnElement[Any]) -> ColumnElement[Any]:
    return local_day(type_coerce(at, BigInteger), scope.zone, scope.now)


def _days_since(scope: Scope, at: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal(day_number(scope.today), BigInteger) - type_coerce(_local(scope, at), BigInteger)


READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        **{name: _own(name) for name in ("key", "first_name", "last_name", "email", "phone")},
        **{name: _own(name) for name in ("street", "postcode", "city", "country", "language", "timezone")},
        "birth_date": lambda scope: DayNumber(scope.customer.c.birth_date),
        "created_on": _day_of("created_at"),
        "changed_on": _day_of("changed_at"),
        "age": _age,
        "purchase_count": _purchase_count,
        "total_spent": _total_spent,
        "first_purchase_on": _first_purchase_on,
        "last_purchase_on": _last_purchase_on,
        "days_since_purchase": _days_since_purchase,
        "days_since_contact": _days_since_contact,
    }
)
