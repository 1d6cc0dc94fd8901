"""What was known of customers before they came in: dated facts only, so that nothing of it can be an effect of the campaign."""

from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, and_, case, func, literal_column, select

from customers.contact_log import WRITTEN_TO
from customers.tables import Contact, Purchase, table_of
from response.population import micros
from store.clock import DAY_MICROS

contact = table_of(Contact)
purchase = table_of(Purchase)

FIFTHS = 5
SHORT_DAYS, LONG_DAYS = 30, 90


def contacts_before(people: FromClause) -> Select[Any]:
    """Messages that left for each customer, of any campaign, in the days before the entry: member_id, short, long. Nobody with none."""
    at, entered = micros(contact.c.at), people.c.entered_at
    recent = and_(contact.c.customer_id == people.c.customer_id, at >= entered - LONG_DAYS * DAY_MICROS, at < entered)
    written = and_(contact.c.direction == "out", contact.c.kind.in_([kind.value for kind in WRITTEN_TO]))
    short = func.count().filter(at >= entered - SHORT_DAYS * DAY_MICROS)
    counted = select(people.c.member_id, short.label("short"), func.count().label("long"))
    return counted.select_from(people.join(contact, and_(recent, written))).group_by(people.c.member_id)


def purchases_before(people: FromClause, currency: str) -> Select[Any]:
    """What each customer had bought before the entry: member_id, days (since the last), orders, cents (in `currency`). Nobody with none."""
    at, entered = micros(purchase.c.purchased_at), people.c.entered_at
    joined = people.join(purchase, and_(purchase.c.customer_id == people.c.customer_id, at < entered))
    days = (func.max(entered) - func.max(at)) // literal_column(str(DAY_MICROS), BigInteger)
    cents = func.coalesce(func.sum(purchase.c.amount_cents).filter(purchase.c.currency == currency), 0)
    columns = (people.c.member_id, days.label("days"), func.count().label("orders"), cents.label("cents"))
    return select(*columns).select_from(joined).group_by(people.c.member_id)


def rfm_scores(people: FromClause, currency: str) -> Select[Any]:
    """Fifths by rank among those who had bought: member_id, recency, frequency, monetary, each 1 to 5 (the latest, most, highest).

    Equal values stay together, in the lowest fifth that one of them belongs to, so that the fifths can differ in size.
    """
    bought = purchases_before(people, currency).subquery("bought")
    orders = {"recency": bought.c.days.desc(), "frequency": bought.c.orders, "monetary": bought.c.cents}
    everyone = func.count().over()
    scores = [(1 + FIFTHS * (func.rank().over(order_by=order) - 1) // everyone).label(name) for name, order in orders.items()]
    return select(bought.c.member_id, *scores)


def band(counted: Any, limits: tuple[int, ...]) -> Any:
    """The number of the band that a count falls in: how many of `limits` it reaches, 0 when there is none."""
    return case(*((counted >= limit, place) for place, limit in reversed(list(enumerate(limits, 1)))), else_=0)
