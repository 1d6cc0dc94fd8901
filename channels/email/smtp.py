"""Mail over SMTP: several warm connections, each of which goes on by itself as its answers come."""

import time
from collections.abc import Iterator, Sequence

from channels.contract import BatchInfo, Message, Outcome, Receipt, Wire
from channels.email.jobs import Jobs
from channels.email.lane import Answer, ClosingError, Job, Lane, LostError, SilentError
from channels.email.letterhead import Letterhead, is_safe_address
from channels.email.opening import connect
from channels.email.pool import Pool
from channels.email.replies import Reply, Stage, receipt_of, refuses_us
from channels.email.settings import EmailSettings
from store.errors import DeliveryError

_MOST_LOST = 5  # connections in a row, without one answer to a message
_MOST_POLICY_REFUSALS = 10  # in a row: it is us, not them

_NOT_SENT = "The connection was lost before the message had been sent."
_NOBODY_KNOWS = "The connection was lost after the message had been sent and before the answer came."


class SmtpTransport:
    """Sends over one SMTP server. For one thread; connections are opened when they are needed and kept."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._pool = Pool(lambda: Lane(connect(settings), settings))
        self._patience = _Patience(f"The mail server {settings.host}:{settings.port}")

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """A Receipt for each message. Raises DeliveryError when the server is out of reach or refuses us.

        Messages without a receipt by then were not started, and may be delivered at any later time. While the caller looks at a
        receipt, others are on their way.
        """
        self._pool.weed()
        jobs = Jobs(messages, Letterhead(self._settings, batch), self._settings.receivers_at_once)
        delivery = _Delivery(self._pool, self._patience, wire, jobs, self._settings.connections)
        try:
            while delivery.go_on():
                yield from delivery.take_receipts()
            yield from delivery.take_receipts()
        finally:
            # None, unless something went wrong: then what the server waits for is not known.
            self._pool.drop(self._pool.busy)
        self._patience.check()

    def close(self) -> None:
        """Let go of all connections."""
        self._pool.drop_all()


class _Delivery:
    """One batch on its way: on every connection a message, and behind it the envelope of another."""

    def __init__(self, pool: Pool, patience: "_Patience", wire: Wire, jobs: Jobs, most: int) -> None:
        self._pool, self._patience, self._wire, self._jobs, self._most = pool, patience, wire, jobs, most
        self._receipts: list[Receipt] = []

    def go_on(self) -> bool:
        """Wait until a connection can go on, and take each as far as it can; False when nothing is under way any more."""
        if self._patience.is_over:
            # Nothing new; what is on the wire still gets its verdict.
            self._pool.drop([lane for lane in self._pool.busy if not lane.has_body])
        elif self._jobs:
            self._begin()
        busy = self._pool.busy
        if not busy:
            return False
        came = self._pool.wait(min(lane.deadline for lane in busy) - time.monotonic())
        self._send([lane for lane in came if self._hear(lane)])
        # After what had come was heard: the caller may have taken its time.
        now = time.monotonic()
        for lane in self._pool.busy:
            if lane.deadline < now:
                self._lose(lane, SilentError())
        return True

    def take_receipts(self) -> list[Receipt]:
        """Those that have come since the last time."""
        taken, self._receipts = self._receipts, []
        return taken

    def _begin(self) -> None:
        """Open what connections are wanted, and give each that has nothing to do a message."""
        if not self._pool.open(min(len(self._jobs) + len(self._pool.busy), self._most)):
            self._most = len(self._pool)
        for lane in self._pool.idle:
            if job := self._next(lane):
                lane.ask(job)
                self._pool.watch(lane)

    def _next(self, lane: Lane) -> Job | None:
        """The next message that this connection can take."""
        while self._jobs:
            job = self._jobs.take()
            if not is_safe_address(job.recipient):
                self._settle(job, Receipt(job.key, Outcome.PERMANENT, "", "The address cannot stand in an envelope.", bad_address=True))
            elif objection := lane.objection(job):
                self._settle(job, receipt_of(job.key, objection.reply, objection.stage))
            else:
                return job
        return None

    def _hear(self, lane: Lane) -> bool:
        """Take in what a connection says, or send it more; True when the server now waits for a message itself."""
        is_ready = False
        try:
            if lane.has_to_write:
                lane.write()
            else:
                for answer in lane.read():
                    is_ready = self._understand(answer)
        except LostError as error:
            self._lose(lane, error)
            return False
        if lane.is_spent:
            self._pool.drop([lane])
        else:
            self._pool.watch(lane)
        return is_ready

    def _understand(self, answer: Answer) -> bool:
        self._patience.answered()
        if answer.reply is None:
            return True
        if refuses_us(answer.reply, answer.stage):
            self._patience.refused_us(answer.reply)
            self._jobs.put_back(answer.job)
        else:
            self._settle(answer.job, receipt_of(answer.job.key, answer.reply, answer.stage))
        return False

    def _send(self, ready: Sequence[Lane]) -> None:
        """Let messages themselves go. Nothing is irrevocable before `wire.start`."""
        if not ready or self._patience.is_over:
            return
        self._wire.start([lane.jobs[0].key for lane in ready])
        for lane in ready:
            try:
                lane.send_body(self._next(lane) if lane.pipelines else None)
            except LostError as error:
                self._lose(lane, error)
            else:
                self._pool.watch(lane)

    def _lose(self, lane: Lane, error: LostError) -> None:
        """The connection is gone.

        A message that was not started on a connection that had worked goes over another: it may just have been closed at its end. Each
        time takes a used connection away, so that it ends with a new one at the latest.
        """
        self._pool.drop([lane])
        if not lane.jobs:
            return
        self._patience.lost()
        first, *behind = lane.jobs
        if lane.has_body:
            self._settle(first, _fate(first, lane, error))
        elif lane.answers and not isinstance(error, SilentError):
            self._jobs.put_back(first)
        elif isinstance(error, ClosingError):
            self._settle(first, receipt_of(first.key, error.reply, Stage.DATA))
        else:
            self._settle(first, Receipt(first.key, Outcome.TEMPORARY, "", _NOT_SENT))
        for job in behind:
            self._jobs.put_back(job)

    def _settle(self, job: Job, receipt: Receipt) -> None:
        self._wire.done(receipt)
        self._jobs.settled(job)
        self._patience.settled(receipt)
        self._receipts.append(receipt)


def _fate(job: Job, lane: Lane, error: LostError) -> Receipt:
    """What became of a message that was on a connection when it went."""
    if isinstance(error, ClosingError):
        return receipt_of(job.key, error.reply, Stage.BODY)
    if lane.dot_has_left:
        return Receipt(job.key, Outcome.UNKNOWN, "", _NOBODY_KNOWS)
    return Receipt(job.key, Outcome.TEMPORARY, "", _NOT_SENT)


class _Patience:
    """When to stop trying: the server refuses us, or all that we ask."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lost = self._policy_refusals = 0
        self._refusal: Reply | None = None

    @property
    def is_over(self) -> bool:
        """Another message would fare no better."""
        return self._refusal is not None or self._lost >= _MOST_LOST or self._policy_refusals >= _MOST_POLICY_REFUSALS

    def answered(self) -> None:
        """A message was answered."""
        self._lost = 0

    def lost(self) -> None:
        """A connection went, with a message on it."""
        self._lost += 1

    def refused_us(self, reply: Reply) -> None:
        """The server does not want us."""
        self._refusal = reply

    def settled(self, receipt: Receipt) -> None:
        """A message has its receipt."""
        if receipt.outcome is Outcome.ACCEPTED:
            self._policy_refusals = 0
        elif receipt.outcome is Outcome.PERMANENT and " 5.7." in receipt.code:
            self._policy_refusals += 1

    def check(self) -> None:
        """Raise DeliveryError if it is over. The next batch is tried again; after refusals as a matter of policy, one more is enough."""
        if refusal := self._refusal:
            self._refusal = None
            raise DeliveryError(
                f"{self._where} does not accept mail from this sender ({refusal.shown_code}). Correct [email] sender, or log in."
            )
        if self._lost >= _MOST_LOST:
            self._lost = 0
            raise DeliveryError(f"{self._where} keeps closing the connection. Try again later, or ask its owner.")
        if (refused := self._policy_refusals) >= _MOST_POLICY_REFUSALS:
            self._policy_refusals = _MOST_POLICY_REFUSALS - 1
            raise DeliveryError(f"{self._where} has refused {refused} messages in a row as a matter of policy. Ask its owner why.")
