"""Why did she (not) get it: a customer's whole way through a campaign, from stored facts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Row, select
from sqlmodel import Session

from customers.attributes import read_attributes
from customers.conditions.vocabulary import Place
from customers.contact_log import Kind
from customers.tables import Contact, Customer, table_of
from engine.facts import SqlFacts
from engine.interventions import Intervened, halt_of, interventions
from engine.members import Asked
from engine.nodes.audience import Audience, audiences_of
from engine.nodes.send import UNPERSONALISED
from engine.outbox import State
from engine.programme import binds, held_out
from engine.promote import decisions
from engine.reasons import CODES, REASONS, Reason
from engine.running import Running
from engine.tables import Exposure, FlowVersion, Member, Move, OutboxMessage, Programme
from store.clock import to_micros
from store.errors import NotFoundError
from store.session import reading


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that happened, or did not. `reason` is of the closed list in engine/reasons.py."""

    at: datetime
    node: str | None
    text: str
    reason: Reason | None = None
    message_id: int | None = None
    order: tuple[int, int] = (-1, 0)  # within a moment: nodes left before, and what comes first at a node


@dataclass(frozen=True, slots=True)
class Explanation:
    """A customer's way through a campaign, in order of time, and where they stand `now`."""

    customer: str
    campaign: str
    entered: bool
    findings: tuple[Finding, ...]
    now: Finding


def explain(running: Running, customer_key: str, now: datetime) -> Explanation:
    """Explain a customer's way. Raises NotFoundError for a customer whom nobody knows."""
    customer = table_of(Customer)
    with reading(running.workspace.database) as session:
        customer_id = session.execute(select(customer.c.id).where(customer.c.key == customer_key)).scalar()
        if customer_id is None:
            raise NotFoundError(f"There is no customer '{customer_key}'. Give the key that the customer has in the source system.")
        members = _members(session, running, customer_id)
        if not members:
            return _outsider(session, running, customer_key, customer_id, now)
        findings = sorted(_findings(session, running, members), key=lambda finding: (finding.at, finding.order))
        return Explanation(
            customer_key,
            running.names[0],
            True,
            tuple(findings),
            _standing(members[-1], halt_of(session, running.campaign_id), running.workspace.zone),
        )


def _members(session: Session, running: Running, customer_id: int) -> Sequence[Row[Any]]:
    member, version = table_of(Member), table_of(FlowVersion)
    query = select(member, version.c.version).join(version, version.c.id == member.c.version_id)
    mine = query.where(member.c.campaign_id == running.campaign_id, member.c.customer_id == customer_id)
    return session.execute(mine.order_by(member.c.entry)).all()


def _findings(session: Session, running: Running, members: Sequence[Row[Any]]) -> Iterator[Finding]:
    ids = [member.id for member in members]
    for member in members:
        yield Finding(member.entered_at, None, f"came in (entry {member.entry}, flow version {member.version})")
    yield from _promoted(session, running, {member.version for member in members})
    yield from _interventions(session, running, members)
    move = table_of(Move)
    moves = session.execute(select(move).where(move.c.member_id.in_(ids)).order_by(move.c.hop)).all()
    yield from _exposures(session, members, moves)
    yield from _messages(session, ids)
    yield from map(_move, moves)
    yield from _contacts(session, ids)


def _promoted(session: Session, running: Running, versions: set[str]) -> Iterator[Finding]:
    """The decisions that made the versions by which somebody came in."""
    for decided in decisions(session, running.names[0]):
        if decided.version_to in versions:
            text = f"flow version {decided.version_to} made '{decided.arm}' the routine"
            yield Finding(decided.at, decided.node, text)


def _interventions(session: Session, running: Running, members: Sequence[Row[Any]]) -> Iterator[Finding]:
    """What a person did to the campaign while the customer was in it."""
    for done in interventions(session, running.campaign_id):
        if any(member.entered_at <= done.at and (member.ended_at is None or done.at <= member.ended_at) for member in members):
            yield Finding(done.at, None, f"a person {done.deed} the campaign")


