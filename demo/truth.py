"""The true effect: for every household what it would have bought either way. In life one of the two is never seen.

`life` follows the words of flows/winback.yaml by hand, on purpose without the engine: that the engine did the same to everybody
is checked person by person (ledger.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.households import Household
from demo.public import HERE, POST, Message, of_its_own_accord, reaction, when

PATIENCE = timedelta(days=5)
MONDAY = timedelta(days=7)
TILLS = 6  # o'clock: what was bought is known the next morning


@dataclass(frozen=True, slots=True)
class Bought:
    """Something bought at a moment."""

    at: datetime
    cents: int


@dataclass(frozen=True, slots=True)
class Life:
    """What happens to a household in the 28 days: what reaches it, and what it buys."""

    messages: tuple[Message, ...]
    bought: tuple[Bought, ...]

    @property
    def buys(self) -> bool:
        """Whether anything is bought."""
        return bool(self.bought)

    @property
    def cents(self) -> int:
        """What is spent."""
        return sum(each.cents for each in self.bought)


def life(household: Household, mail: Message | None, start: datetime) -> Life:
    """What happens when the lot falls on this mail; None: when it falls on the control."""
    own = of_its_own_accord(household.key)
    bought = [Bought(when(start, own.after), own.cents)] if own else []
    messages: list[Message] = []
    if mail is not None:
        for message, arrived in _messages(household, mail, start, bought):
            messages.append(message)
            buys = reaction(household.key, message).buys
            if buys:
                bought.append(Bought(when(arrived, buys.after), buys.cents))
    return Life(tuple(messages), tuple(bought))


def _messages(household: Household, mail: Message, start: datetime, bought: Sequence[Bought]) -> Iterator[tuple[Message, datetime]]:
    """What reaches a household, in order; `bought` grows meanwhile."""
    second = start
    if "email" in household.reachable:
        yield mail, start
        second = start + PATIENCE
        reacted = reaction(household.key, mail)
        if reacted.visits_after or reacted.stops == "everything" or _known_to_buy(bought, second):
            return
    if "sms" in household.reachable:
        yield "text", second
    elif "print" in household.reachable and not _known_to_buy(bought, start + MONDAY):
        yield "letter", start + MONDAY + POST


def _known_to_buy(bought: Sequence[Bought], at: datetime) -> bool:
    """Whether the tills of an earlier day have told of a purchase."""
    morning = at.astimezone(HERE).replace(hour=0, minute=0)
    return any(each.at < morning for each in bought)


@dataclass(frozen=True, slots=True)
class Effect:
    """A true effect: both rates are means over the same households, one of which is never seen."""

    with_it: float
    without: float

    @property
    def difference(self) -> float:
        """What the campaign, or the better variant, adds per household."""
        return self.with_it - self.without


def true_effects(assigned: Mapping[str, Household], mailed: Mapping[str, str], start: datetime) -> Mapping[str, Effect]:
    """The effects among those who were assigned: of being contacted at all, on purchases and euros; and of the personal mail.

    `assigned` are all households in the experiment, `mailed` those in the contacted group. Contacted means one of the two mails by
    lot, half each.
    """
    lives = {key: [life(each, mail, start) for mail in ("personal", "general", None)] for key, each in assigned.items()}
    everyone, contacted = lives.values(), [lives[key] for key in mailed]
    return {
        "purchase": Effect(_mean((p.buys + g.buys) / 2 for p, g, _ in everyone), _mean(own.buys for *_, own in everyone)),
        "spend": Effect(_mean((p.cents + g.cents) / 200 for p, g, _ in everyone), _mean(own.cents / 100 for *_, own in everyone)),
        "personal": Effect(_mean(p.buys for p, _, _ in contacted), _mean(g.buys for _, g, _ in contacted)),
    }


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else 0.0
