"""A condition that was understood: what parse_condition gives and compile_condition takes."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Literal as Choice

from customers.conditions.vocabulary import AttributeKind


class EventKind(StrEnum):
    """What can have happened to a customer."""

    PURCHASE = "purchase"
    RESPONSE = "response"
    OPEN = "open"
    CLICK = "click"
    VISIT = "visit"
    ANSWER = "answer"
    EVENT = "event"
    CONTACTED = "contacted"


@dataclass(frozen=True, slots=True)
class EventRef:
    """What a phrase asks about: hashable, so that a simulator can answer in its place (Scope.answers).

    `since` is entry or arrival, `days` is of `in last N days`, `name` that of an event or of a form field.
    """

    kind: EventKind
    node: str | None = None
    since: Choice["entry", "arrival"] | None = None
    days: int | None = None
    name: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that was written down."""

    value: str | int | float | bool | date
    kind: AttributeKind


@dataclass(frozen=True, slots=True)
class Today:
    """The date of the present moment in the workspace's zone."""

    kind: AttributeKind = AttributeKind.DATE


@dataclass(frozen=True, slots=True)
class Attribute:
    """What is known of the customer."""

    name: str
    kind: AttributeKind


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """The latest answer to a form's field in this campaign."""

    event: EventRef
    kind: AttributeKind = AttributeKind.TEXT


@dataclass(frozen=True, slots=True)
class Said:
    """What the customer said last in answer to a question of any campaign's form."""

    name: str
    kind: AttributeKind = AttributeKind.TEXT


@dataclass(frozen=True, slots=True)
class Call:
    """A function of values."""

    function: str
    arguments: tuple["Value", ...]
    kind: AttributeKind


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values reckoned with; a date plus or minus days is a date, a date minus a date is days."""

    operator: Choice["+", "-", "*", "/"]
    left: "Value"
    right: "Value"
    kind: AttributeKind


Value = Constant | Today | Attribute | FormAnswer | Said | Call | Arithmetic
Comparator = Choice["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Always:
    """`everyone`, true or false."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison; does not hold when either side is unknown."""

    operator: Comparator
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """`in (...)`, or `not in`; neither holds for an unknown value."""

    value: Value
    options: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """`between low and high`, both included, or `not between`; neither holds when one of the three is unknown."""

    value: Value
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """`like`: % is any text, _ one character, capitals and small letters are the same. `escape` is one character or empty."""

    value: Value
    pattern: str
    escape: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """`is null`."""

    value: Value


@dataclass(frozen=True, slots=True)
class IsTruth:
    """`is true` and `is false`: unknown is neither."""

    value: Value
    truth: bool


@dataclass(frozen=True, slots=True)
class Holds:
    """A boolean value by itself; unknown does not hold."""

    value: Value


@dataclass(frozen=True, slots=True)
class Not:
    """Exactly those for whom `part` does not hold, also when that is because something is unknown."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class AllOf:
    """`and`."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`or`."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """A phrase about an event."""

    event: EventRef


@dataclass(frozen=True, slots=True)
class Reachable:
    """`reachable by CHANNEL`."""

    channel: str


@dataclass(frozen=True, slots=True)
class InSegment:
    """`in segment NAME`, with the segment's own condition."""

    name: str
    predicate: "Predicate"


Predicate = Always | Compare | OneOf | Between | Like | IsUnknown | IsTruth | Holds | Not | AllOf | AnyOf | Happened | Reachable | InSegment


@dataclass(frozen=True)
class Condition:
    """A condition that was understood, and what it depends on, its segments included."""

    text: str
    predicate: Predicate

    @cached_property
    def attributes(self) -> frozenset[str]:
        """The attributes that it reads."""
        return frozenset(part.name for part in self.parts if isinstance(part, Attribute))

    @cached_property
    def events(self) -> frozenset[EventRef]:
        """The events that it asks about."""
        return frozenset(part.event for part in self.parts if isinstance(part, Happened | FormAnswer))

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The nodes whose messages it asks about."""
        return frozenset(event.node for event in self.events if event.node)

    @cached_property
    def segments(self) -> frozenset[str]:
        """The segments that it refers to, also through other segments."""
        return frozenset(part.name for part in self.parts if isinstance(part, InSegment))

    @cached_property
    def channels(self) -> frozenset[str]:
        """The channels that it asks `reachable by` for."""
        return frozenset(part.channel for part in self.parts if isinstance(part, Reachable))

    @property
    def only_event(self) -> EventRef | None:
        """The event, when the condition is nothing but one event phrase."""
        return self.predicate.event if isinstance(self.predicate, Happened) else None

    @cached_property
    def parts(self) -> tuple[object, ...]:
        """Every part of the tree, the whole first."""
        return tuple(walk(self.predicate))


def walk(part: object) -> Iterator[object]:
    """Every part of a tree, the whole first."""
    yield part
    for child in _inner(part):
        yield from walk(child)


def depth(part: object) -> int:
    """How deep a tree is nested; `and`, `or` and segments count like brackets, a leaf is 0."""
    return max((1 + depth(child) for child in _inner(part)), default=0)


def _inner(part: object) -> Iterator[object]:
    for each in fields(part) if is_dataclass(part) else ():
        inner = getattr(part, each.name)
        for child in inner if isinstance(inner, tuple) else (inner,):
            if is_dataclass(child):
                yield child