def _exposures(session: Session, members: Sequence[Row[Any]], moves: Sequence[Row[Any]]) -> Iterator[Finding]:
    exposure = table_of(Exposure)
    hops = {(member.id, member.node): member.hop for member in members}
    hops |= {(move.member_id, move.node): move.hop for move in reversed(moves)}
    for row in session.execute(select(exposure).where(exposure.c.member_id.in_([member.id for member in members]))):
        hop = hops.get((row.member_id, row.node))
        if hop is None:  # no node, but a page that a message led to
            yield Finding(row.at, row.node, f"was assigned to the variant '{row.arm}' of the page", order=(-1, 1))
            continue
        about = ": the message without anything personal" if row.arm == UNPERSONALISED else ""
        yield Finding(row.at, row.node, f"was assigned to arm '{row.arm}'{about}", order=(hop, 0))


def _messages(session: Session, ids: Sequence[int]) -> Iterator[Finding]:
    outbox = table_of(OutboxMessage)
    for row in session.execute(select(outbox).where(outbox.c.member_id.in_(ids)).order_by(outbox.c.id)):
        variant = f", variant '{row.arm}'" if row.arm else ""
        yield Finding(row.queued_at, row.node, f"a message was queued ({row.channel}{variant})", None, row.id, (row.hop, 1))
        if row.settled_at:
            yield Finding(row.settled_at, row.node, _fate(row), Reason(row.reason) if row.reason else None, row.id, (row.hop, 2))
        elif row.due_at > row.queued_at and not row.answer:
            waits = Reason(row.reason) if row.reason else None
            text = f"the message {REASONS[waits]}, which begins now" if waits else "the message may leave from now on"
            yield Finding(row.due_at, row.node, text, waits, row.id, (row.hop, 2))
        elif row.answer:
            again = f"will be tried again now: {row.answer} (attempt {row.attempts} failed)"
            yield Finding(row.due_at, row.node, again, None, row.id, (row.hop, 2))


def _fate(row: Row[Any]) -> str:
    said = f": {row.answer}" if row.answer else ""
    match State(row.state):
        case State.SENT:
            return f"the message was sent ({row.channel}{said})"
        case State.SUPPRESSED:
            return f"the message was not sent: {REASONS[Reason(row.reason)]}" + (f" ({row.answer})" if row.answer else "")
        case State.FAILED:
            return f"the message failed: {REASONS[Reason(row.reason)]} ({row.answer})"
        case _:
            return f"the message may have been sent: {REASONS[Reason.MAYBE_SENT]}" + (f" ({row.answer})" if row.answer else "")


def _move(row: Row[Any]) -> Finding:
    if row.exit in CODES:
        return Finding(row.at, row.node, f"left the campaign: {REASONS[Reason(row.exit)]}", Reason(row.exit), None, (row.hop, 4))
    return Finding(row.at, row.node, f"went on by '{row.exit}'", None, None, (row.hop, 4))


def _contacts(session: Session, ids: Sequence[int]) -> Iterator[Finding]:
    contact, outbox = table_of(Contact), table_of(OutboxMessage)
    inbound = select(contact, outbox.c.hop).outerjoin(outbox, outbox.c.id == contact.c.message_id)
    inbound = inbound.where(contact.c.member_id.in_(ids), contact.c.direction == "in", contact.c.channel != "flow")
    for row in session.execute(inbound.order_by(contact.c.at, contact.c.id)):
        # Of one moment: after the message had left, and before what it brought about.
        order = (-1, 0) if row.hop is None else (row.hop, 3)
        yield Finding(row.at, row.node, _came_in(row), message_id=row.message_id, order=order)


def _came_in(row: Row[Any]) -> str:
    """What came in, as it is told. Servers and providers speak of a message, a customer for himself."""
    about = row.detail if isinstance(row.detail, dict) else {}
    code, words = about.get("code", ""), about.get("detail", "")
    said = f" ({words if code in words else f'{code} {words}'.strip()})" if code or words else ""
    match Kind(row.kind):
        case Kind.DELAYED | Kind.DELIVERED as kind:
            return f"the receiving side {'still tries' if kind is Kind.DELAYED else 'has the message'}{said}"
        case Kind.BOUNCED:
            return f"the message came back{', and the address is no good' if about.get('bounce') == 'hard' else ''}{said}"
        case Kind.COMPLAINED | Kind.FORM_STARTED as kind:
            return f"the customer {'called the message spam' if kind is Kind.COMPLAINED else 'began to fill in the form'}"
        case Kind.AUTO_REPLIED | Kind.REDEEMED as kind:
            used = f"the voucher of the message was used for purchase '{about.get('purchase')}'"
            return used if kind is Kind.REDEEMED else f"a machine answered for the customer{said}"
        case Kind.EVENT:
            return f"'{about.get('name', 'an event')}' was reported ({row.channel})" + (f": {about['why']}" if about.get("why") else "")
        case _:
            who = ("" if row.human else ", by a machine") + (f", page '{about['page_variant']}'" if about.get("page_variant") else "")
            return f"the customer {row.kind.replace('_', ' ')} ({row.channel}{who}){said if row.kind == Kind.CLICKED else ''}"


