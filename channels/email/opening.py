"""A new connection to a mail server: connected, secured, greeted and logged in by smtplib."""

import smtplib
import socket
import ssl

from channels.email.settings import EmailSettings
from store.errors import DeliveryError


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
