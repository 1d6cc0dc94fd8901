"""Who may be written to right now, and what each gets: the checks and the merge at the moment of sending."""

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import SystemRandom
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Row, select, type_coerce
from sqlmodel import Session

from channels.contract import Channel, CompositionFault, Content, Message, Wording
from customers.attributes import read_attributes
from customers.consent import Unreachable, consent_of, reachability
from customers.segments import segment_of
from customers.tables import table_of
from engine.asked import refused_answers
from engine.facts import SqlFacts
from engine.header import PAGE_SEGMENT
from engine.language.context import CHANNELS
from engine.links import CONFIRM_LIFE, LINK_LIFE, MY_DATA_LIFE, LinkPurpose
from engine.members import Asked, Int
from engine.nodes.send import ONLY, UNPERSONALISED, Send, Words, neutral
from engine.outbox import Settlement, State, message_key
from engine.reasons import Reason
from engine.recording import Addressee
from engine.running import Running
from engine.tables import Member, OutboxMessage, StoredWording
from engine.tracking import followed
from engine.visit import drawn_arms
from engine.vouchers import issue_with, vouchers_for
from engine.wishes import Wishing, leaving_at
from store.bulk import Ids, id_table, insert_new
from store.clock import from_micros, to_micros
from store.columns import json_or_none
from store.errors import DeliveryError
from store.tokens import new_code

_NO_CODE = "TEST-CODE"  # nobody's
_VOUCHER = "voucher"
_LEADING = frozenset({"links.page", "code"})  # what leads a recipient to the campaign's page
# Signed only where a template shows them; how long each is of use.
_SIGNED: Mapping[LinkPurpose, timedelta] = {"preferences": LINK_LIFE, "confirm": CONFIRM_LIFE, "my_data": MY_DATA_LIFE}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """One message before its words: to whom, why not (if so), and what to merge."""

    addressee: Addressee
    refusal: Reason | None
    wording: Wording
    values: Mapping[str, Any]
    stood_in: tuple[str, ...] = ()  # attributes that are not known of the customer, and for which other words stand
    spare: Wording | None = None  # for when the wording cannot be merged
    waits_until: datetime | None = None  # for the part of the day that the customer prefers


@dataclass(frozen=True, slots=True)
class Ready:
    """One message that may go."""

    letterhead: Letterhead
    content: Content


@dataclass(frozen=True, slots=True)
class Texts:
    """What a node can say: by arm and segment, and the spare words for whoever none of these can be merged for."""

    wordings: Mapping[tuple[str, str | None], Wording]
    spare: Wording | None

    @property
    def variables(self) -> frozenset[str]:
        """Dotted names that any of them reads."""
        loaded = [*self.wordings.values(), *([self.spare] if self.spare else [])]
        return frozenset().union(*(wording.variables for wording in loaded))


