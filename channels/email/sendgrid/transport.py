"""Mail over SendGrid's v3 interface: a few warm connections, and on each a request for up to a thousand mails."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from channels.contract import BatchInfo, Message, Outcome, Receipt, Wire
from channels.email.sendgrid.answers import Fault, Meaning, Verdict, may_send, understood
from channels.email.sendgrid.line import Line, NoAnswerError, NotSentError
from channels.email.sendgrid.parcels import Envelope, Parcel, parcels
from channels.email.sendgrid.settings import SendGridSettings
from store.errors import DeliveryError

_MOST_REFUSALS = 10  # in a row, without one that was accepted: it is us, not them
_MOST_LOST = 3  # requests in a row, without one that was answered
_NOT_SENT = "The connection was lost before the request had been sent."
_NOBODY_KNOWS = "The request had been sent, and no answer came."
_TOGETHER = "Refused together with others."
_OUTCOMES = {
    Meaning.ACCEPTED: Outcome.ACCEPTED,
    Meaning.UNCLEAR: Outcome.UNKNOWN,
    Meaning.FAILED: Outcome.TEMPORARY,
    Meaning.NOT_NOW: Outcome.TEMPORARY,
    Meaning.US: Outcome.TEMPORARY,
}
_KEY = re.compile(r"[!-~]+")
_REMEDIES = {
    "401": "Correct CONTACTFLOW_SENDGRID_KEY, or look at the account's credits.",
    "403": "Give the key the right to send mail, and verify the domain of [email] sender at SendGrid.",
}


class SendGridTransport:
    """Sends through SendGrid. For one thread; connections are opened when they are needed and kept."""

    def __init__(self, settings: SendGridSettings) -> None:
        self._settings = settings
        self._idle: list[Line] = []
        self._patience = _Patience()
        self._is_let_in = False

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """A Receipt for each message. Raises DeliveryError when SendGrid is out of reach or refuses us.

        Messages without a receipt by then were not started, and may be delivered at any later time. While the caller looks at a
        receipt, other requests are on their way.
        """
        desk = _Desk(self._settings, self._idle, Envelope(self._settings, batch))
        if messages and not self._is_let_in:
            _ask_for_rights(desk)  # before anything has to be announced as started
        self._is_let_in = True
        delivery = _Delivery(desk, self._patience, wire, parcels(messages, self._settings.together))
        try:
            yield from chain.from_iterable(delivery.receipts())
        finally:
            delivery.hang_up()  # on what is still on its way, when something went wrong
            self._is_let_in = not self._patience.is_over
        self._patience.check()

    def close(self) -> None:
        """Let go of all connections."""
        while self._idle:
            self._idle.pop().close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where requests are written out, and the connections that wait for one."""

    settings: SendGridSettings
    idle: list[Line]
    envelope: Envelope

    def line(self) -> Line:
        """A connection that is open. Raises DeliveryError."""
        while self.idle:
            line = self.idle.pop()
            if line.is_warm:
                return line
            line.close()
        return Line(self.settings)


