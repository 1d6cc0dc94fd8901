"""A new connection to a mail server: connected, secured, greeted and logged in by smtplib."""

import smtplib
import socket
import ssl
from contextlib import suppress
from threading import Timer
from typing import BinaryIO

from channels.email.settings import EmailSettings
from store.errors import DeliveryError

_MOST_TIMEOUTS = 3  # that opening a connection may take in all
_MOST_LINES = 500  # of what a server says until it takes messages
Reply = tuple[int, bytes]


def connect(settings: EmailSettings) -> smtplib.SMTP:
    """Connect, secure, greet and log in. Raises DeliveryError with what to do about it."""
    where = f"The mail server {settings.host}:{settings.port}"
    try:
        return _connect(settings)
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


class _Bounded(smtplib.SMTP):
    """smtplib waits as long for each piece of an answer as for the whole, and keeps all of it: a server could talk on for ever."""

    _time_is_up: Timer | None = None

    def getreply(self) -> Reply:
        if self._time_is_up is None:
            self._time_is_up = Timer(_MOST_TIMEOUTS * self.timeout, self._hang_up)
            self._time_is_up.daemon = True
            self._time_is_up.start()
        if self.file is None and self.sock is not None:
            self.file = _Bound(self.sock.makefile("rb"))
        return super().getreply()

    def _hang_up(self) -> None:
        with suppress(OSError):
            if self.sock is not None:
                # Not the encrypted socket's own, which is not made for two threads.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def in_time(self) -> None:
        """From now on the caller looks after the time."""
        if self._time_is_up:
            self._time_is_up.cancel()

    def close(self) -> None:
        self.in_time()
        super().close()


class _BoundedOverTls(_Bounded, smtplib.SMTP_SSL):
    pass


class _Bound:
    """The lines that a server says, so many at the most."""

    def __init__(self, lines: BinaryIO) -> None:
        self._lines, self._left = lines, _MOST_LINES

    def readline(self, most_bytes: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError
        return self._lines.readline(most_bytes)

    def close(self) -> None:
        self._lines.close()


def _connect(settings: EmailSettings) -> smtplib.SMTP:
    name = _own_name()
    timeout = settings.timeout_seconds
    if settings.security == "tls":
        context = ssl.create_default_context()
        connection: _Bounded = _BoundedOverTls(settings.host, settings.port, name, timeout=timeout, context=context)
    else:
        connection = _Bounded(settings.host, settings.port, name, timeout=timeout)
    try:
        _introduce(connection, settings)
    except BaseException:
        connection.close()
        raise
    connection.in_time()
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
