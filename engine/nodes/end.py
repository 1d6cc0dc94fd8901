"""The way out."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from engine.language.fields import LineOrNothing
from engine.nodes.node import Edge, Look, Node, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class End(Node):
    """Lets members leave. Every flow has one called `end`, written down or not."""

    word: ClassVar[str] = "end"
    reading_order: ClassVar[int] = 10
    leaves: ClassVar[bool] = True

    example: ClassVar[str] = """
moved-away:
  end: we have no address any more
"""

    end: LineOrNothing = Field("", description="Why members leave here, in words.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        return ()

    def look(self) -> Look:
        return Look("end", self.end or Phrase("the flow ends here"))

    def step(self, visit: "Visit") -> None:
        visit.finish(visit.everyone, "flow_ended")
