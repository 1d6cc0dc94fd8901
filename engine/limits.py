"""How fast messages may leave: a token bucket a channel and a receiving side, in rows, so that it holds across processes.

A bucket holds at most a minute's worth, and fills again as time goes by. Who finds it empty goes back to the queue with a moment at
which there is room again; that is no attempt. Source of the method: RFC 2697, section 3, with one rate and no excess burst.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session

from customers.tables import table_of
from engine.pace import Limits, Pace
from engine.tables import Bucket
from store.bulk import insert_rows, update_rows
from store.clock import EPOCH, to_micros

TOGETHER = timedelta(seconds=30)  # who has to wait comes back in groups: a wave has a cost of its own


class Turnstile:
    """Lets messages of a channel through as its limits allow, at one moment, in the caller's transaction.

    The rows of the buckets are locked from the first question to the end of the transaction: keep it short.
    """

    def __init__(self, session: Session, channel: str, limits: Limits, now: datetime, zone: ZoneInfo) -> None:
        self._session, self._channel, self._limits, self._now, self._zone = session, channel, limits, now, zone

    def turns(self, receivers: Sequence[str]) -> list[datetime | None]:
        """For each message, by its receiving side: None when it may leave now, else the moment to come back.

        A constant number of statements, however many messages.
        """
        wanted = {receiver: self._paces(receiver) for receiver in dict.fromkeys(receivers)}
        buckets = self._read(dict(pair for paces in wanted.values() for pair in paces.items()))
        day = self._day()
        answers = []
        for receiver in receivers:
            mine = [buckets[name] for name in wanted[receiver]] + ([day] if day else [])
            empty = [bucket for bucket in mine if bucket.tokens < 1]
            for bucket in () if empty else mine:
                bucket.tokens -= 1
            answers.append(max(bucket.come_back() for bucket in empty) if empty else None)
        self._write([*buckets.values(), *([day] if day else [])])
        return answers

    def _paces(self, receiver: str) -> dict[str, Pace]:
        found = {self._channel: self._limits.pace, f"{self._channel} {receiver}": self._limits.pace_of(receiver)}
        return {name: pace for name, pace in found.items() if pace}

    def _read(self, paces: Mapping[str, Pace]) -> dict[str, "_Bucket"]:
        stored = self._stored(sorted(paces), {name: pace.room for name, pace in paces.items()})
        return {name: _Bucket.filled(name, paces[name], *stored[name], self._now) for name in paces}

    def _day(self) -> "_Bucket | None":
        today = self._now.astimezone(self._zone).date()
        most = self._limits.most_on(today)
        if most is None:
            return None
        name = f"{self._channel} on {today.isoformat()}"
        tokens, _, _ = self._stored([name], {name: float(most)})[name]
        return _Bucket(name, tokens, self._now, self._now, tomorrow=self._tomorrow(today))

    def _tomorrow(self, today: date) -> datetime:
        """The same time of day, tomorrow: when a message was to leave in the morning, it still does."""
        return datetime.combine(today + timedelta(days=1), self._now.astimezone(self._zone).time(), self._zone)

    def _stored(self, names: Sequence[str], full: Mapping[str, float]) -> dict[str, tuple[float, datetime, datetime]]:
        """Tokens, their moment and the last moment given out, by name. In order of name, so that two never wait for each other."""
        bucket, now = table_of(Bucket), to_micros(self._now)
        new = ((name, full[name], now, now) for name in names)
        insert_rows(self._session, bucket, ("name", "tokens", "at", "taken_until"), new, keep_existing=True)
        rows = select(bucket).where(bucket.c.name.in_(names)).order_by(bucket.c.name).with_for_update()
        return {row.name: (row.tokens, row.at, row.taken_until) for row in self._session.connection().execute(rows)}

    def _write(self, buckets: Sequence["_Bucket"]) -> None:
        rows = ((each.tokens, to_micros(each.at), to_micros(each.taken_until), each.name) for each in buckets)
        update_rows(self._session, table_of(Bucket), "name", ("tokens", "at", "taken_until"), rows)


@dataclass(slots=True)
class _Bucket:
    """A bucket as it stands at a moment."""

    name: str
    tokens: float
    at: datetime
    taken_until: datetime  # the last moment that somebody was told to come back at
    pace: Pace | None = None
    tomorrow: datetime | None = None

    @classmethod
    def filled(cls, name: str, pace: Pace, tokens: float, at: datetime, taken_until: datetime, now: datetime) -> "_Bucket":
        """With what has become possible since `at`."""
        tokens = min(pace.room, tokens + pace.gained((now - at).total_seconds()))
        return cls(name, tokens, max(at, now), max(taken_until, now), pace)

    def come_back(self) -> datetime:
        """A moment for one more who has to wait, behind those who wait already."""
        if self.tomorrow:
            return self.tomorrow
        assert self.pace is not None
        self.taken_until += timedelta(seconds=self.pace.seconds / self.pace.count)
        behind = (self.taken_until - EPOCH) % TOGETHER
        return self.taken_until + (TOGETHER - behind if behind else behind)
