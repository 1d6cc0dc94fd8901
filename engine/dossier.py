"""What campaigns keep of one customer: messages, the campaigns they are in, the groups they were drawn into, and what they asked for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import FromClause, Row, select
from sqlmodel import Session

from customers.dossier import Section, Telling
from customers.tables import CustomerId, table_of
from engine.reasons import CODES, REASONS, Reason
from engine.tables import Campaign, Exposure, FlowVersion, Member, OutboxMessage, Programme, Request

_MESSAGE = ("id", "channel", "node", "arm", "state", "reason", "queued_at", "settled_at", "address", "code", "answer", "values")


def campaigns(telling: Telling, customer_id: CustomerId) -> dict[str, Any]:
    """Sections by name, as ``customers.dossier.person`` gives them."""
    member, campaign, exposure = table_of(Member), table_of(Campaign), table_of(Exposure)
    ins = _named(member.join(campaign, campaign.c.id == member.c.campaign_id), campaign)
    groups = _named(exposure.join(campaign, campaign.c.id == exposure.c.campaign_id), campaign)
    request, programme = table_of(Request), table_of(Programme)
    return {
        "messages": _messages(telling, customer_id),
        "campaigns": telling.section(ins, ins.c.customer_id == customer_id, ins.c.entered_at, _membership),
        "groups": telling.section(groups, groups.c.customer_id == customer_id, groups.c.at, _group),
        "hold_out_of_all_campaigns": telling.section(
            programme, programme.c.customer_id == customer_id, programme.c.at, lambda row: {"held_out": row.held_out, "at": row.at}
        ),
        "requests": telling.section(request, request.c.customer_id == customer_id, request.c.at, _request),
    }


def addresses_of(session: Session, customer_id: CustomerId) -> set[str]:
    """Every address that a message to this customer went to."""
    outbox = table_of(OutboxMessage).c
    found = session.execute(select(outbox.address).where(outbox.customer_id == customer_id, outbox.address.is_not(None)).distinct())
    return set(found.scalars())


def _messages(telling: Telling, customer_id: CustomerId) -> Section:
    outbox, version = table_of(OutboxMessage), table_of(FlowVersion)
    named = {"values": "merged"}
    columns = [outbox.c[named.get(name, name)].label(name) for name in _MESSAGE]
    sent = select(*columns, outbox.c.customer_id, version.c.campaign).join(version, version.c.id == outbox.c.version_id).subquery("sent")
    return telling.section(sent, sent.c.customer_id == customer_id, sent.c.queued_at, _message)


def _named(joined: FromClause, campaign: Any) -> FromClause:
    """The rows with the campaign's name in place of its number."""
    left = [column for column in joined.c if column.table is not campaign]
    return select(*left, campaign.c.name.label("campaign")).select_from(joined).subquery("named")


def _message(row: Row[Any]) -> Mapping[str, Any]:
    told = {name: value for name, value in row._asdict().items() if name != "customer_id"}
    values = told.pop("values") or {}
    # What was merged into the words; the links are keys to pages, which a document that is passed on should not hold.
    words = {name: value for name, value in values.items() if name != "links"}
    return {**told, "reason": _reason(row.reason), "shown_in_it": words or None}


def _membership(row: Row[Any]) -> Mapping[str, Any]:
    told = {"campaign": row.campaign, "came_in_at": row.entered_at, "is_at": row.node, "group_of_customers": row.segment}
    return {**told, "left_at": row.ended_at, "left_because": _reason(row.ended)}


def _group(row: Row[Any]) -> Mapping[str, Any]:
    return {"campaign": row.campaign, "at": row.at, "node": row.node, "group": row.arm}


def _request(row: Row[Any]) -> Mapping[str, Any]:
    return {"asked": row.kind, "at": row.at, "state": row.state, "carried_out_at": row.settled_at, "given": row.given}


def _reason(code: str | None) -> str | None:
    return REASONS[Reason(code)] if code in CODES else code
