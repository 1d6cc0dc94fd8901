"""What the engine needs from outside, gathered once by contactflow/bootstrap.py."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from channels.contract import Channel
from customers.conditions.vocabulary import AttributeKind
from engine.links import Links
from engine.metrics import BUILT_IN, Metrics
from engine.pace import Limits
from engine.programme import HoldOut
from engine.tracking import Tracking

PageSegments = Callable[[str | None], Collection[str]]  # the segments to whom a campaign's page (by its file) says something else


def _to_nobody(_: str | None) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the name and postal address that templates may show, and how dates and money are written."""

    name: str
    address: str
    language: str = "en"  # of whoever's own is not known
    country: str = ""
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Workspace:
    """An organisation's campaigns: where they are, what is known of customers, and how to reach them."""

    root: Path
    database: Engine
    zone: ZoneInfo
    attributes: Mapping[str, AttributeKind]  # the workspace's own
    segments: Mapping[str, str]  # name to condition; the first that fits wins
    purposes: tuple[str, ...]
    channels: Mapping[str, Channel]
    links: Links
    sender: Sender
    costs: Mapping[str, float]  # cents per billable unit, by channel
    hold_out: HoldOut | None = None  # the part that no campaign writes to
    metrics: Metrics = field(default_factory=lambda: BUILT_IN)
    limits: Mapping[str, Limits] = field(default_factory=dict)  # how fast messages may leave, by channel
    tracking: Tracking = field(default_factory=Tracking)
    page_segments: PageSegments = _to_nobody
    stopping: Event = field(default_factory=Event)  # set when this process is to end: no more chunks or batches are begun

    @property
    def flows(self) -> Path:
        """The folder of the campaigns."""
        return self.root / "flows"

    @property
    def templates(self) -> Path:
        """The folder of the wording."""
        return self.root / "templates"

    @property
    def state(self) -> Path:
        """The folder of what contactflow keeps for itself."""
        return self.root / ".contactflow"
