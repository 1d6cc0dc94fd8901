"""What the landing pages must be told, gathered once by contactflow/bootstrap.py."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo


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

    @property
    def path(self) -> str:
        """The path in front of every address of ours, without a slash at its end: empty, or ``/mail``."""
        return urlsplit(self.base_url).path.rstrip("/")
