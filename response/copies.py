"""Who came into a campaign and what they were assigned to, copied for one report: a report asks for it in every statement.

The copies are temporary tables of the report's own transaction, narrow and in the order in which they are read. They hold all rows of the
campaign, whatever population a statement counts, so that a figure is the same from a copy as from the tables themselves.
"""

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Select, String, Table, insert, select, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import Session

from customers.tables import table_of
from engine.tables import Exposure, Member

MEMORY = "128MB"  # that PostgreSQL may sort in, where its standard is 4 MB
_member, _exposure = table_of(Member), table_of(Exposure)


@cache
def members_of(campaign_id: int) -> Table:
    """The copy of a campaign's members: the columns of `member` that measuring asks for."""
    columns = [Column(name, BigInteger) for name in ("customer_id", "version_id", "entry", "entered_at")]
    key = Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
    name = f"members_of_{campaign_id}"
    copy = Table(name, MetaData(), key, *columns, Column("segment", String), prefixes=["TEMPORARY"])
    Index(f"{name}_by_customer", copy.c.customer_id)
    return copy


@cache
def assigned_in(campaign_id: int) -> Table:
    """The copy of a campaign's assignments, each with its member."""
    keys: list[Column[Any]] = [
        Column("node", String, primary_key=True),
        Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    ]
    words = [Column(name, String) for name in ("arm", "version", "segment")]
    numbers = [Column(name, BigInteger) for name in ("customer_id", "version_id", "entered_at", "assigned_at")]
    return Table(f"assigned_in_{campaign_id}", MetaData(), *keys, *words, *numbers, prefixes=["TEMPORARY"], sqlite_with_rowid=False)


def copy(session: Session, campaign_id: int) -> None:
    """Make both copies anew. They are gone at the latest when the connection is closed; `forget` removes them before."""
    connection, members, assigned = session.connection(), members_of(campaign_id), assigned_in(campaign_id)
    forget(session, campaign_id)
    on_postgresql = connection.dialect.name == "postgresql"
    if on_postgresql:
        connection.execute(text(f"SET LOCAL work_mem = '{MEMORY}'"))
    for table, rows in ((members, _members(campaign_id)), (assigned, _assigned(campaign_id))):
        connection.execute(CreateTable(table))
        connection.execute(insert(table).from_select([column.name for column in rows.selected_columns], rows))
        for index in table.indexes:
            connection.execute(CreateIndex(index))
        if on_postgresql:
            connection.execute(text(f"ANALYZE {table.name}"))


def forget(session: Session, campaign_id: int) -> None:
    """Remove the copies, if there are any."""
    for table in (members_of(campaign_id), assigned_in(campaign_id)):
        session.connection().execute(text(f"DROP TABLE IF EXISTS {table.name}"))


def _members(campaign_id: int) -> Select[tuple[object, ...]]:
    names = ("id", "customer_id", "version_id", "entry", "entered_at", "segment")
    return select(*(_member.c[name] for name in names)).where(_member.c.campaign_id == campaign_id).order_by(_member.c.id)


def _assigned(campaign_id: int) -> Select[tuple[object, ...]]:
    members = members_of(campaign_id)
    written = [_exposure.c[name] for name in ("node", "member_id", "arm", "version", "customer_id")]
    columns = (*written, *(members.c[name] for name in ("version_id", "entered_at", "segment")), _exposure.c.at.label("assigned_at"))
    joined = _exposure.join(members, members.c.id == _exposure.c.member_id)
    mine = select(*columns).select_from(joined).where(_exposure.c.campaign_id == campaign_id)
    return mine.order_by(_exposure.c.node, _exposure.c.member_id)
