"""What became of the messages, in distinct customers."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select
from sqlmodel import Session

from customers.tables import Contact, table_of
from response.facts import Exclusion, FunnelRow, Messages, Reactions
from response.population import Population, Row, member, micros, of_campaign
from response.progress import progress_of, reason_of, state_of
from response.reactions import DID, did, reactions_to

MILLICENTS = 100_000  # in one of the currency's unit

contact = table_of(Contact)

RowKey = tuple[str | None, str, str | None]  # node, channel, arm


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
    (messages, arm), outbox = _of_side(population, side), population.messages
    summed = select(outbox.c.node, outbox.c.channel, arm, func.sum(outbox.c.cost_millicents)).select_from(messages)
    rows = session.connection().execute(_of_campaign(population, summed).group_by(outbox.c.node, outbox.c.channel, arm))
    return {(node, channel, name): int(total or 0) / MILLICENTS for node, channel, name, total in rows}


def _of_side(population: Population, side: str | None) -> tuple[FromClause, ColumnElement[str | None]]:
    """Messages, and the column that says which arm they count for."""
    messages = population.messages
    return (messages, messages.c.arm) if side is None else _beside(messages, population.assignments, side)


def _beside(rows: FromClause, assignments: FromClause, side: str) -> tuple[FromClause, ColumnElement[str | None]]:
    """Rows of members with what each was assigned to at a node."""
    there = and_(assignments.c.member_id == rows.c.member_id, assignments.c.node == side, assignments.c.arm != "")
    return rows.outerjoin(assignments, there), assignments.c.arm


def _messages(population: Population, side: str | None) -> Select[tuple[str, str, str | None, int, int]]:
    (messages, arm), outbox = _of_side(population, side), population.messages
    by_customer = select(outbox.c.node, outbox.c.channel, arm, outbox.c.customer_id, func.max(progress_of(outbox)).label("progress"))
    grouped = by_customer.select_from(messages).group_by(outbox.c.node, outbox.c.channel, arm, outbox.c.customer_id)
    each = _of_campaign(population, grouped).subquery("each")
    columns = (each.c.node, each.c.channel, each.c.arm, each.c.progress)
    return select(*columns, func.count()).group_by(*columns).order_by(*columns)


def _of_campaign(population: Population, statement: Select[Row]) -> Select[Row]:
    members, messages = population.members, population.messages
    joined = statement.join(members, members.c.id == messages.c.member_id)
    return of_campaign(population, joined).where(micros(messages.c.queued_at) <= population.as_of)


def _with_state(messages: Messages, progress: int, customers: int) -> Messages:
    match state_of(progress):
        case "sent":
            return replace(messages, sent=messages.sent + customers)
        case "unknown":
            return replace(messages, unknown=messages.unknown + customers)
        case "open":
            return replace(messages, open=messages.open + customers)
        case "failed":
            reasons = (*messages.reasons, (reason_of(progress), customers))
            return replace(messages, failed=messages.failed + customers, reasons=reasons)
    reasons = (*messages.reasons, (reason_of(progress), customers))
    return replace(messages, suppressed=messages.suppressed + customers, reasons=reasons)


def _reactions(population: Population, side: str | None) -> Select[tuple[object, ...]]:
    """Distinct customers by node, channel and arm of the message that they reacted to; columns in the order of DID, and who left a form."""
    found = reactions_to(population)
    joined, arm = (found, found.c.arm) if side is None else _beside(found, population.assignments, side)
    keys = (found.c.node, found.c.channel, arm.label("arm"))
    done = [func.max(did(found.c.did, name)).label(name) for name in DID]
    by_customer = select(*keys, *done).select_from(joined).where(*_chosen(population, found)).group_by(*keys, found.c.customer_id)
    each = by_customer.subquery("each")
    counts = [func.count().filter(each.c[name] > 0) for name in DID]
    counts.append(func.count().filter(each.c.form_started > 0, each.c.answered == 0))
    return select(each.c.node, each.c.channel, each.c.arm, *counts).group_by(each.c.node, each.c.channel, each.c.arm)


def _chosen(population: Population, found: FromClause) -> Iterator[ColumnElement[bool]]:
    """Only what customers of this population did, when it is not all of the campaign."""
    if population.restricted:
        yield found.c.customer_id.in_(of_campaign(population, select(population.members.c.customer_id)))


def _reactions_of(counts: list[int]) -> Reactions:
    return Reactions(**dict(zip((*DID, "form_abandoned"), counts, strict=True)))