def _standing(member: Row[Any], halted: Intervened | None, zone: ZoneInfo) -> Finding:
    if member.ended:
        reason = Reason(member.ended)
        return Finding(member.ended_at, member.node, f"out of the campaign: {REASONS[reason]}", reason)
    if halted:
        when = f"{halted.at.astimezone(zone):%Y-%m-%d at %H:%M}"
        text = f"waits: the campaign was {halted.deed} by a person on {when}, and nothing happens in it"
        return Finding(member.arrived_at, member.node, text)
    if member.due_at is None:
        return Finding(member.arrived_at, member.node, "waits for the message to leave")
    return Finding(member.arrived_at, member.node, f"waits until {member.due_at.astimezone(zone):%Y-%m-%d %H:%M} at the latest")


def _outsider(session: Session, running: Running, key: str, customer_id: int, now: datetime) -> Explanation:
    """Somebody who is not in: what the audience asks, and what is known of them."""
    audiences = audiences_of(running.graph.nodes)
    kept_out = _erased(session, customer_id) or (_kept_out(session, running, customer_id, now) if audiences else None)
    findings = [_judged(session, running, node, customer_id, now, is_kept_out=kept_out is not None) for node in audiences.values()]
    reason = (kept_out and kept_out.reason) or (Reason.NOT_IN_AUDIENCE if audiences else Reason.NOT_ASKED)
    standing = Finding(now, None, f"never came in: {REASONS[reason]}", reason)
    return Explanation(key, running.names[0], False, (*([kept_out] if kept_out else []), *findings), standing)


def _judged(session: Session, running: Running, node: Audience, customer_id: int, now: datetime, *, is_kept_out: bool) -> Finding:
    """What an audience makes of somebody now."""
    ids, moment, known = np.array([customer_id], np.int64), np.array([to_micros(now)], np.int64), running.known(now)
    condition = running.read_condition(node.audience, Place.CUSTOMER)
    holds = SqlFacts(session, known).holds(node.audience, Asked(-ids, ids, moment, moment))[0]
    values = read_attributes(session, ids, sorted(condition.attributes), known)
    facts = ", ".join(f"{name} is {'unknown' if each[0] is None else each[0]}" for name, each in values.items())
    coming = "holds now" if is_kept_out else "holds now: the customer comes in when the campaign looks again"
    verdict = coming if holds else "does not hold"
    return Finding(now, node.id, f"the audience's condition ({node.audience}) {verdict}" + (f": {facts}" if facts else ""))


def _erased(session: Session, customer_id: int) -> Finding | None:
    erased_at = session.execute(select(table_of(Customer).c.erased_at).where(table_of(Customer).c.id == customer_id)).scalar()
    return Finding(erased_at, None, "was erased", Reason.ERASED) if erased_at else None


def _kept_out(session: Session, running: Running, customer_id: int, now: datetime) -> Finding | None:
    """What keeps somebody out of every campaign: the global hold-out, as it is written down or would be."""
    hold_out, programme = running.workspace.hold_out, table_of(Programme)
    if hold_out is None or not binds(hold_out, running.graph.campaign):
        return None
    if not held_out(session, hold_out, np.array([customer_id], np.int64)).any():
        return None
    drawn_at = session.execute(select(programme.c.at).where(programme.c.customer_id == customer_id)).scalar()
    text = "was drawn into" if drawn_at else "will be drawn into"
    return Finding(drawn_at or now, None, f"{text} the global hold-out", Reason.PROGRAMME_HOLDOUT)
