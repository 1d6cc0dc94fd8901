"""What the picture shows of what happened: figures on every card and edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A row of figures: what it counts, and in each column a figure with what it is a part of, such as ("1,192", "99%")."""

    name: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a card shows below its title. All of it is written as people read it, in the picture's language.

    `columns` are the headings of the rows' cells: arms side by side, or nothing for one column. `notes` stand below, such as who
    dropped out and why.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[FigureRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """The figures of a whole flow: cards by node id, the control's card by the node that it leaves, and edges by (node id, exit).

    An edge's first line stands out. `weights` are what its width is drawn after.
    """

    nodes: Mapping[str, Figures] = field(default_factory=dict)
    controls: Mapping[str, Figures] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    weights: Mapping[tuple[str, str], int] = field(default_factory=dict)
