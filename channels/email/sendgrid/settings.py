"""How mail leaves through SendGrid."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from store.errors import SettingsError

ADDRESS = "https://api.sendgrid.com"  # https://api.eu.sendgrid.com for subusers in the EU
_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSettings:
    """An account and a sender. Raises SettingsError for a key that would travel in the clear; without a key nothing is sent."""

    key: str = field(repr=False)
    sender_address: str
    sender_name: str = ""
    address: str = ADDRESS
    sandbox: bool = False  # it looks at each request and sends nothing
    connections: int = 4
    together: int = 1_000  # mails in a request at the most; when its answer is lost, as many are unknown
    most_bytes: int = 25_000_000  # in a request; SendGrid takes 30 MB
    timeout_seconds: float = 30.0  # for a connection, and for each piece of a request
    # Giving up on an answer makes messages *unknown*, up to a thousand at a time.
    answer_seconds: float = 120.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if not parts.hostname or parts.scheme not in ("http", "https") or not _has_port(parts):
            raise SettingsError(f"[email.sendgrid] address cannot be '{self.address}'. Write {ADDRESS}, or leave it out.")
        if parts.scheme == "http" and parts.hostname not in _HERE:
            raise SettingsError(f'[email.sendgrid] The key would travel in the clear. Write address = "https://{parts.hostname}".')


def _has_port(parts: SplitResult) -> bool:
    """Whether the port is one, or left out."""
    try:
        return parts.port != 0
    except ValueError:
        return False
