"""A choice by what is known."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from engine.language.fields import NodeRef
from engine.nodes.node import ConditionText, Edge, FlowView, Look, Node, NodeFault, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class Way(BaseModel):
    """One way out of a branch: `when` a condition holds `then` a node, or `otherwise` a node."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: ConditionText | None = Field(None, description="The condition.")
    then: NodeRef | None = Field(None, description="The node that follows when it holds.")
    otherwise: NodeRef | None = Field(None, description="The node for everyone else; only in the last way.")


class Branch(Node):
    """Chooses a way by what is known of the customer: the first condition that holds, in reading order."""

    word: ClassVar[str] = "branch"
    reading_order: ClassVar[int] = 7

    example: ClassVar[str] = """
which:
  branch:
    - when: reachable by sms
      then: text
    - when: country = 'NL'
      then: letter
    - otherwise: end
"""

    branch: tuple[Way, ...] = Field(description="The ways, in the order in which they are tried.", min_length=1)

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        ways = [Edge(self.id, f"when-{n}", way.then, str(way.when)) for n, way in enumerate(self.branch, 1) if way.when and way.then]
        otherwise = next((way.otherwise for way in self.branch if way.otherwise), None) or self.next or below
        return (*ways, Edge(self.id, "otherwise", otherwise, Phrase("otherwise"))) if otherwise else tuple(ways)

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], ConditionText]]:
        for number, way in enumerate(self.branch):
            if way.when:
                yield ("branch", number, "when"), way.when

    def look(self) -> Look:
        return Look("branch", self.note or Phrase("which way?"))

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        for number, way in enumerate(self.branch):
            if way.otherwise and (way.when or way.then):
                yield NodeFault(("branch", number), "a way is either `when` and `then`, or `otherwise`.", "Make two ways of it.")
            elif way.otherwise and number < len(self.branch) - 1:
                yield NodeFault(("branch", number), "the ways after `otherwise` can never be taken.", "Move `otherwise` to the end.")
            elif not way.otherwise and not (way.when and way.then):
                lacks = "then" if way.when else "when"
                yield NodeFault(("branch", number), f"the way has no `{lacks}`.", "Write `when: CONDITION` and `then: NODE`.")

    def step(self, visit: "Visit") -> None:
        for number, way in enumerate(self.branch, 1):
            if way.when:
                visit.leave(visit.holds(way.when), f"when-{number}")
        visit.leave(visit.everyone, "otherwise")
