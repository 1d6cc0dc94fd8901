"""The node types. Each module here but this one and `node` holds one class, and is found by itself: see docs/how-to/add-a-node-type.md."""

import importlib
import pkgutil
from functools import cache

from engine.nodes.node import Edge, FlowView, Look, Node, NodeFault, Phrase

__all__ = ["Edge", "FlowView", "Look", "Node", "NodeFault", "Phrase", "node_types"]


@cache
def node_types() -> dict[str, type[Node]]:
    """Every node type by its word, in alphabetical order of the modules."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {kind.word: kind for kind in sorted(Node.__subclasses__(), key=lambda kind: kind.reading_order)}
