"""What customers correct about themselves: cleaned as an import cleans it, and written over what was known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session

from customers.importing.cleaning.moment import date_reader
from customers.importing.cleaning.place import country_of_zone
from customers.importing.problems import Problem
from customers.importing.subjects import CUSTOMERS, Column, Terms
from customers.tables import Customer, CustomerId, table_of

# Without the mail address: whoever has the mailbox is who we know, and a new one has to show that it is the same person's.
CORRECTABLE = ("first_name", "last_name", "street", "postcode", "city", "country", "phone", "language", "birth_date")


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was typed, as it is stored (None: to be forgotten), and the fields that were not understood."""

    values: dict[str, str | None] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()


def terms_of(zone: ZoneInfo, now: datetime) -> Terms:
    """How what people type on a page is read: days before months, and telephone numbers of the organisation's country."""
    today = now.astimezone(zone).date()
    form = "day-month-year"
    return Terms(zone, country_of_zone(zone.key), today, date_reader(form), form, None, "comma")


def corrected(typed: Mapping[str, str], country: str | None, terms: Terms) -> Corrected:
    """What these fields of CORRECTABLE mean; `country` is the customer's, by which postcodes and telephone numbers are read."""
    done: dict[str, Column] = {"country": [country or terms.country]}
    for rule in CUSTOMERS.fields:  # in their order, which has the country before what is read by it
        if rule.name in CORRECTABLE and rule.name in typed:
            done[rule.name] = rule.clean(terms)([typed[rule.name].strip()], done)
    values: dict[str, Any] = {name: done[name][0] for name in CORRECTABLE if name in typed}
    wrong = frozenset(name for name, value in values.items() if isinstance(value, Problem))
    return Corrected({name: value for name, value in values.items() if name not in wrong}, wrong)


def correct(session: Session, customer_id: CustomerId, values: Mapping[str, str | None], now: datetime) -> None:
    """Write what a customer corrected; fields that are not of CORRECTABLE are left alone. Whoever was erased stays erased."""
    given: dict[str, Any] = {name: value for name, value in values.items() if name in CORRECTABLE}
    if given.get("birth_date"):
        given["birth_date"] = date.fromisoformat(given["birth_date"])
    customer = table_of(Customer)
    if given:
        mine = update(customer).where(customer.c.id == customer_id, customer.c.erased_at.is_(None))
        session.execute(mine.values(**given, changed_at=now))
