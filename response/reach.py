"""How far the messages to each arm's customers came: the furthest of all that were decided after the assignment."""

from collections import Counter
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, table_of
from response.facts import Reach
from response.metrics import ArmKey
from response.population import Population, assigned, micros
from response.progress import progress_of, reason_of, state_of

contact = table_of(Contact)


def reach(session: Session, population: Population, own: Collection[str]) -> Mapping[ArmKey, Reach]:
    """Node and arm to what became of its customers' messages, in two statements.

    At the nodes of `own` (variants of one message) only that node's message counts; elsewhere each message of the campaign does.
    """
    states: dict[ArmKey, Counter[str]] = {}
    reasons: dict[ArmKey, Counter[str]] = {}
    for node, arm, progress, customers in session.connection().execute(_furthest(population, own)):
        name = state_of(progress)
        states.setdefault((node, arm), Counter())[name] += customers
        if name == "suppressed":
            reasons.setdefault((node, arm), Counter())[reason_of(progress)] += customers
    arrived = {(node, arm): customers for node, arm, customers in session.connection().execute(_delivered(population, own))}
    return {key: Reach(states.get(key, {}), reasons.get(key, {}), arrived.get(key, 0)) for key in states.keys() | arrived.keys()}


def _furthest(population: Population, own: Collection[str]) -> Select[tuple[str, str, int, int]]:
    arms, messages = assigned(population), population.messages
    queued_at = micros(messages.c.queued_at)
    after = and_(messages.c.member_id == arms.c.member_id, queued_at >= arms.c.assigned_at, queued_at <= population.as_of)
    joined = arms.join(messages, and_(after, _of_node(arms.c.node, messages.c.node, own)))
    each = select(arms.c.node, arms.c.arm, func.max(progress_of(messages)).label("progress")).select_from(joined)
    by_member = each.group_by(arms.c.node, arms.c.arm, arms.c.member_id).subquery("furthest")
    keys = (by_member.c.node, by_member.c.arm, by_member.c.progress)
    return select(*keys, func.count()).group_by(*keys).order_by(*keys)


def _delivered(population: Population, own: Collection[str]) -> Select[tuple[str, str, int]]:
    arms, at = assigned(population), micros(contact.c.at)
    ours = and_(contact.c.campaign == population.campaign, contact.c.kind == Kind.DELIVERED.value)
    after = and_(contact.c.customer_id == arms.c.customer_id, at >= arms.c.assigned_at, at <= population.as_of)
    joined = arms.join(contact, and_(ours, after, _of_node(arms.c.node, contact.c.node, own)))
    keys = (arms.c.node, arms.c.arm)
    return select(*keys, func.count(arms.c.member_id.distinct())).select_from(joined).group_by(*keys).order_by(*keys)


def _of_node(node: ColumnElement[str], sent_by: ColumnElement[str], own: Collection[str]) -> ColumnElement[bool]:
    return or_(node.not_in(own), node == sent_by) if own else node.is_not(None)
