"""How fast messages of a channel may leave, as the settings say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

FULL = timedelta(minutes=1)  # a bucket holds what may leave in this time


@dataclass(frozen=True, slots=True)
class Pace:
    """So many messages in so much time."""

    count: int
    seconds: int

    @property
    def room(self) -> float:
        """The most messages that a bucket holds: a minute's worth, and at least one."""
        return max(1.0, self.count / self.seconds * FULL.total_seconds())

    def gained(self, seconds: float) -> float:
        """How many messages become possible in so many seconds."""
        return self.count / self.seconds * max(seconds, 0.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one channel keeps to. `receivers` are domains of addresses; `*` stands for each of the others."""

    pace: Pace | None = None
    daily: int | None = None
    warm_up: tuple[int, ...] = ()  # the most on the first day, the second, and so on
    warm_up_from: date | None = None
    receivers: Mapping[str, Pace] = field(default_factory=dict)

    def most_on(self, day: date) -> int | None:
        """The most messages on a day of the organisation's calendar; None for no limit."""
        number = (day - self.warm_up_from).days if self.warm_up_from else len(self.warm_up)
        return self.warm_up[max(number, 0)] if number < len(self.warm_up) else self.daily

    def pace_of(self, receiver: str) -> Pace | None:
        """The pace towards a receiving side."""
        return self.receivers.get(receiver) or self.receivers.get("*") if receiver else None
