"""What the campaign is for."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from engine.language.fields import Line
from engine.nodes.node import Edge, Look, Node

if TYPE_CHECKING:
    from engine.visit import Visit


class Goal(Node):
    """Counts the member as having reached a goal, and lets them leave."""

    word: ClassVar[str] = "goal"
    reading_order: ClassVar[int] = 9
    leaves: ClassVar[bool] = True

    example: ClassVar[str] = """
won:
  goal: purchase
"""

    goal: Line = Field(description="The goal, in words.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        return ()

    def look(self) -> Look:
        return Look("goal", self.goal)

    def step(self, visit: "Visit") -> None:
        visit.count_goal(visit.everyone, self.goal)
        visit.finish(visit.everyone, "goal_reached")
