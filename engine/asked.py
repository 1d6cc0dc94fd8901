"""What people ask for on pages: the pages write it down, contactflow/requesting.py carries it out, and members come in by it.

::

    asked on a page -> open -> done      a member of a campaign that has a node `request`, or a change of what is kept
                        |----> refused   nothing could be made of it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from sqlalchemy import func, insert, null, select, update
from sqlmodel import Session

from customers.consent import Unreachable, suppressed_among
from customers.segments import segment_of
from customers.tables import Customer, CustomerId, table_of
from engine.campaigns import open_versions
from engine.header import header_of
from engine.interventions import Deed, halt_of
from engine.leaving import take_out
from engine.nodes.request import Asked, request_node
from engine.reasons import Reason
from engine.running import Running
from engine.tables import Campaign, FlowVersion, Member, Request
from engine.workspace import Workspace
from store.bulk import insert_new

_REQUEST, _MEMBER = table_of(Request), table_of(Member)


class RequestKind(StrEnum):
    """What can be asked for on a page; contactflow/requesting.py has who carries out each."""

    JOIN = "join"  # to come into a campaign, by the address that was filled in
    MY_DATA = "my_data"  # to see all that is kept
    CORRECT = "correct"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for, as a page writes it down. Of one `key` there is one request, however often it is asked."""

    key: str
    kind: RequestKind
    at: datetime
    campaign: str | None = None
    customer_id: CustomerId | None = None
    message_id: int | None = None
    given: Any = None  # what was filled in: a JSON document, which only the engine reads


