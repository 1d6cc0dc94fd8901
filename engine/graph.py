"""The frozen graph that picture, simulation and execution share; its content hash is the flow's version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from engine.campaign import CampaignSpec
from engine.nodes import Edge, Node
from engine.nodes.end import End
from engine.nodes.node import Contrast

END = "end"  # every flow has this exit, written down or not


@dataclass(frozen=True)
class FlowGraph:
    """A campaign's flow: nodes in reading order, edges by source and exit. Hashed, never changed."""

    campaign: CampaignSpec
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    version: str = field(default="")
    # What is compared elsewhere, by its name: the variants of a page, by its file. No part of the version: a page may change while it runs.
    beside: Mapping[str, Contrast] = field(default_factory=dict)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Node ids in reading order; a node's place is its number in the columns of `step`."""
        return tuple(self.nodes)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The number of each node id in `order`."""
        return {node_id: number for number, node_id in enumerate(self.order)}

    @cached_property
    def targets(self) -> Mapping[tuple[str, str], str]:
        """(node, exit) to the node that follows."""
        return {(edge.source, edge.exit): edge.target for edge in self.edges}

    @cached_property
    def has_cycle(self) -> bool:
        """Whether a member can come to a node twice."""
        try:
            TopologicalSorter({node_id: [edge.target for edge in self.edges if edge.source == node_id] for node_id in self.nodes}).prepare()
        except CycleError:
            return True
        return False

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The nodes where customers come in."""
        return tuple(node_id for node_id, node in self.nodes.items() if node.is_entry)


def build_graph(campaign: CampaignSpec) -> FlowGraph:
    """Compile a campaign that has passed its checks.

    The version is the first 12 hexadecimal digits of SHA-256 over the canonical JSON of what was understood, so that
    comments and layout do not make a new version.
    """
    nodes = dict(campaign.flow)
    if END not in nodes:
        nodes[END] = End(id=END)
    below = dict(zip(nodes, list(nodes)[1:], strict=False))
    edges = tuple(edge for node_id, node in nodes.items() for edge in node.edges(below.get(node_id)))
    return FlowGraph(campaign, nodes, edges, version_of(campaign))


def version_of(campaign: CampaignSpec) -> str:
    """The content hash of a campaign, 12 hexadecimal digits."""
    document = json.dumps(campaign.model_dump(mode="json", exclude_none=True), sort_keys=False, ensure_ascii=False)
    return hashlib.sha256(document.encode()).hexdigest()[:12]