class Composer:
    """Composes the messages of one send node. `following`: whether clicks and opens are, where the flow asks for it."""

    def __init__(self, running: Running, node_id: str, *, following: bool = True) -> None:
        node = running.graph.nodes[node_id]
        assert isinstance(node, Send)
        self.running = running
        self.node_id = node_id
        self.channel: Channel = running.workspace.channels[node.send]
        self._node = node
        track, tracking = running.graph.campaign.track, running.workspace.tracking
        self._followed = followed(tracking, track, node, shows_opens=CHANNELS[node.send].tracks_opens)
        # What somebody asked for is not followed: they have allowed nothing yet.
        self._is_personal = following and self._followed.is_personal and not node.answers_request
        self._texts = self._load(node, personal=self._is_personal)
        # For whoever does not allow to be followed.
        self._plain = self._load(node, personal=False) if self._is_personal and tracking.purpose else self._texts
        self._variables = self._texts.variables
        self._page_segments = running.workspace.page_segments(running.graph.campaign.page) if self._variables & _LEADING else ()
        self._neutral = neutral(self.channel.addresses)
        self._waits = CHANNELS[node.send].arrives_at_once
        self._stored: dict[int, int] = {}  # id() of a wording to its row

    @property
    def wordings(self) -> Mapping[tuple[str, str | None], Wording]:
        """What the node can say, by arm and segment."""
        return self._texts.wordings

    def read(self, session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[Letterhead]:
        """What is known of these messages' customers now; a constant number of statements for any number of rows."""
        customer_ids = np.fromiter((row.customer_id for row in rows), np.int64, len(rows))
        people = self._people(session, customer_ids, now)
        addresses = [self.channel.address_of(person) for person in people]
        wishing = self._wishing(session)
        wishes, present = wishing.of(customer_ids), np.full(len(rows), to_micros(now), np.int64)
        refusals = self._refusals(session, rows, addresses, wishing.objections(customer_ids, wishes, present), now)
        codes = _codes(session, rows) if "code" in self._variables else [None] * len(rows)
        addressees = [Addressee.of(row, address) for row, address in zip(rows, addresses, strict=True)]
        letterheads = self._letterheads(session, addressees, people, refusals, codes, now)
        if not self._waits or not wishes.part.any():
            return letterheads
        zones = [person["timezone"] or self.running.workspace.zone.key for person in people]
        stale_at = np.fromiter((row.stale_at for row in rows), np.int64, len(rows))
        return _waiting(letterheads, leaving_at(wishes, present, stale_at, zones), now)

    def rehearse(self, session: Session, customer_ids: Ids, now: datetime, arm: str | None = None) -> list[Letterhead]:
        """What these customers would get if it left now, without a row that stands for it; their links lead nowhere.

        Without `arm` each is in the arm that the lot would give. Whoever may not be written to has the refusal of now.
        """
        shares = self._node.shares
        arms = self._drawn(customer_ids, shares) if shares and arm is None else [arm] * len(customer_ids)
        people = self._people(session, customer_ids, now)
        addresses = [self.channel.address_of(person) for person in people]
        consent = self._consent(session, customer_ids, addresses)
        wishing = self._wishing(session)
        against = wishing.objections(customer_ids, wishing.of(customer_ids), np.full(len(customer_ids), to_micros(now), np.int64))
        refusals = [
            Reason(word) if word else Reason.NO_ADDRESS if address is None else wish
            for word, address, wish in zip(consent, addresses, against, strict=True)
        ]
        addressees = [
            Addressee(0, 0, customer_id, self.node_id, self.channel.name, its_arm, 0, address)
            for customer_id, its_arm, address in zip(customer_ids.tolist(), arms, addresses, strict=True)
        ]
        codes = [_NO_CODE if "code" in self._variables else None] * len(customer_ids)
        return self._letterheads(session, addressees, people, refusals, codes, now)

    def _letterheads(
        self,
        session: Session,
        addressees: Sequence[Addressee],
        people: Sequence[dict[str, Any]],
        refusals: Sequence[Reason | None],
        codes: Sequence[str | None],
        now: datetime,
    ) -> list[Letterhead]:
        customer_ids = np.fromiter((each.customer_id for each in addressees), np.int64, len(addressees))
        segments = self._segments(session, customer_ids, self._node.by_segment or {}, now)
        named = self._segments(session, customer_ids, self.running.workspace.segments if "segment" in self._variables else {}, now)
        seen_as = self._segments(session, customer_ids, self._page_segments, now)
        same, links, expires = self._same(now), self.running.workspace.links, now + LINK_LIFE
        stand_ins, texts = self._node.if_missing or {}, self._texts_for(session, customer_ids)
        signed = {purpose: life for purpose, life in _SIGNED.items() if f"links.{purpose}" in self._variables}
        letterheads = []
        vouchers = self._vouchers(session, addressees)
        about = zip(addressees, people, refusals, segments, named, seen_as, codes, vouchers, texts, strict=True)
        for addressee, person, refusal, segment, name, seen, code, voucher, said in about:
            shown = self._impersonal(person) if addressee.arm == UNPERSONALISED else person
            instead = {name: text for name, text in stand_ins.items() if shown.get(name) is None}
            shown = {**shown, **instead} if instead else shown
            values = {**same, "customer": shown, "links": links.for_message(addressee.id, expires), "code": code}
            values["links"] |= {purpose: links.link(purpose, addressee.id, now + life) for purpose, life in signed.items()}
            if self._is_personal and said is self._texts:
                values["links"] |= links.followed(addressee.id)
            if voucher:
                values[_VOUCHER] = voucher
            is_personal = addressee.arm != UNPERSONALISED
            values |= {"segment": name if is_personal else None, PAGE_SEGMENT: seen if is_personal else None}
            wording = said.wordings[addressee.arm or ONLY, segment]
            letterheads.append(Letterhead(addressee, refusal, wording, values, tuple(instead), said.spare))
        return letterheads

    def _vouchers(self, session: Session, addressees: Sequence[Addressee]) -> Sequence[str | None]:
        """A voucher for each message, where a template shows one."""
        return vouchers_for(session, addressees, _NO_CODE) if _VOUCHER in self._variables else [None] * len(addressees)

    def issue_vouchers(self, session: Session, ready: Sequence[Ready], now: datetime) -> None:
        """Write down the vouchers of messages that are about to be sent."""
        shown = (each.letterhead for each in ready if _VOUCHER in each.letterhead.wording.variables)
        issue_with(session, self.running.names, ((each.addressee, each.values[_VOUCHER]) for each in shown), now)

    def _texts_for(self, session: Session, customer_ids: Ids) -> list[Texts]:
        """The texts for each of these customers: those without a trace where they do not allow one."""
        purpose = self.running.workspace.tracking.purpose
        if purpose is None or not self._is_personal:
            return [self._texts] * len(customer_ids)
        allowed = consent_of(session, customer_ids, purpose, self.channel.name).granted
        return [self._texts if may else self._plain for may in allowed.tolist()]

    def _drawn(self, customer_ids: Ids, shares: Mapping[str, float]) -> list[str]:
        names, campaign = list(shares), self.running.graph.campaign.campaign
        return [names[place] for place in drawn_arms(campaign, self.node_id, shares, customer_ids).tolist()]

    def compose(self, letterhead: Letterhead) -> Ready | Settlement:
        """Merge one message, or say why it is not sent."""
        if letterhead.refusal is not None:
            return Settlement(letterhead.addressee.id, State.SUPPRESSED, letterhead.refusal)
        merged = self.merged(letterhead)
        if isinstance(merged, CompositionFault):
            return Settlement(letterhead.addressee.id, State.SUPPRESSED, Reason.NOT_COMPOSED, merged.reason)
        return merged

    def merged(self, letterhead: Letterhead) -> Ready | CompositionFault:
        """The words of one message, by its own template or, where that cannot be merged, by the spare one; or what is missing."""
        content = letterhead.wording.compose(letterhead.values)
        if not isinstance(content, CompositionFault):
            return Ready(letterhead, content)
        spare = letterhead.spare
        instead = spare.compose(letterhead.values) if spare else content
        if spare is None or isinstance(instead, CompositionFault):
            return content
        return Ready(replace(letterhead, wording=spare), instead)

    def message(self, ready: Ready) -> Message:
        """The message as the channel takes it."""
        addressee = ready.letterhead.addressee
        assert addressee.address is not None
        key = message_key(self.running.graph.version, addressee.id)
        return Message(key, addressee.address, ready.content, ready.letterhead.values["links"])

    def addressee(self, ready: Ready) -> Addressee:
        """Whom the message is for, with the units that it goes out with."""
        addressee, units = ready.letterhead.addressee, ready.content.segments
        return addressee if addressee.units == units else replace(addressee, units=units)

    def row(self, session: Session, ready: Ready) -> tuple[str | None, int, str, str | None, int, int]:
        """What the outbox keeps of a message that is about to be sent: with the wording it shows it byte for byte."""
        letterhead = ready.letterhead
        addressee, values = letterhead.addressee, letterhead.values
        used = _used(values, letterhead.wording.variables)
        if values[PAGE_SEGMENT]:  # the pages cannot work it out: they may not read what segments are about
            used[PAGE_SEGMENT] = values[PAGE_SEGMENT]
        merged = json_or_none(used)
        wording = self._stored_wording(session, letterhead.wording)
        return addressee.address, wording, merged or "{}", values["code"], ready.content.segments, addressee.id

    def _load(self, node: Send, *, personal: bool) -> Texts:
        wordings: dict[tuple[str, str | None], Wording] = {}
        for segment in (None, *(node.by_segment or {})):
            for variant, words in node.wordings(segment).items():
                wordings[variant, segment] = self._load_one(words, variant, personal=personal)
        return Texts(wordings, self._load_one(node.spare, "spare", personal=personal) if node.spare else None)

    def _load_one(self, words: Words, arm: str, *, personal: bool) -> Wording:
        templates, options = self.running.workspace.templates, {"subject": words.subject} if words.subject else {}
        options |= self._followed.options(self.running.names[0], self._node, arm, personal=personal)
        loaded = self.channel.load(templates / (words.template or ""), options, templates)
        if isinstance(loaded, list):
            raise DeliveryError(f"{loaded[0].file}:{loaded[0].line}: {loaded[0].message} {loaded[0].remedy}")
        return loaded

    def _people(self, session: Session, customer_ids: Ids, now: datetime) -> list[dict[str, Any]]:
        wanted = {name.removeprefix("customer.") for name in self._variables if name.startswith("customer.")}
        names = sorted(wanted | set(self.channel.addresses) | {"timezone", "language", "first_name", "last_name"})
        columns = read_attributes(session, customer_ids, names, self.running.known(now))
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _impersonal(self, person: dict[str, Any]) -> dict[str, Any]:
        """What a template may know of somebody in the unpersonalised arm."""
        return {name: value for name, value in person.items() if name in self._neutral}

    def _wishing(self, session: Session) -> Wishing:
        purpose = None if self._node.answers_request else self.running.graph.campaign.purpose
        return Wishing(session, purpose, self.running.workspace.zone)

    def _consent(self, session: Session, customer_ids: Ids, addresses: Sequence[str | None]) -> list[Unreachable | None]:
        """Why each may not be written to; what somebody asked for a moment ago needs no consent."""
        if self._node.answers_request:
            return refused_answers(session, self.channel.name, addresses)
        return reachability(session, customer_ids, self.running.graph.campaign.purpose or "", self.channel.name, addresses)

    def _refusals(
        self, session: Session, rows: Sequence[Row[Any]], addresses: Sequence[str | None], against: Sequence[Reason | None], now: datetime
    ) -> list[Reason | None]:
        customer_ids = np.fromiter((row.customer_id for row in rows), np.int64, len(rows))
        consent = self._consent(session, customer_ids, addresses)
        gone = self._gone(session, rows, now)
        moment = to_micros(now)
        refusals: list[Reason | None] = []
        for row, address, word, left, wish in zip(rows, addresses, consent, gone, against, strict=True):
            if left:
                refusals.append(Reason.LEFT_THE_CAMPAIGN)
            elif word:
                refusals.append(Reason(word))
            elif address is None:
                refusals.append(Reason.NO_ADDRESS)
            else:
                refusals.append(wish or (Reason.TOO_LATE if moment > row.stale_at else None))
        return refusals

    def _gone(self, session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[bool]:
        """Who has left since the message was queued, or would leave by the campaign's exit condition."""
        member = table_of(Member)
        given = id_table(session, np.fromiter((row.member_id for row in rows), np.int64, len(rows)))
        moments = (type_coerce(moment, BigInteger) for moment in (member.c.entered_at, member.c.arrived_at))
        query = select(member.c.id, member.c.customer_id, *moments, member.c.ended.is_not(None)).join(given, given.c.id == member.c.id)
        found = {row[0]: row for row in session.connection().execute(query)}
        theirs = [found[row.member_id] for row in rows]
        ended = [bool(row[-1]) for row in theirs]
        condition = self.running.graph.campaign.exit_when
        if condition is None:
            return ended
        asked = Asked(*(np.fromiter(column, np.int64, len(rows)) for column in list(zip(*theirs, strict=True))[:-1]))
        leaving = SqlFacts(session, self.running.known(now)).holds(condition, asked)
        return [left or leaves for left, leaves in zip(ended, leaving.tolist(), strict=True)]

    def _segments(self, session: Session, customer_ids: Ids, wanted: Container[str], now: datetime) -> Sequence[str | None]:
        """The first of the wanted segments that each fits, in the workspace's order."""
        if not wanted:
            return [None] * len(customer_ids)
        segments = {name: text for name, text in self.running.workspace.segments.items() if name in wanted}
        return segment_of(session, customer_ids, segments, self.running.known(now))

    def _same(self, now: datetime) -> dict[str, Any]:
        """The values that all messages of a batch have in common."""
        workspace, campaign = self.running.workspace, self.running.graph.campaign
        return {
            "campaign": {"name": campaign.campaign, "title": campaign.title or campaign.campaign},
            "node": self.node_id,
            "sender": asdict(workspace.sender),
            "today": now.astimezone(workspace.zone).date().isoformat(),
        }

    def _stored_wording(self, session: Session, wording: Wording) -> int:
        if id(wording) not in self._stored:
            self._stored[id(wording)] = store_wording(session, self.channel.name, wording.source)
        return self._stored[id(wording)]


def _waiting(letterheads: Sequence[Letterhead], leaving: Int, now: datetime) -> list[Letterhead]:
    """The same with whoever waits marked: who gets the message, and later than now."""
    moments = [from_micros(moment) for moment in leaving.tolist()]
    return [
        replace(each, waits_until=moment) if moment > now and each.refusal is None else each
        for each, moment in zip(letterheads, moments, strict=True)
    ]


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
    for first, second in _parts(variables):
        if second and isinstance(values.get(first), Mapping):
            used.setdefault(first, {})[second] = values[first].get(second)
        elif first in values:
            used[first] = values[first]
    return used


@cache
def _parts(variables: frozenset[str]) -> tuple[tuple[str, str], ...]:
    names = (name.partition(".") for name in sorted(variables))
    return tuple((first, second) for first, _, second in names)


_RANDOM = SystemRandom()
