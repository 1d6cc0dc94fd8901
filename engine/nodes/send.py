"""A message over a channel."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from engine.language.fields import AttributeName, ChannelName, Line, Name, NodeRef, SegmentName, TemplateFile
from engine.language.values import Duration, Moment, Share
from engine.nodes.node import Contrast, ContrastKind, Edge, Edit, FlowView, Look, Node, NodeFault, Phrase, percent
from engine.nodes.split import resharing, share_faults

if TYPE_CHECKING:
    from engine.visit import Visit

ONLY = "only"  # the variant of a send that has no arms
PERSONALISED = "personalised"  # the variant of a send that has no variants of its own, beside the unpersonalised
UNPERSONALISED = "unpersonalised"
NAMES = ("first_name", "last_name")  # belong to a postal address, but say who somebody is


class Words(BaseModel):
    """Wording of a message; what is left out is taken from the node."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    template: TemplateFile | None = Field(None, description="The template's file under templates/.")
    subject: Line | None = Field(None, description="The subject line of an e-mail, with {{ variables }}.")


_NOTHING = Words(template=None, subject=None)


class Variant(Words):
    """One wording of a message among several that are compared."""

    share: Share = Field(description="The part of the members that get this variant; all together 100 %.")
    control: bool = Field(False, description="The variant that the others are compared with. Without it, the last one.")


class Send(Node):
    """Sends a message over a channel. The member goes on when the message has left, or cannot.

    Consent for the campaign's purpose and this channel is checked at the moment of sending. Whoever cannot be reached goes to
    `unreachable`, or on to the next node. Only a message that `answers_request` needs none: it goes to who came in by a `request`,
    right behind it, and is never followed.

    With `unpersonalised` the report says what personalising adds. A random part then gets the message without anything that is theirs:
    not the wording of their segment, and a template that knows only their language and the address that it goes to. With variants,
    that part comes off first; it gets the wording of the control variant, and is compared with it.
    """

    word: ClassVar[str] = "send"
    reading_order: ClassVar[int] = 4
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
  if_missing: {first_name: Hello}
  unreachable: letter
