"""What of a batch is still to be sent, with at most so many messages under way to one receiving side."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from channels.contract import Message
from channels.email.lane import Job
from channels.email.letterhead import Letterhead

EACH_OTHER = "*"  # stands for every receiving side that is not named


class Jobs:
    """First what has to go over another connection, then messages in their order, written out as they are taken.

    `at_once`: the most that may be under way to a domain. Only so many of its messages stand in the queue; each that has its verdict
    lets the next one in, at the front. So whoever takes a job may send it, nobody has to be passed over, and a receiving side that
    takes few at once is never left waiting by one that takes many.
    """

    def __init__(self, messages: Sequence[Message], letterhead: Letterhead, at_once: Mapping[str, int]) -> None:
        self._letterhead = letterhead
        self._again: deque[Job] = deque()
        self._waiting: dict[str, deque[Message]] = defaultdict(deque)
        self._ready = deque(self._admitted(messages, at_once) if at_once else messages)

    def __len__(self) -> int:
        """How many can be taken now."""
        return len(self._ready) + len(self._again)

    def take(self) -> Job:
        """The next one."""
        if self._again:
            return self._again.popleft()
        message = self._ready.popleft()
        return Job(message.key, self._letterhead.sender_of(message.key), message.address, self._letterhead.mail(message))

    def put_back(self, job: Job) -> None:
        """Nothing of it was started: it may go over another connection."""
        self._again.append(job)

    def settled(self, job: Job) -> None:
        """It has its receipt, and is not under way any more."""
        if waiting := self._waiting.get(_receiver(job.recipient)):
            self._ready.appendleft(waiting.popleft())

    def _admitted(self, messages: Sequence[Message], at_once: Mapping[str, int]) -> Iterable[Message]:
        room: dict[str, int] = {}
        for message in messages:
            receiver = _receiver(message.address)
            left = room.setdefault(receiver, at_once.get(receiver) or at_once.get(EACH_OTHER) or len(messages))
            if left:
                room[receiver] = left - 1
                yield message
            else:
                self._waiting[receiver].append(message)


def _receiver(address: str) -> str:
    return address.rpartition("@")[2]
