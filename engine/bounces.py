"""When an address is given up: at once when it is no good, and after five messages in a row that did not arrive.

A row ends with a message that did arrive: one that the receiving side confirmed, or that something was done with, or (most mail
servers confirm nothing) one of which nothing came back in the time that servers go on trying.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlmodel import Session

from customers.consent import suppress
from customers.contact_log import Kind
from customers.tables import Contact, table_of
from engine.tables import OutboxMessage
from store.bulk import Ids, among

IN_A_ROW = 5
STILL_TRYING = timedelta(days=5)  # RFC 5321, 4.5.4.1: the give-up time is generally 4 to 5 days
_ARRIVED = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.VISITED, Kind.ANSWERED, Kind.REPLIED, Kind.AUTO_REPLIED})
_LEFT = frozenset({Kind.SENT, Kind.UNKNOWN})
_BY_MACHINES_TOO = (Kind.OPENED, Kind.CLICKED)  # a filter looks at mail that it then turns away


@dataclass(frozen=True, slots=True)
class Touch:
    """A line of the contact log about one message."""

    message_id: int
    kind: Kind
    at: datetime


def returned_in_a_row(touches: Iterable[Touch]) -> int:
    """How many of the last messages to one address came back, without one that arrived in between."""
    messages: dict[int, list[Touch]] = {}
    for touch in sorted(touches, key=lambda each: each.at):
        messages.setdefault(touch.message_id, []).append(touch)
    newest = max((each.at for story in messages.values() for each in story if each.kind is Kind.BOUNCED), default=None)
    count = 0
    for story in reversed(messages.values()):
        kinds = {each.kind for each in story}
        if Kind.BOUNCED in kinds:
            count += 1
        elif newest and (kinds & _ARRIVED or (kinds & _LEFT and story[0].at <= newest - STILL_TRYING)):
            break
    return count


def suppress_unreachable(session: Session, channel: str, customer_ids: Ids, now: datetime) -> int:
    """Suppress the addresses of these customers to which five messages in a row did not arrive, and give their number.

    Two statements for any number of customers. Only addresses that a message went to are judged.
    """
    given_up = [address for address, touches in _stories(session, channel, customer_ids) if returned_in_a_row(touches) >= IN_A_ROW]
    suppress(session, channel, dict.fromkeys(given_up, f"{IN_A_ROW} messages in a row came back"), now)
    return len(given_up)


def _stories(session: Session, channel: str, customer_ids: Ids) -> Iterator[tuple[str, Sequence[Touch]]]:
    contact, outbox = table_of(Contact).c, table_of(OutboxMessage).c
    told = [kind.value for kind in (*_ARRIVED, *_LEFT, Kind.BOUNCED)]
    theirs = (among(session, contact.customer_id, customer_ids), contact.kind.in_(told))
    by_people = or_(contact.human, contact.kind.not_in([kind.value for kind in _BY_MACHINES_TOO]))
    query = select(outbox.address, contact.message_id, contact.kind, contact.at)
    query = query.join(table_of(OutboxMessage), outbox.id == contact.message_id).where(*theirs, by_people, outbox.channel == channel)
    stories: dict[str, list[Touch]] = {}
    for address, message_id, kind, at in session.execute(query.where(outbox.address.is_not(None))):
        stories.setdefault(address, []).append(Touch(message_id, Kind(kind), at))
    yield from stories.items()
