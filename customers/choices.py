"""What customers chose about how to be written to: topics, a pause, and how often. Dated rows, of which the newest counts.

These are wishes beside consent: a pause and a rhythm hold messages back that consent would let through, and allow nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, func, select, type_coerce
from sqlmodel import Session

from customers.contact_log import WRITTEN_TO
from customers.tables import Choice, Contact, CustomerId, table_of
from store.bulk import Ids, among, insert_rows
from store.clock import to_micros
from store.columns import json_or_none

FREELY = 0  # as a rhythm: no limit. As a pause: it is over


class ChoiceKind(StrEnum):
    """What a choice is of, and what its value means."""

    TOPIC = "topic"  # about a topic: 1 wants to read of it, 0 does not
    PAUSE = "pause"  # about a purpose: no message until this moment, in microseconds since 1970; 0 ends a pause
    RHYTHM = "rhythm"  # about a purpose: at most one message in so many days; 0 is without a limit


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice, by its kind and subject."""

    kind: ChoiceKind
    about: str
    value: int


def record_choices(session: Session, customer_id: CustomerId, choices: Sequence[Chosen], at: datetime, evidence: Any) -> int:
    """Write choices down as made at this moment, and give their number. `evidence` says where, without personal data."""
    document, moment = json_or_none(evidence), to_micros(at)
    rows = ((customer_id, each.kind.value, each.about, each.value, moment, document) for each in choices)
    return insert_rows(session, table_of(Choice), ("customer_id", "kind", "about", "value", "at", "evidence"), rows)


def choices_of(session: Session, customer_id: CustomerId) -> Mapping[tuple[ChoiceKind, str], int]:
    """What stands for one customer, by kind and subject; one statement."""
    choice = table_of(Choice).c
    asked = select(choice.kind, choice.about, choice.value).where(choice.customer_id == customer_id).order_by(choice.at, choice.id)
    return {(ChoiceKind(kind), about): value for kind, about, value in session.execute(asked)}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What customers, in the order asked, wish for one purpose: whether they pause now, and one message in how many days (0: any)."""

    paused: NDArray[np.bool_]
    rhythm_days: NDArray[np.int64]


def wishes_of(session: Session, customer_ids: Ids, purpose: str, now: datetime) -> Wishes:
    """The wishes that stand for this purpose; one statement."""
    choice = table_of(Choice).c
    kinds = (ChoiceKind.PAUSE.value, ChoiceKind.RHYTHM.value)
    asked = select(choice.customer_id, choice.kind, choice.value).where(among(session, choice.customer_id, customer_ids))
    asked = asked.where(choice.about == purpose, choice.kind.in_(kinds)).order_by(choice.at, choice.id)
    newest = {(customer_id, kind): value for customer_id, kind, value in session.execute(asked)}
    until = [newest.get((customer_id, ChoiceKind.PAUSE), FREELY) for customer_id in customer_ids.tolist()]
    days = [newest.get((customer_id, ChoiceKind.RHYTHM), FREELY) for customer_id in customer_ids.tolist()]
    return Wishes(np.array(until, np.int64) > to_micros(now), np.array(days, np.int64))


def written_too_lately(
    session: Session, customer_ids: Ids, rhythm_days: NDArray[np.int64], campaigns: Collection[str], zone: ZoneInfo, now: datetime
) -> NDArray[np.bool_]:
    """Whether one of these campaigns wrote to each customer within their rhythm, in days of the calendar; one statement.

    Days, not hours: a weekly campaign that leaves a second earlier than last week does not skip a week.
    """
    contact = table_of(Contact).c
    newest = func.max(type_coerce(contact.at, BigInteger))
    longest = _days_ago(int(rhythm_days.max()), zone, now)
    asked = select(contact.customer_id, newest).where(among(session, contact.customer_id, customer_ids), contact.at >= longest)
    asked = asked.where(contact.direction == "out", contact.kind.in_([kind.value for kind in WRITTEN_TO]), contact.campaign.in_(campaigns))
    found: dict[int, int] = dict(session.execute(asked.group_by(contact.customer_id)).tuples().all())
    written_at = np.array([found.get(customer_id, -1) for customer_id in customer_ids.tolist()], np.int64)
    since = {days: to_micros(_days_ago(days, zone, now)) for days in set(rhythm_days.tolist())}
    return written_at >= np.array([since[days] for days in rhythm_days.tolist()], np.int64)


def _days_ago(days: int, zone: ZoneInfo, now: datetime) -> datetime:
    """When the day began from which on a message counts: with one in 7 days, 6 days before today."""
    day = now.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime.combine(day, time(), zone)
