"""Stated preferences: what customers said of themselves in forms. Of each question the newest answer counts, whichever form it was in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from customers.tables import CustomerId, StatedPreference, table_of

_STATED = table_of(StatedPreference)


@dataclass(frozen=True, slots=True)
class Statement:
    """One answer: the question's short name, the question as it was shown, and the answer as conditions see it."""

    name: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who said something, when (aware UTC), and on the form of which campaign's message."""

    customer_id: CustomerId
    at: datetime
    campaign: str
    message_id: int


def state(session: Session, occasion: Occasion, statements: Sequence[Statement]) -> None:
    """Keep what a customer said on one form, unless something newer is known. Two statements.

    What the same form's last answer said and this one leaves out is taken back.
    """
    connection, said = session.connection(), _STATED.c
    of_form = (said.customer_id == occasion.customer_id, said.message_id == occasion.message_id, said.at <= occasion.at)
    connection.execute(delete(_STATED).where(*of_form, said.name.not_in([each.name for each in statements])))
    if not statements:
        return
    about = {"customer_id": occasion.customer_id, "at": occasion.at, "campaign": occasion.campaign, "message_id": occasion.message_id}
    rows = [{**about, "name": each.name, "question": each.question, "answer": each.answer} for each in statements]
    fresh = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(_STATED).values(rows)
    kept = {name: fresh.excluded[name] for name in ("question", "answer", "at", "campaign", "message_id")}
    connection.execute(fresh.on_conflict_do_update(index_elements=["customer_id", "name"], set_=kept, where=fresh.excluded.at >= said.at))


def stated_by(session: Session, customer_id: CustomerId) -> list[StatedPreference]:
    """All that one customer said last, by the question's name."""
    rows = session.connection().execute(select(_STATED).where(_STATED.c.customer_id == customer_id).order_by(_STATED.c.name)).mappings()
    return [StatedPreference(**row) for row in rows]


def answers_of(session: Session, campaign: str, names: Iterable[str]) -> Mapping[str, Mapping[str, int]]:
    """How many customers gave which answer to these questions in a campaign, by question and answer. One statement."""
    of_campaign = (_STATED.c.campaign == campaign, _STATED.c.name.in_(list(names)))
    counted = select(_STATED.c.name, _STATED.c.answer, func.count()).where(*of_campaign).group_by(_STATED.c.name, _STATED.c.answer)
    found: dict[str, dict[str, int]] = {}
    for name, answer, count in session.connection().execute(counted):
        found.setdefault(name, {})[answer] = count
    return found
