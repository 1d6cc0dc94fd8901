"""Where customers come in."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from customers.conditions.vocabulary import Place
from engine.language.values import Duration, Share
from engine.nodes.node import ConditionText, Contrast, ContrastKind, Edit, FlowView, Look, Node, NodeFault, percent
from store.errors import InputError

if TYPE_CHECKING:
    from engine.visit import Visit

CONTROL = "control"
CONTACTED = "contacted"


class Audience(Node):
    """Lets customers in: everyone for whom the condition holds, less a random hold-out that gets nothing.

    The hold-out is the control that the campaign is measured against. Who is in it is decided by a salted hash, written down
    when the customer comes in, and never changes afterwards.
    """

    word: ClassVar[str] = "audience"
    reading_order: ClassVar[int] = 1
    is_entry: ClassVar[bool] = True
    condition_place: ClassVar[Place] = Place.CUSTOMER

    example: ClassVar[str] = """
lapsed:
  audience: days_since_purchase > 180 and country in ('NL', 'BE')
  holdout: 10%
"""

    audience: ConditionText = Field(description="Who comes in: a condition, or `in segment NAME`, or `everyone`.")
    holdout: Share | None = Field(None, description="The random part that gets nothing, to measure against.")
    again: Duration | None = Field(None, description="How often new people are looked for: `1 day`. Without it once, at the start.")

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        if self.holdout and self.holdout.fraction >= 1:
            yield NodeFault(("holdout",), "everyone is held out, so nobody gets anything.", "Hold a part out, such as 10%.")

    def conditions(self) -> Iterator[tuple[tuple[str | int, ...], ConditionText]]:
        yield ("audience",), self.audience

    def look(self) -> Look:
        return Look("entry", str(self.audience), held_out=self.holdout)

    def contrasts(self) -> tuple[Contrast, ...]:
        if not self.holdout:
            return ()
        return (Contrast("holdout", CONTROL, {CONTACTED: 1 - self.holdout.fraction, CONTROL: self.holdout.fraction}),)

    def promoted(self, kind: ContrastKind, arm: str, tail: Decimal) -> tuple[Edit, ...]:
        if arm == CONTROL:
            raise InputError("To write to nobody is not a routine. When the campaign does not help, stop it.")
        return (Edit(("holdout",), percent(tail)),)

    def step(self, visit: "Visit") -> None:
        if self.holdout:
            held = visit.arms({CONTROL: self.holdout.fraction, CONTACTED: 1 - self.holdout.fraction})
            visit.finish(held.of(CONTROL), "held_out")
        visit.leave(visit.everyone, "next")


def audiences_of(nodes: Mapping[str, Node]) -> Mapping[str, Audience]:
    """The nodes where people are looked for, by id."""
    return {node_id: node for node_id, node in nodes.items() if isinstance(node, Audience)}