class _Delivery:
    """One batch on its way: requests are written to as many connections as there may be, and answers read in the order of asking."""

    def __init__(self, desk: _Desk, patience: "_Patience", wire: Wire, parcels: Iterator[Parcel]) -> None:
        self._desk, self._patience, self._wire, self._parcels = desk, patience, wire, parcels
        self._again: deque[Parcel] = deque()  # started before, and certainly not sent
        self._busy: deque[tuple[Line, Parcel]] = deque()
        self._pause: Verdict | None = None

    def receipts(self) -> Iterator[list[Receipt]]:
        """The receipts as they come."""
        while self._ask():
            yield self._hear(*self._busy.popleft())
        # They have been announced as started, and are known not to have been sent.
        yield [self._told(Receipt(key, Outcome.TEMPORARY, "", _TOGETHER)) for parcel in self._again for key in parcel.keys]
        if self._pause and not self._patience.is_over:
            # Asked to wait: it holds for those as well that were not tried.
            yield [self._told(self._pause.receipt(key, Outcome.TEMPORARY)) for parcel in self._parcels for key in parcel.keys]

    def hang_up(self) -> None:
        """Close the connections that wait for an answer."""
        for line, _ in self._busy:
            line.close()

    def _ask(self) -> bool:
        """Write a request to each connection that there may be; False when none has one."""
        while len(self._busy) < self._desk.settings.connections and not self._patience.is_over and not self._pause:
            was_started = bool(self._again)
            parcel = self._again.popleft() if self._again else next(self._parcels, None)
            if parcel is None:
                break
            body = self._desk.envelope.request(parcel)
            if len(body) > self._desk.settings.most_bytes and len(parcel.messages) > 1:
                self._put_back(parcel.halves(), was_started=was_started)
            elif not self._send(parcel, body):
                self._put_back([parcel], was_started=was_started)
        return bool(self._busy)

    def _put_back(self, parcels: Sequence[Parcel], *, was_started: bool) -> None:
        """These are next. What was announced as started is told apart, because it has to get a receipt."""
        if was_started:
            self._again.extendleft(reversed(parcels))
        else:
            self._parcels = chain(parcels, self._parcels)

    def _send(self, parcel: Parcel, body: bytes) -> bool:
        """Let a request go; False when there is no way. Nothing is irrevocable before `wire.start`."""
        try:
            line = self._desk.line()
        except DeliveryError as error:
            self._patience.end(error)
            return False
        self._wire.start(parcel.keys)
        line.ask(body)
        self._busy.append((line, parcel))
        return True

    def _hear(self, line: Line, parcel: Parcel) -> list[Receipt]:
        """Wait for an answer; gives the receipts of those that are done with."""
        try:
            verdict = understood(line.answer(), len(parcel.messages))
            self._desk.idle.append(line)
        except NotSentError:
            verdict = Verdict(Meaning.FAILED, "", _NOT_SENT)
        except NoAnswerError as error:
            verdict = Verdict(Meaning.UNCLEAR, "", _NOBODY_KNOWS)
            self._patience.silent(error)
        self._patience.heard(verdict)
        if verdict.meaning in _OUTCOMES:
            self._pause = verdict if verdict.meaning is Meaning.NOT_NOW else self._pause
            return [self._told(verdict.receipt(key, _OUTCOMES[verdict.meaning])) for key in parcel.keys]
        return self._refused(parcel, verdict)

    def _refused(self, parcel: Parcel, verdict: Verdict) -> list[Receipt]:
        """Nothing of a parcel was sent: what is at fault is done with, the rest is sent again, and without a name it is searched for."""
        if verdict.meaning is Meaning.REFUSED and len(parcel.messages) > 1:
            self._put_back(parcel.halves(), was_started=True)  # deep before wide: many in a row say soon that all would be refused
            return []
        faulty = verdict.faults or {0: Fault(verdict.detail, bad_address=False)}
        rest = parcel.without(faulty)
        if rest.messages:
            self._again.append(rest)
        self._patience.refused(verdict)
        return [self._told(verdict.refusal(parcel.messages[place].key, fault)) for place, fault in faulty.items()]

    def _told(self, receipt: Receipt) -> Receipt:
        self._wire.done(receipt)
        return receipt


class _Patience:
    """When to stop: it refuses us, or all that we ask, or does not answer. The next batch is tried again."""

    def __init__(self) -> None:
        self._lost = self._refusals = 0
        self._trouble: DeliveryError | None = None

    @property
    def is_over(self) -> bool:
        """Another request would fare no better."""
        return self._trouble is not None

    def end(self, trouble: DeliveryError) -> None:
        """It cannot be reached."""
        self._trouble = trouble

    def silent(self, error: NoAnswerError) -> None:
        """No answer came. Of one who is silent nothing more is asked: each time a whole request becomes unknown."""
        if isinstance(error.__cause__, TimeoutError):
            self._trouble = DeliveryError("SendGrid takes requests and does not answer. Try again later, or look at its status page.")

    def heard(self, verdict: Verdict) -> None:
        """A request was dealt with in some way."""
        self._lost = self._lost + 1 if verdict.meaning in (Meaning.UNCLEAR, Meaning.FAILED) else 0
        if verdict.meaning is Meaning.ACCEPTED:
            self._refusals = 0
        if verdict.meaning is Meaning.US:
            self._trouble = _trouble(verdict)
        elif self._lost >= _MOST_LOST:
            self._lost = 0
            self._trouble = DeliveryError("SendGrid keeps failing. Try again later, or look at its status page.")

    def refused(self, verdict: Verdict) -> None:
        """A message was refused, and not for a fault that was named in it: of many in a row each would be."""
        self._refusals += verdict.meaning is Meaning.REFUSED
        if self._refusals >= _MOST_REFUSALS:
            self._refusals = _MOST_REFUSALS - 1
            self._trouble = _trouble(verdict)

    def check(self) -> None:
        """Raise the DeliveryError that ended it, if one did."""
        trouble, self._trouble = self._trouble, None
        if trouble:
            raise trouble


def _ask_for_rights(desk: _Desk) -> None:
    """Raise DeliveryError when the key is none, or may not send. A provider in between that does not know the question is no reason."""
    if not _KEY.fullmatch(desk.settings.key):
        raise DeliveryError("CONTACTFLOW_SENDGRID_KEY is missing, or is no key. Put the API key into the environment or .env.")
    line = desk.line()
    line.ask_for_rights()
    try:
        answer = line.answer()
    except (NotSentError, NoAnswerError):
        return
    desk.idle.append(line)
    if answer.status in (401, 403):
        raise _trouble(understood(answer, 0))
    if not may_send(answer):
        raise _trouble(Verdict(Meaning.US, "403", "the key may not send mail"))


def _trouble(verdict: Verdict) -> DeliveryError:
    remedy = _REMEDIES.get(verdict.code, "Correct [email] sender and [email.sendgrid] address.")
    said = f": {verdict.detail.rstrip('.')}" if verdict.detail else ""
    return DeliveryError(f"SendGrid does not take mail from us ({verdict.code}{said}). {remedy}")
