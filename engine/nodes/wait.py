"""A pause."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from engine.language.values import Duration, Moment
from engine.nodes.node import Look, Node, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit


class Wait(Node):
    """Waits: for a length of time (`5 days`), or until a moment or a time of day in the customer's zone (`until monday 09:00`)."""

    word: ClassVar[str] = "wait"
    reading_order: ClassVar[int] = 4
    rests: ClassVar[bool] = True

    wait: Duration | Moment = Field(description="`5 days`, `until 09:00`, `until monday 09:00` or `until 2026-12-01 09:00`.")

    @field_validator("wait", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        text = " ".join(value.split())
        return Moment.parse(text) if text.lower().startswith("until ") else Duration.parse(text)

    def look(self) -> Look:
        return Look("wait", Phrase("{0}", self.wait))

    def step(self, visit: "Visit") -> None:
        visit.rest_until(visit.fresh, visit.moment(self.wait))
        visit.leave(visit.due, "next")
