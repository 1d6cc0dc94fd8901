"""What the landing pages must be told, gathered once by contactflow/bootstrap.py."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from landing.offered import Offered


@dataclass(frozen=True, slots=True)
class LandingSettings:
    """Where the pages are reached, what they show by default, and the keys that sign their links (the newest first)."""

    base_url: str
    templates: Path
    keys: tuple[bytes, ...]
    zone: ZoneInfo
    language: str = "en"  # for customers whose own language is unknown or not spoken here
    sender_name: str = ""
    sender_address: str = ""
    code_days: int = 180  # how long the short code of a letter leads to its page
    proxies: tuple[str, ...] = ()  # addresses or networks whose word on where a visitor comes from is taken
    forms_a_link: int = 30  # a minute; nobody fills in more
    joins_a_network: int = 30  # a minute
    forms_a_network: int = 600  # a minute; a mobile provider puts thousands of telephones behind one address
    waiting: Path | None = None  # the folder where clicks that are not judged yet outlive a server that is killed; none: in memory only

    offered: Offered = field(default_factory=Offered)  # what customers may choose from

    @property
    def path(self) -> str:
        """The path in front of every address of ours, without a slash at its end: empty, or ``/mail``."""
        return urlsplit(self.base_url).path.rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether recipients reach the pages over https only."""
        return urlsplit(self.base_url).scheme == "https"
