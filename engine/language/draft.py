"""A campaign while it is being read: what is there, where it stands, and what is wrong so far."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from engine.campaign import CampaignSpec
from engine.graph import END
from engine.language.faults import Fault, nearest
from engine.language.fields import Named
from engine.language.source import START, Mapping, Place, Scalar, Sequence, Tree
from engine.nodes import Node

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that names something outside itself: a node, a condition, a template. `what` says which of them."""

    node: str  # empty: in the header
    path: Path
    what: Named
    scalar: Scalar

    @property
    def text(self) -> str:
        """The value, exactly as it will be looked up."""
        return self.scalar.text


@dataclass
class Draft:
    """What could be read of a campaign. `broken` are the nodes with a fault of their own; their keys are in the tree."""

    file: str
    stem: str = ""  # of the file's name
    tree: Mapping | None = None
    campaign: CampaignSpec | None = None  # None only without a header at all; not validated while there are faults
    nodes: dict[str, Node] = field(default_factory=dict)
    broken: dict[str, Tree] = field(default_factory=dict)
    ids: dict[str, Scalar] = field(default_factory=dict)
    leaves: list[Leaf] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def blame(self, place: Place, code: str, message: str, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(self.file, place.line, place.column, code, message, remedy))

    def place_of(self, path: Path) -> Place:
        """Where the value at `path` begins; of its nearest ancestor that exists when it does not."""
        tree: Tree | None = self.tree
        place = START
        for key in path:
            entry = _child(tree, key)
            if entry is None:
                break
            place, tree = entry
        return place

    def place_in(self, node: str, path: Path = ()) -> Place:
        """Where a value of a node begins; the node's id for the empty path."""
        return self.place_of(("flow", node, *path))

    def scalar_in(self, node: str, path: Path) -> Scalar | None:
        """The value at `path` of a node, when it is written there."""
        tree: Tree | None = self.tree
        for key in ("flow", node, *path):
            entry = _child(tree, key)
            if entry is None:
                return None
            tree = entry[1]
        return tree if isinstance(tree, Scalar) else None

    @cached_property
    def below(self) -> dict[str, str]:
        """Each node's neighbour below it in the file."""
        return dict(pairwise(self.ids))

    @cached_property
    def ways(self) -> dict[str, tuple["Way", ...]]:
        """The ways out of each node, for a draft that is complete; misspelt targets count as what was meant.

        A node that could not be read leads wherever one of its values points, and to the node below.
        """
        named: dict[str, dict[str, Leaf]] = {node_id: {} for node_id in self.ids}
        for leaf in self.leaves:
            if leaf.what == "node":
                named[leaf.node].setdefault(leaf.text, leaf)
        return {node_id: tuple(self._ways(node_id, leaves)) for node_id, leaves in named.items()}

    def _ways(self, node_id: str, leaves: dict[str, Leaf]) -> Iterator["Way"]:
        node, below = self.nodes.get(node_id), self.below.get(node_id)
        targets = [edge.target for edge in node.edges(below)] if node else [*leaves, *([below] if below else [])]
        for target in targets:
            meant = target if target in self.ids or target == END else nearest(target, self.ids)
            if meant:
                yield Way(meant, leaves.get(target))

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """The nodes from which a way leads straight to each node."""
        found: dict[str, list[str]] = {}
        for source, ways in self.ways.items():
            for way in ways:
                found.setdefault(way.target, []).append(source)
        return {target: tuple(sources) for target, sources in found.items()}


@dataclass(frozen=True, slots=True)
class Way:
    """A way from one node to another, and the value that says so; None for the node below."""

    target: str
    leaf: Leaf | None


def _child(tree: Tree | None, key: str | int) -> tuple[Place, Tree] | None:
    if isinstance(tree, Mapping):
        found = next((entry for entry in tree.entries if entry.key.text == key), None)
        return (found.key.place, found.value) if found else None
    if isinstance(tree, Sequence) and isinstance(key, int) and key < len(tree.items):
        return tree.items[key].place, tree.items[key]
    return None
