"""A message over a channel."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from engine.language.fields import ChannelName, Line, Name, NodeRef, SegmentName, TemplateFile
from engine.language.values import Duration, Moment, Share
from engine.nodes.node import Edge, FlowView, Look, Node, NodeFault, Phrase
from engine.nodes.split import share_faults

if TYPE_CHECKING:
    from engine.visit import Visit

ONLY = "only"  # the variant of a send that has no variants


class Words(BaseModel):
    """Wording of a message; what is left out is taken from the node."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    template: TemplateFile | None = Field(None, description="The template's file under templates/.")
    subject: Line | None = Field(None, description="The subject line of an e-mail, with {{ variables }}.")


class Variant(Words):
    """One wording of a message among several that are compared."""

    share: Share = Field(description="The part of the members that get this variant; all together 100 %.")
    control: bool = Field(False, description="The variant that the others are compared with. Without it, the last one.")


class Send(Node):
    """Sends a message over a channel. The member goes on when the message has left, or cannot.

    Consent for the campaign's purpose and this channel is checked at the moment of sending. Whoever cannot be reached goes to
    `unreachable`, or on to the next node.
    """

    word: ClassVar[str] = "send"
    reading_order: ClassVar[int] = 3
    rests: ClassVar[bool] = False

    example: ClassVar[str] = """
mail:
  send: email
  goal: visits the page
  subject: "{{ customer.first_name }}, we have missed you"
  variants:
    personal: {share: 50%, template: winback/personal.mjml}
    general: {share: 50%, template: winback/general.mjml}
  by_segment:
    families: {subject: "{{ customer.first_name }}, something for the whole family"}
  unreachable: letter
"""

    send: ChannelName = Field(description="The channel: email, sms or print.")
    template: TemplateFile | None = Field(None, description="The template's file under templates/.")
    subject: Line | None = Field(None, description="The subject line of an e-mail, with {{ variables }}.")
    goal: Line | None = Field(None, description="What the message is for, in words; stands in the picture.")
    variants: dict[Name, Variant] | None = Field(None, description="Wordings that are compared, by name.", min_length=2)
    by_segment: dict[SegmentName, Words] | None = Field(None, description="Other wording for a segment; the first segment that fits.")
    track_opens: bool = Field(False, description="Whether the e-mail counts opens.")
    release: Moment | None = Field(None, description="Not before this moment, in the customer's zone.")
    fresh_for: Duration | None = Field(None, description="Not sent any more when it is later than this after it was due. Default 3 days.")
    unreachable: NodeRef | None = Field(None, description="The node for whoever cannot be reached over this channel.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        ways = super().edges(below)
        if self.unreachable:
            ways += (Edge(self.id, "unreachable", self.unreachable, Phrase("cannot be reached"), "unreachable"),)
        return ways

    def look(self) -> Look:
        shape = self.send if self.send in ("email", "sms", "print") else "email"
        title = Phrase("goal: {0}", self.goal) if self.goal else self.subject or self.template or Phrase("a message")
        lines = [Phrase("{0} {1}", variant.share, name) for name, variant in (self.variants or {}).items()]
        lines += [Phrase("own wording for {0}", ", ".join(self.by_segment))] if self.by_segment else []
        lines += [Phrase("not before {0}", self.release)] if self.release else []
        return Look(shape, title, tuple(lines))  # type: ignore[arg-type]  # the three names are shapes

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        for variant, words in self.wordings().items():
            if not words.template:
                where = ("variants", variant) if self.variants else ("send",)
                yield NodeFault(where, "the message has no template.", "Add `template: FILE`, a file under templates/.")
        if sum(variant.control for variant in (self.variants or {}).values()) > 1:
            yield NodeFault(("variants",), "more than one variant is the control.", "Leave `control: yes` on one variant only.")
        for segment, words in (self.by_segment or {}).items():
            if not words.template and not words.subject:
                yield NodeFault(("by_segment", segment), f"'{segment}' changes nothing.", "Give it a `template` or a `subject`.")
        if self.variants:
            yield from share_faults(("variants",), {name: each.share for name, each in self.variants.items()}, "variants")

    def wordings(self, segment: str | None = None) -> Mapping[str, Words]:
        """The words of each variant for a segment: segment before variant before node."""
        special = (self.by_segment or {}).get(segment or "", Words(template=None, subject=None))
        variants: Mapping[str, Words] = self.variants or {ONLY: Words(template=None, subject=None)}
        return {
            name: Words(
                template=special.template or words.template or self.template, subject=special.subject or words.subject or self.subject
            )
            for name, words in variants.items()
        }

    @property
    def control(self) -> str | None:
        """The variant that the others are compared with."""
        if not self.variants:
            return None
        marked = [name for name, variant in self.variants.items() if variant.control]
        return marked[0] if marked else list(self.variants)[-1]

    def step(self, visit: "Visit") -> None:
        shares = {name: variant.share.fraction for name, variant in (self.variants or {}).items()}
        arms = visit.arms(shares, visit.fresh) if shares else None
        visit.queue_message(visit.fresh, self, arms)
        if self.unreachable:
            visit.leave(visit.undelivered, "unreachable")
        visit.leave(visit.settled, "next")
