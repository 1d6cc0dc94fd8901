"""What the sections of a report are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from engine.graph import FlowGraph
from engine.metrics import MetricSpec
from response.facts import Report
from response.population import Population


@dataclass(frozen=True, slots=True)
class Sources:
    """The facts that every section needs, and the database for those that are its own.

    `population` is who the report's comparisons count: customers who came in under the learning goal that is answered, and of a
    campaign that goes on for ever only those whose window has closed. `everyone` counts the others too. `flows` are the versions
    that ran under that goal, newest first; `metrics` the registered ones, the workspace's and the built-in ones by name, in that order
    of precedence.
    """

    session: Session
    population: Population
    report: Report
    flows: Mapping[str, FlowGraph]
    metrics: Mapping[str, MetricSpec]

    @property
    def everyone(self) -> Population:
        """All who came in under the goal, whether their window has closed or not."""
        return replace(self.population, closed_only=False, entered_by=None)
