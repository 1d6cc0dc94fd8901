"""About whom, when and for what a condition is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause

from customers.conditions.tree import EventRef
from customers.conditions.vocabulary import AttributeKind, Vocabulary


class Circumstances(Protocol):
    """What is known around a question: the workspace's attributes and vocabulary, the campaign, and when and where now is."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What conditions may name."""
        ...

    @property
    def attributes(self) -> Mapping[str, AttributeKind]:
        """The workspace's own attributes."""
        ...

    @property
    def campaign(self) -> str | None:
        """The campaign's name."""
        ...

    @property
    def purpose(self) -> str | None:
        """The campaign's purpose."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        ...

    @property
    def now(self) -> datetime:
        """The present moment, aware."""
        ...


@dataclass(frozen=True)
class Scope:
    """Where a condition is asked: the tables (or aliases) that the statement around it selects from, and the moment.

    `member_id`, `entered_at` and `arrived_at` (micros) are columns of that statement too, or None outside a flow. `answers`
    stands in for events: a simulator says there what is to be taken for an event, instead of what the contact log holds.
    """

    customer: FromClause
    profile: FromClause | None
    now: datetime
    zone: ZoneInfo
    purpose: str | None = None
    campaign: str | None = None
    member_id: ColumnElement[Any] | None = None
    entered_at: ColumnElement[Any] | None = None
    arrived_at: ColumnElement[Any] | None = None
    answers: Mapping[EventRef, ColumnElement[bool]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def today(self) -> date:
        """The date now, in the workspace's zone."""
        return self.now.astimezone(self.zone).date()
