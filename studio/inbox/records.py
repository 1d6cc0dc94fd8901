"""The mails that the inbox took, in a database of their own: one can be thrown away without the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Column, Engine, Index, Integer, LargeBinary, MetaData, Row, Select, Table, Text, func, or_, select
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from store.bulk import insert_rows
from store.clock import to_micros
from store.columns import Instant
from store.session import open_database, reading, writing

PAGE = 50

Known = Mapping[str, Sequence[str]]
Query = TypeVar("Query", bound=Select[Any])

_METADATA = MetaData()
MAIL = Table(
    "mail",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("sent_at", Instant),  # the Date header: the campaign's clock, which may be a virtual one
    Column("key", Text),
    Column("campaign", Text),
    Column("node", Text),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    # serves: which keys came more than once
    Index("mail_key", "key"),
)
_COLUMNS = ("received_at", "sent_at", "key", "campaign", "node", "sender", "recipient", "subject", "size", "raw")
_SUMMARY = [column for column in MAIL.columns if column.name != "raw"]
# serves: the list and its search, which read this instead of the mails: at 15 kB a mail a hundredth of the pages
_LIST = Index("mail_list", *_SUMMARY)
_BY_LIST = "INDEXED BY mail_list"  # by its own estimate SQLite reads the mails


@dataclass(frozen=True, slots=True)
class Arrival:
    """One mail as it came in."""

    received_at: datetime
    sent_at: datetime | None
    key: str | None
    campaign: str | None
    node: str | None
    sender: str
    recipient: str
    subject: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the list; `raw` is only there when it was opened."""

    id: int
    received_at: datetime
    sent_at: datetime | None
    key: str | None
    campaign: str | None
    node: str | None
    sender: str
    recipient: str
    subject: str
    size: int
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class InboxRecord:
    """What the server can testify to: every 250 that it ever gave. `duplicates` are keys that came more than once, and how often."""

    mails: int
    keys: int
    duplicates: dict[str, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, newest first, and how many there are in all."""

    mails: Sequence[Mail]
    total: int


def open_records(path: Path) -> Engine:
    """The inbox's database, made when it is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = open_database(f"sqlite:///{path}")
    _METADATA.create_all(database)
    with database.begin() as connection:
        connection.execute(CreateIndex(_LIST, if_not_exists=True))  # an inbox of an earlier version has none
    return database


def keep(database: Engine, arrivals: Iterable[Arrival]) -> None:
    """Write mails down in one transaction. When this returns, a kill -9 does not lose them."""
    with writing(database) as session:
        insert_rows(session, MAIL, _COLUMNS, (_row(arrival) for arrival in arrivals))


def list_mails(session: Session, search: str, page: int, campaign: str = "", known: Known = MappingProxyType({})) -> Listing:
    """A page (from 1) of the mails of a campaign (or all) whose recipient, subject, campaign, node or key has every word of `search`.

    `known`: the message keys that a word stands for besides, such as those of the customer who is called so.
    """
    conditions = [or_(_has(word), MAIL.c.key.in_(known[word])) if known.get(word) else _has(word) for word in search.split()]
    if campaign:
        conditions.append(MAIL.c.campaign == campaign)
    counted = _listed(select(func.count()).select_from(MAIL)).where(*conditions)
    query = _listed(select(*_SUMMARY)).where(*conditions).order_by(MAIL.c.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    return Listing([_mail(row) for row in session.execute(query)], session.execute(counted).scalar_one())


def list_campaigns(session: Session) -> list[str]:
    """The campaigns that sent any mail, by name."""
    query = _listed(select(MAIL.c.campaign)).where(MAIL.c.campaign.is_not(None)).distinct()
    return sorted(session.execute(query).scalars())


def read_mail(session: Session, mail_id: int) -> Mail | None:
    """One mail, with all its bytes."""
    row = session.execute(select(*_SUMMARY, MAIL.c.raw).where(MAIL.c.id == mail_id)).one_or_none()
    return _mail(row) if row else None


def read_record(path: Path) -> InboxRecord:
    """Count what came in, from the server's own record."""
    database = open_records(path)
    try:
        with reading(database) as session:
            mails, keys = session.execute(select(func.count(), func.count(MAIL.c.key.distinct()))).one()
            often = select(MAIL.c.key, func.count()).group_by(MAIL.c.key).having(func.count() > 1, MAIL.c.key.is_not(None))
            return InboxRecord(mails, keys, {row[0]: row[1] for row in session.execute(often)})
    finally:
        database.dispose()


def _listed(query: Query) -> Query:
    return query.with_hint(MAIL, _BY_LIST, "sqlite")


def _has(word: str) -> ColumnElement[bool]:
    columns = (MAIL.c.recipient, MAIL.c.subject, MAIL.c.campaign, MAIL.c.node, MAIL.c.key)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def _mail(row: Row[Any]) -> Mail:
    return Mail(*row)


def _row(arrival: Arrival) -> Sequence[object]:
    return (
        to_micros(arrival.received_at),
        None if arrival.sent_at is None else to_micros(arrival.sent_at),
        arrival.key,
        arrival.campaign,
        arrival.node,
        arrival.sender,
        arrival.recipient,
        arrival.subject,
        len(arrival.raw),
        arrival.raw,
    )
