"""Everything that is kept of one customer in the tables about people, under plain names: their part of a dossier."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import FromClause, Row, Table, func, select
from sqlmodel import Session

from customers.attributes import profile_table, stored_attributes
from customers.choices import FREELY, ChoiceKind
from customers.consent import SOURCES, Source
from customers.preferred import PartOfDay
from customers.tables import (
    Choice,
    Consent,
    ConsentEvent,
    Contact,
    Customer,
    CustomerId,
    Purchase,
    StatedPreference,
    Suppression,
    Voucher,
    table_of,
)
from store.clock import from_micros

Section = Mapping[str, Any]  # {"number": how many there are, "rows": [{...}, ...]}, the newest first
_NOT_TOLD = {"id", "customer_id"}
_PARTS = {part.value: part.name.lower() for part in PartOfDay}


@dataclass(frozen=True, slots=True)
class Telling:
    """How a dossier is told: instants in this zone, and at most so many rows of a kind, the newest ones (None: all of them)."""

    session: Session
    zone: ZoneInfo
    most: int | None = None

    def plain(self, value: Any) -> Any:
        """A value as JSON has it; an instant as ISO 8601 with its offset."""
        if isinstance(value, datetime):
            return value.astimezone(self.zone).isoformat(timespec="seconds")
        return value.isoformat() if isinstance(value, date) else value

    def section(self, source: FromClause, mine: Any, newest: Any, told: Callable[[Row[Any]], Mapping[str, Any]]) -> Section:
        """The rows of one customer, the newest first, each without what is not known."""
        number = self.session.execute(select(func.count()).select_from(source).where(mine)).scalar_one()
        rows = self.session.execute(select(source).where(mine).order_by(newest.desc()).limit(self.most))
        return {"number": number, "rows": [self.known(told(row)) for row in rows]}

    def known(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What there is of a row."""
        return {name: self.plain(value) for name, value in values.items() if value not in (None, "")}


def person(telling: Telling, customer_id: CustomerId) -> dict[str, Any]:
    """Who a customer is, what they allow and want, bought and did: sections by name, each with all of its rows' columns."""
    return {
        "customer": _customer(telling, customer_id),
        "own_attributes": _own(telling, customer_id),
        "consent": _rows(telling, Consent, customer_id, "since"),
        "evidence_of_consent": _section(telling, table_of(ConsentEvent), customer_id, "at", _evidence),
        "choices": _section(telling, table_of(Choice), customer_id, "at", lambda row: _choice(telling, row)),
        "stated_preferences": _rows(telling, StatedPreference, customer_id, "at"),
        "purchases": _section(telling, table_of(Purchase), customer_id, "purchased_at", _purchase),
        "vouchers": _rows(telling, Voucher, customer_id, "issued_at"),
        "contacts": _rows(telling, Contact, customer_id, "at"),
    }


def suppressed(telling: Telling, addresses: set[str]) -> Section:
    """Which of these addresses are not used any more, and why."""
    suppression = table_of(Suppression)
    return telling.section(suppression, suppression.c.address.in_(addresses), suppression.c.since, lambda row: row._asdict())


def _customer(telling: Telling, customer_id: CustomerId) -> dict[str, Any]:
    customer = table_of(Customer)
    row = telling.session.execute(select(customer).where(customer.c.id == customer_id)).one()
    told = telling.known(row._asdict())
    return {"known_since": told.pop("created_at"), **{name: value for name, value in told.items() if name != "id"}}


def _own(telling: Telling, customer_id: CustomerId) -> dict[str, Any]:
    """The workspace's own attributes, also those that are no longer declared, each as what it is: on SQLite a yes is kept as a 1."""
    profile = profile_table(stored_attributes(telling.session))
    row = telling.session.execute(select(profile).where(profile.c.customer_id == customer_id)).one_or_none()
    return telling.known(_told(row)) if row else {}


def _rows(telling: Telling, model: Any, customer_id: CustomerId, newest: str) -> Section:
    return _section(telling, table_of(model), customer_id, newest, _told)


def _section(
    telling: Telling, table: Table, customer_id: CustomerId, newest: str, told: Callable[[Row[Any]], Mapping[str, Any]]
) -> Section:
    return telling.section(table, table.c.customer_id == customer_id, table.c[newest], told)


def _told(row: Row[Any]) -> Mapping[str, Any]:
    return {name: value for name, value in row._asdict().items() if name not in _NOT_TOLD}


def _evidence(row: Row[Any]) -> Mapping[str, Any]:
    return {**_told(row), "meaning": SOURCES[Source(row.source)]}


def _choice(telling: Telling, row: Row[Any]) -> Mapping[str, Any]:
    """A choice, with its value as people say it where it is a moment or a part of the day."""
    told = dict(_told(row))
    if row.kind == ChoiceKind.PAUSE and row.value != FREELY:
        told["until"] = telling.plain(from_micros(row.value))
    if row.kind == ChoiceKind.MOMENT and row.value in _PARTS:
        told["part_of_day"] = _PARTS[row.value]
    return told


def _purchase(row: Row[Any]) -> Mapping[str, Any]:
    """Money as people write it; what was earned on it is the organisation's own."""
    told = dict(_told(row))
    cents, _ = told.pop("amount_cents"), told.pop("margin_cents")
    return {**told, "amount": f"{cents / 100:.2f}"}
