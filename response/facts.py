"""What a report knows: frozen facts without words or personal data. response/html and response/document.py show them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from engine.campaign import Metric
from response.statistics.allocation import MISMATCH_BELOW
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict

ExperimentKind = Literal["holdout", "split", "variants"]
Why = Literal[
    "interval",  # the interval decides
    "within_minimum",  # the interval lies within the smallest effect that matters
    "several_arms",  # the interval excludes zero, but not after Holm's correction for several arms
    "no_spread",  # nobody differs from anybody, so that there is nothing to judge by
    "window_open",  # the window of some customers has not closed yet
    "nobody_in_arm",
    "nobody_in_control",
    "split_broken",
]
NoteCode = Literal[
    "several_versions",
    "goal_changed",
    "no_goal",
    "no_experiment",
    "nobody_in",
    "later_entries",
    "returning",
    "no_control_named",
    "shares_by_data",
    "other_currencies",
    "control_has_no_message",
]


@dataclass(frozen=True, slots=True)
class Goal:
    """The learning goal as it was registered with the first version that ran. `minimum` is in the metric's own unit."""

    question: str
    metric: Metric
    within: str
    minimum_lift: str | None
    minimum: float | None


@dataclass(frozen=True, slots=True)
class VersionRun:
    """A version of the flow that ran, and how many customers came in by it."""

    version: str
    stored_at: datetime
    customers: int


@dataclass(frozen=True, slots=True)
class Window:
    """How far the counting has come. `closes_at` is when the last customer's window closes."""

    customers: int
    first_entry_at: datetime | None
    last_entry_at: datetime | None
    open_customers: int
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class ArmTrust:
    """What became of the customers assigned to one arm. `expected` follows from the written shares; None when there are none."""

    arm: str
    assigned: int
    expected: float | None
    sent: int  # at least one message
    suppressed: int  # only messages that were held back
    delivered: int  # at least one message that the provider says arrived
    elsewhere: int  # written to by another campaign within the window


@dataclass(frozen=True, slots=True)
class Experiment:
    """A node where customers were assigned to arms."""

    node: str
    kind: ExperimentKind
    control: str
    primary: bool
    arms: tuple[ArmTrust, ...]
    sample_ratio_p: float | None
    sent_ratio_p: float | None  # between variants: were they sent in the same proportion?

    @property
    def broken(self) -> bool:
        """Whether the assignment differs from the written shares more than chance explains."""
        return self.sample_ratio_p is not None and self.sample_ratio_p < MISMATCH_BELOW

    @property
    def unevenly_sent(self) -> bool:
        """Whether variants were held back unevenly: a warning, not a fault, for everyone assigned still counts."""
        return self.sent_ratio_p is not None and self.sent_ratio_p < MISMATCH_BELOW


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against its control on one metric. Rates and effects are per customer *assigned*; money in the currency's unit."""

    metric: Metric
    node: str
    kind: ExperimentKind
    primary: bool
    arm: str
    control: str
    arm_assigned: int
    control_assigned: int
    arm_total: float  # customers who did it, or money spent
    control_total: float
    absolute: Effect
    relative: Effect
    p_value: float | None
    adjusted_p_value: float | None
    detectable: float | None  # the smallest difference that groups like these show in four cases out of five
    verdict: Verdict
    why: Why

    @property
    def arm_rate(self) -> float | None:
        """Total by customers assigned, or None when nobody was."""
        return self.arm_total / self.arm_assigned if self.arm_assigned else None

    @property
    def control_rate(self) -> float | None:
        """Total by customers assigned, or None when nobody was."""
        return self.control_total / self.control_assigned if self.control_assigned else None


@dataclass(frozen=True, slots=True)
class Messages:
    """Distinct customers by the furthest that a message of theirs came; `queued` is the sum of the five states."""

    sent: int = 0
    unknown: int = 0
    open: int = 0
    failed: int = 0
    suppressed: int = 0
    reasons: tuple[tuple[str, int], ...] = ()  # of failed and suppressed

    @property
    def queued(self) -> int:
        """Customers for whom a message was decided."""
        return self.sent + self.unknown + self.open + self.failed + self.suppressed


@dataclass(frozen=True, slots=True)
class Reactions:
    """Distinct customers by what came back. Of opens, clicks, visits and answers only those of humans, but for the one that says so."""

    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0  # a click counts as an open
    opened_by_machine: int = 0
    clicked: int = 0
    visited: int = 0
    answered: int = 0
    opted_out: int = 0


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One node's messages over one channel, by arm. `node` is None for reactions that name no message of ours."""

    node: str | None
    channel: str
    arm: str | None
    messages: Messages
    reactions: Reactions


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why members left the campaign, or why messages were not sent; `reason` is one of engine/reasons.py."""

    stage: Literal["member", "message"]
    reason: str
    customers: int


@dataclass(frozen=True, slots=True)
class CurveArm:
    """The cumulative rate (or spend) per customer assigned by the end of each day since entry; day 1 stands first."""

    arm: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The primary metric over time, for the arms of the primary experiment."""

    node: str
    metric: Metric
    arms: tuple[CurveArm, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader must know, by its code in response/words.py and the values for its sentence."""

    code: NoteCode
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report shows of one campaign."""

    campaign: str
    title: str
    as_of: datetime
    zone: str
    currency: str
    versions: tuple[VersionRun, ...]
    goal: Goal | None
    metrics: tuple[Metric, ...]
    window: Window
    experiments: tuple[Experiment, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    overall: tuple[tuple[Metric, float], ...] = ()  # total of each metric over all members, assigned to arms or not
    funnel: tuple[FunnelRow, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    curve: Curve | None = None
    notes: tuple[Note, ...] = field(default=())

    @property
    def headline(self) -> Comparison | None:
        """The comparison that answers the learning goal: the first of the primary ones."""
        return next((each for each in self.comparisons if each.primary), None)
