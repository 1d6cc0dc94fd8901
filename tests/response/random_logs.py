"""Small campaigns drawn by lot: as plain facts, as rows in the database, and counted one by one, to hold the report's statements to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st
from sqlalchemy import Engine

from customers.tables import Contact
from engine.tables import Campaign, Member, OutboxMessage
from response.facts import Messages, Reactions
from response.population import Population
from response.statistics.moments import Moments
from store.clock import DAY_MICROS, to_micros
from store.session import reading
from tests.response.response_story import DONE, HOLDOUT, LEARN, NOON, TEST, Story, flow

FLOWS = (flow(HOLDOUT, TEST, DONE, learn=LEARN), flow(HOLDOUT, TEST, DONE, learn=LEARN, title="Again"))
REACTED = ("delivered", "bounced", "complained", "opened", "clicked", "visited", "form_started", "answered", "opted_out", "redeemed")
STATES = ("suppressed", "failed", "queued", "unknown", "sent")  # in the order of how far each is
MADE_ON, WITHIN = 12, 6  # the day of the report, and the days of a window
CUSTOMERS = 5
DAYS = (-7, -6, -1, 0, 1, 5, 6, 11, 12, 13)  # those at which something begins or ends, and their neighbours
HELD_BACK = ("suppressed", "failed")
FOREIGN = 10**9  # a message that no row of the outbox has
Key = tuple[str | None, str, str | None]  # node, channel, arm


@dataclass(frozen=True)
class Sent:
    """A message that was decided `day` days after the member came in."""

    node: str
    state: str
    day: int

    @property
    def channel(self) -> str:
        return "email" if self.node == "test" else "sms"


@dataclass(frozen=True)
class Came:
    """A customer who came in, and what was assigned and sent; `side` "" is no arm."""

    customer: int
    version: int
    day: int
    held: bool
    side: str
    messages: tuple[Sent, ...]

    def arm_of(self, message: Sent) -> str | None:
        """The variant that the message was made in."""
        return self.side or None if message.node == "test" else None


@dataclass(frozen=True)
class Did:
    """A row of the contact log; `about` is the place of a message among all, or None, or FOREIGN."""

    customer: int
    kind: str
    human: bool
    day: int
    about: int | None
    channel: str
    campaign: str
    version: int | None

    def message(self, messages: int) -> int | None:
        """The place of the message, when there are so many; without any it is about none."""
        return self.about if self.about is None or self.about == FOREIGN else self.about % messages if messages else None


@dataclass(frozen=True)
class Asked:
    """Of whom is counted."""

    versions: tuple[int, ...] | None
    entered_by: int | None
    closed_only: bool

    @property
    def everyone(self) -> bool:
        return self == Asked(None, None, False)

    def has(self, version: int) -> bool:
        return self.versions is None or version in self.versions


@dataclass(frozen=True)
class Log:
    """All of one campaign. Members are in the order in which they came in."""

    came: tuple[Came, ...]
    did: tuple[Did, ...]

    @property
    def messages(self) -> list[tuple[int, Sent]]:
        """Each message with its member's place."""
        return [(place, message) for place, member in enumerate(self.came) for message in member.messages]


customers = st.integers(0, CUSTOMERS - 1)
sent = st.builds(Sent, st.sampled_from(["test", "text"]), st.sampled_from(STATES), st.integers(0, 14))
came = st.builds(
    Came,
    customers,
    st.integers(0, 1),
    st.integers(0, 13),
    st.booleans(),
    st.sampled_from(["warm", "plain", ""]),
    st.lists(sent, max_size=3).map(tuple),
)
did = st.builds(
    Did,
    customers,
    st.sampled_from(REACTED),
    st.booleans(),
    st.sampled_from(DAYS),
    st.none() | st.integers(0, 5) | st.just(FOREIGN),
    st.sampled_from(["web", "email"]),
    st.sampled_from(["spring", "spring", "autumn"]),
    st.none() | st.integers(0, 1),
)
logs = st.builds(
    lambda members, log: Log(tuple(sorted(members, key=lambda each: each.day)), tuple(log)),
    st.lists(came, min_size=1, max_size=7),
    st.lists(did, max_size=24),
)
askeds = st.builds(Asked, st.none() | st.sampled_from([(0,), (1,)]), st.none() | st.integers(0, 13), st.booleans())


