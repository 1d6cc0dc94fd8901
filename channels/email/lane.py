"""One warm connection to a mail server: smtplib opens it, and messages go over it one behind the other without waiting.

A lane never blocks. It sends what the socket takes and reads what has come; who drives it (channels/email/smtp.py) asks poll when
there is more of either. Where the server pipelines, the envelope of the next message goes out right behind the final dot of the one
before (RFC 2920, 3.1: message content may be the first in a group of commands), so that a message takes one round trip.
"""

import re
import smtplib
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from channels.contract import MessageKey
from channels.email.replies import Reply, Stage
from channels.email.settings import EmailSettings

_REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*(\d{3})(?: ([^\n]*))?\r?\n")
_LINE_START = re.compile(rb"^\d{3}[ -]?", re.MULTILINE)
_MOST_REPLY = 65_536
_CHUNK = 65_536
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class LostError(Exception):
    """The connection is gone, or no answer came in time."""


class SilentError(LostError):
    """No answer came in time."""


class ClosingError(LostError):
    """The server says that it closes the connection (421): this command did nothing, and there will be no other answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.shown_code)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Job:
    """One mail ready for the wire. `data` ends with the final dot."""

    key: MessageKey
    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a message is not even asked for: what the server would say."""

    stage: Stage
    reply: Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to a message at a stage. Without a reply: it waits for the message itself."""

    job: Job
    stage: Stage
    reply: Reply | None = None


class Lane:
    """A connection that is open and greeted. Any LostError means: close it and take another."""

    def __init__(self, connection: smtplib.SMTP, settings: EmailSettings) -> None:
        assert connection.sock is not None
        self._connection, self._settings = connection, settings
        self._socket: socket.socket = connection.sock
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(0)
        self._is_secure = isinstance(self._socket, ssl.SSLSocket)
        self.pipelines = connection.has_extn("pipelining")
        self._utf8 = connection.has_extn("smtputf8")
        self._most_bytes = _size_limit(connection)
        self._out: list[memoryview] = []
        self._commands: deque[tuple[Stage | None, bytes]] = deque()  # for a server that wants them one by one
        self._expected: deque[tuple[Job, Stage | None]] = deque()  # no stage: a reset, whose answer says nothing
        self._buffer = b""
        self._refusal: Answer | None = None
        self._needs_reset = False
        self._until_dot = 0  # bytes of a message that have not left this machine
        self.jobs: deque[Job] = deque()  # on this lane: the first is ahead, a second only has its envelope asked for
        self.has_body = False  # the message itself of the first job is on its way, or waits for its verdict
        self.is_spent = False  # the server waits for a message to nobody
        self.answers = 0  # to messages; 0: never used yet
        self.used_at = time.monotonic()
        self.deadline = inf

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_to_write(self) -> bool:
        """There is more to send than the socket has taken."""
        return bool(self._out)

    @property
    def dot_has_left(self) -> bool:
        """All of the message itself has left this machine."""
        return self._until_dot == 0

    def objection(self, job: Job) -> Objection | None:
        """Why this server cannot take the message, known from its greeting."""
        if not self._utf8 and not job.recipient.isascii():
            return Objection(Stage.RECIPIENT, Reply(553, "5.6.7 The server takes no addresses beyond ASCII."))
        if self._most_bytes and len(job.data) > self._most_bytes:
            return Objection(Stage.BODY, Reply(552, "5.3.4 The message is larger than the server takes."))
        return None

    def ask(self, job: Job) -> None:
        """Send the envelope, or its first command where the server does not pipeline."""
        self._queue_envelope(job)
        self.deadline = time.monotonic() + self._settings.timeout_seconds
        self.write()

    def send_body(self, following: Job | None) -> None:
        """Send the message that the server waits for, and behind it the envelope of another one (only where it pipelines)."""
        job = self.jobs[0]
        self._out.append(memoryview(job.data))
        self._until_dot, self.has_body = len(job.data), True
        self._expected.append((job, Stage.BODY))
        if following is not None:
            self._queue_envelope(following)
        self.deadline = time.monotonic() + self._settings.timeout_seconds
        self.write()

    def write(self) -> None:
        """Send what the socket takes now. A LostError here means that the final dot has not left this machine."""
        while self._out:
            try:
                # Encrypted, a piece may be in several records, and only of a whole piece it is known that it left.
                count = self._socket.send(self._out[0]) if self._is_secure else self._socket.sendmsg(self._out)
            except _NOT_NOW:
                return
            except OSError as error:
                if self._until_dot:
                    raise LostError from error
                self._out.clear()  # what the server has said before it went is still to be read
                return
            self._until_dot = max(self._until_dot - count, 0)
            self._forget(count)
            now = time.monotonic()
            self.deadline = now + (self._settings.answer_seconds if not self._out and self.has_body else self._settings.timeout_seconds)

    def read(self) -> Iterator[Answer]:
        """The answers that have come, in order; a LostError behind the last that can be believed."""
        self._receive()
        position = 0
        while match := _REPLY.match(self._buffer, position):
            position = match.end()
            code = int(match[1])
            if code == 421:
                raise ClosingError(_reply(match))
            if not self._expected:
                raise LostError  # it talks unasked
            if answer := self._understood(code, match):
                yield answer
        self._buffer = self._buffer[position:]
        if len(self._buffer) > _MOST_REPLY or (len(self._buffer) >= 3 and not self._buffer[:3].isdigit()):
            raise LostError  # it does not speak SMTP any more

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        try:
            if not self._out:
                self._socket.send(b"QUIT\r\n")
        except OSError:
            pass
        finally:
            self._connection.close()

    def _understood(self, code: int, match: re.Match[bytes]) -> Answer | None:
        job, stage = self._expected.popleft()
        if stage is Stage.BODY:
            return self._verdict(Answer(job, stage, _reply(match)))
        if stage is None:
            pass
        elif (reply := _reply(match)).is_refusal:
            self._refusal = self._refusal or Answer(job, stage, reply)
        elif not (code == 354 if stage is Stage.DATA else 200 <= code < 300):
            raise LostError  # neither yes nor no: we do not understand each other
        self.is_spent = self.is_spent or (self._refusal is not None and code == 354)
        if self._commands:
            self._go_on()
        return None if self._expected else self._envelope_answered(job)

    def _go_on(self) -> None:
        """The next command, to a server that wants them one by one; after a refusal none."""
        if self._refusal is not None:
            self._commands.clear()
        else:
            self._queue_next(self.jobs[-1])
            self.write()

    def _envelope_answered(self, job: Job) -> Answer:
        refusal, self._refusal = self._refusal, None
        self._needs_reset = refusal is not None
        self._done()
        if refusal is not None:
            self.jobs.popleft()
        return refusal or Answer(job, Stage.DATA)

    def _verdict(self, answer: Answer) -> Answer:
        self.jobs.popleft()
        self.has_body = False
        self._done()
        return answer

    def _done(self) -> None:
        self.answers += 1
        self.used_at = time.monotonic()
        self.deadline = self.used_at + self._settings.timeout_seconds if self.jobs else inf

    def _queue_envelope(self, job: Job) -> None:
        self.jobs.append(job)
        utf8 = "" if job.recipient.isascii() else " SMTPUTF8"
        size = f" SIZE={len(job.data)}" if self._most_bytes is not None else ""
        sender, recipient = f"MAIL FROM:<{job.sender}>{size}{utf8}\r\n", f"RCPT TO:<{job.recipient}>\r\n"
        if self.pipelines and not self._needs_reset:
            self._out.append(memoryview(f"{sender}{recipient}DATA\r\n".encode()))
            self._expected += ((job, Stage.SENDER), (job, Stage.RECIPIENT), (job, Stage.DATA))
            return
        if self._needs_reset:
            self._commands.append((None, b"RSET\r\n"))
        self._commands += ((Stage.SENDER, sender.encode()), (Stage.RECIPIENT, recipient.encode()), (Stage.DATA, b"DATA\r\n"))
        self._queue_next(job)
        while self.pipelines and self._commands:
            self._queue_next(job)

    def _queue_next(self, job: Job) -> None:
        stage, command = self._commands.popleft()
        self._out.append(memoryview(command))
        self._expected.append((job, stage))

    def _forget(self, count: int) -> None:
        """The first `count` bytes have left."""
        while self._out and count >= len(self._out[0]):
            count -= len(self._out.pop(0))
        if count:
            self._out[0] = self._out[0][count:]

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except _NOT_NOW:
            return
        except OSError as error:
            raise LostError from error
        if not data:
            raise LostError
        self._buffer += data


def _reply(match: re.Match[bytes]) -> Reply:
    return Reply(int(match[1]), _LINE_START.sub(b"", match[0]).decode("utf-8", "replace").strip())


def _size_limit(connection: smtplib.SMTP) -> int | None:
    """The most bytes that the server takes; 0: it does not say how many; None: it does not know SIZE."""
    if not connection.has_extn("size"):
        return None
    size = connection.esmtp_features["size"].strip()
    return int(size) if size.isdigit() else 0
