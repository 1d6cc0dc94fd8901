"""How often customers were written to, over all campaigns together."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, case, func, literal, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, Customer, table_of
from response.population import micros
from store.clock import DAY_MICROS

DAYS = 90
BANDS = (("0", 0), ("1", 1), ("2-3", 3), ("4-6", 6), ("7+", None))  # name, and the most messages in it

contact, customer = table_of(Contact), table_of(Customer)


@dataclass(frozen=True, slots=True)
class Band:
    """Customers by messages got in the last ninety days, and how many of them opted out of something in that time."""

    name: str
    customers: int
    opted_out: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """Messages of campaigns in the last ninety days, over all customers."""

    bands: tuple[Band, ...]
    channels: tuple[tuple[str, int], ...]

    @property
    def messages(self) -> int:
        """All of them."""
        return sum(count for _, count in self.channels)

    @property
    def opted_out(self) -> int:
        """Customers who opted out, in all bands."""
        return sum(band.opted_out for band in self.bands)


def pressure(session: Session, as_of: int) -> Pressure:
    """Two statements, whatever the number of customers."""
    since = as_of - DAYS * DAY_MICROS
    recent = and_(micros(contact.c.at) > since, micros(contact.c.at) <= as_of)
    sent = and_(contact.c.kind == Kind.SENT.value, contact.c.campaign.is_not(None))
    opted_out = contact.c.kind == Kind.OPTED_OUT.value
    each = (
        select(
            contact.c.customer_id,
            func.count().filter(sent).label("messages"),
            func.max(case((opted_out, literal(1, BigInteger)), else_=0)).label("out"),
        )
        .where(recent, contact.c.kind.in_([Kind.SENT.value, Kind.OPTED_OUT.value]))
        .group_by(contact.c.customer_id)
        .subquery("each")
    )
    messages = func.coalesce(each.c.messages, 0)
    band = case(*((messages <= most, place) for place, (_, most) in enumerate(BANDS) if most is not None), else_=len(BANDS) - 1)
    joined = customer.outerjoin(each, each.c.customer_id == customer.c.id)
    counted = select(band, func.count(), func.coalesce(func.sum(each.c.out), 0)).select_from(joined)
    rows = session.connection().execute(counted.group_by(band))
    found = {place: (customers, int(out)) for place, customers, out in rows}
    channels = select(contact.c.channel, func.count()).where(recent, sent).group_by(contact.c.channel).order_by(contact.c.channel)
    return Pressure(
        tuple(Band(name, *found.get(place, (0, 0))) for place, (name, _) in enumerate(BANDS)),
        tuple((channel, count) for channel, count in session.connection().execute(channels)),
    )
