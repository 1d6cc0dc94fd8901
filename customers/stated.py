"""Stated preferences: what customers said of themselves in forms. Of each question the newest answer counts, whichever form it was in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select
from sqlmodel import Session

from customers.tables import CustomerId, StatedPreference, table_of
from store.clock import to_micros

_STATED = table_of(StatedPreference)
# Built once: a visitor waits for them, and SQLAlchemy takes longer to put them together than the database to carry them out. In plain
# SQL, which both databases understand, because SQLAlchemy puts "on conflict" together anew each time.
_COLUMNS = ("customer_id", "name", "question", "answer", "at", "campaign", "message_id")
_KEPT = (
    f"INSERT INTO {_STATED.name} ({', '.join(_COLUMNS)}) VALUES ({{marks}}) ON CONFLICT (customer_id, name) DO UPDATE SET "  # noqa: S608 - our own names
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[2:])
    + f" WHERE excluded.at >= {_STATED.name}.at"
)
_TAKEN_BACK = delete(_STATED).where(
    _STATED.c.customer_id == bindparam("customer"),
    _STATED.c.message_id == bindparam("message"),
    _STATED.c.at <= bindparam("now"),
    _STATED.c.name.not_in(bindparam("names", expanding=True)),
)


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
    take_back(session, occasion, statements)
    keep_said(session, [(occasion, statements)])


def take_back(session: Session, occasion: Occasion, statements: Sequence[Statement]) -> None:
    """Take back what the same form's last answer said and this one leaves out."""
    form = {"customer": occasion.customer_id, "message": occasion.message_id, "now": occasion.at}
    session.connection().execute(_TAKEN_BACK, {**form, "names": [each.name for each in statements]})


def keep_said(session: Session, said: Iterable[tuple[Occasion, Sequence[Statement]]]) -> None:
    """Keep what customers said, each on one form, unless something newer is known; one statement for any number."""
    rows = [
        (occasion.customer_id, each.name, each.question, each.answer, to_micros(occasion.at), occasion.campaign, occasion.message_id)
        for occasion, statements in said
        for each in statements
    ]
    if rows:
        connection = session.connection()
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(_KEPT.format(marks=", ".join([mark] * len(_COLUMNS))), rows)


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