@dataclass(frozen=True)
class Written:
    """A log as it lies in the database: the numbers of its customers, versions, members and messages, in its order."""

    story: Story
    customers: Sequence[int]
    versions: Sequence[str]
    members: Sequence[int]
    messages: Sequence[int]

    def population(self, asked: Asked) -> Population:
        """Read from the copies."""
        own = [self.story.versions[version] for version in self.versions]
        return Population(
            self.story.campaign_id,
            "spring",
            to_micros(NOON + timedelta(days=MADE_ON)),
            WITHIN * DAY_MICROS,
            returning=True,
            versions=None if asked.versions is None else tuple(own[version] for version in asked.versions),
            closed_only=asked.closed_only,
            entered_by=None if asked.entered_by is None else to_micros(NOON + timedelta(days=asked.entered_by)),
            copied=True,
        )


@contextmanager
def written(database: Engine, log: Log) -> Iterator[Written]:
    """The log beside another campaign with the same customers, in a transaction that is taken back at the end."""
    with reading(database) as session:
        campaign, other = Campaign(name="spring", started_at=NOON), Campaign(name="autumn", started_at=NOON)
        session.add_all([campaign, other])
        session.flush()
        story = Story(session, campaign.id or 0)
        versions = [story.runs(graph, NOON + timedelta(minutes=place)) for place, graph in enumerate(FLOWS)]
        elsewhere = Story(session, other.id or 0, story.flows, story.versions)
        people = elsewhere.arm(CUSTOMERS, "start", "contacted", versions[0])
        for member in people:
            elsewhere.message(member, "test", "sent", hop=99, arm="warm")
        customers = [member.customer_id for member in people]
        members = list(_members(story, log, customers, versions))
        messages = [_message(members[place], log.came[place], message, hop) for hop, (place, message) in enumerate(log.messages)]
        session.add_all(messages)
        session.flush()
        numbers = [message.id or 0 for message in messages]
        session.add_all([_contact(did, customers, numbers, versions) for did in log.did])
        session.flush()
        yield Written(story, customers, versions, [member.id or 0 for member in members], numbers)


def _members(story: Story, log: Log, customers: Sequence[int], versions: Sequence[str]) -> Iterator[Member]:
    entries = dict.fromkeys(range(CUSTOMERS), 0)
    for came in log.came:
        entries[came.customer] += 1
        version, at = versions[came.version], NOON + timedelta(days=came.day)
        (member,) = story.again([customers[came.customer]], version, at, entries[came.customer])
        story.assigns([member], "start", "control" if came.held else "contacted", version)
        story.assigns([member], "test", came.side, version)
        yield member


def _message(member: Member, came: Came, message: Sent, hop: int) -> OutboxMessage:
    at = NOON + timedelta(days=came.day + message.day)
    return OutboxMessage(
        member_id=member.id or 0,
        version_id=member.version_id,
        customer_id=member.customer_id,
        node=message.node,
        entry=member.entry,
        hop=hop,
        channel=message.channel,
        arm=came.arm_of(message),
        state=message.state,
        reason="refused" if message.state in HELD_BACK else None,
        queued_at=at,
        due_at=at,
        stale_at=at,
    )


def _contact(did: Did, customers: Sequence[int], messages: Sequence[int], versions: Sequence[str]) -> Contact:
    about = did.message(len(messages))
    return Contact(
        at=NOON + timedelta(days=did.day),
        customer_id=customers[did.customer],
        direction="in",
        channel=did.channel,
        kind=did.kind,
        campaign=did.campaign,
        version=None if did.version is None else versions[did.version],
        message_id=about if about is None or about == FOREIGN else messages[about],
        human=did.human,
    )


REACTED_BY: Mapping[str, Callable[[Did], bool]] = {
    "delivered": lambda each: each.kind == "delivered",
    "bounced": lambda each: each.kind == "bounced",
    "complained": lambda each: each.kind == "complained",
    "opened": lambda each: each.kind in {"opened", "clicked"} and each.human,
    "opened_by_machine": lambda each: each.kind == "opened" and not each.human,
    "clicked": lambda each: each.kind == "clicked" and each.human,
    "clicked_by_machine": lambda each: each.kind == "clicked" and not each.human,
    "visited": lambda each: each.kind == "visited" and each.human,
    "answered": lambda each: each.kind == "answered" and each.human,
    "opted_out": lambda each: each.kind == "opted_out",
    "redeemed": lambda each: each.kind == "redeemed",
    "form_started": lambda each: each.kind == "form_started",
}