@dataclass(frozen=True, slots=True)
class OpenRequest(Wanted):
    """A request that is held to be carried out, in the session's transaction."""

    id: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. `given` is what is still to be kept of what was filled in, `document` what the pages may show of it."""

    state: Literal["done", "refused", "open"] = "done"
    customer_id: CustomerId | None = None
    member_id: int | None = None
    given: Any = None
    document: Any = None


REFUSED = Outcome("refused")
LATER = Outcome("open")  # nothing is changed; it is looked at again


def ask(session: Session, wanted: Wanted) -> None:
    """Write a request down, unless it is there; the first of a key stands."""
    names = ("key", "at", "campaign", "customer_id", "message_id", "given")
    insert_new(session, _REQUEST, {"kind": wanted.kind.value, "state": "open", **{name: getattr(wanted, name) for name in names}})


def open_requests(session: Session) -> Sequence[int]:
    """The numbers of what is still to be carried out, the oldest first."""
    return session.connection().execute(select(_REQUEST.c.id).where(_REQUEST.c.state == "open").order_by(_REQUEST.c.id)).scalars().all()


def hold_request(session: Session, request_id: int) -> OpenRequest | None:
    """An open request, locked until the end of the transaction; None when somebody else has it or has carried it out."""
    names = ("id", "key", "kind", "at", "campaign", "customer_id", "message_id", "given")
    query = select(*(_REQUEST.c[name] for name in names)).where(_REQUEST.c.id == request_id, _REQUEST.c.state == "open")
    row = session.connection().execute(query.with_for_update(skip_locked=True)).mappings().one_or_none()
    return None if row is None else OpenRequest(**{**row, "kind": RequestKind(row["kind"])})


def settle(session: Session, request_id: int, outcome: Outcome, now: datetime) -> None:
    """Write down what became of a request; what was filled in goes with it, unless the outcome keeps some of it."""
    if outcome.state == "open":
        return
    values: dict[str, Any] = {"state": outcome.state, "settled_at": now, "member_id": outcome.member_id, "given": outcome.given}
    if outcome.customer_id is not None:
        values["customer_id"] = outcome.customer_id
    if outcome.document is not None:
        values["document"] = outcome.document
    session.connection().execute(update(_REQUEST).where(_REQUEST.c.id == request_id).values(values))


def refuse(session: Session, request_id: int, now: datetime) -> bool:
    """Refuse an open request unread, for what stands in it may be past reading; False when it is open no more."""
    unread = update(_REQUEST).where(_REQUEST.c.id == request_id, _REQUEST.c.state == "open")
    refused = session.connection().execute(unread.values(state=REFUSED.state, settled_at=now, given=null()))
    return refused.rowcount == 1


def offered(session: Session, asked: Asked) -> Mapping[str, str | None]:
    """The campaigns that have been started and let in who asks this, by name, with the page file of the form."""
    campaign, version = table_of(Campaign).c, table_of(FlowVersion).c
    rows = session.connection().execute(select(campaign.name, version.source).where(version.id == campaign.version_id)).all()
    headers = {row.name: header_of(row.source, row.name) for row in rows}
    return {name: dict(header.asked)[asked] for name, header in headers.items() if asked in dict(header.asked)}


def campaign_for(session: Session, workspace: Workspace, asked: Asked, name: str | None = None) -> Running | None:
    """The campaign (of this name) whose current version lets in who asks this; None when there is none."""
    found = sorted(each for each in offered(session, asked) if name in (None, each))
    return open_versions(workspace, found[0])[0] if found else None


def is_paused(session: Session, running: Running) -> bool:
    """Whether a person has paused the campaign, so that what is asked of it waits."""
    halted = halt_of(session, running.campaign_id)
    return halted is not None and halted.deed is Deed.PAUSED


def come_in(session: Session, running: Running, asked: Asked, customer_id: CustomerId, now: datetime) -> int | None:
    """Make a member at the node of the campaign that lets in who asks this, due now, and give its number.

    Who is in by an earlier request leaves it; while the answer to that is still under way, its member is given, and nobody comes in
    anew. None when the campaign has no such node, or was stopped.
    """
    node = request_node(running.graph.nodes, asked)
    if node is None or halt_of(session, running.campaign_id):
        return None
    customer = table_of(Customer).c
    # Two requests of one customer go one after the other; SQLite has one writer anyway.
    session.connection().execute(select(customer.id).where(customer.id == customer_id).with_for_update(key_share=True))
    inside = _inside(session, running, customer_id)
    # Nothing is due while a message waits to be sent or is on the wire; at the first node nobody has stepped them yet.
    if inside is not None and (inside.due_at is None or inside.node == node.id):
        return int(inside.id)
    if inside is not None:
        take_out(session, [(inside.id, inside.hop, inside.node)], Reason.ASKED_AGAIN, now)
    return _enter(session, running, node.id, customer_id, now)


def refused_answers(session: Session, channel: str, addresses: Sequence[str | None]) -> list[Unreachable | None]:
    """Why what was asked for is not sent to these addresses: only that one is not to be used any more."""
    suppressed = suppressed_among(session, channel, [address for address in addresses if address is not None])
    return ["suppressed_address" if address in suppressed else None for address in addresses]


def _inside(session: Session, running: Running, customer_id: CustomerId) -> Any:
    mine = (_MEMBER.c.campaign_id == running.campaign_id, _MEMBER.c.customer_id == customer_id, _MEMBER.c.ended.is_(None))
    names = ("id", "hop", "node", "due_at")
    query = select(*(_MEMBER.c[name] for name in names)).where(*mine).order_by(_MEMBER.c.id.desc()).limit(1)
    return session.connection().execute(query.with_for_update()).one_or_none()


def _enter(session: Session, running: Running, node_id: str, customer_id: CustomerId, now: datetime) -> int:
    ids = np.array([customer_id], np.int64)
    mine = (_MEMBER.c.campaign_id == running.campaign_id, _MEMBER.c.customer_id == customer_id)
    before = session.connection().execute(select(func.coalesce(func.max(_MEMBER.c.entry), 0)).where(*mine)).scalar_one()
    values = {
        "campaign_id": running.campaign_id,
        "version_id": running.version_id,
        "customer_id": customer_id,
        "entry": before + 1,
        "entered_at": now,
        "node": node_id,
        "arrived_at": now,
        "due_at": now,
        "hop": 0,
        "fresh": True,
        "segment": segment_of(session, ids, running.workspace.segments, running.known(now))[0],
    }
    return int(session.connection().execute(insert(_MEMBER).values(values).returning(_MEMBER.c.id)).scalar_one())
