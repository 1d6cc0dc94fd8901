"""Random arms."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from engine.language.fields import AttributeName, Line, Name, NodeRef
from engine.language.values import Share
from engine.nodes.node import Contrast, ContrastKind, Edge, Edit, FlowView, Look, Node, NodeFault, Phrase, percent
from store.errors import InputError

if TYPE_CHECKING:
    from engine.visit import Visit


class Arm(BaseModel):
    """One arm of a split."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    share: Share | None = Field(None, description="The part of the members that get this arm; all together 100 %.")
    is_: Line | None = Field(None, alias="is", description="With `by`: the value of the attribute that means this arm.")
    control: bool = Field(False, description="The arm that the others are compared with. Without it, the arm called `control`.")
    next: NodeRef = Field(description="The node that follows for this arm.")


class Split(Node):
    """Divides members into arms, by a salted hash or, with `by`, as an attribute of the customer says.

    Each assignment is written down when it happens. The arms are compared in the report.
    """

    word: ClassVar[str] = "split"
    reading_order: ClassVar[int] = 3

    example: ClassVar[str] = """
arms:
  split:
    early: {share: 1/3, next: mail}
    late: {share: 1/3, next: letter}
    control: {share: 1/3, next: end}
assigned:
  by: favourite
  split:
    sports: {is: Sports, next: mail}
    reading: {is: Reading, next: letter}
"""

    split: dict[Name, Arm] = Field(description="The arms by name.", min_length=2)
    by: AttributeName | None = Field(None, description="An attribute that says who is in which arm (an experiment assigned elsewhere).")

    def edges(self, below: str | None) -> tuple[Edge, ...]:
        return tuple(
            Edge(
                self.id,
                name,
                arm.next,
                Phrase("{0} {1}", name, arm.share) if arm.share else name,
                share=arm.share.fraction if arm.share else None,
            )
            for name, arm in self.split.items()
        )

    def look(self) -> Look:
        return Look("split", Phrase("arms as {0} says", self.by) if self.by else Phrase("random arms"))

    def faults(self, flow: FlowView) -> Iterator[NodeFault]:
        for number, (name, arm) in enumerate(self.split.items()):
            if self.by and arm.share:
                yield NodeFault(
                    ("split", name, "share"), f"arm '{name}' has a share, but {self.by} says who is in it.", "Take `share` out."
                )
            if not self.by and arm.is_:
                yield NodeFault(("split", name, "is"), f"arm '{name}' has `is`, but the node no `by`.", "Add `by: ATTRIBUTE` to the node.")
            if arm.is_ in [other.is_ for other in list(self.split.values())[:number] if other.is_]:
                yield NodeFault(("split", name, "is"), f"'{arm.is_}' is another arm already.", "Give each arm a value of its own.")
            if self.by and arm.is_ is None:
                yield NodeFault(("split", name), f"arm '{name}' does not say which value of {self.by} it is for.", "Add `is: VALUE`.")
            if not self.by and arm.share is None:
                yield NodeFault(("split", name), f"arm '{name}' has no share.", "Add `share: 50%`, or `by: ATTRIBUTE` to the node.")
        if sum(arm.control for arm in self.split.values()) > 1:
            yield NodeFault(("split",), "more than one arm is the control.", "Leave `control: yes` on one arm only.")
        yield from share_faults(("split",), {name: arm.share for name, arm in self.split.items()}, "arms")

    @property
    def control(self) -> str | None:
        """The arm that the others are compared with."""
        marked = [name for name, arm in self.split.items() if arm.control]
        return marked[0] if marked else ("control" if "control" in self.split else None)

    def contrasts(self) -> tuple[Contrast, ...]:
        shares = {name: None if self.by or not arm.share else arm.share.fraction for name, arm in self.split.items()}
        return (Contrast("split", self.control or list(self.split)[-1], shares, named=self.control is not None),)

    def promoted(self, kind: ContrastKind, arm: str, tail: Decimal) -> tuple[Edit, ...]:
        if self.by:
            raise InputError(f"The data says who is in which arm of '{self.id}' (`by: {self.by}`), so that no share can be changed.")
        return resharing("split", list(self.split), arm, self.control or list(self.split)[-1], tail)

    def step(self, visit: "Visit") -> None:
        if self.by:
            arms = visit.arms_by(self.by, {str(each.is_): name for name, each in self.split.items()})
            visit.finish(arms.none, "no_arm")
        else:
            arms = visit.arms({name: each.share.fraction for name, each in self.split.items() if each.share})
        for name in self.split:
            visit.leave(arms.of(name), name)


def share_faults(path: tuple[str | int, ...], shares: dict[str, Share | None], what: str) -> Iterator[NodeFault]:
    """Shares that are all given but do not add up to a whole."""
    given = [share.fraction for share in shares.values() if share]
    if given and len(given) == len(shares) and abs(sum(given) - 1) > 1e-9:
        written = " + ".join(f"{share}" for share in shares.values())
        yield NodeFault(
            path, f"the {what} add up to {sum(given):.6%}".replace(".000000", "") + f" ({written}).", "Make them 100% together."
        )


def resharing(key: str, arms: Sequence[str], winner: str, control: str, tail: Decimal) -> tuple[Edit, ...]:
    """The winner gets all but the tail, which is the control's, or that of all others when the control has won; the rest is taken out."""
    behind = [control] if winner != control else [arm for arm in arms if arm != winner]
    each = (tail / len(behind)).quantize(Decimal("0.000001"))
    shares = {winner: 100 - each * len(behind), **dict.fromkeys(behind, each)}
    return tuple(Edit((key, arm, "share"), percent(shares[arm])) if arm in shares else Edit((key, arm), None) for arm in arms)
