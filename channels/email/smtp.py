"""Mail over SMTP: several warm connections, each with one message on the wire at a time."""

import selectors
import time
from collections import deque
from collections.abc import Iterator, Sequence

from channels.contract import BatchInfo, Message, Outcome, Receipt, Wire
from channels.email.lane import ClosingError, Job, Lane, LostError, SilentError, open_lane
from channels.email.letterhead import Letterhead, is_safe_address
from channels.email.replies import Reply, Stage, receipt_of, refuses_us
from channels.email.settings import EmailSettings
from store.errors import DeliveryError

_MOST_IDLE_SECONDS = 30.0
_MOST_LOST = 5  # connections in a row, without one answer to a message
_MOST_POLICY_REFUSALS = 10  # in a row: it is us, not them

_NOT_SENT = "The connection was lost before the message had been sent."
_NOBODY_KNOWS = "The connection was lost after the message had been sent and before the answer came."


class SmtpTransport:
    """Sends over one SMTP server. For one thread; connections are opened when they are needed and kept."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._lanes: list[Lane] = []
        self._lost = 0
        self._policy_refusals = 0

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """A Receipt for each message. Raises DeliveryError when the server is out of reach or refuses us.

        Messages without a receipt by then were not started, and may be delivered at any later time.
        """
        self._weed()
        letterhead = Letterhead(self._settings, batch)
        queue = deque(messages)
        again: deque[Job] = deque()
        most = self._settings.connections
        while queue or again:
            most = self._open(min(len(queue) + len(again), most))
            jobs = [again.popleft() if again else self._job(letterhead, queue.popleft()) for _ in range(min(len(again) + len(queue), most))]
            round_ = _Round(wire, self._settings)
            try:
                round_.carry(self._lanes, jobs)
            except BaseException:
                self.close()  # what the server waits for now is not known
                raise
            self._tidy(round_)
            again.extend(round_.again)
            yield from round_.receipts
            self._stop_if_hopeless(round_)

    def close(self) -> None:
        """Let go of all connections."""
        for lane in self._lanes:
            lane.close()
        self._lanes.clear()

    def _job(self, letterhead: Letterhead, message: Message) -> Job:
        return Job(message.key, self._settings.sender_address, message.address, letterhead.mail(message))

    def _open(self, wanted: int) -> int:
        """Have `wanted` connections, or as many as the server allows but at least one; gives how many."""
        while len(self._lanes) < wanted:
            try:
                self._lanes.append(open_lane(self._settings))
            except DeliveryError:
                if not self._lanes:
                    raise
                break
        return max(len(self._lanes), 1)

    def _weed(self) -> None:
        """Drop connections that the server has closed (or is closing: it has something to say unasked), and old ones."""
        with selectors.DefaultSelector() as selector:
            for lane in self._lanes:
                selector.register(lane, selectors.EVENT_READ)
            talking = {key.fileobj for key, _ in selector.select(0)} if self._lanes else set()
        oldest = time.monotonic() - _MOST_IDLE_SECONDS
        self._drop([lane for lane in self._lanes if lane in talking or lane.used_at < oldest])

    def _drop(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            lane.close()
        self._lanes = [lane for lane in self._lanes if lane not in lanes]

    def _tidy(self, round_: "_Round") -> None:
        self._drop([*round_.lost, *(lane for lane in self._lanes if lane.is_spent)])
        self._lost = 0 if round_.answers else self._lost + len(round_.lost)
        for receipt in round_.receipts:
            if receipt.outcome is Outcome.ACCEPTED:
                self._policy_refusals = 0
            elif receipt.outcome is Outcome.PERMANENT and " 5.7." in receipt.code:
                self._policy_refusals += 1

    def _stop_if_hopeless(self, round_: "_Round") -> None:
        where = f"The mail server {self._settings.host}:{self._settings.port}"
        if round_.refused_us:
            raise DeliveryError(
                f"{where} does not accept mail from this sender ({round_.refused_us.shown_code}). Correct [email] sender, or log in."
            )
        if self._lost >= _MOST_LOST:
            self._lost = 0
            raise DeliveryError(f"{where} keeps closing the connection. Try again later, or ask its owner.")
        if self._policy_refusals >= _MOST_POLICY_REFUSALS:
            raise DeliveryError(f"{where} has refused {self._policy_refusals} messages in a row as a matter of policy. Ask its owner why.")


class _Round:
    """One message over each connection, all at the same stage: the answers of all are waited for together."""

    def __init__(self, wire: Wire, settings: EmailSettings) -> None:
        self._wire, self._settings = wire, settings
        self.receipts: list[Receipt] = []
        self.again: list[Job] = []
        self.lost: list[Lane] = []
        self.answers = 0
        self.refused_us: Reply | None = None

    def carry(self, lanes: Sequence[Lane], jobs: Sequence[Job]) -> None:
        """Take each job through its stages. Nothing is irrevocable before `wire.start`."""
        safe = [job for job in jobs if self._is_safe(job)]
        asked = [pair for pair in zip(lanes, safe, strict=False) if self._ask(*pair)]
        deadline = time.monotonic() + self._settings.timeout_seconds
        ready = [pair for pair in asked if self._answer(*pair, deadline)]
        if not ready:
            return
        self._wire.start([job.key for _, job in ready])
        sent = [pair for pair in ready if self._send(*pair)]
        deadline = time.monotonic() + self._settings.answer_seconds
        for pair in sent:
            self._verdict(*pair, deadline)

    def _is_safe(self, job: Job) -> bool:
        if is_safe_address(job.recipient):
            return True
        self._settle(Receipt(job.key, Outcome.PERMANENT, "", "The address cannot stand in an envelope.", bad_address=True))
        return False

    def _ask(self, lane: Lane, job: Job) -> bool:
        objection = lane.objection(job)
        if objection:
            self._settle(receipt_of(job.key, objection.reply, objection.stage))
            return False
        try:
            lane.ask(job)
        except LostError as error:
            self._lose(lane, job, error)
            return False
        return True

    def _answer(self, lane: Lane, job: Job, deadline: float) -> bool:
        try:
            refusal = lane.answer(job, deadline)
        except LostError as error:
            self._lose(lane, job, error)
            return False
        self.answers += 1
        if refusal and refuses_us(refusal.reply, refusal.stage):
            self.refused_us = refusal.reply
            self.again.append(job)
        elif refusal:
            self._settle(receipt_of(job.key, refusal.reply, refusal.stage))
        return refusal is None

    def _send(self, lane: Lane, job: Job) -> bool:
        try:
            lane.send_body(job)
        except LostError:
            self.lost.append(lane)
            self._settle(Receipt(job.key, Outcome.TEMPORARY, "", _NOT_SENT))
            return False
        return True

    def _verdict(self, lane: Lane, job: Job, deadline: float) -> None:
        try:
            self._settle(receipt_of(job.key, lane.verdict(deadline), Stage.BODY))
        except ClosingError as error:
            self.lost.append(lane)
            self._settle(receipt_of(job.key, error.reply, Stage.BODY))
        except LostError:
            self.lost.append(lane)
            self._settle(Receipt(job.key, Outcome.UNKNOWN, "", _NOBODY_KNOWS))

    def _lose(self, lane: Lane, job: Job, error: LostError) -> None:
        """The connection went before anything was started.

        One that had worked may just have been closed at its end: the message goes over another. Each time takes a used
        connection away, so that it ends with a new one at the latest.
        """
        self.lost.append(lane)
        if lane.answers and not isinstance(error, SilentError):
            self.again.append(job)
        elif isinstance(error, ClosingError):
            self._settle(receipt_of(job.key, error.reply, Stage.DATA))
        else:
            self._settle(Receipt(job.key, Outcome.TEMPORARY, "", _NOT_SENT))

    def _settle(self, receipt: Receipt) -> None:
        self._wire.done(receipt)
        self.receipts.append(receipt)
