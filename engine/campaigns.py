"""Campaigns that run: each version of a flow is stored when it first runs, and opened again from what was stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlmodel import Session

from customers.conditions.vocabulary import Vocabulary
from customers.tables import table_of
from engine.goals import goal_of, register
from engine.graph import FlowGraph, build_graph
from engine.language.check import read_flow
from engine.language.checks.conditions import sending_nodes
from engine.language.context import CHANNELS
from engine.running import Running
from engine.tables import Campaign, FlowVersion, Member
from engine.workspace import Workspace
from store.bulk import insert_new
from store.errors import NotFoundError
from store.session import reading, writing


def start(workspace: Workspace, graph: FlowGraph, source: str, now: datetime) -> None:
    """Store this version with its learning goal, and let new members come in on it.

    Repeatable; members in flight stay on their own version, and a version keeps the goal that was registered with it, whatever the
    workspace's metrics have become since. Raises NotFoundError for a metric that there is not.
    """
    with writing(workspace.database) as session:
        start_in(session, workspace, graph, source, now)


def start_in(session: Session, workspace: Workspace, graph: FlowGraph, source: str, now: datetime) -> None:
    """The same in the caller's transaction."""
    name, campaigns = graph.campaign.campaign, table_of(Campaign)
    version_id = _store_version(session, workspace, graph, source, now)
    insert_new(session, campaigns, {"name": name, "started_at": now, "version_id": version_id})
    # A new version looks for people anew: its audience may be another one.
    changed = campaigns.update().where(campaigns.c.name == name, campaigns.c.version_id != version_id)
    session.execute(changed.values(version_id=version_id, entered_at=None))


def open_versions(workspace: Workspace, name: str) -> Sequence[Running]:
    """The versions of a campaign to carry out, the current one first, then those that still have members in flight.

    Raises NotFoundError for a campaign that has not run.
    """
    campaign, version, member = table_of(Campaign), table_of(FlowVersion), table_of(Member)
    with reading(workspace.database) as session:
        in_flight = exists().where(member.c.version_id == version.c.id, member.c.ended.is_(None))
        wanted = or_(version.c.id == campaign.c.version_id, in_flight)
        query = select(version, campaign.c.id.label("campaign_id")).join(campaign, campaign.c.name == version.c.campaign)
        rows = session.execute(query.where(campaign.c.name == name, wanted).order_by((version.c.id == campaign.c.version_id).desc())).all()
    if not rows:
        raise NotFoundError(f"No campaign called '{name}' has run here. {_known(workspace)}")
    return [_running(workspace, build_graph(read_flow(row.source, f"{name} {row.version}")), row.campaign_id, row.id) for row in rows]


def not_started(workspace: Workspace, graph: FlowGraph) -> Running:
    """A flow as it would run, without a row that stands for it: for a simulation."""
    return _running(workspace, graph, 0, 0)


def stored_graph(version: FlowVersion) -> FlowGraph:
    """The graph of a stored version."""
    return build_graph(read_flow(version.source, f"{version.campaign} {version.version}"))


def campaign_names(workspace: Workspace) -> list[str]:
    """The campaigns that have run, by name."""
    with reading(workspace.database) as session:
        return list(session.execute(select(table_of(Campaign).c.name).order_by(table_of(Campaign).c.name)).scalars())


def vocabulary_of(workspace: Workspace, graph: FlowGraph) -> Vocabulary:
    """What the conditions of a flow may speak of."""
    sending = sending_nodes(graph.nodes, graph.campaign.track, workspace.tracking, CHANNELS)
    others = [name for name in graph.nodes if name not in sending]
    known = Vocabulary.of_workspace(workspace.attributes, workspace.segments, workspace.channels)
    return known.of_flow(sending, others, graph.campaign.purpose)


def _running(workspace: Workspace, graph: FlowGraph, campaign_id: int, version_id: int) -> Running:
    return Running(workspace, graph, vocabulary_of(workspace, graph), campaign_id, version_id)


def _store_version(session: Session, workspace: Workspace, graph: FlowGraph, source: str, now: datetime) -> int:
    versions, name, learn = table_of(FlowVersion), graph.campaign.campaign, graph.campaign.learn
    find = select(versions.c.id).where(versions.c.campaign == name, versions.c.version == graph.version)
    stored = session.execute(find).scalar_one_or_none()
    if stored is not None:
        return int(stored)
    goal_id = register(session, name, goal_of(learn, workspace.metrics, graph.nodes.values()), now) if learn else None
    values = {"campaign": name, "version": graph.version, "stored_at": now, "source": source, "goal_id": goal_id}
    insert_new(session, versions, values)
    return int(session.execute(find).scalar_one())


def _known(workspace: Workspace) -> str:
    names = campaign_names(workspace)
    return f"These have: {', '.join(names)}." if names else "None has yet: carry one out with `contactflow run FLOW`."
