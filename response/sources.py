"""What the sections of a report are made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from engine.graph import FlowGraph
from engine.metrics import MetricSpec
from response.facts import Report
from response.population import Population


@dataclass(frozen=True, slots=True)
class Sources:
    """The facts that every section needs, and the database for those that are its own.

    `flows` are the versions that ran, newest first; `metrics` the workspace's and the built-in ones by name.
    """

    session: Session
    population: Population
    report: Report
    flows: Mapping[str, FlowGraph]
    metrics: Mapping[str, MetricSpec]
