"""Who came into a campaign, what they were assigned to and their messages, copied for one report: most statements ask for them.

The copies are temporary tables of the report's own transaction, narrow and in the order in which they are read. They hold all rows of the
campaign, whatever population a statement counts, so that a figure is the same from a copy as from the tables themselves.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Select, String, Table, insert, select, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Session

from customers.tables import table_of
from engine.tables import Exposure, Member, OutboxMessage
from response.progress import progress_of

MEMORY = "128MB"  # that PostgreSQL may sort in, where its standard is 4 MB
_member, _exposure, _outbox = table_of(Member), table_of(Exposure), table_of(OutboxMessage)
_OF_MESSAGE = ("id", "member_id", "customer_id", "queued_at", "units", "cost_millicents", "node", "channel", "arm", "state")
_WORDS = frozenset({"node", "arm", "version", "segment", "channel", "state"})


@cache
def members_of(campaign_id: int) -> Table:
    """The copy of a campaign's members: the columns of `member` that measuring asks for."""
    names = ("customer_id", "version_id", "entry", "entered_at", "segment")
    columns = [_key("id"), *map(_column, names), _first("id")]
    return _indexed(Table(f"members_of_{campaign_id}", MetaData(), *columns, prefixes=["TEMPORARY"]), "id", "customer_id")


@cache
def assigned_in(campaign_id: int) -> Table:
    """The copy of a campaign's assignments, each with its member: arm by arm, so that SQLite counts an arm without sorting."""
    names = ("node", "arm", "member_id", "version", "customer_id", "version_id", "entered_at", "segment", "assigned_at")
    columns = [*map(_column, names), _first("node", "arm", "member_id")]
    table = Table(f"assigned_in_{campaign_id}", MetaData(), *columns, prefixes=["TEMPORARY"], sqlite_with_rowid=False)
    return _indexed(table, "member_id")


@cache
def messages_of(campaign_id: int) -> Table:
    """The copy of the messages to a campaign's members, without what was written; `progress` as response/progress.py has it."""
    columns = [_key("id"), *map(_column, _OF_MESSAGE[1:]), Column("progress", Integer), _first("id")]
    return _indexed(Table(f"messages_of_{campaign_id}", MetaData(), *columns, prefixes=["TEMPORARY"]), "id", "member_id")


def copy(session: Session, campaign_id: int) -> None:
    """Make all copies anew. They are gone at the latest when the connection is closed; `forget` removes them before."""
    forget(session, campaign_id)
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(text(f"SET LOCAL work_mem = '{MEMORY}'"))
    for table, rows in _copies(campaign_id):
        fill(session, table, rows)


def fill(session: Session, table: Table, rows: Select[Any]) -> None:
    """Make a temporary table with these rows, their columns named as the table's.

    SQLite gets them in the order of its key. PostgreSQL keeps no order, and gets an index of the key when all rows are in.
    """
    connection = session.connection()
    connection.execute(CreateTable(table))
    ordered = connection.dialect.name == "sqlite"
    selected = rows if ordered else rows.order_by(None)
    connection.execute(insert(table).from_select([column.name for column in rows.selected_columns], selected))
    for index in table.indexes:
        if not (ordered and set(index.columns) == set(table.primary_key.columns)):
            connection.execute(CreateIndex(index))
    if not ordered:
        # A temporary table has no statistics of its own accord, and a planner without them expects a handful of rows.
        connection.execute(text(f"ANALYZE {table.name}"))


def forget(session: Session, campaign_id: int) -> None:
    """Remove the copies, if there are any."""
    for table, _ in _copies(campaign_id):
        session.connection().execute(text(f"DROP TABLE IF EXISTS {table.name}"))


def _copies(campaign_id: int) -> Iterator[tuple[Table, Select[Any]]]:
    """Each copy with its rows. Those further on are made with the help of the first."""
    yield members_of(campaign_id), _members(campaign_id)
    yield assigned_in(campaign_id), _assigned(campaign_id)
    yield messages_of(campaign_id), _messages(campaign_id)


def _members(campaign_id: int) -> Select[Any]:
    names = ("id", "customer_id", "version_id", "entry", "entered_at", "segment")
    return select(*(_member.c[name] for name in names)).where(_member.c.campaign_id == campaign_id).order_by(_member.c.id)


def _assigned(campaign_id: int) -> Select[Any]:
    members = members_of(campaign_id)
    written = [_exposure.c[name] for name in ("node", "member_id", "arm", "version", "customer_id")]
    columns = (*written, *(members.c[name] for name in ("version_id", "entered_at", "segment")), _exposure.c.at.label("assigned_at"))
    joined = _exposure.join(members, members.c.id == _exposure.c.member_id)
    mine = select(*columns).select_from(joined).where(_exposure.c.campaign_id == campaign_id)
    return mine.order_by(_exposure.c.node, _exposure.c.arm, _exposure.c.member_id)


def _messages(campaign_id: int) -> Select[Any]:
    joined = _outbox.join(members := members_of(campaign_id), members.c.id == _outbox.c.member_id)
    return select(*(_outbox.c[name] for name in _OF_MESSAGE), progress_of(_outbox).label("progress")).select_from(joined)


def _key(name: str) -> Column[Any]:
    # SQLite keeps the rows in the order of a key that is spelled INTEGER.
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), autoincrement=False)


def _first(*names: str) -> PrimaryKeyConstraint:
    """The order in which SQLite keeps the rows. PostgreSQL keeps none, and would look for the place of each row in vain."""
    return PrimaryKeyConstraint(*names).ddl_if(dialect="sqlite")


def _column(name: str) -> Column[Any]:
    return Column(name, String if name in _WORDS else BigInteger)


def _indexed(table: Table, *names: str) -> Table:
    """By what it is asked for; made when the rows are in."""
    for name in names:
        Index(f"{table.name}_by_{name}", table.c[name])
    return table
