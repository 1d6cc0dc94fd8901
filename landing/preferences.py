"""What stands for one customer, what a form of the preference centre changes about it, and how that is written down.

A form says what it was shown with, and only what differs from that is a change: a page that was left open since last week takes
back nothing that was decided in between.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlmodel import Session

from customers.attributes import set_attributes
from customers.choices import FREELY, ChoiceKind, Chosen, choices_of, record_choices
from customers.conditions.vocabulary import AttributeKind
from customers.consent import EVERYTHING, ConsentChange, Source, record_consent
from customers.contact_log import Kind, log
from customers.preferred import PartOfDay
from customers.tables import Consent, CustomerId, table_of
from engine.language.context import CHANNELS
from engine.wake import wake
from landing.offered import TOPIC, Offered
from landing.recipients import Recipient
from landing.responses import entry_of, hold, story_of
from store.clock import to_micros

RHYTHMS = (FREELY, 7, 30)  # days
PAUSES = (30, 90)  # days
END = "end"
MOMENT = "moment"  # the field's name
_RHYTHMS, _PAUSES, _PARTS = [str(days) for days in RHYTHMS], [str(days) for days in PAUSES], [str(int(part)) for part in PartOfDay]
_NAMES = {"first_name", "last_name", "country"}  # of an address, and known of people who have none


@dataclass(frozen=True, slots=True)
class Stance:
    """What stands for a customer: granted purposes and channels, whether everything was refused, and choices by kind and subject."""

    granted: frozenset[tuple[str, str]]
    refused_everything: bool
    choices: Mapping[tuple[ChoiceKind, str], int]

    def choice(self, kind: ChoiceKind, about: str) -> int:
        """The value of a choice; 0 when there was none."""
        return self.choices.get((kind, about), 0)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a customer changed: (purpose, channel, allowed), and choices."""

    consents: tuple[tuple[str, str, bool], ...] = ()
    choices: tuple[Chosen, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.consents or self.choices)

    @property
    def kind(self) -> Literal[Kind.OPTED_OUT, Kind.OPTED_IN] | None:
        """What the contact log makes of it in the first place; None where consent stays as it is."""
        if not self.consents:
            return None
        return Kind.OPTED_IN if all(allowed for _, _, allowed in self.consents) else Kind.OPTED_OUT


def stance_of(session: Session, customer_id: CustomerId) -> Stance:
    """What stands for a customer; two statements."""
    consent = table_of(Consent).c
    rows = session.execute(select(consent.purpose, consent.channel, consent.granted).where(consent.customer_id == customer_id)).all()
    granted = frozenset((row.purpose, row.channel) for row in rows if row.granted)
    everything = any((row.purpose, row.channel) == (EVERYTHING, EVERYTHING) for row in rows)
    return Stance(granted, everything and not granted, choices_of(session, customer_id))


def channels_of(recipient: Recipient, stance: Stance) -> tuple[str, ...]:
    """The channels that a customer can choose: where an address is known, or something is allowed, or the message came from."""
    used = {recipient.channel, *(channel for _, channel in stance.granted)}
    return tuple(name for name, traits in CHANNELS.items() if name in used or set(traits.address) - _NAMES <= recipient.attributes.keys())


def allow_name(purpose: str, channel: str) -> str:
    """The name of a tick box of consent."""
    return f"allow:{purpose}:{channel}"


def topic_name(topic: str) -> str:
    """The name of a topic's tick box."""
    return f"topic:{topic}"


def rhythm_name(purpose: str) -> str:
    """The name of the question how often."""
    return f"rhythm:{purpose}"


def picked(name: str, value: object) -> str:
    """A question with the choice that is picked, as `was` names it."""
    return f"{name}={value}"


def written(marked: Iterable[str]) -> str:
    """The names of the boxes that are ticked, and the choices picked, in a form as it is shown: its hidden field `was` holds them."""
    return " ".join(quote(name, safe="") for name in marked)


