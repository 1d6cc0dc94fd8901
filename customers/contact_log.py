"""The contact log's closed vocabulary, and the one way to write to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlmodel import Session

from customers.tables import Contact, CustomerId, table_of
from store.bulk import insert_rows
from store.clock import to_micros
from store.columns import json_or_none

Direction = Literal["out", "in"]


class Kind(StrEnum):
    """What happened in a contact; each with the sentence that `explain` and the docs show."""

    SENT = "sent"  # the message left: accepted by the next server, printed for the mail house
    SUPPRESSED = "suppressed"  # not sent, for the reason in detail
    FAILED = "failed"  # refused for good
    UNKNOWN = "unknown"  # it may or may not have been sent; never re-sent by itself
    DELAYED = "delayed"  # the receiving side still tries
    DELIVERED = "delivered"  # the provider says it arrived
    BOUNCED = "bounced"  # it came back
    COMPLAINED = "complained"  # the recipient called it spam
    OPENED = "opened"
    CLICKED = "clicked"
    VISITED = "visited"  # a landing page behind a personal link was opened
    FORM_STARTED = "form_started"  # the first page of a form over several was filled in; left unfinished when no `answered` follows
    ANSWERED = "answered"  # a form was submitted; the answers stand in detail
    REPLIED = "replied"  # a person wrote back; the words stand in detail
    AUTO_REPLIED = "auto_replied"  # a machine wrote back: away, or gone
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"
    REDEEMED = "redeemed"  # the voucher of the message was used for a purchase, whose key stands in detail
    GOAL = "goal"  # a goal node was reached
    EVENT = "event"  # something else that was reported; its name stands in detail


WRITTEN_TO = (Kind.SENT, Kind.UNKNOWN)  # what counts as a contact with the customer: it left, or may have left


@dataclass(frozen=True, slots=True)
class Entry:
    """One contact to be logged. Times are aware UTC; `detail` is a small JSON document without personal data."""

    at: datetime
    customer_id: CustomerId
    direction: Direction
    channel: str
    kind: Kind
    campaign: str | None = None
    version: str | None = None
    node: str | None = None
    arm: str | None = None
    message_id: int | None = None
    member_id: int | None = None
    key: str | None = None
    human: bool = True
    detail: Any = None


_COLUMNS = (
    "at",
    "customer_id",
    "direction",
    "channel",
    "kind",
    "campaign",
    "version",
    "node",
    "arm",
    "message_id",
    "member_id",
    "key",
    "human",
    "detail",
)


def log(session: Session, entries: Iterable[Entry]) -> int:
    """Add entries to the contact log in one statement and give their number; a repeated `key` is an IntegrityError."""
    return insert_rows(session, table_of(Contact), _COLUMNS, _rows(entries))


def log_for(session: Session, entry: Entry, people: Iterable[tuple[int, int]]) -> int:
    """Add the same entry for each (customer id, member id) in place of its own, and give their number."""
    row = _row(entry, to_micros(entry.at), json_or_none(entry.detail))
    who, member = _COLUMNS.index("customer_id"), _COLUMNS.index("member_id")
    before, between, after = row[:who], row[who + 1 : member], row[member + 1 :]
    rows = ((*before, customer_id, *between, member_id, *after) for customer_id, member_id in people)
    return insert_rows(session, table_of(Contact), _COLUMNS, rows)


def _rows(entries: Iterable[Entry]) -> Iterator[tuple[Any, ...]]:
    at, detail, micros, document = None, None, 0, None
    for entry in entries:
        # Entries that are logged together mostly share their moment, and often their detail: worked out once.
        if entry.at is not at:
            at, micros = entry.at, to_micros(entry.at)
        if entry.detail is not detail:
            detail, document = entry.detail, json_or_none(entry.detail)
        yield _row(entry, micros, document)


def _row(entry: Entry, micros: int, document: str | None) -> tuple[Any, ...]:
    return (
        micros,
        entry.customer_id,
        entry.direction,
        entry.channel,
        entry.kind.value,
        entry.campaign,
        entry.version,
        entry.node,
        entry.arm,
        entry.message_id,
        entry.member_id,
        entry.key,
        entry.human,
        document,
    )