"""

    send: ChannelName = Field(description="The channel: email, sms or print.")
    template: TemplateFile | None = Field(None, description="The template's file under templates/.")
    subject: Line | None = Field(None, description="The subject line of an e-mail, with {{ variables }}.")
    goal: Line | None = Field(None, description="What the message is for, in words; stands in the picture.")
    variants: dict[Name, Variant] | None = Field(None, description="Wordings that are compared, by name.", min_length=2)
    unpersonalised: Share | None = Field(
        None, description="The random part that gets the message without anything personal, to learn what personalising adds."
    )
    by_segment: dict[SegmentName, Words] | None = Field(None, description="Other wording for a segment; the first segment that fits.")
    if_missing: dict[AttributeName, Line] | None = Field(
        None, description="What stands in for an attribute that is not known of a customer: `{first_name: there}`.", min_length=1
    )
    spare_template: TemplateFile | None = Field(
        None,
        description="The template for whoever the message cannot be made for, because something is still missing. Without it they get "
        "nothing, and go to `unreachable` or on to the next node.",
    )
    track_opens: bool = Field(False, description="Whether the e-mail counts opens. Default: as `track` of the campaign says.")
    release: Moment | None = Field(None, description="Not before this moment, in the customer's zone.")
    fresh_for: Duration | None = Field(None, description="Not sent any more when it is later than this after it was due. Default 3 days.")
    answers_request: bool | None = Field(
        None,
        description="Whether it is the mail that somebody asked for on a page a moment ago: it needs no consent and waits for no pause. "
        "Only right behind a `request`, by e-mail.",
    )
    unreachable: NodeRef | None = Field(None, description="The node for whoever cannot be reached over this channel.")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        ways = super().edges(below)
        if self.unreachable:
            ways += (Edge(self.id, "unreachable", self.unreachable, Phrase("cannot be reached"), "unreachable"),)
        return ways

    def look(self) -> Look:
        shape = self.send if self.send in ("email", "sms", "print") else "email"
        title = Phrase("goal: {0}", self.goal) if self.goal else self.subject or self.template or Phrase("a message")
        lines = [Phrase("answers the request")] if self.answers_request else []
        lines += [Phrase("{0} unpersonalised", self.unpersonalised)] if self.unpersonalised else []
        written = "of the rest {0} {1}" if self.unpersonalised else "{0} {1}"
        lines += [Phrase(written, variant.share, name) for name, variant in (self.variants or {}).items()]
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
        yield from self._arm_faults()
        if self.variants:
            yield from share_faults(("variants",), {name: each.share for name, each in self.variants.items()}, "variants")

    def _arm_faults(self) -> Iterator[NodeFault]:
        if self.unpersonalised and self.unpersonalised.fraction >= 1:
            yield NodeFault(("unpersonalised",), "nobody gets the personal message.", "Write a part, such as 10%.")
        for name in (PERSONALISED, UNPERSONALISED) if self.unpersonalised else ():
            if name in (self.variants or {}):
                yield NodeFault(("variants", name), f"'{name}' is the name of an arm of ours.", "Give the variant another name.")

    @property
    def says_opens(self) -> bool:
        """Whether `track_opens` is written at the node, so that it goes before what the campaign says."""
        return "track_opens" in self.model_fields_set

    @model_serializer(mode="wrap")
    def _dumped(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        # A `no` that is written is another flow than none; one without it keeps the version that it always had.
        return document | {"track_opens": "no"} if self.says_opens and not self.track_opens else document

    @property
    def spare(self) -> Words | None:
        """The words for whoever no other can be merged for."""
        return Words(template=self.spare_template, subject=self.subject) if self.spare_template else None

    def wordings(self, segment: str | None = None) -> Mapping[str, Words]:
        """The words of each arm for a segment: segment before variant before node. The unpersonalised arm knows no segment."""
        special = (self.by_segment or {}).get(segment or "", _NOTHING)
        words = {name: self._words(special, each) for name, each in self._written.items()}
        if self.unpersonalised:
            words[UNPERSONALISED] = self._words(_NOTHING, self._written[self.counterpart])
        return words

    @property
    def control(self) -> str | None:
        """The variant that the others are compared with."""
        if not self.variants:
            return None
        marked = [name for name, variant in self.variants.items() if variant.control]
        return marked[0] if marked else list(self.variants)[-1]

    @property
    def counterpart(self) -> str:
        """The arm whose message, without what is personal, the unpersonalised get."""
        return self.control or PERSONALISED

    @property
    def shares(self) -> Mapping[str, float]:
        """Every arm's share (0..1) of those who come here, in the order in which they are drawn; empty without arms."""
        apart = {UNPERSONALISED: self.unpersonalised.fraction} if self.unpersonalised else {}
        rest = 1 - sum(apart.values())
        if not self.variants:
            return {**apart, PERSONALISED: rest} if apart else {}
        return apart | {name: rest * variant.share.fraction for name, variant in self.variants.items()}

    def contrasts(self) -> tuple[Contrast, ...]:
        found: tuple[Contrast, ...] = ()
        if self.variants and self.control:
            found = (Contrast("variants", self.control, {name: self.shares[name] for name in self.variants}),)
        if self.unpersonalised:
            pair = {name: self.shares[name] for name in (self.counterpart, UNPERSONALISED)}
            found += (Contrast("personalisation", UNPERSONALISED, pair),)
        return found

    def promoted(self, kind: ContrastKind, arm: str, tail: Decimal) -> tuple[Edit, ...]:
        if kind == "personalisation":
            return (Edit(("unpersonalised",), percent(100 - tail if arm == UNPERSONALISED else tail)),)
        return resharing("variants", list(self.variants or {}), arm, self.counterpart, tail)

    def step(self, visit: "Visit") -> None:
        arms = visit.arms(self.shares, visit.fresh) if self.shares else None
        visit.queue_message(visit.fresh, self, arms)
        if self.unreachable:
            visit.leave(visit.undelivered, "unreachable")
        visit.leave(visit.settled, "next")

    @property
    def _written(self) -> Mapping[str, Words]:
        return self.variants or {PERSONALISED if self.unpersonalised else ONLY: _NOTHING}

    def _words(self, special: Words, own: Words) -> Words:
        return Words(template=special.template or own.template or self.template, subject=special.subject or own.subject or self.subject)


def neutral(addresses: Iterable[str]) -> frozenset[str]:
    """What an unpersonalised message may know of its recipient: the language, and the address of its channel without the name."""
    return frozenset({"language", *addresses}) - set(NAMES)