def chosen(log: Log, asked: Asked) -> list[int]:
    """The places of the members who count."""
    last = min(MADE_ON, *([] if asked.entered_by is None else [asked.entered_by]), MADE_ON - WITHIN if asked.closed_only else MADE_ON)
    return [place for place, came in enumerate(log.came) if came.day <= last and asked.has(came.version)]


def reactions(log: Log, asked: Asked, *, by_side: bool) -> dict[Key, Reactions]:
    """Distinct customers by the message that they reacted to; `by_side`: by what the message's own member was assigned to."""
    who = {log.came[place].customer for place in chosen(log, asked)}
    keyed: dict[Key, list[Did]] = {}
    for did in log.did:
        ours = did.campaign == "spring" and did.day <= MADE_ON and (did.version is None or asked.has(did.version))
        if ours and (asked.everyone or did.customer in who):
            keyed.setdefault(_about(log, did, by_side=by_side), []).append(did)
    counted = {key: _reactions(rows) for key, rows in keyed.items()}
    return {key: each for key, each in counted.items() if each != Reactions()}


def _reactions(rows: Sequence[Did]) -> Reactions:
    who = {name: {each.customer for each in rows if fits(each)} for name, fits in REACTED_BY.items()}
    counts = {name: len(customers) for name, customers in who.items()}
    return Reactions(**counts, form_abandoned=len(who["form_started"] - who["answered"]))


def _about(log: Log, did: Did, *, by_side: bool) -> Key:
    about = did.message(len(log.messages))
    if about is None:
        return None, did.channel, None
    if about == FOREIGN:
        same = (each.channel for each in log.did if each.customer == did.customer and each.message(len(log.messages)) == FOREIGN)
        return None, min(same), None
    place, message = log.messages[about]
    return message.node, message.channel, (log.came[place].side or None) if by_side else log.came[place].arm_of(message)


def messages(log: Log, asked: Asked, *, by_side: bool) -> dict[Key, Messages]:
    """Distinct customers by the furthest that a message of theirs came."""
    furthest: dict[Key, dict[int, int]] = {}
    counting = set(chosen(log, asked))
    for place, message in log.messages:
        came = log.came[place]
        if place in counting and came.day + message.day <= MADE_ON:
            arm = (came.side or None) if by_side else came.arm_of(message)
            found = furthest.setdefault((message.node, message.channel, arm), {})
            found[came.customer] = max(found.get(came.customer, 0), STATES.index(message.state))
    return {key: _messages([STATES[state] for state in found.values()]) for key, found in furthest.items()}


def _messages(states: Sequence[str]) -> Messages:
    counts = {("open" if state == "queued" else state): states.count(state) for state in STATES}
    reasons = tuple(("refused", counts[state]) for state in HELD_BACK if counts[state])
    return Messages(**counts, reasons=reasons)


def moments(log: Log, asked: Asked, measure: str) -> dict[tuple[str, str], Moments]:
    """Node and arm to the sums of what customers did or not, and of the same before they came in."""
    found: dict[tuple[str, str], Moments] = {}
    for came in _units(log, asked):
        y = any(_counts(did, measure, before=False) and 0 <= did.day - came.day < WITHIN and did.day <= MADE_ON for did in _of(log, came))
        x = any(_counts(did, measure, before=True) and -WITHIN <= did.day - came.day < 0 for did in _of(log, came))
        for key in (("start", "control" if came.held else "contacted"), ("test", came.side)):
            if key[1]:
                one = Moments(1, y, y, x, x, x and y)
                found[key] = found[key] + one if key in found else one
    return found


def _units(log: Log, asked: Asked) -> Iterator[Came]:
    """The first time that each customer came in by a version that counts, if that time counts."""
    seen: set[int] = set()
    counting = set(chosen(log, asked))
    for place, came in enumerate(log.came):
        if asked.has(came.version) and came.customer not in seen:
            seen.add(came.customer)
            if place in counting:
                yield came


def _of(log: Log, came: Came) -> Iterator[Did]:
    return (did for did in log.did if did.customer == came.customer)


def _counts(did: Did, measure: str, *, before: bool) -> bool:
    if measure == "opt_out":
        return did.kind == "opted_out"
    return did.kind in {"visited", "clicked", "answered"} and did.human and (before or did.campaign == "spring")
