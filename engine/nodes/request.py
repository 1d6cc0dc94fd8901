"""Where people come in who asked for something."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from engine.language.fields import TemplateFile
from engine.nodes.node import FlowView, Look, Node, NodeFault, Phrase

if TYPE_CHECKING:
    from engine.visit import Visit

Asked = Literal["join", "my data"]
JOIN: Asked = "join"
MY_DATA: Asked = "my data"
_TITLES: Mapping[Asked, Phrase] = {JOIN: Phrase("asks to join"), MY_DATA: Phrase("asks for their data")}


class Request(Node):
    """Lets people in who ask for something on a page, one by one, at the moment that they ask.

    `join`: on the form at `/join/CAMPAIGN`, which anybody may fill in. Nothing is allowed by that: the message that follows asks
    whether it was them, with `{{ links.confirm }}`. `my data`: with the button "My data" of the preference centre, which one
    campaign of the workspace answers.
    """

    word: ClassVar[str] = "request"
    reading_order: ClassVar[int] = 2
    is_entry: ClassVar[bool] = True

    example: ClassVar[str] = """
form:
  request: join
  page: newsletter/join.yaml
"""

    request: Asked = Field(description="What people ask for.")
    page: TemplateFile | None = Field(None, description="The form that they fill in to join: a page file under templates/.")

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        if self.request == JOIN and self.page is None:
            yield NodeFault(("request",), "there is no form to join with.", "Add `page: FILE`, a page file under templates/.")
        if self.request != JOIN and self.page is not None:
            yield NodeFault(("page",), f"`page` is for `request: {JOIN}`.", "Take the line out.")
        if any(isinstance(each, Request) and each.request == self.request and each.id != self.id for each in flow.nodes.values()):
            message = f"`request: {self.request}` stands twice in the flow."
            yield NodeFault(("request",), message, "Let everybody in at one, and tell them apart with a branch behind it.")

    def look(self) -> Look:
        return Look("request", _TITLES[self.request])

    def step(self, visit: "Visit") -> None:
        visit.leave(visit.everyone, "next")


def request_node(nodes: Mapping[str, Node], asked: Asked) -> Request | None:
    """Where people come in who ask for this."""
    return next((node for node in nodes.values() if isinstance(node, Request) and node.request == asked), None)
