"""How mail leaves: the server, and who it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from store.errors import SettingsError

if TYPE_CHECKING:
    from channels.email.incoming.return_path import ReturnPaths

Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, in PEM, that signs for a domain from a day on; its public half stands in DNS under the selector."""

    domain: str
    selector: str
    pem: bytes = field(repr=False)
    begins: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """A mail server and a sender. Raises SettingsError for a password that would travel in the clear."""

    host: str
    port: int
    sender_address: str
    sender_name: str = ""
    security: Security = "none"
    username: str | None = None
    password: str | None = None
    connections: int = 8
    receivers_at_once: Mapping[str, int] = field(default_factory=dict)  # the most on the wire to a domain; `*`: to each of the others
    timeout_seconds: float = 60.0  # for a connection, and for the answer to a command
    # RFC 5321 4.5.3.2.6 advises ten minutes for the answer to the last dot: giving up earlier makes a message *unknown*.
    answer_seconds: float = 300.0
    signing_keys: tuple[SigningKey, ...] = ()
    # With both, bounces come back to an address that names the message; otherwise they go to the sender's.
    bounce_domain: str | None = None
    return_paths: "ReturnPaths | None" = None

    def __post_init__(self) -> None:
        if self.username and self.security == "none" and not _is_loopback(self.host):
            raise SettingsError(
                f'[email] The password for {self.host} would travel in the clear. Set `security = "starttls"` in contactflow.toml.'
            )

    def __repr__(self) -> str:
        return f"EmailSettings({self.host}:{self.port}, {self.security})"  # never the password


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
