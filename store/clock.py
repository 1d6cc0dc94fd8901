"""Time as an argument: clocks, and the one representation of an instant inside the house."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from store.errors import NaiveTimeError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_MICROS = 1_000_000
DAY_MICROS = 86_400 * SECOND_MICROS


class Clock(Protocol):
    """Gives the present moment; the only source of it."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)


class FixedClock:
    """A clock that stands where it was put, for tests and for virtual runs."""

    def __init__(self, moment: datetime) -> None:
        self._moment = from_micros(to_micros(moment))

    def now(self) -> datetime:
        """The moment that the clock was last put at."""
        return self._moment

    def put(self, moment: datetime) -> None:
        """Put the hands at `moment`."""
        self._moment = from_micros(to_micros(moment))


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC. Raises NaiveTimeError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise NaiveTimeError(f"{moment.isoformat()} has no time zone")
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime that lies `micros` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=int(micros))
