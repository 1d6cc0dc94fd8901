"""A pause."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from engine.language.fields import Pause
from engine.language.values import LONG, Duration
from engine.nodes.node import FlowView, Look, Node, NodeFault, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class Wait(Node):
    """Waits: for a length of time (`5 days`), or until a moment or a time of day in the customer's zone (`until monday 09:00`)."""

    word: ClassVar[str] = "wait"
    reading_order: ClassVar[int] = 5
    rests: ClassVar[bool] = True

    example: ClassVar[str] = """
pause:
  wait: 5 days
morning:
  wait: until monday 09:00
"""

    wait: Pause = Field(description="`5 days`, `until 09:00`, `until monday 09:00` or `until 2026-12-01 09:00`.")

    def holds_up(self, exit_: str) -> bool:
        return isinstance(self.wait, Duration)  # whoever comes at the very moment of an `until` goes on at once

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        if isinstance(self.wait, Duration) and self.wait.seconds > LONG:
            yield NodeFault(("wait",), f"{self.wait} is more than two years.", "Wait for less; the campaign would never be over.")

    def look(self) -> Look:
        return Look("wait", Phrase("{0}", self.wait))

    def step(self, visit: "Visit") -> None:
        if visit.fresh.any():  # who only goes on need not be asked for their zone
            visit.rest_until(visit.fresh, visit.moment(self.wait))
        visit.leave(visit.due, "next")
