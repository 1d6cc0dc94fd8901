"""What went out over each channel, what came back and what it cost: distinct customers, by campaign."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from engine.tables import FlowVersion, OutboxMessage
from response.happenings import REACTIONS
from response.population import micros

MILLICENTS = 100_000  # in one of the currency's unit

contact, outbox, version = table_of(Contact), table_of(OutboxMessage), table_of(FlowVersion)


@dataclass(frozen=True, slots=True)
class Channel:
    """One campaign's messages over one channel. All but `messages` and `cost` (the currency's unit) are distinct customers."""

    campaign: str
    channel: str
    messages: int
    sent: int
    delivered: int
    responded: int
    opted_out: int
    cost: float


def by_channel(session: Session, campaigns: Sequence[str], as_of: int) -> tuple[Channel, ...]:
    """Two statements, whatever the number of customers. A reaction belongs to the channel of the message that it answers."""
    costs = _costs(session, campaigns, as_of)
    channel = func.coalesce(outbox.c.channel, contact.c.channel).label("channel")
    people = contact.c.customer_id.distinct()
    sent = contact.c.kind == Kind.SENT.value
    counted = (
        select(
            contact.c.campaign,
            channel,
            func.count().filter(sent),
            func.count(people).filter(sent),
            func.count(people).filter(contact.c.kind == Kind.DELIVERED.value),
            func.count(people).filter(_responded()),
            func.count(people).filter(contact.c.kind == Kind.OPTED_OUT.value),
        )
        .select_from(contact.outerjoin(outbox, outbox.c.id == contact.c.message_id))
        .where(contact.c.campaign.in_(campaigns), micros(contact.c.at) <= as_of, contact.c.kind.in_(_KINDS))
        .group_by(contact.c.campaign, channel)
    )
    rows = [
        Channel(campaign, name, messages, sent, delivered, responded, opted_out, costs.get((campaign, name), 0.0))
        for campaign, name, messages, sent, delivered, responded, opted_out in session.connection().execute(counted)
    ]
    order = {name: place for place, name in enumerate(campaigns)}
    return tuple(sorted(rows, key=lambda each: (order[each.campaign], -each.messages, each.channel)))


_KINDS = [kind.value for kind in (Kind.SENT, Kind.DELIVERED, Kind.OPTED_OUT, *REACTIONS["response"])]


def _responded() -> ColumnElement[bool]:
    return and_(contact.c.kind.in_([kind.value for kind in REACTIONS["response"]]), contact.c.human.is_(True))


def _costs(session: Session, campaigns: Sequence[str], as_of: int) -> dict[tuple[str, str], float]:
    joined = outbox.join(version, version.c.id == outbox.c.version_id)
    summed = select(version.c.campaign, outbox.c.channel, func.sum(outbox.c.cost_millicents)).select_from(joined)
    mine = summed.where(version.c.campaign.in_(campaigns), micros(outbox.c.queued_at) <= as_of)
    rows = session.connection().execute(mine.group_by(version.c.campaign, outbox.c.channel))
    return {(campaign, channel): int(total or 0) / MILLICENTS for campaign, channel, total in rows}
