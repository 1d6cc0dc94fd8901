"""What became of the messages, in distinct customers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, or_, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from engine.reasons import Reason
from engine.tables import OutboxMessage
from response.facts import Exclusion, FunnelRow, Messages, Reactions
from response.metrics import ArmKey
from response.population import Population, Row, assigned, exposure, member, micros, of_campaign, version

MILLICENTS = 100_000  # in one of the currency's unit

contact = table_of(Contact)
outbox = table_of(OutboxMessage)

RowKey = tuple[str | None, str, str | None]  # node, channel, arm

# A customer with several messages at a node counts once, with the furthest that one of them came: the largest number.
_REASONS = {reason.value: number for number, reason in enumerate(Reason, 1)}
_OTHER = "other"
_FAILED, _OPEN, _UNKNOWN, _SENT = 100, 200, 201, 202
_STATES = {_SENT: "sent", _UNKNOWN: "unknown", _OPEN: "open"}


def funnel(session: Session, population: Population, side: str | None = None) -> tuple[FunnelRow, ...]:
    """A row for each node, channel and arm that has messages, and one a channel for reactions that name no message of ours.

    The arm is the message's own variant; with `side`, it is what the customer was assigned to at that node, whichever message it is.
    """
    connection = session.connection()
    messages: dict[RowKey, Messages] = {}
    for node, channel, arm, progress, customers in connection.execute(_messages(population, side)):
        key = (node, channel, arm)
        messages[key] = _with_state(messages.get(key, Messages()), progress, customers)
    reactions: dict[RowKey, Reactions] = {
        (node, channel, arm): _reactions_of(counts) for node, channel, arm, *counts in connection.execute(_reactions(population, side))
    }
    keys = sorted(messages.keys() | reactions.keys(), key=lambda key: (key[0] is None, key[0] or "", key[1], key[2] or ""))
    return tuple(FunnelRow(*key, messages.get(key, Messages()), reactions.get(key, Reactions())) for key in keys)


def reached(session: Session, population: Population) -> dict[ArmKey, Mapping[str, int]]:
    """Customers of each arm by the furthest that any message of the campaign to them came: sent, suppressed."""
    furthest = select(outbox.c.member_id, func.max(_progress()).label("progress")).group_by(outbox.c.member_id)
    by_member = _of_campaign(population, furthest).subquery("furthest")
    arms = assigned(population)
    statement = (
        select(arms.c.node, arms.c.arm, by_member.c.progress, func.count())
        .join(by_member, by_member.c.member_id == arms.c.member_id)
        .group_by(arms.c.node, arms.c.arm, by_member.c.progress)
    )
    counted: dict[ArmKey, dict[str, int]] = {}
    for node, arm, progress, customers in session.connection().execute(statement):
        states = counted.setdefault((node, arm), {})
        states[_state(progress)] = states.get(_state(progress), 0) + customers
    return dict(counted)


def delivered(session: Session, population: Population) -> dict[ArmKey, int]:
    """Customers of each arm to whom at least one message of the campaign is known to have arrived."""
    kind = and_(contact.c.campaign == population.campaign, contact.c.kind == Kind.DELIVERED.value)
    arrived = select(contact.c.customer_id).where(kind).group_by(contact.c.customer_id).subquery("arrived")
    arms = assigned(population)
    statement = (
        select(arms.c.node, arms.c.arm, func.count())
        .join(arrived, arrived.c.customer_id == arms.c.customer_id)
        .group_by(arms.c.node, arms.c.arm)
    )
    return {(node, arm): customers for node, arm, customers in session.connection().execute(statement)}


def exclusions(session: Session, population: Population, rows: Iterable[FunnelRow]) -> tuple[Exclusion, ...]:
    """Why members left, and why messages were not sent, most frequent first within each."""
    ended = select(member.c.ended, func.count(member.c.customer_id.distinct())).where(member.c.ended.is_not(None))
    gone = of_campaign(population.uncopied, ended).group_by(member.c.ended)
    members = [Exclusion("member", reason, customers) for reason, customers in session.connection().execute(gone)]
    counted: dict[str, int] = {}
    for row in rows:
        for reason, customers in row.messages.reasons:
            counted[reason] = counted.get(reason, 0) + customers
    messages = [Exclusion("message", reason, customers) for reason, customers in counted.items()]
    return tuple(sorted(members + messages, key=lambda each: (each.stage, -each.customers, each.reason)))


def costs(session: Session, population: Population, side: str | None = None) -> dict[RowKey, float]:
    """What the messages of each row of `funnel` cost, in the currency's unit."""
    messages, arm = _of_side(side)
    summed = select(outbox.c.node, outbox.c.channel, arm, func.sum(outbox.c.cost_millicents)).select_from(messages)
    rows = session.connection().execute(_of_campaign(population, summed).group_by(outbox.c.node, outbox.c.channel, arm))
    return {(node, channel, name): int(total or 0) / MILLICENTS for node, channel, name, total in rows}


def _of_side(side: str | None) -> tuple[FromClause, ColumnElement[str | None]]:
    """Messages, and the column that says which arm they count for."""
    if side is None:
        return outbox, outbox.c.arm
    there = and_(exposure.c.member_id == outbox.c.member_id, exposure.c.node == side, exposure.c.arm != "")
    return outbox.outerjoin(exposure, there), exposure.c.arm


