"""Where a followed link of a message leads: from what was stored when it was sent, and remembered while the database is away."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine, bindparam, select

from channels.following import Targets
from customers.tables import table_of
from engine.tables import OutboxMessage, StoredWording
from store.session import reading

MOST_MESSAGES = 10_000  # about 1 kB each; the one that was not asked for the longest is forgotten first
MOST_WORDINGS = 500
_MESSAGE, _WORDING = table_of(OutboxMessage).c, table_of(StoredWording).c
# Built once, as in recipients.py.
_SENT = select(_MESSAGE.wording_id, _MESSAGE.merged).where(_MESSAGE.id == bindparam("id"))
_SOURCE = select(_WORDING.source).where(_WORDING.id == bindparam("id"))

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Leads:
    """The followed links of one message, with the values that it was merged with."""

    targets: Targets
    values: Any

    def address(self, number: int) -> str | None:
        """Where a link leads; None when there is no such link."""
        return self.targets.address(number, self.values)


class Remembered:
    """The followed links of messages: read once, as long as they are asked for. Neither a message sent nor a wording ever changes."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._messages: _Latest[int, Leads | None] = _Latest(MOST_MESSAGES)
        self._wordings: _Latest[int, Targets] = _Latest(MOST_WORDINGS)

    def of(self, message_id: int) -> Leads | None:
        """The links of a message; None when it follows none, or is gone. Raises what a database that is away raises."""
        return self._messages.get(message_id, self._read)

    def at_hand(self, message_id: int) -> Leads | None:
        """The links of a message that were asked for before; None when they would have to be read."""
        return self._messages.kept(message_id)

    def _read(self, message_id: int) -> Leads | None:
        with reading(self._database) as session:
            row = session.connection().execute(_SENT, {"id": message_id}).one_or_none()
        if row is None or row.wording_id is None:
            return None
        return Leads(self._wordings.get(row.wording_id, self._read_targets), row.merged)

    def _read_targets(self, wording_id: int) -> Targets:
        with reading(self._database) as session:
            return Targets.of(session.connection().execute(_SOURCE, {"id": wording_id}).scalar_one())


class _Latest(Generic[K, V]):
    """What was asked for last, up to so many; safe for threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def kept(self, key: K) -> V | None:
        """What is kept under a key; None when nothing is."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def get(self, key: K, read: Callable[[K], V]) -> V:
        """What is kept under a key, or read now; nothing that is not there (None) is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = read(key)
        if value is not None:
            with self._lock:
                self._kept[key] = value
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return value
