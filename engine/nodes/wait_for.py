"""A pause that an answer ends."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from customers.conditions.vocabulary import Place
from engine.language.fields import NodeRef
from engine.language.values import LONG, Duration
from engine.nodes.node import ConditionText, Edge, FlowView, Look, Node, NodeFault, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class WaitFor(Node):
    """Waits for something that the customer does, and goes another way when it does not come in time.

    `response to mail`, `click on mail`, `answer to mail`, `purchase`, or any condition. It is looked at again the moment
    something about the customer comes in.
    """

    word: ClassVar[str] = "wait_for"
    reading_order: ClassVar[int] = 6
    rests: ClassVar[bool] = True
    condition_place: ClassVar[Place] = Place.WAIT

    example: ClassVar[str] = """
answer:
  wait_for: response to mail
  at_most: 5 days
  then: won
  timeout: end
"""

    wait_for: ConditionText = Field(description="What to wait for: `response to NODE`, `purchase`, or a condition.")
    at_most: Duration = Field(description="How long at most.")
    then: NodeRef | None = Field(None, description="The node that follows when it comes. Without it, the node below.")
    timeout: NodeRef = Field(description="The node that follows when it does not come in time.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        target = self.then or self.next or below
        came = (Edge(self.id, "then", target, Phrase("yes")),) if target else ()
        return (*came, Edge(self.id, "timeout", self.timeout, Phrase("not in {0}", self.at_most), "timeout"))

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], ConditionText]]:
        yield ("wait_for",), self.wait_for

    def holds_up(self, exit_: str) -> bool:
        # What is waited for may have happened before; only what must come after the arrival surely takes time.
        return exit_ == "timeout" or " ".join(self.wait_for.lower().split()) in ("purchase", "purchase since arrival")

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        if self.at_most.seconds > LONG:
            yield NodeFault(("at_most",), f"{self.at_most} is more than two years.", "Wait for less; the campaign would never be over.")

    def look(self) -> Look:
        return Look("wait_for", str(self.wait_for), (Phrase("at most {0}", self.at_most),))

    def step(self, visit: "Visit") -> None:
        came = visit.holds(self.wait_for, waiting=True)
        visit.leave(came, "then")
        visit.rest_until(visit.fresh & ~came, visit.moment(self.at_most))
        visit.leave(visit.due, "timeout")
