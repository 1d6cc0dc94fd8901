"""Where each campaign stands, for pages about several campaigns: its goal, its verdict, and what its own control says that it brought."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from engine.graph import FlowGraph
from engine.metrics import BUILT_IN, Metrics
from response.building import sources
from response.facts import Comparison, Report
from response.goals import FlowOf
from response.statistics.sums import UNDEFINED, Effect
from response.statistics.totals import sum_of_effects, times
from response.statistics.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """What a page about several campaigns is made with: the workspace's metrics, and the share of the global hold-out in force.

    `since`: nothing before it is counted.
    """

    as_of: datetime
    zone: str
    currency: str
    share: float | None = None
    since: datetime | None = None
    metrics: Metrics = field(default_factory=lambda: BUILT_IN)

    @property
    def margin_share(self) -> float | None:
        """The margin that the workspace's own metric says of purchases without one; None when no metric does."""
        shares = (spec.margin_share for spec in self.metrics.values() if spec.of == "margin")
        return next((share for share in shares if share is not None), None)


@dataclass(frozen=True, slots=True)
class Campaigning:
    """A campaign's report with the flow that is in force; `exempt` when it writes to the global hold-out too."""

    report: Report
    flow: FlowGraph

    @property
    def exempt(self) -> bool:
        """Whether it is no part of the programme."""
        return self.flow.campaign.programme is not None

    @property
    def name(self) -> str:
        """The campaign's short name."""
        return self.report.campaign

    @property
    def primary(self) -> tuple[Comparison, ...]:
        """The comparisons that answer its learning goal: one for each arm against the control."""
        return tuple(each for each in self.report.comparisons if each.primary)

    @property
    def is_open(self) -> bool:
        """Whether the window of some of its customers has not closed, so that its figures still change."""
        return self.report.window.open_customers > 0

    def brought(self, metric: str) -> Effect:
        """What it brought in all: the difference from its own hold-out, for all whom it wrote to. Undefined without a valid hold-out."""
        found = self.against_nothing(metric)
        return UNDEFINED if found is None else times(found.absolute, found.arm_assigned)

    def against_nothing(self, metric: str) -> Comparison | None:
        """The valid comparison of those contacted with a group that got nothing, or None."""
        for each in self.report.comparisons:
            if each.kind == "holdout" and each.metric == metric and each.verdict is not Verdict.NOT_VALID:
                return each
        return None


def campaigning(session: Session, names: Iterable[str], terms: Terms, flow_of: FlowOf) -> list[Campaigning]:
    """Each campaign as its own report knows it. Raises NotFoundError for one that has not run."""
    zone, found = ZoneInfo(terms.zone), []
    for name in names:
        known = sources(session, name, terms.as_of, zone, terms.currency, flow_of, terms.metrics)
        found.append(Campaigning(known.report, next(iter(known.flows.values()))))
    return found


@dataclass(frozen=True, slots=True)
class Sum:
    """What campaigns brought by their own comparisons, added up. `missing` have no valid hold-out and are not in it."""

    by_metric: Mapping[str, Effect] = field(default_factory=dict)
    counted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def sum_of(campaigns: Iterable[Campaigning]) -> Sum:
    """Buyers and spend that campaigns of the programme brought, each by its own hold-out and within its own window."""
    mine = [each for each in campaigns if not each.exempt]
    counted = [each for each in mine if each.against_nothing("purchase") is not None]
    missing = tuple(each.report.campaign for each in mine if each not in counted)
    totals = {metric: sum_of_effects(each.brought(metric) for each in counted) for metric in ("purchase", "spend")}
    return Sum(totals, tuple(each.report.campaign for each in counted), missing)