def changes_in(offered: Offered, typed: Mapping[str, str], stance: Stance, now: datetime, zone: ZoneInfo) -> Changes:
    """What a form changes about what stands; what it does not know, or what is no choice of ours, changes nothing."""
    if typed.get("stop") == "all":
        return Changes() if stance.refused_everything else Changes(((EVERYTHING, EVERYTHING, False),))
    was = frozenset(map(unquote, typed.get("was", "").split()))

    def turned(name: str, stands: bool) -> bool:
        return (name in typed) != (name in was) and (name in typed) != stands

    consents = [
        (purpose, channel, allow_name(purpose, channel) in typed)
        for purpose in offered.purposes
        for channel in CHANNELS
        if turned(allow_name(purpose, channel), (purpose, channel) in stance.granted)
    ]
    topics = [
        Chosen(ChoiceKind.TOPIC, topic, int(topic_name(topic) in typed))
        for topic in offered.topics
        if turned(topic_name(topic), bool(stance.choice(ChoiceKind.TOPIC, topic)))
    ]
    answers = {name: value for name, value in typed.items() if picked(name, value) not in was}
    wishes = [wish for purpose in offered.purposes for wish in _wishes(purpose, answers, stance, now, zone)]
    return Changes(tuple(consents), (*topics, *wishes, *_moment(answers, stance)))


def write_changes(session: Session, recipient: Recipient, changes: Changes, at: datetime) -> None:
    """Write changes down as the customer's own words: evidence, dated choices, the contact log; and wake whoever waits."""
    hold(session, recipient.customer_id)
    evidence = {"message_id": recipient.message_id, "campaign": recipient.campaign, "node": recipient.node, "page": "preferences"}
    record_consent(
        session,
        [
            ConsentChange(recipient.customer_id, purpose, channel, granted=allowed, at=at, source=Source.PAGE, evidence=evidence)
            for purpose, channel, allowed in changes.consents
        ],
    )
    if changes.choices:
        record_choices(session, recipient.customer_id, changes.choices, at, evidence)
        _keep_topics(session, recipient.customer_id, changes)
    _log(session, recipient, changes, at)
    wake(session, [recipient.customer_id], at)


def _wishes(purpose: str, typed: Mapping[str, str], stance: Stance, now: datetime, zone: ZoneInfo) -> Iterator[Chosen]:
    rhythm = typed.get(rhythm_name(purpose), "")
    if rhythm in _RHYTHMS and int(rhythm) != stance.choice(ChoiceKind.RHYTHM, purpose):
        yield Chosen(ChoiceKind.RHYTHM, purpose, int(rhythm))
    pause, until = typed.get(f"pause:{purpose}", ""), FREELY
    if pause in _PAUSES:
        # Whole days, so that a form that is sent twice asks for the same pause.
        until = to_micros(datetime.combine(now.astimezone(zone).date() + timedelta(days=int(pause)), time(), zone))
    if (until or pause == END) and until != stance.choice(ChoiceKind.PAUSE, purpose):
        yield Chosen(ChoiceKind.PAUSE, purpose, until)


def _moment(typed: Mapping[str, str], stance: Stance) -> Iterator[Chosen]:
    part = typed.get(MOMENT, "")
    if part in _PARTS and int(part) != stance.choice(ChoiceKind.MOMENT, EVERYTHING):
        yield Chosen(ChoiceKind.MOMENT, EVERYTHING, int(part))


def _keep_topics(session: Session, customer_id: CustomerId, changes: Changes) -> None:
    """Topics are attributes too, so that conditions and templates can ask for them."""
    topics = {TOPIC + each.about: bool(each.value) for each in changes.choices if each.kind is ChoiceKind.TOPIC}
    if topics:
        set_attributes(session, np.array([customer_id], np.int64), topics, dict.fromkeys(topics, AttributeKind.BOOLEAN))


def _log(session: Session, recipient: Recipient, changes: Changes, at: datetime) -> None:
    taken, entries = set(story_of(session, recipient).keys), []
    for purpose, channel, allowed in changes.consents:
        kind = Kind.OPTED_IN if allowed else Kind.OPTED_OUT
        number = 1
        while (key := f"{kind.value}:{recipient.message_id}:{number}") in taken:
            number += 1
        taken.add(key)
        detail = {"purpose": purpose, "channel": channel, "source": Source.PAGE.value}
        entries.append(entry_of(recipient, kind, at, key, detail=detail))
    log(session, entries)
