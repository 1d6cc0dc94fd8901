"""Flows and facts for the engine's tests."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.campaign import CampaignSpec
from engine.graph import FlowGraph, build_graph
from engine.members import Asked, Mask
from engine.nodes import node_types


def graph_of(flow: Mapping[str, Mapping[str, Any]], **header: Any) -> FlowGraph:
    """A graph from nodes as they stand in YAML, without the checks."""
    nodes = {}
    for name, fields in flow.items():
        kind = next(kind for word, kind in node_types().items() if word in fields)
        nodes[name] = kind.model_validate({**fields, "id": name})
    return build_graph(CampaignSpec.model_validate({"campaign": "test", "flow": nodes, **header}))


class ToldFacts:
    """Facts that a test tells: a condition is a function of customer numbers, or the same for all."""

    def __init__(
        self,
        conditions: Mapping[str, Callable[[NDArray[np.int64]], Mask] | bool] | None = None,
        attributes: Mapping[str, Callable[[int], Any]] | None = None,
        zone: str = "Europe/Amsterdam",
    ) -> None:
        self._conditions = conditions or {}
        self._attributes = attributes or {}
        self._zone = zone
        self.questions = 0

    def holds(self, condition: str, asked: Asked, *, waiting: bool = False) -> Mask:
        self.questions += 1
        told = self._conditions.get(condition, False)
        return told(asked.customer_id) if callable(told) else np.full(len(asked), told, np.bool_)

    def values(self, attribute: str, asked: Asked) -> NDArray[Any]:
        self.questions += 1
        return np.array([self._attributes[attribute](customer) for customer in asked.customer_id.tolist()], object)

    def zones(self, asked: Asked) -> NDArray[Any]:
        return np.full(len(asked), self._zone, object)
