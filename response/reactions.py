"""What came back on each message: what a customer did at all, from one pass over the campaign's part of the log."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    MetaData,
    Select,
    String,
    Table,
    and_,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from response.copies import fill
from response.population import Population, micros, version

contact = table_of(Contact)

# What is told apart in the log, each with its bit; None: whoever did it.
_SORTS: tuple[tuple[Kind, bool | None], ...] = (
    (Kind.DELIVERED, None),
    (Kind.BOUNCED, None),
    (Kind.COMPLAINED, None),
    (Kind.OPENED, True),
    (Kind.OPENED, False),
    (Kind.CLICKED, True),
    (Kind.CLICKED, False),
    (Kind.VISITED, True),
    (Kind.ANSWERED, True),
    (Kind.REPLIED, True),
    (Kind.OPTED_OUT, None),
    (Kind.REDEEMED, None),
    (Kind.FORM_STARTED, None),
)
_BITS = {sort: 1 << place for place, sort in enumerate(_SORTS)}
# The columns of Reactions. Images are often blocked: who clicked has opened. A mail back is an answer as much as a form is.
DID: dict[str, int] = {
    "delivered": _BITS[Kind.DELIVERED, None],
    "bounced": _BITS[Kind.BOUNCED, None],
    "complained": _BITS[Kind.COMPLAINED, None],
    "opened": _BITS[Kind.OPENED, True] | _BITS[Kind.CLICKED, True],
    "opened_by_machine": _BITS[Kind.OPENED, False],
    "clicked": _BITS[Kind.CLICKED, True],
    "clicked_by_machine": _BITS[Kind.CLICKED, False],
    "visited": _BITS[Kind.VISITED, True],
    "answered": _BITS[Kind.ANSWERED, True] | _BITS[Kind.REPLIED, True],
    "opted_out": _BITS[Kind.OPTED_OUT, None],
    "redeemed": _BITS[Kind.REDEEMED, None],
    "form_started": _BITS[Kind.FORM_STARTED, None],
}


def reactions_to(population: Population) -> FromClause:
    """A row for each message and customer: member_id, customer_id, node, channel, arm, and `did`, the bits of DID.

    A reaction that names no message of ours has no node, arm and member. Of some versions only, what happened under those counts.
    """
    return _copy(_name(population)) if population.copied else _found(population).subquery("reactions")


def did(found: ColumnElement[int], name: str) -> ColumnElement[int]:
    """Not 0 where it was done."""
    return found.op("&", precedence=6)(literal_column(str(DID[name]), BigInteger))


def copy_reactions(session: Session, population: Population) -> None:
    """Copy them for a population, and for all others of the same versions and moment."""
    forget_reactions(session, population)
    fill(session, _copy(_name(population)), _found(population))


def forget_reactions(session: Session, population: Population) -> None:
    """Remove the copy, if there is one."""
    session.connection().execute(text(f"DROP TABLE IF EXISTS {_name(population)}"))


def _name(population: Population) -> str:
    return "_".join(str(each) for each in ("reactions_in", population.campaign_id, population.as_of, *(population.versions or ())))


@lru_cache(maxsize=1024)
def _copy(name: str) -> Table:
    columns: list[Column[Any]] = [Column(each, BigInteger) for each in ("member_id", "customer_id")]
    words = [Column(each, String) for each in ("node", "channel", "arm")]
    return Table(name, MetaData(), *columns, Column("did", BigInteger), *words, prefixes=["TEMPORARY"])


def _found(population: Population) -> Select[Any]:
    """By message and customer, in numbers alone; what is known of the message is put beside it afterwards."""
    kinds = [_once(population, *sort) for sort in _SORTS]
    each = union_all(*kinds, *(_once(population, *sort, loose=True) for sort in _SORTS)).subquery("each")
    keys = (each.c.message_id, each.c.customer_id, each.c.loose)
    grouped = select(*keys, func.sum(each.c.bit).label("did")).group_by(*keys).subquery("grouped")
    about = population.messages
    channel = func.coalesce(about.c.channel, grouped.c.loose, _logged(grouped)).label("channel")
    joined = grouped.outerjoin(about, about.c.id == grouped.c.message_id)
    return select(grouped.c.customer_id, grouped.c.did, about.c.member_id, about.c.node, channel, about.c.arm).select_from(joined)


def _once(population: Population, kind: Kind, human: bool | None, loose: bool = False) -> Select[Any]:
    """Each customer and message with such a contact, once, in the order of the log's index. `loose`: without a message, by channel."""
    ours = [contact.c.campaign == population.campaign, contact.c.kind == kind.value, micros(contact.c.at) <= population.as_of]
    ours += [] if human is None else [contact.c.human.is_(human)]
    ours += [contact.c.message_id.is_(None) if loose else contact.c.message_id.is_not(None), *_of_versions(population)]
    channel: ColumnElement[Any] = contact.c.channel if loose else cast(null(), String)
    bit = literal_column(str(_BITS[kind, human]), BigInteger).label("bit")
    rows = select(contact.c.customer_id, contact.c.message_id, channel.label("loose"), bit).where(*ours)
    return rows.group_by(contact.c.customer_id, contact.c.message_id, *([contact.c.channel] if loose else []))


def _logged(grouped: FromClause) -> ColumnElement[str]:
    """What the log says, for a message that is not one of ours."""
    own = and_(contact.c.customer_id == grouped.c.customer_id, contact.c.message_id == grouped.c.message_id)
    return select(func.min(contact.c.channel)).where(own).scalar_subquery()


def _of_versions(population: Population) -> Iterator[ColumnElement[bool]]:
    if population.versions is not None:
        hashes = select(version.c.version).where(version.c.id.in_(population.versions))
        yield or_(contact.c.version.is_(None), contact.c.version.in_(hashes))
