"""Who may be written to right now, and what each gets: the checks and the merge at the moment of sending."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any

import numpy as np
from sqlalchemy import Row, select
from sqlmodel import Session

from channels.contract import Channel, CompositionFault, Content, Message, Wording
from customers.attributes import read_attributes
from customers.consent import reachability
from customers.segments import segment_of
from customers.tables import table_of
from engine.facts import SqlFacts
from engine.members import Asked
from engine.nodes.send import ONLY, Send
from engine.outbox import Settlement, State, message_key
from engine.reasons import Reason
from engine.recording import Addressee
from engine.running import Running
from engine.tables import Member, OutboxMessage, StoredWording
from store.bulk import Ids, id_table, insert_new
from store.clock import to_micros
from store.columns import Json
from store.errors import DeliveryError
from store.tokens import new_code

LINK_LIFE = timedelta(days=365)  # how long a personal page can be reached


@dataclass(frozen=True, slots=True)
class Letterhead:
    """One message before its words: to whom, why not (if so), and what to merge."""

    addressee: Addressee
    address: str | None
    refusal: Reason | None
    wording: Wording
    values: Mapping[str, Any]
    code: str | None


@dataclass(frozen=True, slots=True)
class Ready:
    """One message that may go."""

    letterhead: Letterhead
    content: Content


class Composer:
    """Composes the messages of one send node."""

    def __init__(self, running: Running, node_id: str) -> None:
        node = running.graph.nodes[node_id]
        assert isinstance(node, Send)
        self.running = running
        self.node_id = node_id
        self.channel: Channel = running.workspace.channels[node.send]
        self._node = node
        self._wordings = self._load(node)
        self._variables = frozenset().union(*(wording.variables for wording in self._wordings.values()))
        self._stored: dict[int, int] = {}  # id() of a wording to its row

    def read(self, session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[Letterhead]:
        """What is known of these messages' customers now; a constant number of statements for any number of rows."""
        customer_ids = np.fromiter((row.customer_id for row in rows), np.int64, len(rows))
        people = self._people(session, customer_ids, now)
        addresses = [self.channel.address_of(person) for person in people]
        refusals = self._refusals(session, rows, customer_ids, addresses, now)
        segments = self._segments(session, customer_ids, now)
        codes = _codes(session, rows) if "code" in self._variables else [None] * len(rows)
        letterheads = []
        for row, person, address, refusal, segment, code in zip(rows, people, addresses, refusals, segments, codes, strict=True):
            wording = self._wordings[row.arm or ONLY, segment]
            letterheads.append(Letterhead(Addressee.of(row), address, refusal, wording, self._values(row.id, person, code, now), code))
        return letterheads

    def compose(self, letterhead: Letterhead) -> Ready | Settlement:
        """Merge one message, or say why it is not sent."""
        if letterhead.refusal is not None:
            return Settlement(letterhead.addressee.id, State.SUPPRESSED, letterhead.refusal)
        content = letterhead.wording.compose(letterhead.values)
        if isinstance(content, CompositionFault):
            return Settlement(letterhead.addressee.id, State.SUPPRESSED, Reason.NOT_COMPOSED, content.reason)
        return Ready(letterhead, content)

    def message(self, ready: Ready) -> Message:
        """The message as the channel takes it."""
        letterhead = ready.letterhead
        assert letterhead.address is not None
        key = message_key(self.running.graph.version, letterhead.addressee.id)
        return Message(key, letterhead.address, ready.content, letterhead.values["links"])

    def addressee(self, ready: Ready) -> Addressee:
        """Whom the message is for, with the address and units that it goes out with."""
        letterhead = ready.letterhead
        return replace(letterhead.addressee, address=letterhead.address, units=ready.content.segments)

    def row(self, session: Session, ready: Ready) -> tuple[str | None, int, str, str | None, int, int]:
        """What the outbox keeps of a message that is about to be sent: with the wording it shows it byte for byte."""
        letterhead = ready.letterhead
        merged = _JSON.process_bind_param(_used(letterhead.values, letterhead.wording.variables), session.get_bind().dialect)
        wording = self._stored_wording(session, letterhead.wording)
        return letterhead.address, wording, merged or "{}", letterhead.code, ready.content.segments, letterhead.addressee.id

    def _load(self, node: Send) -> dict[tuple[str, str | None], Wording]:
        templates = self.running.workspace.templates
        wordings: dict[tuple[str, str | None], Wording] = {}
        for segment in (None, *(node.by_segment or {})):
            for variant, words in node.wordings(segment).items():
                options = {"subject": words.subject} if words.subject else {}
                loaded = self.channel.load(templates / (words.template or ""), options, templates)
                if isinstance(loaded, list):
                    raise DeliveryError(f"{loaded[0].file}:{loaded[0].line}: {loaded[0].message} {loaded[0].remedy}")
                wordings[variant, segment] = loaded
        return wordings

    def _people(self, session: Session, customer_ids: Ids, now: datetime) -> list[dict[str, Any]]:
        wanted = {name.removeprefix("customer.") for name in self._variables if name.startswith("customer.")}
        names = sorted(wanted | set(self.channel.addresses) | {"timezone", "language", "first_name", "last_name"})
        columns = read_attributes(session, customer_ids, names, self.running.known(now))
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _refusals(
        self, session: Session, rows: Sequence[Row[Any]], customer_ids: Ids, addresses: Sequence[str | None], now: datetime
    ) -> list[Reason | None]:
        purpose = self.running.graph.campaign.purpose or ""
        consent = reachability(session, customer_ids, purpose, self.channel.name, addresses)
        gone = self._gone(session, rows, now)
        refusals: list[Reason | None] = []
        for row, address, word, left in zip(rows, addresses, consent, gone, strict=True):
            if left:
                refusals.append(Reason.LEFT_THE_CAMPAIGN)
            elif word:
                refusals.append(Reason(word))
            elif address is None:
                refusals.append(Reason.NO_ADDRESS)
            else:
                refusals.append(Reason.TOO_LATE if now > row.stale_at else None)
        return refusals

    def _gone(self, session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[bool]:
        """Who has left since the message was queued, or would leave by the campaign's exit condition."""
        member = table_of(Member)
        given = id_table(session, np.fromiter((row.member_id for row in rows), np.int64, len(rows)))
        query = select(member.c.id, member.c.entered_at, member.c.arrived_at, member.c.ended).join(given, given.c.id == member.c.id)
        found = {row.id: row for row in session.connection().execute(query)}
        ended = np.array([found[row.member_id].ended is not None for row in rows])
        condition = self.running.graph.campaign.exit_when
        if condition is None:
            return [bool(each) for each in ended]
        moments = [(to_micros(found[row.member_id].entered_at), to_micros(found[row.member_id].arrived_at)) for row in rows]
        entered, arrived = np.array(moments, np.int64).T
        members, people = ([getattr(row, name) for row in rows] for name in ("member_id", "customer_id"))
        asked = Asked(np.array(members, np.int64), np.array(people, np.int64), entered, arrived)
        leaving = SqlFacts(session, self.running.known(now)).holds(condition, asked)
        return [bool(each) for each in ended | leaving]

    def _segments(self, session: Session, customer_ids: Ids, now: datetime) -> Sequence[str | None]:
        wanted = self._node.by_segment
        if not wanted:
            return [None] * len(customer_ids)
        segments = {name: text for name, text in self.running.workspace.segments.items() if name in wanted}
        return segment_of(session, customer_ids, segments, self.running.known(now))

    def _values(self, message_id: int, person: dict[str, Any], code: str | None, now: datetime) -> dict[str, Any]:
        workspace, campaign = self.running.workspace, self.running.graph.campaign
        return {
            "customer": person,
            "campaign": {"name": campaign.campaign, "title": campaign.title or campaign.campaign},
            "node": self.node_id,
            "links": workspace.links.for_message(message_id, now + LINK_LIFE),
            "code": code,
            "sender": {"name": workspace.sender.name, "address": workspace.sender.address},
            "today": now.astimezone(workspace.zone).date().isoformat(),
        }

    def _stored_wording(self, session: Session, wording: Wording) -> int:
        if id(wording) not in self._stored:
            self._stored[id(wording)] = store_wording(session, self.channel.name, wording.source)
        return self._stored[id(wording)]


def store_wording(session: Session, channel: str, source: bytes) -> int:
    """The row of a compiled wording, made when it is new."""
    table = table_of(StoredWording)
    digest = hashlib.sha256(source).hexdigest()
    find = select(table.c.id).where(table.c.digest == digest)
    insert_new(session, table, {"digest": digest, "channel": channel, "source": source})
    return int(session.connection().execute(find).scalar_one())


def _codes(session: Session, rows: Sequence[Row[Any]]) -> list[str | None]:
    """The short code of each message: the one that it has from an earlier attempt, or a new one that nobody has."""
    codes = [row.code or new_code(_RANDOM) for row in rows]
    outbox = table_of(OutboxMessage)
    taken = {code: id_ for id_, code in session.connection().execute(select(outbox.c.id, outbox.c.code).where(outbox.c.code.in_(codes)))}
    return [code if taken.get(code, row.id) == row.id else new_code(_RANDOM) for code, row in zip(codes, rows, strict=True)]


def _used(values: Mapping[str, Any], variables: frozenset[str]) -> dict[str, Any]:
    """The part of the values that a wording reads: all that has to be kept to show the message again."""
    used: dict[str, Any] = {}
    for name in sorted(variables):
        first, _, second = name.partition(".")
        if second and isinstance(values.get(first), Mapping):
            used.setdefault(first, {})[second] = values[first].get(second)
        elif first in values:
            used[first] = values[first]
    return used


_JSON = Json()
_RANDOM = SystemRandom()
