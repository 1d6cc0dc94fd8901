"""What a report knows: frozen facts without words or personal data. response/html and response/document.py show them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from engine.metrics import MetricSpec, Unit
from response.statistics.allocation import MISMATCH_BELOW
from response.statistics.day_by_day import Looks
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict

ExperimentKind = Literal["holdout", "split", "variants", "personalisation", "page"]
GuardrailResult = Literal["kept", "broken", "inconclusive"]
Why = Literal[
    "interval",  # the interval decides
    "within_minimum",  # the interval lies within the smallest effect that matters
    "several_arms",  # the interval excludes zero, but not after Holm's correction for several arms
    "several_comparisons",  # the interval excludes zero, but among so many comparisons that were not the question this is no finding
    "no_spread",  # nobody differs from anybody, so that there is nothing to judge by
    "window_open",  # the window of some customers has not closed yet
    "planned_open",  # fewer customers than planned have come in
    "early",  # found while windows were open, by the test that holds however often one looks; it stands at the closing date
    "early_spent",  # the interval excludes zero, but not at the level that looking early has left for the closing date
    "contradicted",  # the test of the running campaign found the opposite of what the fixed one does
    "looked_at_any_time",  # the interval excludes zero, but a campaign that goes on may be looked at every day, and then it is not enough
    "nobody_in_arm",
    "nobody_in_control",
    "split_broken",
]
NoteCode = Literal[
    "several_versions",
    "no_goal",
    "no_experiment",
    "nobody_in",
    "later_entries",
    "halted",
    "returning",
    "no_control_named",
    "shares_by_data",
    "other_currencies",
    "costs_in",
    "control_has_no_message",
    "earlier_goals",
    "other_goals_customers",
    "metric_changed",
    "open_windows",
    "planned_reached",
    "not_winsorised",
    "without_margin",
]


@dataclass(frozen=True, slots=True)
class Goal:
    """The learning goal that is answered, as it was registered. `minimum` is in the metric's own unit.

    `digest` names what decides: metric, window, smallest effect, rule, shares. `planned`: so many customers it was planned for.
    """

    question: str
    metric: str
    within: str
    minimum_lift: str | None
    minimum: float | None
    digest: str = ""
    registered_at: datetime | None = None
    planned: int | None = None


@dataclass(frozen=True, slots=True)
class GoalRun:
    """A learning goal that customers came in under, answered here or not."""

    digest: str
    question: str
    metric: str
    registered_at: datetime
    customers: int


@dataclass(frozen=True, slots=True)
class VersionRun:
    """A version of the flow that ran, and how many customers came in by it."""

    version: str
    stored_at: datetime
    customers: int


@dataclass(frozen=True, slots=True)
class Window:
    """How far the counting has come. `closes_at` is when the last customer's window closes.

    `goes_on`: customers keep coming in, so that arms are compared on those whose window has closed; the others are `open_customers`.
    """

    customers: int
    first_entry_at: datetime | None
    last_entry_at: datetime | None
    open_customers: int
    closes_at: datetime | None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Customers of one arm by what became of their messages: the furthest that any of them came, of those decided after the assignment.

    Of variants of one message only that node's messages count, elsewhere all of the campaign's. Who is in none of the states was not to
    get a message (yet).
    """

    states: Mapping[str, int] = field(default_factory=dict)  # sent, unknown, open, failed, suppressed
    reasons: Mapping[str, int] = field(default_factory=dict)  # of those held back
    delivered: int = 0  # at least one message that the provider says arrived

    @property
    def decided(self) -> int:
        """Customers for whom a message was decided."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class ArmTrust:
    """What became of the customers assigned to one arm. `expected` follows from the written shares; None when there are none."""

    arm: str
    assigned: int
    expected: float | None
    elsewhere: int = 0  # written to by another campaign within the window
    reach: Reach = Reach()

    @property
    def sent(self) -> int:
        """Customers to whom at least one message left."""
        return self.reach.states.get("sent", 0)

    @property
    def suppressed(self) -> int:
        """Customers whose messages were all held back."""
        return self.reach.states.get("suppressed", 0)

    @property
    def delivered(self) -> int:
        """Customers to whom at least one message is known to have arrived."""
        return self.reach.delivered


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
class Adjusted:
    """The same comparison with what was known of each customer before entry taken into account (CUPED): less noise, same question.

    `rho_squared` is the part of the noise that it took away, 0..1.
    """

    absolute: Effect
    relative: Effect
    p_value: float | None
    rho_squared: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against its control on one metric. Rates and effects are per customer *assigned*; money in the currency's unit.

    Of a ratio metric (spend per order), the totals are those of what is divided, and `arm_base` and `control_base` of what it is
    divided by. `better` says which direction is good; `verdict` and `guardrail` have taken it into account, effects have not.
    """

    metric: str
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
    unit: Unit = "share"
    better: Literal["more", "less"] = "more"
    arm_base: float | None = None
    control_base: float | None = None
    cuped: Adjusted | None = None
    cace: Effect | None = None  # the effect on those whom a message reached: absolute by the difference in the share reached
    guardrail: GuardrailResult | None = None
    guardrail_margin: float | None = None  # how much worse is still acceptable, in the metric's own unit
    open_customers: int = 0  # who still have time, in this metric's own window
    closes_at: datetime | None = None  # when the last of them has had it
    found_on: date | None = None  # the day of the early finding that decided
    q_value: float | None = None  # p after Benjamini and Hochberg over all comparisons that do not answer the goal; of these only

    @property
    def arm_rate(self) -> float | None:
        """Total by customers assigned (of a ratio: by its base), or None where that is nobody or nothing."""
        return _divided(self.arm_total, self.arm_assigned if self.arm_base is None else self.arm_base)

    @property
    def control_rate(self) -> float | None:
        """Total by customers assigned (of a ratio: by its base), or None where that is nobody or nothing."""
        return _divided(self.control_total, self.control_assigned if self.control_base is None else self.control_base)


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
    """Distinct customers by what came back. Of opens, clicks, visits and answers only those of humans, but for those that say so."""

    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0  # a click counts as an open
    opened_by_machine: int = 0
    clicked: int = 0
    clicked_by_machine: int = 0
    visited: int = 0
    answered: int = 0
    opted_out: int = 0
    redeemed: int = 0  # whose voucher came back with a purchase, their own or somebody else's
    form_started: int = 0  # who sent the first page of a form over several
    form_abandoned: int = 0  # of these who have not answered


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
    metrics: tuple[str, ...]
    window: Window
    experiments: tuple[Experiment, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    overall: tuple[tuple[str, float], ...] = ()  # total of each metric over all members, assigned to arms or not
    funnel: tuple[FunnelRow, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[Note, ...] = field(default=())
    specs: tuple[MetricSpec, ...] = ()  # of `metrics`, in the same order: the definitions that were measured
    goals: tuple[GoalRun, ...] = ()  # all that customers came in under, the oldest first
    # A goal that was registered under an earlier rule is answered by that, and a campaign that goes on by rules of its own.
    decides_early: bool = False  # the rule spends part of what may be found by chance on looking while windows are open
    looks: Looks | None = None  # at the primary comparison, where part of the verdict is spent on looking early

    @property
    def headline(self) -> Comparison | None:
        """The comparison that answers the learning goal: the first of the primary ones."""
        return next((each for each in self.comparisons if each.primary), None)

    @property
    def broken_guardrails(self) -> tuple[Comparison, ...]:
        """Where an arm made a guarded metric worse by more than was declared acceptable: it belongs beside the headline."""
        return tuple(each for each in self.comparisons if each.guardrail == "broken")

    def spec(self, metric: str) -> MetricSpec:
        """The definition that a metric was measured by. Raises KeyError for a metric that is not in the report."""
        return {spec.name: spec for spec in self.specs}[metric]


def _divided(total: float, by: float) -> float | None:
    return total / by if by else None
