"""What an edited flow changes for people in flight."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from customers.tables import table_of
from engine.campaigns import campaign_names, open_versions
from engine.graph import FlowGraph
from engine.tables import Member
from engine.workspace import Workspace
from store.session import reading


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between the version that runs and the one in the file; `in_flight` are people by node, over all versions."""

    campaign: str
    running_version: str | None
    new_version: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    in_flight: Mapping[str, int]


def plan(workspace: Workspace, graph: FlowGraph) -> Plan:
    """Compare a checked flow with the version of it that runs."""
    name = graph.campaign.campaign
    if name not in campaign_names(workspace):
        return Plan(name, None, graph.version, (), (), (), {})
    running = open_versions(workspace, name)[0]
    before, after = running.graph.nodes, graph.nodes
    member = table_of(Member)
    here = select(member.c.node, func.count()).where(member.c.campaign_id == running.campaign_id, member.c.ended.is_(None))
    with reading(workspace.database) as session:
        in_flight = dict(session.execute(here.group_by(member.c.node)).tuples().all())
    return Plan(
        name,
        running.graph.version,
        graph.version,
        tuple(node for node in after if node not in before),
        tuple(node for node in before if node not in after),
        tuple(node for node in after if node in before and after[node] != before[node]),
        in_flight,
    )
