"""Which page a recipient sees: its variant, which a person keeps from the first look on, and what is told to their segment."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import and_, bindparam, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from customers.tables import table_of
from engine.header import PAGE_SEGMENT
from engine.tables import Exposure, Member, OutboxMessage
from engine.visit import drawn_arms
from landing.looks import Ask, Question
from landing.page import Page
from landing.page_files import PageShelf, compared_as
from landing.recipients import Recipient
from store.columns import Instant

_EXPOSURE, _MEMBER, _MESSAGE = table_of(Exposure), table_of(Member), table_of(OutboxMessage)
_MINE = _MEMBER.alias("mine")
# Of a customer who came in more than once the first assignment stands, as in every report.
_ENTRIES = and_(_MEMBER.c.customer_id == _MINE.c.customer_id, _MEMBER.c.campaign_id == _MINE.c.campaign_id)
_OF_PAGE = and_(_EXPOSURE.c.member_id == _MEMBER.c.id, _EXPOSURE.c.node == bindparam("page"))
_ASSIGNED = Question(
    select(_EXPOSURE.c.arm, _MEMBER.c.id)
    .select_from(_MINE.join(_MEMBER, _ENTRIES).join(_EXPOSURE, _OF_PAGE))
    .where(_MINE.c.id == bindparam("member"))
    .order_by(_MEMBER.c.entry)
)
_MERGED = Question(select(_MESSAGE.c.merged).where(_MESSAGE.c.id == bindparam("message")))


@dataclass(frozen=True, slots=True)
class Seen:
    """The page as a recipient sees it, and the recipient with their variant, so that all that is logged names it.

    `is_written`: nothing is to be written down of it, because it has been or because there are no variants.
    """

    page: Page
    recipient: Recipient
    is_written: bool = True


def seen_by(ask: Ask, shelf: PageShelf, recipient: Recipient) -> Seen:
    """What a recipient sees; a page that is the same for all takes no statement, any other one for its variants, one for its segments."""
    page = shelf.page(recipient.header.page)
    segment = _segment(ask, recipient) if page.by_segment else None
    if not page.variants:
        return Seen(page.seen(None, segment), recipient)
    rows = ask(_ASSIGNED, {"member": recipient.member_id, "page": compared_as(recipient.header.page)}).rows
    variant = str(rows[0][0]) if rows else _drawn(page, recipient)
    is_written = any(member_id == recipient.member_id for _, member_id in rows)
    return Seen(page.seen(variant, segment), replace(recipient, page_variant=variant), is_written)


def write_down(session: Session, seen: Seen, at: datetime) -> None:
    """Write down that a person was assigned to the variant that they see; of two at once the first stands."""
    if seen.is_written:
        return
    recipient, member = seen.recipient, _MEMBER.c
    values = {
        "member_id": member.id,
        "node": literal(compared_as(recipient.header.page)),
        "campaign_id": member.campaign_id,
        "customer_id": member.customer_id,
        "version": literal(recipient.version),
        "arm": literal(recipient.page_variant),
        "at": literal(at, Instant),
    }
    chosen = select(*[value.label(name) for name, value in values.items()]).where(member.id == recipient.member_id)
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    session.connection().execute(dialect.insert(_EXPOSURE).from_select(list(values), chosen).on_conflict_do_nothing())


def _drawn(page: Page, recipient: Recipient) -> str:
    # Drawn as at a node of a flow, so that a report compares both in the same way.
    customer_ids = np.array([recipient.customer_id], np.int64)
    return list(page.shares)[int(drawn_arms(recipient.campaign, compared_as(recipient.header.page), page.shares, customer_ids)[0])]


def _segment(ask: Ask, recipient: Recipient) -> str | None:
    """The segment that was settled when the message was composed."""
    rows = ask(_MERGED, {"message": recipient.message_id}).rows
    merged = json.loads(rows[0][0]) if rows and rows[0][0] else {}
    segment = merged.get(PAGE_SEGMENT)
    return segment if isinstance(segment, str) else None
