"""Writing something down about the customer."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, WithJsonSchema

from engine.language.fields import AttributeName, ChannelName, MayBeEmpty
from engine.language.values import value_of_kind
from engine.nodes.node import Look, Node, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit

Value = Annotated[
    str, MayBeEmpty(), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})
]  # as written: see value_of_kind; an empty one takes the attribute's value away


class Update(Node):
    """Sets attributes of the customer, or records consent that the campaign may record.

    `update: {attribute: value}`; `update: {consent: {email: no}}` records a refusal for the campaign's purpose. A flow can
    never grant consent: only a customer can, and only evidence of it counts.
    """

    word: ClassVar[str] = "update"
    reading_order: ClassVar[int] = 8

    example: ClassVar[str] = """
noted:
  update: {favourite: sports, recency: 3}
stopped:
  update:
    consent: {sms: no}
"""

    update: dict[AttributeName, Value | dict[ChannelName, bool]] = Field(
        description="Attributes and their new values; `consent: {email: no}`.", min_length=1
    )

    def new_values(self, kinds: Mapping[str, str]) -> dict[str, str | int | float | bool | date | None]:
        """The attributes' new values, read as their kinds (text, integer, number, boolean, date) say; None takes a value away."""
        return {name: value_of_kind(text, kinds[name]) for name, text in self.update.items() if isinstance(text, str) and name in kinds}

    def look(self) -> Look:
        return Look("update", Phrase("note down"), tuple(line for name, value in self.update.items() for line in _noted(name, value)))

    def step(self, visit: "Visit") -> None:
        visit.write_down(visit.everyone, self)
        visit.leave(visit.everyone, "next")


def _noted(name: str, value: Value | dict[str, bool]) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (
            Phrase("consent for {0}: {1}", channel, Phrase("yes") if granted else Phrase("no")) for channel, granted in value.items()
        )
    else:
        yield f"{name} = {value}" if value else Phrase("{0} taken away", name)
