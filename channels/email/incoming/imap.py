"""Mail that comes back to a mailbox elsewhere: what is new in it is fetched, and marked as seen when it is kept here.

Why the standard library: imap-tools and IMAPClient are kept well, but give parsed mails and a wider language; we need five commands, and
the bytes.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from store.errors import DeliveryError, SettingsError

TIMEOUT_SECONDS = 60.0
_AT_ONCE = 50  # mails that are marked together
_UNFIT = re.compile(r"[^\x20-\x7e]")
_PORTS = {"imaps": 993, "imap": 143}
_BODY = re.compile(rb"BODY\[\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ImapMailbox:
    """A folder of a mailbox. Without TLS from the start (`imaps`), it is asked for (STARTTLS), unless the server is on this machine."""

    scheme: str
    host: str
    port: int
    user: str
    folder: str
    password: str = field(repr=False)
    most_bytes: int = 10_000_000  # of a mail that are fetched

    @classmethod
    def of(cls, address: str, password: str) -> "ImapMailbox":
        """Read ``imaps://user@host/INBOX``; the user's own @ is written %40. Raises SettingsError."""
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        user, folder = unquote(parts.username or ""), unquote(parts.path.strip("/")) or "INBOX"
        if parts.scheme not in _PORTS or not parts.hostname or not user or parts.password or _UNFIT.search(user + folder):
            raise SettingsError(
                "[email.returned] mailbox: write imaps://user@host/INBOX, in ASCII, an @ of the user's as %40, and without the password: "
                "that is CONTACTFLOW_IMAP_PASSWORD."
            )
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, folder, password)


def fetch_unseen(box: ImapMailbox, keep: Callable[[bytes], object]) -> int:
    """Give every unseen mail to `keep`, mark those as seen that it took, and give their number. Nothing is deleted.

    A mail is only marked when `keep` has returned: a kill in between fetches it once more. Raises DeliveryError when the mailbox cannot
    be reached, and whatever `keep` raises.
    """
    count = 0
    with _translated(box), _connected(box) as connection:
        _done(connection.select(_quoted(box.folder)))
        unseen = b" ".join(filter(None, _done(connection.uid("SEARCH", "UNSEEN")))).split()
        for start in range(0, len(unseen), _AT_ONCE):
            kept = [uid.decode("ascii") for uid in unseen[start : start + _AT_ONCE] if _keep(connection, uid, box.most_bytes, keep)]
            if kept:
                _done(connection.uid("STORE", ",".join(kept), "+FLAGS.SILENT", r"(\Seen)"))
            count += len(kept)
    return count


def _keep(connection: imaplib.IMAP4, uid: bytes, most_bytes: int, keep: Callable[[bytes], object]) -> bool:
    """Whether the mail was there. PEEK: to fetch it must not mark it yet."""
    for each in _done(connection.uid("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{most_bytes}>)")):
        if isinstance(each, tuple) and _BODY.search(each[0]):  # a server may tell of other mails' flags in between
            keep(each[1])
            return True
    return False


@contextmanager
def _connected(box: ImapMailbox) -> Iterator[imaplib.IMAP4]:
    connection: imaplib.IMAP4
    if box.scheme == "imaps":
        connection = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT_SECONDS)
    else:
        connection = imaplib.IMAP4(box.host, box.port, timeout=TIMEOUT_SECONDS)
    try:
        if box.scheme == "imap" and not _is_here(box.host):
            connection.starttls(ssl.create_default_context())
        connection.login(_quoted(box.user), box.password)
        yield connection
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()
        with suppress(OSError):
            connection.shutdown()  # which `logout` leaves out when the server is gone


@contextmanager
def _translated(box: ImapMailbox) -> Iterator[None]:
    try:
        yield
    except imaplib.IMAP4.error as error:
        said = " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in error.args)[:200]
        raise DeliveryError(f"The mailbox at {box.host} does not open: {said}") from error
    except OSError as error:
        raise DeliveryError(f"The mailbox at {box.host}:{box.port} cannot be reached: {type(error).__name__}.") from error


def _done(answer: tuple[str, Sequence[Any]]) -> Sequence[Any]:
    status, data = answer
    if status != "OK":
        said = data[0].decode("utf-8", "replace") if data and isinstance(data[0], bytes) else status
        raise imaplib.IMAP4.error(said)
    return data


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
