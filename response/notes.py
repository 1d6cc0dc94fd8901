"""What a reader must know beside the figures."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from engine.interventions import Deed, Intervened
from engine.metrics import Metrics, MetricSpec
from response.experiments import Plan
from response.facts import Comparison, Experiment, Note, Report
from response.goals import Started
from response.happenings import REACTIONS
from response.population import Entries


def notes_on_entries(begun: Started, came: Entries, other_purchases: int) -> Iterator[Note]:
    """Who came in, under which versions and goals."""
    if not came.customers:
        yield Note("nobody_in")
    if came.later:
        yield Note("later_entries", (("customers", str(came.later)),))
    if begun.answered is None:
        yield Note("no_goal")
    if len(begun.versions) > 1:
        yield Note("several_versions", (("count", str(len(begun.versions))),))
    answered = begun.answered.digest if begun.answered else None
    others = [goal.digest for goal in begun.goals if goal.digest != answered]
    if others:
        values = (("campaign", begun.name), ("digests", ", ".join(others)), ("digest", others[-1]))
        yield Note("earlier_goals", values)
    if begun.left_out:
        yield Note("other_goals_customers", (("customers", str(begun.left_out)),))
    if came.returning:
        yield Note("returning")
    if other_purchases:
        yield Note("other_currencies", (("count", str(other_purchases)),))


def notes_on_halts(done: Sequence[Intervened], zone: ZoneInfo, now: datetime) -> Iterator[Note]:
    """A person held the campaign or stopped it: messages came later than the flow says, or not at all."""
    halts = [each for each in done if each.deed is not Deed.RESUMED and each.at <= now]
    if halts:
        yield Note("halted", (("count", str(len(halts))), ("first", f"{halts[0].at.astimezone(zone):%Y-%m-%d %H:%M}")))


def notes_on_costs(workspace: str, used: str) -> Iterator[Note]:
    """Costs are written in the workspace's currency, and a report may be in another: nothing here knows what one is worth in the other."""
    if used != workspace:
        yield Note("costs_in", (("currency", workspace), ("used", used)))


def notes_on_metrics(specs: Sequence[MetricSpec], registered: Sequence[MetricSpec], metrics: Metrics) -> Iterator[Note]:
    """Definitions that are not the workspace's any more."""
    for spec in registered:
        if spec in specs and metrics.get(spec.name) != spec:
            yield Note("metric_changed", (("metric", spec.name),))


def notes_on_arms(report: Report, plans: Mapping[str, Mapping[str, Plan]]) -> Iterator[Note]:
    """How arms were assigned, and what that allows to be said."""
    if not report.experiments and report.window.customers:
        yield Note("no_experiment")
    for experiment in report.experiments:
        yield from _notes_on_shares(experiment, next(iter(plans[experiment.node].values())))
    silent = [each.metric for each in report.comparisons if _control_is_silent(each, report)]
    for metric in dict.fromkeys(silent):
        yield Note("control_has_no_message", (("metric", metric),))


def _notes_on_shares(experiment: Experiment, plan: Plan) -> Iterator[Note]:
    if not plan.named:
        yield Note("no_control_named", (("node", experiment.node), ("control", experiment.control)))
    if any(arm.expected is None for arm in experiment.arms):
        yield Note("shares_by_data", (("node", experiment.node),))


def _control_is_silent(found: Comparison, report: Report) -> bool:
    """Whether only the contacted reacted, perhaps because only they had something to react to."""
    reacts = report.spec(found.metric).of in REACTIONS
    return found.kind == "holdout" and reacts and found.control_assigned > 0 < found.arm_total and not found.control_total
