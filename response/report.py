"""Puts a report together: a fixed number of statements, whatever the number of customers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import accumulate
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, select

from engine.campaign import LearningGoal, Metric
from engine.graph import FlowGraph
from engine.tables import Campaign, FlowVersion
from response.comparisons import compare
from response.experiments import Plan, experiments, plans_of
from response.facts import Comparison, Curve, CurveArm, Experiment, Goal, Note, Report, VersionRun, Window
from response.funnel import exclusions, funnel
from response.metrics import REACTIONS, arm_sums, campaign_total, currencies, daily_totals
from response.population import Entries, Population, entries, member
from store.clock import DAY_MICROS, SECOND_MICROS, from_micros, to_micros
from store.errors import NotFoundError

FlowOf = Callable[[FlowVersion], FlowGraph]
ALWAYS: tuple[Metric, ...] = ("purchase", "spend", "visit")  # shown beside the registered metrics
LONGEST_CURVE_DAYS = 90


@dataclass(frozen=True, slots=True)
class _Started:
    """A campaign that has run: its flows by version, newest first, and the registered goal."""

    id: int
    name: str
    versions: tuple[VersionRun, ...]  # oldest first
    flows: Mapping[str, FlowGraph]
    learn: LearningGoal | None

    @property
    def title(self) -> str:
        newest = next(iter(self.flows.values()), None)
        return (newest.campaign.title if newest else None) or self.name


def build_report(session: Session, campaign: str, now: datetime, zone: ZoneInfo, currency: str, flow_of: FlowOf) -> Report:
    """Everything that is known of a campaign at `now`.

    `flow_of` reads a stored version back. `currency` is the workspace's; when all purchases are in one other currency, the report is
    in that. Raises NotFoundError for a campaign that has not run.
    """
    started = _started(session, campaign, flow_of)
    within = started.learn.within.seconds * SECOND_MICROS if started.learn else None
    came = entries(session, started.id, to_micros(now), within)
    population = Population(started.id, campaign, to_micros(now), within, came.returning)
    used, others = _currency(currencies(session, population), currency)
    metrics = _metrics(started.learn)
    report = Report(
        campaign=campaign,
        title=started.title,
        as_of=from_micros(population.as_of),
        zone=zone.key,
        currency=used,
        versions=started.versions,
        goal=_goal(started.learn),
        metrics=metrics,
        window=_window(came, within),
    )
    return _filled(session, report, population, plans_of(started.flows), _notes(started, came, others))


def _filled(
    session: Session, report: Report, population: Population, plans: Mapping[str, Mapping[str, Plan]], notes: Sequence[Note]
) -> Report:
    rows = funnel(session, population)
    found = experiments(session, population, plans, rows)
    sums = {metric: arm_sums(session, population, metric, report.currency) for metric in report.metrics}
    comparisons = tuple(compare(found, sums, report.goal, report.window.open_customers > 0))
    overall = () if found else tuple((each, campaign_total(session, population, each, report.currency)) for each in report.metrics)
    return replace(
        report,
        experiments=found,
        comparisons=comparisons,
        overall=overall,
        funnel=rows,
        exclusions=exclusions(session, population, rows),
        curve=_curve(session, report, population, found[0]) if found else None,
        notes=(*notes, *_notes_on(found, comparisons, plans, report.window)),
    )


def _started(session: Session, name: str, flow_of: FlowOf) -> _Started:
    campaign = session.exec(select(Campaign).where(Campaign.name == name)).first()
    if campaign is None or campaign.id is None:
        raise NotFoundError(_unknown(name, sorted(session.exec(select(Campaign.name)).all())))
    counted = select(member.c.version_id, func.count(member.c.customer_id.distinct())).where(member.c.campaign_id == campaign.id)
    customers: dict[int, int] = dict(session.exec(counted.group_by(member.c.version_id)).all())
    stored = sorted(session.exec(select(FlowVersion).where(FlowVersion.campaign == name)).all(), key=lambda row: row.stored_at)
    versions = [row for row in stored if row.id in customers] or list(stored[-1:])
    flows = {row.version: flow_of(row) for row in reversed(versions)}
    runs = tuple(VersionRun(row.version, row.stored_at, customers.get(row.id or 0, 0)) for row in versions)
    learn = next((flow.campaign.learn for flow in reversed(flows.values()) if flow.campaign.learn), None)
    return _Started(campaign.id, name, runs, flows, learn)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    listed = f"Campaigns that have run: {', '.join(known)}." if known else "No campaign has run yet: `contactflow run FLOW` starts one."
    return f"No campaign called '{name}' has run.{guess} {listed}"


def _goal(learn: LearningGoal | None) -> Goal | None:
    if learn is None:
        return None
    minimum = learn.minimum_lift
    return Goal(learn.question, learn.metric, str(learn.within), str(minimum) if minimum else None, minimum.amount if minimum else None)


def _metrics(learn: LearningGoal | None) -> tuple[Metric, ...]:
    registered: tuple[Metric, ...] = (learn.metric, *learn.also) if learn else ()
    return tuple(dict.fromkeys((*registered, *ALWAYS)))


def _window(came: Entries, within: int | None) -> Window:
    first, last = (None if each is None else from_micros(each) for each in (came.first, came.last))
    closes_at = None if within is None or came.last is None else from_micros(came.last + within)
    return Window(came.customers, first, last, came.open, closes_at)


def _currency(counted: Mapping[str, int], currency: str) -> tuple[str, int]:
    """The currency to report in, and the number of purchases in others, which are left out."""
    used = next(iter(counted)) if len(counted) == 1 else currency
    return used, sum(count for each, count in counted.items() if each != used)


def _curve(session: Session, report: Report, population: Population, experiment: Experiment) -> Curve:
    """Up to the day that everybody has lived through, so that each point stands on all customers assigned."""
    metric = report.metrics[0]
    days = daily_totals(session, population, metric, report.currency, experiment.node)
    horizon = _days(population, report.window)
    arms = []
    for arm in experiment.arms:
        if arm.assigned:
            totals = days.get(arm.arm, {})
            values = accumulate(totals.get(day, 0) / arm.assigned for day in range(horizon))
            arms.append(CurveArm(arm.arm, tuple(values)))
    return Curve(experiment.node, metric, tuple(arms))


def _days(population: Population, window: Window) -> int:
    lived = (population.as_of - to_micros(window.last_entry_at)) // DAY_MICROS if window.last_entry_at else 0
    longest = LONGEST_CURVE_DAYS if population.within is None else -(-population.within // DAY_MICROS)
    return max(1, min(lived, longest))


def _notes(started: _Started, came: Entries, other_purchases: int) -> list[Note]:
    notes = []
    if not came.customers:
        notes.append(Note("nobody_in"))
    if came.later:
        notes.append(Note("later_entries", (("customers", str(came.later)),)))
    if started.learn is None:
        notes.append(Note("no_goal"))
    if len(started.versions) > 1:
        notes.append(Note("several_versions", (("count", str(len(started.versions))),)))
    if any(flow.campaign.learn != started.learn for flow in started.flows.values()):
        notes.append(Note("goal_changed"))
    if came.returning:
        notes.append(Note("returning"))
    if other_purchases:
        notes.append(Note("other_currencies", (("count", str(other_purchases)),)))
    return notes


def _notes_on(
    found: Sequence[Experiment], comparisons: Sequence[Comparison], plans: Mapping[str, Mapping[str, Plan]], window: Window
) -> Iterator[Note]:
    if not found and window.customers:
        yield Note("no_experiment")
    for experiment in found:
        plan = next(iter(plans[experiment.node].values()))
        if not plan.named:
            yield Note("no_control_named", (("node", experiment.node), ("control", experiment.control)))
        if any(arm.expected is None for arm in experiment.arms):
            yield Note("shares_by_data", (("node", experiment.node),))
    silent = [each.metric for each in comparisons if _control_is_silent(each)]
    for metric in dict.fromkeys(silent):
        yield Note("control_has_no_message", (("metric", metric),))


def _control_is_silent(found: Comparison) -> bool:
    """Whether only the contacted reacted, perhaps because only they had something to react to."""
    return (
        found.kind == "holdout" and found.metric in REACTIONS and found.control_assigned > 0 < found.arm_total and not found.control_total
    )
