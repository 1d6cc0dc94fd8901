"""The open connections to one mail server, and waiting for whichever has something to do."""

import select
import time
from collections.abc import Callable

from channels.email.lane import Lane
from store.errors import DeliveryError

_MOST_IDLE_SECONDS = 30.0


class Pool:
    """Lanes by their socket's number. `open_lane` opens another one, or raises DeliveryError."""

    def __init__(self, open_lane: Callable[[], Lane]) -> None:
        self._open_lane = open_lane
        self._lanes: dict[int, Lane] = {}
        self._writing: set[int] = set()
        self._poll = select.poll()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def idle(self) -> list[Lane]:
        """Those without a message."""
        return [lane for lane in self._lanes.values() if not lane.jobs]

    @property
    def busy(self) -> list[Lane]:
        """Those with a message."""
        return [lane for lane in self._lanes.values() if lane.jobs]

    def open(self, wanted: int) -> bool:
        """Have `wanted` connections; False when the server allows fewer. Raises DeliveryError when it does not allow even one."""
        while len(self._lanes) < wanted:
            try:
                lane = self._open_lane()
            except DeliveryError:
                if not self._lanes:
                    raise
                return False
            self._lanes[lane.fileno()] = lane
            self._poll.register(lane, select.POLLIN)
        return True

    def wait(self, seconds: float) -> list[Lane]:
        """Those that can go on; at the most so long."""
        return [self._lanes[number] for number, _ in self._poll.poll(max(seconds, 0) * 1_000)]

    def watch(self, lane: Lane) -> None:
        """From now on wait for what this one waits for: room to send the rest, or answers."""
        number = lane.fileno()
        if lane.has_to_write != (number in self._writing):
            self._poll.modify(lane, select.POLLOUT if lane.has_to_write else select.POLLIN)
            self._writing ^= {number}

    def weed(self) -> None:
        """Drop those that the server has closed (or is closing: it has something to say unasked), and old ones."""
        oldest = time.monotonic() - _MOST_IDLE_SECONDS
        self.drop([*self.wait(0), *(lane for lane in self._lanes.values() if lane.used_at < oldest)])

    def drop(self, lanes: list[Lane]) -> None:
        """Close these; one that is closed already is left alone."""
        for lane in lanes:
            number = lane.fileno()
            if self._lanes.pop(number, None):
                self._poll.unregister(number)
                self._writing.discard(number)
                lane.close()

    def drop_all(self) -> None:
        """Close all."""
        self.drop(list(self._lanes.values()))
