"""A campaign in which everything happens, drawn by lot: a hold-out, variants, three channels, and a log full of what belongs elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customers.tables import ConsentEvent, Contact, Customer, Purchase
from engine.nodes.audience import Audience
from engine.nodes.send import Send
from engine.tables import Exposure, Member, OutboxMessage
from store.clock import to_micros
from tests.response.recomputed_facts import DAY, Plan, Told
from tests.response.response_story import DONE, NOON, Story, flow
from tests.response.test_hillstrom import put

SIZE, HELD_OUT = 2_400, 0.2
LEARN = {"question": "Does it bring people back?", "metric": "purchase", "within": "28 days", "minimum_lift": "1 point"}
CHANNELS = {"mail": "email", "text": "sms", "letter": "print"}
COSTS = {"email": 50, "sms": 7_500, "print": 95_000}
PLANS = (
    Plan("lapsed", "holdout", "control", {"contacted": 1 - HELD_OUT, "control": HELD_OUT}),
    Plan("mail", "variants", "general", {"personal": 0.5, "general": 0.5}),
)
BACK = ("opened", "clicked", "visited", "answered", "opted_out", "complained", "bounced")

Draw = np.random.Generator


def told_of(as_of: int) -> Told:
    """What the flow says."""
    return Told("spring", "EUR", as_of, 28 * DAY, 0.01, ("purchase", "spend", "visit"), PLANS, CHANNELS)


@dataclass
class Town:
    """What is drawn: rows of the tables, in the order of their columns."""

    draw: Draw
    version_id: int
    entered: NDArray[np.int64]
    arms: NDArray[np.str_]
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    purchases: list[tuple[Any, ...]] = field(default_factory=list)
    consent: list[tuple[Any, ...]] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return bool(self.draw.random() < share)

    def after(self, n: int, days: float) -> int:
        """A moment up to so many days after (or before) a customer came in."""
        return int(self.entered[n - 1] + round(self.draw.random() * days * DAY))

    def logged(self, at: int, n: int, kind: str, **values: Any) -> None:
        row = {"direction": "in", "channel": "web", "campaign": "spring", "node": None, "human": True, "message_id": None} | values
        self.contacts.append((at, n, kind, *row.values()))


def load(story: Story, seed: int = 7) -> None:
    """Draw it, and put it in the database."""
    town = _town(story, np.random.default_rng(seed))
    for n in range(1, SIZE + 1):
        _history(town, n)
        _messages(town, n)
        _afterwards(town, n)
    columns = "id member_id version_id customer_id node entry hop channel arm state reason queued_at due_at stale_at attempts units"
    put(story, OutboxMessage, f"{columns} cost_millicents", town.messages)
    put(story, Contact, "at customer_id kind direction channel campaign node human message_id", town.contacts)
    put(story, Purchase, "key customer_id purchased_at amount_cents currency", [(f"p{n}", *row) for n, row in enumerate(town.purchases)])
    put(story, ConsentEvent, "customer_id purpose channel granted at source", town.consent)


def _town(story: Story, draw: Draw) -> Town:
    lapsed = Audience.model_validate({"id": "lapsed", "audience": "everyone", "holdout": "20%"})
    variants = {"personal": {"share": "50%"}, "general": {"share": "50%", "control": True}}
    mail = Send.model_validate({"id": "mail", "send": "email", "template": "a.txt", "variants": variants})
    others = [Send.model_validate({"id": name, "send": CHANNELS[name], "template": "a.txt"}) for name in ("text", "letter")]
    version = story.runs(flow(lapsed, mail, *others, DONE, learn={**LEARN, "also": ["spend", "visit"]}))
    entered = to_micros(NOON) + draw.integers(5, size=SIZE) * DAY
    town = Town(draw, story.versions[version], entered, np.where(draw.random(SIZE) < HELD_OUT, "control", "contacted"))
    _people(story, town, version)
    return town


def _people(story: Story, town: Town, version: str) -> None:
    start = to_micros(NOON)
    put(story, Customer, "id key created_at changed_at", [(n, f"w{n}", start, start) for n in range(1, SIZE + 1)])
    everyone = list(zip(range(1, SIZE + 1), town.entered.tolist(), town.arms.tolist(), strict=True))
    segments = town.draw.choice(["families", "students", ""], SIZE, p=[0.4, 0.05, 0.55]).tolist()
    ended = [("held_out" if arm == "control" else ("flow_ended", "goal_reached", None)[n % 3]) for n, _, arm in everyone]
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh segment ended"
    rows = zip(everyone, segments, ended, strict=True)
    put(
        story,
        Member,
        columns,
        [(n, story.campaign_id, town.version_id, n, at, "done", at, 1, 0, False, seg or None, end) for (n, at, _), seg, end in rows],
    )
    columns = "member_id node campaign_id customer_id version arm at"
    put(story, Exposure, columns, [(n, "lapsed", story.campaign_id, n, version, arm, at) for n, at, arm in everyone])
    drawn = [(n, at, ("personal", "general")[town.chance(0.5)]) for n, at, arm in everyone if arm == "contacted"]
    put(story, Exposure, columns, [(n, "mail", story.campaign_id, n, version, arm, at) for n, at, arm in drawn])
    town.messages += [_message(town, n, at, "mail", arm) for n, at, arm in drawn]


def _message(town: Town, n: int, at: int, node: str, arm: str | None) -> tuple[Any, ...]:
    state = str(town.draw.choice(["sent", "suppressed", "failed", "unknown"], p=[0.8, 0.14, 0.04, 0.02]))
    reasons = {"suppressed": ("no_consent", "opted_out", "no_address"), "failed": ("refused", "gave_up"), "unknown": ("maybe_sent",)}
    reason = str(town.draw.choice(reasons[state])) if state in reasons else None
    units = int(town.draw.integers(1, 3)) if node == "text" else 1
    left = state in ("sent", "unknown")
    paid = (units, units * COSTS[CHANNELS[node]]) if left else (0, 0)
    number = 10 * n + list(CHANNELS).index(node)
    return (number, n, town.version_id, n, node, 1, 1, CHANNELS[node], arm, state, reason, at, at, at, 1, *paid)


def _history(town: Town, n: int) -> None:
    """Before the entry: purchases in two currencies, messages and visits of other campaigns, consent given and withdrawn."""
    for _ in range(int(town.draw.integers(0, 5))):
        bought = town.after(n, -200) - 1
        town.purchases.append((n, bought, int(town.draw.integers(300, 9_000)), "USD" if town.chance(0.1) else "EUR"))
    for _ in range(int(town.draw.integers(0, 7))):
        town.logged(town.after(n, -120) - 1, n, "sent", direction="out", channel="email", campaign="news", node="issue", human=False)
    if town.chance(0.2):
        town.logged(town.after(n, -40) - 1, n, "visited", campaign="news")
    for granted in (True, False)[: 1 + town.chance(0.1)]:
        at = town.after(n, -300) - 1
        town.consent.append((n, "offers", "email", granted, at, "import"))


def _messages(town: Town, n: int) -> None:
    """What became of this customer's messages: a text for some, a letter for some, and what came back."""
    if town.arms[n - 1] == "control":
        return
    for node, share in (("text", 0.4), ("letter", 0.3)):
        if town.chance(share):
            town.messages.append(_message(town, n, town.after(n, 10), node, None))
    others = [each for each in town.messages[-2:] if each[1] == n and each[4] != "mail"]
    for message in (_mail_of(town, n), *others):
        _came_back(town, message)


