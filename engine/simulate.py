"""A dry run on the real audience: the same step, the customers as they are, and assumptions for what they would do.

Nothing is written and nothing is sent. Consent, addresses, and what customers asked for themselves are those of today.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlmodel import Session

from customers.attributes import read_attributes
from customers.conditions.compile import compile_condition
from customers.conditions.tree import EventKind, EventRef
from customers.conditions.vocabulary import Place
from customers.consent import reachability
from customers.tables import Customer, table_of
from engine.facts import SqlFacts
from engine.language.context import CHANNELS
from engine.members import LEFT, NEVER, NOT_DELIVERED, Asked, Int, Mask, Members, new_arrivals
from engine.nodes.audience import audiences_of
from engine.nodes.request import Request
from engine.nodes.wait_for import WaitFor
from engine.programme import binds, held_out
from engine.progress import GOING_ON, REASONS, Progress, Queued
from engine.reasons import Reason
from engine.running import Running
from engine.step import step
from engine.wishes import Wishing, leaving_at
from store.clock import DAY_MICROS, SECOND_MICROS, from_micros, to_micros
from store.hashing import fractions
from store.session import reading

CHUNK = 50_000  # customers that are played through together
HORIZON = timedelta(days=730)
HOUR_MICROS = 3_600 * SECOND_MICROS
MEAN_DELAY_MICROS = 2 * DAY_MICROS  # after an exponential distribution: most answers come soon

# Of a hundred who could: ordinary figures of the trade, to be replaced by one's own with --assume.
ORDINARY: Mapping[EventKind, float] = {
    EventKind.OPEN: 0.35,
    EventKind.CLICK: 0.05,
    EventKind.VISIT: 0.05,
    EventKind.RESPONSE: 0.06,
    EventKind.ANSWER: 0.03,
    EventKind.PURCHASE: 0.04,
    EventKind.EVENT: 0.05,
}


@dataclass
class Simulation:
    """What would happen. Counts are members or messages; costs are cents."""

    campaign: str
    version: str
    at: datetime
    assumed: Mapping[str, float]
    audience: int = 0
    arms: Counter[tuple[str, str]] = field(default_factory=Counter)  # (node, arm)
    volumes: Counter[tuple[date, str]] = field(default_factory=Counter)  # (day, channel)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)  # (node, channel)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)  # (node, reason)
    waits: Counter[tuple[str, str]] = field(default_factory=Counter)  # (node, reason): messages that leave later than they could
    ended: Counter[str] = field(default_factory=Counter)
    exits: Counter[tuple[str, str]] = field(default_factory=Counter)
    still_in: int = 0
    cost_cents: float = 0.0
    last_day: date | None = None
    asking: tuple[str, ...] = ()  # the nodes where people come in who ask for it: nobody knows beforehand how many


def simulate(running: Running, at: datetime, assumed: Mapping[EventKind, float]) -> Simulation:
    """Play the campaign through for everyone who would come in at `at` (aware UTC)."""
    rates = {**ORDINARY, **assumed}
    campaign = running.graph.campaign.campaign
    result = Simulation(campaign, running.graph.version, at, {kind.value: rate for kind, rate in rates.items()})
    result.asking = tuple(node_id for node_id in running.graph.entries if isinstance(running.graph.nodes[node_id], Request))
    with reading(running.workspace.database) as session:
        for node_id, customer_ids in audience(session, running, at):
            free = _not_held_out(session, running, node_id, customer_ids, result)
            result.audience += len(free)
            _Play(session, running, rates, result).through(node_id, free, at)
    return result


def audience(session: Session, running: Running, at: datetime) -> Iterator[tuple[str, Int]]:
    """Who would come in at `at`: the numbers of at most CHUNK customers at a time, with the node where they do."""
    facts, customer = SqlFacts(session, running.known(at)), table_of(Customer)
    for node_id, node in audiences_of(running.graph.nodes).items():
        condition = compile_condition(running.read_condition(node.audience, Place.CUSTOMER), facts.scope(None))
        fitting = select(customer.c.id).select_from(facts.people()).where(customer.c.erased_at.is_(None), condition)
        after = 0
        while True:
            ids = session.execute(fitting.where(customer.c.id > after).order_by(customer.c.id).limit(CHUNK)).scalars().all()
            if not ids:
                break
            yield node_id, np.array(ids, np.int64)
            after = ids[-1]


def _not_held_out(session: Session, running: Running, node_id: str, customer_ids: Int, result: Simulation) -> Int:
    """Those who are not in the global hold-out; the others are counted as left out."""
    hold_out = running.workspace.hold_out
    if hold_out is None or not binds(hold_out, running.graph.campaign):
        return customer_ids
    held = held_out(session, hold_out, customer_ids)
    if held.any():
        result.left_out[node_id, Reason.PROGRAMME_HOLDOUT] += int(held.sum())
    free: Int = customer_ids[~held]
    return free


class _Play:
    """One chunk of customers, played through from their entry to the end."""

    def __init__(self, session: Session, running: Running, rates: Mapping[EventKind, float], result: Simulation) -> None:
        self._session, self._running, self._rates, self._result = session, running, rates, result
        self._wishing = Wishing(session, running.graph.campaign.purpose, running.workspace.zone)
        self._written_at: Int = np.empty(0, np.int64)  # the last message to each who came in; -1 for none

    def through(self, node_id: str, customer_ids: Int, at: datetime) -> None:
        graph, now = self._running.graph, to_micros(at)
        # Numbers that no stored member has, so that nothing stored is taken for theirs.
        members = new_arrivals(-np.arange(1, len(customer_ids) + 1), customer_ids, graph.place[node_id], now)
        due = np.full(len(members), now, np.int64)
        self._written_at = np.full(len(members), -1, np.int64)
        end = to_micros(at + HORIZON)
        while len(members) and now <= end:
            members, due = self._tick(members, due, now)
            now = self._next(members, due, now)
        self._result.still_in += len(members)

    def _tick(self, members: Members, due: Int, now: int) -> tuple[Members, Int]:
        """Step who is due; gives who is still in, and when each is due next."""
        turn = np.flatnonzero((due <= now) | self._waiting(members))
        facts = _Assumed(self._session, self._running, self._rates, now)
        progress = step(self._running.graph, _some(members, turn), facts, now)
        delivery = members.delivery.copy()
        delivery[turn] = 0
        again = due.copy()
        again[turn] = progress.due_at
        for queued in progress.messages:
            self._send(progress, queued, turn, delivery, again, now)
        self._count(progress)
        after = _after(members, progress, turn, delivery)
        ended = np.zeros(len(members), np.bool_)
        ended[turn] = progress.ended != GOING_ON
        stay = np.flatnonzero(~ended)
        return _some(after, stay), again[stay]

    def _waiting(self, members: Members) -> Mask:
        places = [self._running.graph.place[name] for name, node in self._running.graph.nodes.items() if isinstance(node, WaitFor)]
        return np.isin(members.node, places)

    def _next(self, members: Members, due: Int, now: int) -> int:
        """The next moment: when something is due, or the next day while somebody may still answer; whole hours."""
        soonest = int(due.min()) if len(due) else NEVER
        if soonest <= now:
            return now
        if self._waiting(members).any():
            soonest = min(soonest, now + DAY_MICROS)
        return max(now + HOUR_MICROS, -(-soonest // HOUR_MICROS) * HOUR_MICROS) if soonest < NEVER else NEVER

    def _send(self, progress: Progress, queued: Queued, turn: Any, delivery: NDArray[np.int8], again: Int, now: int) -> None:
        """Messages leave when they are released, to whom may be written to; the members go on then."""
        entered = -1 - progress.members.member_id[queued.rows]  # they were numbered -1, -2 and so on
        reasons, leaving = self._fates(queued, progress.members.customer_id[queued.rows], self._written_at[entered], now)
        rows, sent = turn[queued.rows], np.array([reason is None for reason in reasons], np.bool_)
        delivery[rows] = np.where(sent, LEFT, NOT_DELIVERED)
        again[rows] = np.where(sent, leaving, queued.due_at)
        self._written_at[entered[sent]] = leaving[sent]
        self._result.left_out.update((queued.node, reason) for reason in reasons if reason)
        waiting = int((leaving[sent] > queued.due_at[sent]).sum())
        if waiting:
            self._result.waits[queued.node, Reason.PREFERRED_MOMENT.value] += waiting
        self._add_up(queued, leaving[sent])

    def _add_up(self, queued: Queued, leaving: Int) -> None:
        zone, cost = self._running.workspace.zone, self._running.workspace.costs.get(queued.channel, 0.0)
        for moment, count in zip(*(each.tolist() for each in np.unique(leaving, return_counts=True)), strict=True):
            self._result.volumes[from_micros(moment).astimezone(zone).date(), queued.channel] += count
        self._result.sent[queued.node, queued.channel] += len(leaving)
        self._result.cost_cents += len(leaving) * cost

    def _fates(self, queued: Queued, customers: Int, written_at: Int, now: int) -> tuple[list[str | None], Int]:
        """Why each gets nothing, None for who gets the message, and when it would leave."""
        channel, zone = self._running.workspace.channels[queued.channel], self._running.workspace.zone
        names = list(dict.fromkeys([*channel.addresses, "timezone"]))
        columns = read_attributes(self._session, customers, names, self._running.known(from_micros(now)))
        people = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
        addresses = [channel.address_of(person) for person in people]
        refused = reachability(self._session, customers, self._running.graph.campaign.purpose or "", channel.name, addresses)
        wishes = self._wishing.of(customers)
        against = self._wishing.objections(customers, wishes, queued.due_at, written_at)
        reasons: list[str | None] = [
            word or (wish if address else Reason.NO_ADDRESS) for word, address, wish in zip(refused, addresses, against, strict=True)
        ]
        if not CHANNELS[channel.name].arrives_at_once:
            return reasons, queued.due_at
        zones = [str(name or zone.key) for name in columns["timezone"]]
        return reasons, leaving_at(wishes, queued.due_at, queued.stale_at, zones)

    def _count(self, progress: Progress) -> None:
        result = self._result
        for exposed in progress.exposures:
            result.arms[exposed.node, exposed.arm] += len(exposed.rows)
        for moved in progress.moves:
            result.exits[moved.node, moved.exit] += len(moved.rows)
        for code, count in zip(*np.unique(progress.ended[progress.ended != GOING_ON], return_counts=True), strict=True):
            result.ended[REASONS[code].value] += int(count)
        day = from_micros(progress.now).astimezone(self._running.workspace.zone).date()
        result.last_day = max(result.last_day or day, day)


class _Assumed:
    """Facts of engine/members.py: SQL for what is known, assumed rates for events that have not happened yet."""

    def __init__(self, session: Session, running: Running, rates: Mapping[EventKind, float], now: int) -> None:
        self._stored = SqlFacts(session, running.known(from_micros(now)))
        self._running, self._rates, self._now = running, rates, now

    def holds(self, condition: str, asked: Asked, *, waiting: bool = False) -> Mask:
        place = Place.WAIT if waiting else Place.FLOW
        event = self._running.read_condition(condition, place).only_event
        if event is None or event.kind not in self._rates:
            return self._stored.holds(condition, asked, waiting=waiting)
        return self._happened(event, asked)

    def values(self, attribute: str, asked: Asked) -> NDArray[Any]:
        return self._stored.values(attribute, asked)

    def zones(self, asked: Asked) -> NDArray[Any]:
        return self._stored.zones(asked)

    def _happened(self, event: EventRef, asked: Asked) -> Mask:
        """Each customer does it or not by a hash of the event, some time after the entry or the arrival."""
        does = fractions(f"does {event}", asked.customer_id) < self._rates[event.kind]
        delay = -np.log1p(-fractions(f"when {event}", asked.customer_id)) * MEAN_DELAY_MICROS
        since = asked.entered_at if event.since == "entry" else asked.arrived_at
        happened: Mask = does & (since + delay <= self._now)
        return happened


def _some(members: Members, rows: Any) -> Members:
    return Members(*(getattr(members, name)[rows] for name in Members.__slots__))


def _after(members: Members, progress: Progress, turn: Any, delivery: NDArray[np.int8]) -> Members:
    """The members after a step of those in `turn`."""
    columns = {name: getattr(members, name).copy() for name in Members.__slots__}
    for name in ("node", "arrived_at", "deadline_at", "hop", "fresh"):
        columns[name][turn] = getattr(progress, name)
    return Members(**{**columns, "delivery": delivery})
