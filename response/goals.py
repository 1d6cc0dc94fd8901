"""Which learning goal a report answers: the newest that customers came in under, or the one that is asked for, as it was registered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import case, func
from sqlmodel import Session, select

from engine.goals import GoalSpec, goal_of
from engine.graph import FlowGraph
from engine.metrics import Metrics
from engine.nodes.audience import Audience
from engine.nodes.request import Request
from engine.tables import Campaign, FlowVersion, RegisteredGoal
from response.facts import GoalRun, VersionRun
from response.population import member
from store.errors import NotFoundError

FlowOf = Callable[[FlowVersion], FlowGraph]


@dataclass(frozen=True, slots=True)
class Registered:
    """A learning goal with its digest and when it was registered."""

    goal: GoalSpec
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A campaign that has run, as one learning goal sees it: the versions and flows under that goal.

    `versions` are the oldest first, `flows` the newest first. `version_ids` is None when all members came in by these versions.
    `goals` are all that anybody came in under, the oldest first. `goes_on`: customers keep coming in under this goal.
    """

    id: int
    name: str
    versions: tuple[VersionRun, ...]
    version_ids: tuple[int, ...] | None
    flows: Mapping[str, FlowGraph]
    answered: Registered | None
    goals: tuple[GoalRun, ...]
    goes_on: bool
    left_out: int  # customers who came in under other goals, or under none

    @property
    def title(self) -> str:
        """The campaign's name in words."""
        newest = next(iter(self.flows.values()), None)
        return (newest.campaign.title if newest else None) or self.name


@dataclass(frozen=True, slots=True)
class _Ran:
    """A version that ran (or, when nobody has come in yet, the one that stands ready)."""

    row: FlowVersion
    flow: FlowGraph
    goal: Registered | None
    customers: int
    last_entry: datetime | None

    @property
    def digest(self) -> str | None:
        return self.goal.digest if self.goal else None


def started(session: Session, name: str, flow_of: FlowOf, metrics: Metrics, wanted: str | None = None) -> Started:
    """The campaign under the goal whose digest begins with `wanted`; without, under the one that customers came in under last.

    A version that was stored before goals were registered has the goal that its text states, with the definitions of `metrics`.
    Raises NotFoundError for a campaign that has not run, and for a digest that is not one of its goals.
    """
    campaign = session.exec(select(Campaign).where(Campaign.name == name)).first()
    if campaign is None or campaign.id is None:
        raise NotFoundError(_unknown(name, sorted(session.exec(select(Campaign.name)).all())))
    ran = _ran(session, campaign, flow_of, metrics)
    answered = _chosen(name, ran, wanted)
    mine = [each for each in ran if each.digest == (answered.digest if answered else None)]
    ids = tuple(each.row.id or 0 for each in mine)
    customers = _customers(session, campaign.id, ran)
    digest = answered.digest if answered else None
    return Started(
        id=campaign.id,
        name=name,
        versions=tuple(VersionRun(each.row.version, each.row.stored_at, each.customers) for each in mine),
        version_ids=None if len(mine) == len(ran) else ids,
        flows={each.row.version: each.flow for each in reversed(mine)},
        answered=answered,
        goals=_runs(ran, customers),
        goes_on=campaign.version_id in ids and any(_goes_on(each.flow) for each in mine if each.row.id == campaign.version_id),
        left_out=sum(count for key, count in customers.items() if key != digest),
    )


def _ran(session: Session, campaign: Campaign, flow_of: FlowOf, metrics: Metrics) -> list[_Ran]:
    """The oldest first."""
    counted = select(member.c.version_id, func.count(member.c.customer_id.distinct()), func.max(member.c.entered_at))
    rows = session.exec(counted.where(member.c.campaign_id == campaign.id).group_by(member.c.version_id)).all()
    came = {version_id: (customers, last) for version_id, customers, last in rows}
    stored = sorted(session.exec(select(FlowVersion).where(FlowVersion.campaign == campaign.name)).all(), key=lambda row: row.stored_at)
    goals = {row.id: row for row in session.exec(select(RegisteredGoal).where(RegisteredGoal.campaign == campaign.name)).all()}
    versions = [row for row in stored if row.id in came] or list(stored[-1:])
    found = []
    for row in versions:
        flow = flow_of(row)
        found.append(_Ran(row, flow, _goal(row, flow, goals, metrics), *came.get(row.id or 0, (0, None))))
    return found


def _goal(row: FlowVersion, flow: FlowGraph, goals: Mapping[int | None, RegisteredGoal], metrics: Metrics) -> Registered | None:
    if row.goal_id is not None:
        found = goals[row.goal_id]
        return Registered(GoalSpec.of_document(found.document), found.digest, found.registered_at)
    if flow.campaign.learn is None:
        return None
    goal = goal_of(flow.campaign.learn, metrics, flow.nodes.values())
    return Registered(goal, goal.digest, row.stored_at)


def _chosen(name: str, ran: Sequence[_Ran], wanted: str | None) -> Registered | None:
    with_goal = [each for each in ran if each.goal]
    if wanted is None:
        # By the last entry, not by the time of registering: whoever goes back to an earlier version asks its question again.
        newest = max(with_goal, key=lambda each: (each.last_entry is not None, each.last_entry, each.row.stored_at), default=None)
        return newest.goal if newest else None
    found = {each.goal.digest: each.goal for each in with_goal if each.goal and each.goal.digest.startswith(wanted.lower())}
    if len(found) == 1:
        return next(iter(found.values()))
    known = ", ".join(dict.fromkeys(f"{each.goal.digest} ({each.goal.goal.metric.name})" for each in with_goal if each.goal))
    several = "several learning goals that begin" if found else "no learning goal that begins"
    listed = f"It has: {known}." if known else "It was started without any."
    raise NotFoundError(f"'{name}' has {several} with '{wanted}'. {listed}")


def _customers(session: Session, campaign_id: int, ran: Sequence[_Ran]) -> dict[str | None, int]:
    """Goal's digest (None: no goal) to the customers who came in under it, each once."""
    digests = list(dict.fromkeys(each.digest for each in ran))
    places = {each.row.id or 0: digests.index(each.digest) for each in ran}
    place = case(places, value=member.c.version_id, else_=-1).label("place")
    counted = select(place, func.count(member.c.customer_id.distinct())).where(member.c.campaign_id == campaign_id).group_by(place)
    return {digests[number]: customers for number, customers in session.exec(counted).all()}


def _runs(ran: Sequence[_Ran], customers: Mapping[str | None, int]) -> tuple[GoalRun, ...]:
    first: dict[str, Registered] = {}
    for each in ran:
        if each.goal:
            first.setdefault(each.goal.digest, each.goal)
    found = [
        GoalRun(digest, each.goal.question, each.goal.metric.name, each.at, customers.get(digest, 0)) for digest, each in first.items()
    ]
    return tuple(sorted(found, key=lambda each: each.registered_at))


def _goes_on(flow: FlowGraph) -> bool:
    """Whether customers keep coming in: new ones are looked for again or ask for it, or the same may come back."""
    coming = (isinstance(node, Request) or (isinstance(node, Audience) and bool(node.again)) for node in flow.nodes.values())
    return flow.campaign.reentry != "never" or any(coming)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    listed = f"Campaigns that have run: {', '.join(known)}." if known else "No campaign has run yet: `contactflow run FLOW` starts one."
    return f"No campaign called '{name}' has run.{guess} {listed}"
