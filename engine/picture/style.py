"""How each kind looks: its word, colours, outline and the room that the outline needs. Kinds differ in shape, icon and colour."""

from dataclasses import dataclass
from typing import Literal

from engine.nodes.node import EdgeStyle, Shape

Kind = Shape | Literal["control"]
Outline = Literal[
    "funnel", "ticket", "octagon", "envelope", "bubble", "page", "pill", "double_pill", "hexagon", "barred", "plate", "round", "chip"
]

INK, SOFT, FAINT, RULE, PAPER = "#1b2530", "#46525e", "#68737e", "#ccd3da", "#ffffff"


@dataclass(frozen=True, slots=True)
class Style:
    """One kind's look. `accent` is unlike any other kind's, so that a badge tells its kind; a `solid` card is filled with it."""

    word: str
    outline: Outline
    accent: str
    tint: str
    left: int = 12
    right: int = 12
    top: int = 9
    bottom: int = 9
    solid: bool = False

    @property
    def fill(self) -> str:
        """The colour of the card."""
        return self.accent if self.solid else self.tint

    @property
    def title_ink(self) -> str:
        """The colour of what is read first."""
        return PAPER if self.solid else INK

    @property
    def line_ink(self) -> str:
        """The colour of the other lines."""
        return "#f1f4f7" if self.solid else SOFT

    @property
    def kind_ink(self) -> str:
        """The colour of the kind's word."""
        return "#f1f4f7" if self.solid else self.accent


STYLES: dict[Kind, Style] = {  # in the order of the legend
    "entry": Style("audience", "funnel", "#263543", "#eef1f4", left=22, right=20, solid=True),
    "request": Style("request", "ticket", "#8a2457", "#fbeef4", left=20, right=18, solid=True),
    "control": Style("control", "chip", "#5d6873", "#ffffff"),
    "split": Style("split", "octagon", "#6b3fa0", "#f4effa", left=15, right=12),
    "email": Style("e-mail", "envelope", "#1d5fa8", "#eaf2fb", top=17),
    "sms": Style("SMS", "bubble", "#b84a08", "#fdf0e6", left=19),
    "print": Style("letter", "page", "#0b6f66", "#e6f5f2", right=18),
    "wait": Style("wait", "pill", "#56616c", "#f5f6f8", left=15, right=14),
    "wait_for": Style("wait for", "double_pill", "#55606d", "#f5f6f8", left=17, right=16, top=11, bottom=11),
    "branch": Style("branch", "hexagon", "#6c3ea1", "#f4effa", left=20, right=18),
    "update": Style("note", "barred", "#4b5b6b", "#f1f4f7", left=18, right=17),
    "goal": Style("goal", "plate", "#1a6b3c", "#e7f4ec", left=14, right=14, bottom=17, solid=True),
    "end": Style("end", "round", "#3b4854", "#eef1f4", left=14, right=14, solid=True),
}
BADGE = 26  # the circle that holds the icon
GAP = 9  # between badge and text
SWATCH_WIDTH, SWATCH_HEIGHT = 36, 22  # a kind in the legend


@dataclass(frozen=True, slots=True)
class Stroke:
    """How an edge is drawn: a colour of its own, and the dashes of both DOT and the legend."""

    colour: str
    dot: str
    dashes: str
    meaning: str


EdgeKind = EdgeStyle | Literal["control"]
STROKES: dict[EdgeKind, Stroke] = {
    "normal": Stroke("#3f4a56", "solid", "", "goes on"),
    "timeout": Stroke("#5f6a75", "dashed", "6,4", "time is up"),
    "unreachable": Stroke("#a03318", "dotted", "0.1,4", "cannot be reached"),
    "control": Stroke("#5e6a74", "dashed", "1.5,3.5", "control"),
}
