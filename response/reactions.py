"""What came back on each message: the first time that a customer did each thing, from one pass over the campaign's part of the log."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, FromClause, MetaData, Select, String, Table, and_, case, func, or_, select, text
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from response.copies import fill
from response.population import Population, micros, version

contact = table_of(Contact)


def _kind(*kinds: Kind) -> ColumnElement[bool]:
    return contact.c.kind.in_([kind.value for kind in kinds])


_HUMAN = contact.c.human.is_(True)
_DID: dict[str, ColumnElement[bool]] = {
    "delivered": _kind(Kind.DELIVERED),
    "bounced": _kind(Kind.BOUNCED),
    "complained": _kind(Kind.COMPLAINED),
    # Images are often blocked: who clicked has opened.
    "opened": and_(_kind(Kind.OPENED, Kind.CLICKED), _HUMAN),
    "opened_by_machine": and_(_kind(Kind.OPENED), contact.c.human.is_(False)),
    "clicked": and_(_kind(Kind.CLICKED), _HUMAN),
    "visited": and_(_kind(Kind.VISITED), _HUMAN),
    "answered": and_(_kind(Kind.ANSWERED), _HUMAN),
    "opted_out": _kind(Kind.OPTED_OUT),
}
FIRSTS = tuple(_DID)
_KINDS = (*(Kind.DELIVERED, Kind.BOUNCED, Kind.COMPLAINED, Kind.OPENED, Kind.CLICKED, Kind.VISITED, Kind.ANSWERED, Kind.OPTED_OUT),)


def reactions_to(population: Population) -> FromClause:
    """A row for each message and customer: member_id, customer_id, node, channel, arm, and when (micros) each of FIRSTS was first, or NULL.

    A reaction that names no message of ours has no node, arm and member. Of some versions only, what happened under those counts.
    """
    return _copy(population.campaign_id, population.versions) if population.copied else _found(population).subquery("reactions")


def copy_reactions(session: Session, population: Population) -> None:
    """Copy them for a population, and for all others of the same versions."""
    table = _copy(population.campaign_id, population.versions)
    session.connection().execute(text(f"DROP TABLE IF EXISTS {table.name}"))
    fill(session, table, _found(population))


@cache
def _copy(campaign_id: int, versions: tuple[int, ...] | None) -> Table:
    name = "_".join(str(each) for each in ("reactions_in", campaign_id, *(versions or ())))
    columns: list[Column[Any]] = [Column(each, BigInteger) for each in ("member_id", "customer_id", *FIRSTS)]
    return Table(name, MetaData(), *columns, *(Column(each, String) for each in ("node", "channel", "arm")), prefixes=["TEMPORARY"])


def _found(population: Population) -> Select[Any]:
    """First by message and customer, in numbers alone; what is known of the message is put beside it afterwards."""
    messages = population.messages
    # Looked up in the log itself for the few that name no message of ours, and so from the index alone for all others.
    loose = case((messages.c.id.is_(None), contact.c.channel)).label("loose")
    firsts = [func.min(micros(contact.c.at)).filter(did).label(name) for name, did in _DID.items()]
    keys = (messages.c.id, contact.c.customer_id, loose)
    joined = contact.outerjoin(messages, messages.c.id == contact.c.message_id)
    ours = (contact.c.campaign == population.campaign, contact.c.kind.in_([kind.value for kind in _KINDS]))
    each = select(*keys, *firsts).select_from(joined).where(*ours, *_of_versions(population)).group_by(*keys).subquery("each")
    about = messages.alias("about")
    columns = (about.c.member_id, about.c.node, func.coalesce(about.c.channel, each.c.loose).label("channel"), about.c.arm)
    known = select(each.c.customer_id, *columns, *(each.c[name] for name in FIRSTS))
    return known.select_from(each.outerjoin(about, about.c.id == each.c.id))


def _of_versions(population: Population) -> Iterator[ColumnElement[bool]]:
    if population.versions is not None:
        hashes = select(version.c.version).where(version.c.id.in_(population.versions))
        yield or_(contact.c.version.is_(None), contact.c.version.in_(hashes))
