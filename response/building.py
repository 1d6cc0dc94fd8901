"""Puts a report together: a fixed number of statements, whatever the number of customers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from engine.goals import RULE, GoalSpec
from engine.interventions import interventions
from engine.metrics import BUILT_IN, Metrics, MetricSpec
from response import copies
from response.comparisons import Measured, compare
from response.experiments import Plan, experiments, plans_of
from response.facts import Goal, Note, Report, Window
from response.funnel import exclusions, funnel
from response.goals import FlowOf, Registered, Started, started
from response.looking import looks_of
from response.metrics import arm_sums, campaign_total, caps, currencies, without_margin
from response.notes import notes_on_arms, notes_on_costs, notes_on_entries, notes_on_halts, notes_on_metrics
from response.population import Entries, Population, entries, nth_entry
from response.reactions import copy_reactions, forget_reactions
from response.sources import Sources
from store.clock import SECOND_MICROS, from_micros, to_micros

ALWAYS = ("purchase", "spend", "visit")  # shown beside the registered metrics
ON_PAGES = "answer"  # where variants of a page are compared


@dataclass(frozen=True, slots=True)
class _Counted:
    """Who is counted: all who came in, and of them those whom comparisons count."""

    everyone: Population
    came: Entries
    compared: Population
    in_comparisons: Entries
    planned_open: bool = False  # fewer than planned have come in

    @property
    def looked_at(self) -> bool:
        """Whether comparisons are looked at whenever somebody likes, without a closing date."""
        return self.compared.closed_only


def build_report(  # noqa: PLR0913, PLR0917  # what a command knows; a class of it would only be taken apart here
    session: Session,
    campaign: str,
    now: datetime,
    zone: ZoneInfo,
    currency: str,
    flow_of: FlowOf,
    metrics: Metrics = BUILT_IN,
    goal: str | None = None,
) -> Report:
    """Everything that is known of a campaign at `now`; the arguments are those of `sources`."""
    known = sources(session, campaign, now, zone, currency, flow_of, metrics, goal)
    copies.forget(session, known.population.campaign_id)
    forget_reactions(session, known.population)
    return known.report


def sources(  # noqa: PLR0913, PLR0917  # what a command knows; a class of it would only be taken apart here
    session: Session,
    campaign: str,
    now: datetime,
    zone: ZoneInfo,
    currency: str,
    flow_of: FlowOf,
    metrics: Metrics = BUILT_IN,
    goal: str | None = None,
) -> Sources:
    """The facts of a campaign at `now`, and what its sections need for figures of their own.

    `flow_of` reads a stored version back. `currency` is the workspace's; when all purchases are in one other currency, the report is
    in that. `metrics` are the workspace's and the built-in ones; what was registered at the start goes before them. `goal` is (the
    beginning of) the digest of a learning goal; without, the one that customers came in under last is answered. Raises NotFoundError
    for a campaign that has not run, or a goal that it does not have.
    """
    begun = started(session, campaign, flow_of, metrics, goal)
    copies.copy(session, begun.id)
    counted = _counted(session, begun, to_micros(now))
    used, others = _currency(currencies(session, counted.compared), currency)
    registered = begun.answered.goal if begun.answered else None
    specs = _specs(registered, metrics, ALWAYS if not any(flow.beside for flow in begun.flows.values()) else (*ALWAYS, ON_PAGES))
    report = Report(
        campaign=campaign,
        title=begun.title,
        as_of=from_micros(counted.everyone.as_of),
        zone=zone.key,
        currency=used,
        versions=begun.versions,
        goal=_goal(begun.answered),
        metrics=tuple(spec.name for spec in specs),
        window=_window(counted, begun.goes_on),
        notes=(
            *notes_on_entries(begun, counted.came, others),
            *notes_on_halts(interventions(session, begun.id), zone, now),
            *notes_on_costs(currency, used),
            *notes_on_metrics(specs, _registered(registered), metrics),
        ),
        specs=specs,
        goals=begun.goals,
        decides_early=registered is not None and registered.rule == RULE and not begun.goes_on,
    )
    filled = _filled(session, report, counted, registered, plans_of(begun.flows))
    known = {**metrics, **{spec.name: spec for spec in specs}}
    return Sources(session, counted.compared, filled, begun.flows, known)


def _filled(session: Session, report: Report, counted: _Counted, goal: GoalSpec | None, plans: Mapping[str, Mapping[str, Plan]]) -> Report:
    copy_reactions(session, counted.everyone)
    rows = funnel(session, counted.everyone)
    found = experiments(session, counted.compared, plans, report.specs[0])
    measured = list(_measured(session, report, counted, goal)) if found else []
    if measured and report.decides_early and found[0].primary and not found[0].broken:
        report = replace(report, looks=looks_of(session, report, counted.compared, found[0], measured[0].closes_at))
        measured[0] = replace(measured[0], looks=report.looks)
    comparisons = tuple(compare(found, measured, report.goal))
    report = replace(report, experiments=found, comparisons=comparisons)
    return replace(
        report,
        overall=()
        if any(each.primary for each in found)
        else tuple((each.name, campaign_total(session, counted.compared, each, report.currency)) for each in report.specs),
        funnel=rows,
        exclusions=exclusions(session, counted.everyone, rows),
        notes=(*report.notes, *notes_on_arms(report, plans), *_notes_on_counting(session, report, counted)),
    )


def _counted(session: Session, begun: Started, as_of: int) -> _Counted:
    """Whom comparisons count.

    Of a campaign that people come into once, everybody, and the answer stands when the last window has closed. A campaign that goes
    on has no such moment. With a planned number of customers it is judged on the first so many, once, when their windows have
    closed. Without one it is judged on all whose window has closed, by what holds however often one looks.
    """
    goal = begun.answered.goal if begun.answered else None
    within = goal.within_seconds * SECOND_MICROS if goal else None
    everyone = Population(begun.id, begun.name, as_of, within, versions=begun.version_ids, copied=True)
    came = entries(session, everyone)
    everyone = replace(everyone, returning=came.returning)
    counted = _Counted(everyone, came, everyone, came)
    if not (goal and begun.goes_on):
        return counted
    return _as_planned(session, counted, goal.customers) if goal.customers else _closed(counted)


def _as_planned(session: Session, counted: _Counted, planned: int) -> _Counted:
    last = nth_entry(session, counted.everyone, planned)
    if last is None:
        return replace(counted, planned_open=True)
    compared = replace(counted.everyone, entered_by=last)
    return replace(counted, compared=compared, in_comparisons=entries(session, compared))


def _closed(counted: _Counted) -> _Counted:
    """While nobody has had all their time, everybody is shown, and nothing is concluded."""
    everyone, first = counted.everyone, counted.came.first
    if everyone.within is None or first is None or first + everyone.within > everyone.as_of:
        return counted
    return replace(counted, compared=replace(everyone, closed_only=True))


def _measured(session: Session, report: Report, counted: _Counted, goal: GoalSpec | None) -> Iterator[Measured]:
    """Each metric's sums. What is known from before the entry is asked only for what was registered."""
    registered = (goal.metric, *goal.also) if goal else ()
    for spec in report.specs:
        beside = spec in registered and spec.per is None
        sums = arm_sums(session, counted.compared, spec, report.currency, beside=beside)
        still_open, closes_at = _still_open(session, counted, spec)
        yield Measured(spec, sums, still_open, closes_at, beside, counted.looked_at, counted.planned_open)


