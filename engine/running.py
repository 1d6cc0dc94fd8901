"""A version of a flow that has been stored to run: its graph with the rows that stand for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property

from customers.conditions.language import parse_condition, parse_segments
from customers.conditions.tree import Condition
from customers.conditions.vocabulary import Place, Vocabulary
from engine.facts import Known
from engine.graph import FlowGraph
from engine.workspace import Workspace


@dataclass(frozen=True)
class Running:
    """One stored version of a campaign, ready to be stepped."""

    workspace: Workspace
    graph: FlowGraph
    vocabulary: Vocabulary
    campaign_id: int
    version_id: int

    @property
    def names(self) -> tuple[str, str]:
        """The campaign and version as the contact log names them."""
        return self.graph.campaign.campaign, self.graph.version

    def known(self, now: datetime) -> Known:
        """What its conditions may speak of at `now`."""
        campaign = self.graph.campaign
        return Known(
            self.vocabulary, self.workspace.attributes, campaign.campaign, campaign.purpose, self.workspace.zone, now, self.read_condition
        )

    @cached_property
    def read_condition(self) -> Callable[[str, Place], Condition]:
        """What a condition's text means at a place of the flow; read once, however many chunks ask it."""
        return cache(lambda text, place: parse_condition(text, self.vocabulary.at(place)))

    @cached_property
    def segments(self) -> Mapping[str, Condition]:
        """The workspace's segments in their order, read once."""
        return parse_segments(self.vocabulary)
