"""One warm connection to a mail server: smtplib opens it, and a message goes over it in two round trips."""

import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass

from channels.contract import MessageKey
from channels.email.replies import Reply, Stage
from channels.email.settings import EmailSettings
from store.errors import DeliveryError

_REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*(\d{3})(?: ([^\n]*))?\r?\n")
_LINE_START = re.compile(rb"^\d{3}[ -]?", re.MULTILINE)
_MOST_REPLY = 65_536
_CHUNK = 65_536
_LEAST_SECONDS = 0.05  # for the answers that have come while another connection was waited for


class LostError(Exception):
    """The connection is gone, or no answer came in time."""


class SilentError(LostError):
    """No answer came in time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One mail ready for the wire. `data` ends with the final dot."""

    key: MessageKey
    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server does not want this message."""

    reply: Reply
    stage: Stage


class Lane:
    """A connection that is open and greeted. Any LostError means: close it and take another."""

    def __init__(self, connection: smtplib.SMTP, settings: EmailSettings) -> None:
        assert connection.sock is not None
        self._connection, self._settings = connection, settings
        self._socket: socket.socket = connection.sock
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pipelines = connection.has_extn("pipelining")
        self._most_bytes = _size_limit(connection)
        self._buffer = b""
        self._needs_reset = False
        self.is_spent = False  # it waits for a message to nobody
        self.answers = 0  # to messages; 0: never used yet
        self.used_at = time.monotonic()

    def fileno(self) -> int:
        return self._socket.fileno()

    def objection(self, job: Job) -> Refusal | None:
        """Why this server cannot take the message, known from its greeting."""
        if not job.recipient.isascii() and not self._connection.has_extn("smtputf8"):
            return Refusal(Reply(553, "5.6.7 The server takes no addresses beyond ASCII."), Stage.RECIPIENT)
        if self._most_bytes and len(job.data) > self._most_bytes:
            return Refusal(Reply(552, "5.3.4 The message is larger than the server takes."), Stage.BODY)
        return None

    def ask(self, job: Job) -> None:
        """Send the envelope, or its first command where the server does not pipeline."""
        commands = self._commands(job)
        self._send(b"".join(commands) if self._pipelines else commands[0])

    def answer(self, job: Job, deadline: float) -> Refusal | None:
        """Read the answers to the envelope. None: the server waits for the message itself."""
        commands, refusal = self._commands(job), None
        if self._needs_reset:
            self._read(deadline)
        for number, stage in enumerate((Stage.SENDER, Stage.RECIPIENT, Stage.DATA), len(commands) - 3):
            if number and not self._pipelines:
                self._send(commands[number])
            reply = self._read(deadline)
            refusal = refusal or _refusal(reply, stage)
            if refusal and not self._pipelines:
                break
            self.is_spent = self.is_spent or (refusal is not None and reply.code == 354)
        self._needs_reset = refusal is not None
        self._done()
        return refusal

    def send_body(self, job: Job) -> None:
        """Send the message. A LostError here means that the final dot did not leave this machine."""
        self._send(job.data)

    def verdict(self, deadline: float) -> Reply:
        """Read the answer to the final dot. A LostError here means that nobody knows."""
        reply = self._read(deadline)
        self._done()
        return reply

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        try:
            self._socket.settimeout(0)
            self._socket.send(b"QUIT\r\n")
        except OSError:
            pass
        finally:
            self._connection.close()

    def _commands(self, job: Job) -> list[bytes]:
        utf8 = "" if job.recipient.isascii() else " SMTPUTF8"
        size = f" SIZE={len(job.data)}" if self._most_bytes is not None else ""
        mail = f"MAIL FROM:<{job.sender}>{size}{utf8}\r\n".encode()
        commands = [mail, f"RCPT TO:<{job.recipient}>\r\n".encode(), b"DATA\r\n"]
        return [b"RSET\r\n", *commands] if self._needs_reset else commands

    def _done(self) -> None:
        self.answers += 1
        self.used_at = time.monotonic()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._settings.timeout_seconds)
            self._socket.sendall(data)
        except OSError as error:
            raise LostError from error

    def _read(self, deadline: float) -> Reply:
        while not (match := _REPLY.match(self._buffer)):
            if len(self._buffer) > _MOST_REPLY or (len(self._buffer) >= 3 and not self._buffer[:3].isdigit()):
                raise LostError  # it does not speak SMTP any more
            self._receive(deadline)
        self._buffer = self._buffer[match.end() :]
        reply = Reply(int(match[1]), _LINE_START.sub(b"", match[0]).decode("utf-8", "replace").strip())
        if reply.code == 421:
            raise ClosingError(reply)
        return reply

    def _receive(self, deadline: float) -> None:
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), _LEAST_SECONDS))
            data = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise SilentError from error
        except OSError as error:
            raise LostError from error
        if not data:
            raise LostError
        self._buffer += data


class ClosingError(LostError):
    """The server says that it closes the connection (421): this command did nothing, and there will be no other answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.shown_code)
        self.reply = reply


def open_lane(settings: EmailSettings) -> Lane:
    """Connect, secure, greet and log in. Raises DeliveryError with what to do about it."""
    where = f"The mail server {settings.host}:{settings.port}"
    try:
        return Lane(_connect(settings), settings)
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryError(
            f"{where} refuses the user name or password. Correct [email] username and CONTACTFLOW_SMTP_PASSWORD."
        ) from error
    except ssl.SSLError as error:
        raise DeliveryError(f"{where} cannot be reached securely. Check [email] security, port and the server's certificate.") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"{where} does not offer what [email] security or username ask for.") from error
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"{where} refuses the connection with code {error.smtp_code}. Try again later, or ask its owner.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(f"{where} cannot be reached ({type(error).__name__}). Check [email] host and port, and the network.") from error


def _connect(settings: EmailSettings) -> smtplib.SMTP:
    name = _own_name()
    timeout = settings.timeout_seconds
    if settings.security == "tls":
        context = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, name, timeout=timeout, context=context)
    else:
        connection = smtplib.SMTP(settings.host, settings.port, name, timeout=timeout)
    try:
        _introduce(connection, settings)
    except BaseException:
        connection.close()
        raise
    return connection


def _introduce(connection: smtplib.SMTP, settings: EmailSettings) -> None:
    connection.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo_or_helo_if_needed()
    if settings.username:
        connection.login(settings.username, settings.password or "")


def _own_name() -> str:
    # smtplib would ask DNS, which can hang; RFC 5321 4.1.4 forbids a server to refuse us for the name.
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _size_limit(connection: smtplib.SMTP) -> int | None:
    """The most bytes that the server takes; 0: it does not say how many; None: it does not know SIZE."""
    if not connection.has_extn("size"):
        return None
    size = connection.esmtp_features["size"].strip()
    return int(size) if size.isdigit() else 0


def _refusal(reply: Reply, stage: Stage) -> Refusal | None:
    if reply.code >= 400:
        return Refusal(reply, stage)
    if reply.code == 354 if stage is Stage.DATA else 200 <= reply.code < 300:
        return None
    raise LostError  # neither yes nor no: we do not understand each other