def _still_open(session: Session, counted: _Counted, spec: MetricSpec) -> tuple[int, datetime | None]:
    """How many customers whom comparisons count still have time on a metric, and until when."""
    population, came = counted.compared.over(spec), counted.in_comparisons
    if population.closed_only or population.within is None or came.last is None:
        return 0, None
    if spec.within_seconds is not None:
        came = entries(session, population)
    return came.open, from_micros((came.last or 0) + population.within)


def _specs(goal: GoalSpec | None, metrics: Metrics, always: Sequence[str]) -> tuple[MetricSpec, ...]:
    """What is measured, the primary metric first; of two definitions of one name the registered one."""
    guards = [spec for spec in metrics.values() if spec.guardrail is not None]
    found: dict[str, MetricSpec] = {}
    for spec in (*_registered(goal), *guards, *(metrics.get(name, BUILT_IN[name]) for name in always)):
        found.setdefault(spec.name, spec)
    return tuple(found.values())


def _registered(goal: GoalSpec | None) -> tuple[MetricSpec, ...]:
    return (goal.metric, *goal.also, *goal.guards) if goal else ()


def _goal(answered: Registered | None) -> Goal | None:
    if answered is None:
        return None
    goal = answered.goal
    return Goal(goal.question, goal.metric.name, goal.within, goal.minimum_lift, goal.minimum, answered.digest, answered.at, goal.customers)


def _window(counted: _Counted, goes_on: bool) -> Window:
    came, within, last = counted.came, counted.compared.within, counted.in_comparisons.last
    closes_at = None if within is None or last is None or counted.planned_open else from_micros(last + within)
    first, latest = (None if each is None else from_micros(each) for each in (came.first, came.last))
    return Window(came.customers, first, latest, counted.in_comparisons.open, closes_at, goes_on)


def _currency(counted: Mapping[str, int], currency: str) -> tuple[str, int]:
    """The currency to report in, and the number of purchases in others, which are left out."""
    used = next(iter(counted)) if len(counted) == 1 else currency
    return used, sum(count for each, count in counted.items() if each != used)


def _notes_on_counting(session: Session, report: Report, counted: _Counted) -> Iterator[Note]:
    """Who is not in the comparisons yet or any more, and what a definition could not do."""
    if counted.compared.closed_only and counted.came.open:
        yield Note("open_windows", (("customers", str(counted.came.open)),))
    if counted.compared.entered_by is not None and report.goal:
        yield Note("planned_reached", (("planned", str(report.goal.planned)),))
    nodes = {each.node for each in report.experiments}
    for spec in report.specs:
        if spec.winsorise is not None and nodes - caps(session, counted.compared, spec, report.currency).keys():
            yield Note("not_winsorised", (("metric", spec.name),))
    unshared = [spec.name for spec in report.specs if "margin" in (spec.of, spec.per) and spec.margin_share is None]
    if unshared and (lacking := without_margin(session, counted.compared, report.currency)):
        yield Note("without_margin", (("count", str(lacking)), ("metric", unshared[0])))
