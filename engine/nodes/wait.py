"""A pause."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from engine.language.values import Pause
from engine.nodes.node import Look, Node, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class Wait(Node):
    """Waits: for a length of time (`5 days`), or until a moment or a time of day in the customer's zone (`until monday 09:00`)."""

    word: ClassVar[str] = "wait"
    reading_order: ClassVar[int] = 4
    rests: ClassVar[bool] = True

    example: ClassVar[str] = """
pause:
  wait: 5 days
morning:
  wait: until monday 09:00
"""

    wait: Pause = Field(description="`5 days`, `until 09:00`, `until monday 09:00` or `until 2026-12-01 09:00`.")

    def look(self) -> Look:
        return Look("wait", Phrase("{0}", self.wait))

    def step(self, visit: "Visit") -> None:
        visit.rest_until(visit.fresh, visit.moment(self.wait))
        visit.leave(visit.due, "next")