def _mail_of(town: Town, n: int) -> tuple[Any, ...]:
    """Mails lie first, in the order of the contacted."""
    place = int((town.arms[: n - 1] == "contacted").sum())
    return town.messages[place]


def _came_back(town: Town, message: Sequence[Any]) -> None:
    number, n, node, channel, state, at = message[0], message[1], message[4], message[7], message[9], message[11]
    ours = {"node": node, "channel": channel, "message_id": number}
    if state in ("sent", "unknown"):
        town.logged(at, n, state, direction="out", human=False, **ours)
    if state != "sent":
        return
    if channel != "print" and town.chance(0.9):
        town.logged(at + 60_000_000, n, "delivered", human=False, **ours)
    for kind, share in zip(BACK, (0.5, 0.2, 0.15, 0.1, 0.03, 0.01, 0.02), strict=True):
        while town.chance(share):
            town.logged(at + int(town.draw.integers(1, 35 * DAY)), n, kind, **{**ours, "human": kind != "opened" or town.chance(0.6)})


def _afterwards(town: Town, n: int) -> None:
    """After the entry, whoever it is: purchases in and after the window, another campaign, a visit that names no message."""
    while town.chance(0.12 if town.arms[n - 1] == "contacted" else 0.07):
        town.purchases.append((n, town.after(n, 40), int(town.draw.integers(500, 12_000)), "USD" if town.chance(0.05) else "EUR"))
    if town.chance(0.2):
        other = str(town.draw.choice(["news", "sale"]))
        town.logged(town.after(n, 35), n, "sent", direction="out", channel="email", campaign=other, node="issue", human=False)
    if town.chance(0.05):
        town.logged(town.after(n, 30), n, "visited")
    if town.chance(0.02):
        town.logged(town.after(n, 30), n, "opted_out", campaign=None)
