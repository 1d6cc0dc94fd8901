"""Customers come in: the audience by statement, a range of customer numbers a transaction."""

from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, case, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from customers.conditions.compile import Scope, compile_condition
from customers.conditions.vocabulary import Place
from customers.tables import Customer, table_of
from engine.facts import SqlFacts
from engine.interventions import may_go_on
from engine.language.values import Duration
from engine.nodes.audience import audiences_of
from engine.programme import binds, is_held_out, write_down
from engine.running import Running
from engine.tables import Campaign, Member
from store.clock import from_micros, to_micros
from store.columns import Instant
from store.session import reading, writing

RANGE = 50_000  # customer numbers that one statement looks at


def entry_due(running: Running, now: datetime) -> bool:
    """Whether it is time to look for people who qualify."""
    moment = next_entry(running)
    return moment is not None and moment <= now


def next_entry(running: Running) -> datetime | None:
    """When to look for people next: at the start, and then as often as the audience says; None for never again."""
    audiences = audiences_of(running.graph.nodes)
    if not audiences:
        return None
    with reading(running.workspace.database) as session:
        last = session.execute(select(_campaigns().c.entered_at).where(_campaigns().c.id == running.campaign_id)).scalar_one()
    if last is None:
        return from_micros(0)
    again = [node.again.micros for node in audiences.values() if node.again]
    return from_micros(to_micros(last) + min(again)) if again else None


def let_in(running: Running, now: datetime) -> int:
    """Make a member of everyone who qualifies and is not in yet; gives their number.

    Repeatable: who came in before a crash is not taken twice. The look is complete when its moment is written down; one that a halt
    interrupts begins again when the campaign goes on.
    """
    database = running.workspace.database
    with reading(database) as session:
        highest: int = session.execute(select(func.max(table_of(Customer).c.id))).scalar() or 0
    count = 0
    hold_out = running.workspace.hold_out
    for after in range(0, highest, RANGE):
        with writing(database) as session:
            if not may_go_on(session, running):
                return count
            if hold_out:
                write_down(session, hold_out, now, after, after + RANGE)
            for node_id in audiences_of(running.graph.nodes):
                count += _let_in_range(session, running, node_id, now, after)
    with writing(database) as session:
        session.execute(_campaigns().update().where(_campaigns().c.id == running.campaign_id).values(entered_at=now))
    return count


def _let_in_range(session: Session, running: Running, node_id: str, now: datetime, after: int) -> int:
    node = audiences_of(running.graph.nodes)[node_id]
    facts = SqlFacts(session, running.known(now))
    customer, member = table_of(Customer), table_of(Member)
    scope = facts.scope(None)
    condition = compile_condition(running.read_condition(node.audience, Place.CUSTOMER), scope)
    entry = _next_entry_number(member, customer, running.campaign_id)
    moment = literal(now, Instant)
    values = {
        "campaign_id": literal(running.campaign_id),
        "version_id": literal(running.version_id),
        "customer_id": customer.c.id,
        "entry": entry,
        "entered_at": moment,
        "node": literal(node_id),
        "arrived_at": moment,
        "due_at": moment,
        "hop": literal(0),
        "fresh": literal(value=True),
        **_segment(running, scope),
    }
    who = and_(customer.c.id > after, customer.c.id <= after + RANGE, condition, _may_come_in(running, member, customer, now))
    who = and_(who, customer.c.erased_at.is_(None))
    if binds(running.workspace.hold_out, running.graph.campaign):
        who = and_(who, ~is_held_out(customer.c.id))
    chosen = select(*[value.label(name) for name, value in values.items()]).select_from(facts.people()).where(who).order_by(customer.c.id)
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    # Two runners may look at the same moment; the second finds everyone in.
    statement = dialect.insert(member).from_select(list(values), chosen).on_conflict_do_nothing()
    return session.connection().execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _segment(running: Running, scope: Scope) -> dict[str, ColumnElement[str | None]]:
    """The column of the first named segment that fits, where the workspace has segments."""
    fits = [(compile_condition(condition, scope), literal(name)) for name, condition in running.segments.items()]
    return {"segment": case(*fits, else_=None)} if fits else {}


def _may_come_in(running: Running, member: Table, customer: Table, now: datetime) -> ColumnElement[bool]:
    """Nobody who is in comes in again, and who has been in only as the flow's `reentry` allows."""
    reentry = running.graph.campaign.reentry
    been = and_(member.c.campaign_id == running.campaign_id, member.c.customer_id == customer.c.id)
    if isinstance(reentry, Duration):
        been = and_(been, or_(member.c.ended.is_(None), member.c.entered_at > literal(now - reentry.delta, Instant)))
    return ~select(member.c.id).where(been).exists()


def _next_entry_number(member: Table, customer: Table, campaign_id: int) -> ColumnElement[int]:
    entries = select(func.coalesce(func.max(member.c.entry), 0) + 1)
    return entries.where(member.c.campaign_id == campaign_id, member.c.customer_id == customer.c.id).scalar_subquery()


def _campaigns() -> Table:
    return table_of(Campaign)
