"""`contactflow power`: can the learning goal be reached with this audience, and how long does it take?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from engine.campaigns import not_started
from engine.goals import GoalSpec, goal_of
from engine.graph import FlowGraph
from engine.metrics import MetricSpec
from engine.nodes.audience import Audience
from engine.running import Running
from engine.simulate import Simulation, simulate
from engine.workspace import Workspace
from response.baseline import arrivals, baseline
from response.planning import Base, Needed, Pair, needed
from store.clock import to_micros
from store.errors import InputError
from store.session import reading


@dataclass(frozen=True, slots=True)
class History:
    """Where the base comes from: so many customers, from `since` until the window later."""

    customers: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """One comparison: what it needs, of how many who come in, and in how many days the last of them has had their time.

    `audience` is None when the goal names no smallest effect, and `days` when so many never come in.
    """

    needed: Needed
    audience: int | None
    days: float | None


@dataclass(frozen=True, slots=True)
class Power:
    """The answer for a flow. `a_day` is how many come in on a day after the first look; None when nobody is looked for again."""

    campaign: str
    at: datetime
    goal: GoalSpec
    audience: int
    a_day: float | None
    base: Base | None
    history: History | None  # None: the base rate was given
    answers: tuple[Answer, ...]

    @property
    def spec(self) -> MetricSpec:
        """The metric of the goal."""
        return self.goal.metric


def ask(workspace: Workspace, graph: FlowGraph, currency: str, at: datetime, base_rate: float | None = None) -> Power:
    """Count who would come in at `at` (nothing is stored), and what they do anyway.

    Raises InputError for a flow without a learning goal, or a base rate for what is not a share.
    """
    learn = graph.campaign.learn
    if learn is None:
        raise InputError("The flow has no learning goal, so nobody knows what is to be found. Add `learn:` to it.")
    goal, running = goal_of(learn, workspace.metrics, graph.nodes.values()), not_started(workspace, graph)
    if base_rate is not None and goal.metric.unit != "share":
        raise InputError(f"'{goal.metric.name}' is no share of customers, so that it has no base rate. Leave --base-rate out.")
    simulation = simulate(running, at, {})
    base, history = (Base.of_rate(base_rate), None) if base_rate is not None else _history(running, goal, currency, at)
    a_day = _a_day(running, goal, at)
    answers = tuple(_answers(graph, goal, simulation, base, a_day)) if base else ()
    return Power(graph.campaign.campaign, at, goal, simulation.audience, a_day, base, history, answers)


def _window(goal: GoalSpec) -> timedelta:
    return timedelta(seconds=goal.metric.within_seconds or goal.within_seconds)


def _history(running: Running, goal: GoalSpec, currency: str, at: datetime) -> tuple[Base | None, History]:
    """What those did whom the audience would have let in one window ago."""
    since = at - _window(goal)
    with reading(running.workspace.database) as session:
        moments = baseline(session, running, goal.metric, currency, to_micros(since), to_micros(at))
    return Base.of_history(goal.metric, moments), History(moments.n, since)


def _a_day(running: Running, goal: GoalSpec, at: datetime) -> float | None:
    """How many new people qualify on a day, by the last window; None when the flow looks only once."""
    if not any(node.again for node in running.graph.nodes.values() if isinstance(node, Audience)):
        return None
    window = _window(goal)
    with reading(running.workspace.database) as session:
        return arrivals(session, running, to_micros(at - window), to_micros(at)) / (window / timedelta(days=1))


def _answers(graph: FlowGraph, goal: GoalSpec, simulation: Simulation, base: Base, a_day: float | None) -> Iterator[Answer]:
    """The hold-out first, then in reading order: the first is the one that answers the goal."""
    pairs = sorted(_pairs(graph, simulation.arms), key=lambda pair: pair.kind != "holdout")
    for pair in pairs:
        found = needed(pair, goal.metric, base, goal.minimum)
        audience = _audience(found, simulation.audience)
        yield Answer(found, audience, _days(audience, simulation.audience, a_day, _window(goal)))


def _pairs(graph: FlowGraph, arms: Mapping[tuple[str, str], int]) -> Iterator[Pair]:
    for node_id, node in graph.nodes.items():
        for each in node.contrasts():
            others = [arm for arm in each.shares if arm != each.control]
            for arm in others:
                counts = arms.get((node_id, arm), 0), arms.get((node_id, each.control), 0)
                share, rest = each.shares[arm], each.shares[each.control]
                part = None if share is None or rest is None else share / (share + rest)
                yield Pair(node_id, each.kind, arm, each.control, *counts, len(others), part)


def _audience(found: Needed, audience: int) -> int | None:
    """How many must come in for the pair to have the sizes that it needs."""
    there = found.pair.customers
    return ceil(found.sizes.total * audience / there) if found.sizes and there else None


def _days(wanted: int | None, audience: int, a_day: float | None, window: timedelta) -> float | None:
    if wanted is None:
        return None
    lacking = max(wanted - audience, 0)
    if lacking and not a_day:
        return None
    return (lacking / a_day if a_day else 0) + window / timedelta(days=1)
