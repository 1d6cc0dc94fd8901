"""The public: what each household does when something arrives, and what it would have done otherwise.

Both are drawn beforehand, by hash, for every household: whether it buys of its own accord within the 28 days (it does so whatever
it gets), and whether each kind of message moves it to buy. So the true effect of the campaign is known person by person, which
in life it never is. A household only ever reacts to what has really reached it; it does not know in which group it is.

The personal mail moves everybody whom the general one moves, and some more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from demo.draws import draw, happens, pick

Message = Literal["personal", "general", "text", "letter"]
CAMPAIGN = timedelta(days=28)
HERE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True, slots=True)
class Habit:
    """How a kind of message fares: read at all, then the reader moved to buy, or only curious, or annoyed."""

    reads: float
    curious: float
    annoyed: float
    slowest: timedelta  # by when readers have reacted


BUYS_ANYWAY = 0.085
HABITS: Mapping[str, Habit] = {
    "mail": Habit(reads=0.64, curious=0.07, annoyed=0.020, slowest=timedelta(days=3)),
    "text": Habit(reads=0.93, curious=0.04, annoyed=0.025, slowest=timedelta(hours=20)),
    "letter": Habit(reads=0.85, curious=0.05, annoyed=0.012, slowest=timedelta(days=4)),
}
MOVES: Mapping[Message, float] = {"personal": 0.22, "general": 0.08, "text": 0.03, "letter": 0.05}
POST = timedelta(days=1, hours=3)  # a letter is printed, and lies on the mat the next noon
INTERESTS = ("fresh", "family", "cooking", "bargains")
FREQUENCIES = ("weekly", "monthly", "seldom")
REMARKS = ("The cheese counter!", "Jullie brood. Echt waar.", "More for people who cook for one", "Niets, ik was verhuisd", "Parking")


@dataclass(frozen=True, slots=True)
class Purchase:
    """Something bought, so long after the campaign began, or after a message came."""

    after: timedelta
    cents: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one household does with one message. All times are counted from its arrival."""

    visits_after: timedelta | None = None
    answers: Mapping[str, str] | None = None
    stops: Literal["page", "everything", "one_click"] | None = None
    stops_after: timedelta | None = None
    buys: Purchase | None = None


def of_its_own_accord(who: str) -> Purchase | None:
    """What a household buys in these 28 days whether or not it is written to."""
    if not happens(who, "buys anyway", BUYS_ANYWAY):
        return None
    return Purchase(timedelta(hours=6) + draw(who, "when anyway") * (CAMPAIGN - timedelta(days=1)), _cents(who, "anyway"))


def reaction(who: str, message: Message) -> Reaction:
    """What a household does when this message has reached it."""
    kind = "mail" if message in ("personal", "general") else message
    habit = HABITS[kind]
    if not happens(who, f"reads {kind}", habit.reads):
        return Reaction()
    moved = happens(who, f"moved by {kind}", MOVES[message])
    soon = timedelta(minutes=9) + draw(who, f"soon {kind}") ** 3 * habit.slowest
    if happens(who, f"curious about {kind}", 0.85 if moved else habit.curious):
        return Reaction(soon, _answers(who, kind), buys=_moved(who, kind, soon) if moved else None)
    if moved:
        return Reaction(buys=_moved(who, kind, soon))
    return _annoyed(who, kind, soon) if happens(who, f"annoyed by {kind}", habit.annoyed) else Reaction()


def when(arrived: datetime, after: timedelta) -> datetime:
    """The moment so long after something arrived; nobody reads or shops at night."""
    moment = arrived + after
    return moment + timedelta(hours=7) if moment.astimezone(HERE).hour < 7 else moment


def scans_mail(who: str) -> bool:
    """Whether a machine at the household's mail provider opens every link before a person does."""
    return happens(who, "scans mail", 0.03)


def types_the_code(who: str) -> bool:
    """Whether a household types a letter's code instead of pointing a telephone at it."""
    return happens(who, "types the code", 0.4)


def _moved(who: str, kind: str, soon: timedelta) -> Purchase:
    return Purchase(soon + timedelta(hours=3) + draw(who, f"to the shop {kind}") * timedelta(days=3), _cents(who, kind))


def _annoyed(who: str, kind: str, soon: timedelta) -> Reaction:
    ways: tuple[Literal["page", "everything", "one_click"], ...] = ("page", "everything", "one_click")
    return Reaction(stops=pick(who, f"how {kind}", ways if kind == "mail" else ways[:2]), stops_after=soon)


def _answers(who: str, kind: str) -> Mapping[str, str] | None:
    if not happens(who, f"answers {kind}", 0.72):
        return None
    remark = pick(who, "remark", REMARKS) if happens(who, f"has a remark {kind}", 0.3) else ""
    return {"interest": pick(who, "interest", INTERESTS), "frequency": pick(who, "frequency", FREQUENCIES), "remark": remark}


def _cents(who: str, why: str) -> int:
    return 2_500 + int(draw(who, f"spends {why}") ** 2 * 9_000)