def _messages(population: Population, side: str | None) -> Select[tuple[str, str, str | None, int, int]]:
    messages, arm = _of_side(side)
    by_customer = select(outbox.c.node, outbox.c.channel, arm, outbox.c.customer_id, func.max(_progress()).label("progress"))
    grouped = by_customer.select_from(messages).group_by(outbox.c.node, outbox.c.channel, arm, outbox.c.customer_id)
    each = _of_campaign(population, grouped).subquery("each")
    columns = (each.c.node, each.c.channel, each.c.arm, each.c.progress)
    return select(*columns, func.count()).group_by(*columns).order_by(*columns)


def _of_campaign(population: Population, statement: Select[Row]) -> Select[Row]:
    joined = statement.join(population.members, population.members.c.id == outbox.c.member_id)
    return of_campaign(population, joined).where(micros(outbox.c.queued_at) <= population.as_of)


def _progress() -> ColumnElement[int]:
    """How far a message came: _STATES, or the number of its reason (of a failed one 100 more)."""
    reason = case(_REASONS, value=func.coalesce(outbox.c.reason, ""), else_=0)
    return case(
        (outbox.c.state == "sent", _SENT),
        (outbox.c.state == "unknown", _UNKNOWN),
        (outbox.c.state == "failed", reason + _FAILED),
        (outbox.c.state == "suppressed", reason),
        else_=_OPEN,
    )


def _state(progress: int) -> str:
    return _STATES.get(progress, "failed" if progress >= _FAILED else "suppressed")


def _with_state(messages: Messages, progress: int, customers: int) -> Messages:
    match _state(progress):
        case "sent":
            return replace(messages, sent=messages.sent + customers)
        case "unknown":
            return replace(messages, unknown=messages.unknown + customers)
        case "open":
            return replace(messages, open=messages.open + customers)
        case "failed":
            reasons = (*messages.reasons, (_reason(progress - _FAILED), customers))
            return replace(messages, failed=messages.failed + customers, reasons=reasons)
    reasons = (*messages.reasons, (_reason(progress), customers))
    return replace(messages, suppressed=messages.suppressed + customers, reasons=reasons)


def _reason(number: int) -> str:
    return next((reason for reason, known in _REASONS.items() if known == number), _OTHER)


def _reactions(population: Population, side: str | None) -> Select[tuple[object, ...]]:
    """Distinct customers by node, channel and arm of the message that they reacted to; columns in the order of _REACTIONS."""
    messages, arm = _of_side(side)
    channel = func.coalesce(outbox.c.channel, contact.c.channel).label("channel")
    counts = [func.count(contact.c.customer_id.distinct()).filter(happened) for happened in _REACTIONS.values()]
    kinds = [kind.value for kind in _REACTION_KINDS]
    ours = (contact.c.campaign == population.campaign, contact.c.kind.in_(kinds), micros(contact.c.at) <= population.as_of)
    return (
        select(outbox.c.node, channel, arm, *counts)
        .select_from(contact.outerjoin(messages, outbox.c.id == contact.c.message_id))
        .where(*ours, *_chosen(population))
        .group_by(outbox.c.node, channel, arm)
    )


def _chosen(population: Population) -> Iterator[ColumnElement[bool]]:
    """Only what customers of this population did, when it is not all of the campaign."""
    if population.restricted:
        yield contact.c.customer_id.in_(of_campaign(population, select(population.members.c.customer_id)))
    if population.versions is not None:
        hashes = select(version.c.version).where(version.c.id.in_(population.versions))
        yield or_(contact.c.version.is_(None), contact.c.version.in_(hashes))


def _kind(*kinds: Kind) -> ColumnElement[bool]:
    return contact.c.kind.in_([kind.value for kind in kinds])


_REACTION_KINDS = (
    Kind.DELIVERED,
    Kind.BOUNCED,
    Kind.COMPLAINED,
    Kind.OPENED,
    Kind.CLICKED,
    Kind.VISITED,
    Kind.ANSWERED,
    Kind.OPTED_OUT,
)
_HUMAN = contact.c.human.is_(True)
_REACTIONS: dict[str, ColumnElement[bool]] = {
    "delivered": _kind(Kind.DELIVERED),
    "bounced": _kind(Kind.BOUNCED),
    "complained": _kind(Kind.COMPLAINED),
    # Images are often blocked: who clicked has opened.
    "opened": and_(_kind(Kind.OPENED, Kind.CLICKED), _HUMAN),
    "opened_by_machine": and_(_kind(Kind.OPENED), contact.c.human.is_(False)),
    "clicked": and_(_kind(Kind.CLICKED), _HUMAN),
    "visited": and_(_kind(Kind.VISITED), _HUMAN),
    "answered": and_(_kind(Kind.ANSWERED), _HUMAN),
    "opted_out": _kind(Kind.OPTED_OUT),
}


def _reactions_of(counts: list[int]) -> Reactions:
    return Reactions(**dict(zip(_REACTIONS, counts, strict=True)))
