"""What a node type declares: fields, checks, edges, look and step. One class is the only place that knows them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NewType, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from customers.conditions.vocabulary import Place
from engine.language.fields import Line, NodeRef
from engine.language.values import Share
from store.errors import InputError

if TYPE_CHECKING:  # numpy stays out of `contactflow check`
    from engine.visit import Visit

CONTROL_TAIL = Decimal(10)  # percent that a routine is still compared with
ConditionText = NewType("ConditionText", str)  # never empty; checked against the vocabulary by engine/language/check.py
EdgeStyle = Literal["normal", "timeout", "unreachable"]
ContrastKind = Literal["holdout", "split", "variants", "personalisation", "page"]
Shape = Literal["entry", "request", "split", "email", "sms", "print", "wait", "wait_for", "branch", "update", "goal", "end"]


class Phrase(str):
    """Words of ours in a picture: English as they stand, while `pattern` and `values` let the picture say them in another language."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: tuple[object, ...]

    def __new__(cls, pattern: str, *values: object) -> Self:
        phrase = super().__new__(cls, pattern.format(*values))
        phrase.pattern, phrase.values = pattern, values
        return phrase


@dataclass(frozen=True, slots=True)
class Edge:
    """A way out of a node. `exit` is its stable name, `label` what the picture writes on it."""

    source: str
    exit: str
    target: str
    label: str = ""
    style: EdgeStyle = "normal"
    share: float | None = None  # 0..1, for arms


@dataclass(frozen=True, slots=True)
class Look:
    """How a node appears in the picture: `shape` names a kind that the legend explains, `title` and `lines` are in words.

    What the author wrote is plain text, what we say ourselves is a Phrase. `held_out` is the part that leaves here as control.
    """

    shape: Shape
    title: str
    lines: tuple[str, ...] = ()
    held_out: Share | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """Arms of a node that are compared with one another: each with `control`.

    `shares` are of all who are assigned at the node (0..1), in the order written; None where data assigns. `named`: the flow itself
    says which is the control.
    """

    kind: ContrastKind
    control: str
    shares: Mapping[str, float | None]
    named: bool = True


@dataclass(frozen=True, slots=True)
class Edit:
    """A change in a node as it is written: `path` are the keys below the node, `value` what stands there then; None takes it out."""

    path: tuple[str, ...]
    value: str | None


@dataclass(frozen=True, slots=True)
class NodeFault:
    """A fault that a node finds in itself. `path` are the keys below the node, for the position in the file."""

    path: tuple[str | int, ...]
    message: str
    remedy: str


class FlowView(Protocol):
    """What a node may ask about the flow around it while it is checked."""

    @property
    def nodes(self) -> Mapping[str, "Node"]:
        """All nodes that could be read, in reading order."""
        ...

    def suggest(self, word: str, known: tuple[str, ...]) -> str:
        """`` Did you mean 'x'?`` for the nearest of `known`, or an empty text."""
        ...


class Node(BaseModel):
    """One box of a flow."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    word: ClassVar[str]  # the key that makes a mapping this type of node
    reading_order: ClassVar[int]  # where the reference page and the legend show it
    example: ClassVar[str]  # nodes for the reference page; a test checks it inside a flow
    is_entry: ClassVar[bool] = False
    rests: ClassVar[bool] = False  # a member may stay here for a while: breaks a cycle
    leaves: ClassVar[bool] = False  # nobody goes on from here
    condition_place: ClassVar[Place] = Place.FLOW  # decides what `purchase` alone and `since` mean in its conditions

    id: Annotated[str, Field(exclude=True, json_schema_extra={"hidden": True})] = ""
    next: NodeRef | None = Field(None, description="The node that follows. Without it, the node below.")
    note: Line | None = Field(None, description="A remark that stands in the picture.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        """The ways out; `below` is the node written below this one."""
        target = self.next or below
        return (Edge(self.id, "next", target),) if target else ()

    def holds_up(self, exit_: str) -> bool:
        """Whether everyone who leaves by this exit has stayed for some time, whenever they came: breaks a cycle."""
        return self.rests

    def look(self) -> Look:
        """How it appears in the picture."""
        raise NotImplementedError  # pragma: no cover - each type has its own

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        """What only this node type can find wrong with itself; references and conditions are checked for all types alike."""
        yield from ()

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], ConditionText]]:
        """Every condition in this node, with the keys that lead to it."""
        yield from ()

    def contrasts(self) -> tuple[Contrast, ...]:
        """What is compared here, the first being what the node is for; empty for a node that assigns nobody to an arm."""
        return ()

    def promoted(self, kind: ContrastKind, arm: str, tail: Decimal) -> tuple[Edit, ...]:
        """What changes in the file when an arm becomes the routine, all but the `tail` (in percent) that it is still compared with.

        Raises InputError for an arm that cannot become it.
        """
        raise InputError(f"Node '{self.id}' compares nothing, so that nothing there can become the routine.")

    def step(self, visit: "Visit") -> None:
        """Say what each member at this node does now: leave by an exit, rest until a moment, or finish."""
        raise NotImplementedError  # pragma: no cover - each type has its own


def percent(number: Decimal) -> str:
    """A share as it is written in a file: `90%`, `87.5%`."""
    return f"{number.normalize():f}%"
