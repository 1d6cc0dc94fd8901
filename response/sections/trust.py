"""Can it be trusted? Whether the split was carried out as written, who was reached, and whether the groups were alike before the start."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from response.experiments import OWN
from response.facts import ArmTrust, Experiment, Report
from response.parts import As, Column, Part, Say, Section, Table, Tone, Word, say
from response.sections import balance
from response.sections.balance import Balance
from response.sources import Sources
from response.statistics.allocation import MISMATCH_BELOW, sample_ratio_p_value
from response.statistics.balance import same_share_p_value

Stage = Literal["sizes", "sent", "delivered"]
Finding = Literal[
    "good",  # as written
    "bad",  # further from what was written than chance explains
    "none",  # too few to judge
    "data",  # no shares were written: the data assign
    "alone",  # one group at most gets messages, so that there is nothing to compare
    "silent",  # nobody told what arrived
]
_STATES = ("sent", "suppressed", "failed", "unknown", "open")
_ALWAYS = ("sent", "suppressed")  # the others are columns only when there are any


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the customers counted at one stage stand in the proportions that were written.

    `even_p`: whether as large a part of each group came from the stage before to this one. That sees more than the proportions do,
    which have the chance of the assignment in them too.
    """

    experiment: Experiment
    stage: Stage
    finding: Finding
    p_value: float | None = None
    even_p: float | None = None

    @property
    def surest(self) -> float | None:
        """The smaller of the two."""
        return min((p for p in (self.p_value, self.even_p) if p is not None), default=None)


def section(sources: Sources) -> Section:
    """The checks in words, then the figures behind them."""
    return Section("trust", tuple(_parts(sources)))


def _parts(sources: Sources) -> Iterator[Part]:
    report = sources.report
    if not report.experiments:
        yield say("trust.nothing")
        yield from _exclusions(report)
        return
    checks = [check for each in report.experiments for check in _checks(each)]
    compared = balance.compared(sources)
    yield _opening(report.experiments, checks, compared.get(0))
    yield from (_said(check) for check in checks)
    yield from _control(report.experiments[0])
    yield _arms(report.experiments)
    yield from _held_back(report.experiments)
    yield from balance.parts(sources, compared)
    yield _checks_table(checks)
    yield from _exclusions(report)


def _checks(experiment: Experiment) -> Iterator[Check]:
    if any(arm.expected is None for arm in experiment.arms):
        yield Check(experiment, "sizes", "data")
        return
    yield _check(experiment, "sizes", experiment.sample_ratio_p)
    if experiment.kind == "page":
        return
    arms = [arm for arm in experiment.arms if arm.reach.decided]
    if len(arms) < 2:
        yield Check(experiment, "sent", "alone")
        return
    sent, delivered = [arm.sent for arm in arms], [arm.delivered for arm in arms]
    yield _stage(experiment, "sent", arms, sent, [arm.assigned for arm in arms])
    yield _stage(experiment, "delivered", arms, delivered, [max(pair) for pair in zip(sent, delivered, strict=True)])


def _stage(experiment: Experiment, stage: Stage, arms: Sequence[ArmTrust], counts: Sequence[int], before: Sequence[int]) -> Check:
    """Do these counts stand in the proportions written for their arms, and came as large a part of each from the stage before?"""
    total, written = sum(counts), [arm.expected or 0.0 for arm in arms]
    if not total:
        return Check(experiment, stage, "silent")
    shares = [total * each / sum(written) for each in written] if sum(written) else []
    p_value = sample_ratio_p_value(counts, shares) if shares else None
    return _check(experiment, stage, p_value, same_share_p_value(counts, before))


def _check(experiment: Experiment, stage: Stage, p_value: float | None, even_p: float | None = None) -> Check:
    found = Check(experiment, stage, "none", p_value, even_p)
    if found.surest is None:
        return found
    return replace(found, finding="bad" if found.surest < MISMATCH_BELOW else "good")


def _opening(experiments: Sequence[Experiment], checks: Sequence[Check], compared: Balance | None) -> Say:
    """The worst that is known, or that nothing speaks against it."""
    primary = experiments[0]
    if wrong := _not_usable(primary, checks):
        return wrong
    if compared and compared.unlike:
        return say("trust.open.unlike", "alarm").behind("balance", "balance")
    mine = {check.stage: check.finding for check in checks if check.experiment is primary}
    if mine["sizes"] != "good":
        return say(f"trust.open.{mine['sizes']}", "soft")
    uneven = [check for check in checks if check.finding == "bad" and (check.experiment is primary or check.experiment.kind in OWN)]
    if uneven:
        return say("trust.open.uneven", node=uneven[0].experiment.node).behind("trust", "even")
    known = "good_sizes" if not (compared and compared.rows) else "good_by_chance" if compared.far else "good"
    return say(f"trust.open.{known}").behind("trust", "ratio")


def _not_usable(primary: Experiment, checks: Sequence[Check]) -> Say | None:
    """What makes a comparison useless, or blind: groups of other sizes, a control that was written to, nobody who was."""
    broken = [check.experiment for check in checks if (check.stage, check.finding) == ("sizes", "bad")]
    if broken:
        return say("trust.open.broken" if primary in broken else "trust.open.broken_elsewhere", "alarm", node=broken[0].node)
    if leaked := _leaked(primary):
        return say("trust.open.leaked", "alarm", customers=As("count", leaked))
    if held := _nobody_reached(primary):
        return say("trust.open.unsent", "alarm", customers=As("count", held)).behind("exclusions")
    return None


def _said(check: Check) -> Say:
    kind = "same" if check.experiment.kind in OWN else "other"  # one message in several wordings, or ways that may differ
    variant = f".{kind}" if check.finding == "bad" and check.stage != "sizes" else ""
    tone: Tone = "soft" if check.finding in ("none", "data", "alone", "silent") else ""
    if check.finding == "bad" and (check.stage == "sizes" or kind == "same"):
        tone = "alarm"
    arrived_alike = check.stage == "delivered" and check.finding == "good" and check.even_p is not None
    p = check.even_p if arrived_alike else check.surest
    said = say(f"trust.{check.stage}.{check.finding}{variant}", tone, node=check.experiment.node, p=As("p", p))
    return said.behind("trust", "ratio" if check.stage == "sizes" else "even")


def _nobody_reached(experiment: Experiment) -> int:
    """Customers for whom a message was decided, when none of any group has left or may leave yet; else 0."""
    reached = [arm.reach for arm in experiment.arms]
    left = sum(each.states.get(state, 0) for each in reached for state in ("sent", "unknown", "open"))
    return 0 if left else sum(each.decided for each in reached)


def _leaked(experiment: Experiment) -> int:
    """Customers of a control that should get nothing, to whom this campaign wrote after all."""
    if experiment.kind != "holdout":
        return 0
    return sum(arm.sent for arm in experiment.arms if arm.arm == experiment.control)


def _control(experiment: Experiment) -> Iterator[Say]:
    """What else the control got, from this campaign or another."""
    control = next((arm for arm in experiment.arms if arm.arm == experiment.control), None)
    if control is None or not control.assigned:
        return
    name = Word("arm", control.arm)
    if leaked := _leaked(experiment):
        yield say("trust.leaked", "alarm", control=name, customers=As("count", leaked)).behind("trust")
    if not control.elsewhere:
        yield say("trust.elsewhere.none", control=name).behind("trust")
        return
    others = [arm for arm in experiment.arms if arm.arm != control.arm and arm.assigned]
    assigned = sum(arm.assigned for arm in others)
    share = sum(arm.elsewhere for arm in others) / assigned if assigned else None
    own = As("share", control.elsewhere / control.assigned)
    figures = {"customers": As("count", control.elsewhere), "share": own, "others": As("share", share)}
    yield say("trust.elsewhere.some", "soft", control=name, **figures).behind("trust")


def _arms(experiments: Sequence[Experiment]) -> Table:
    """Everybody assigned, by how far the messages came: the states and `unwritten` add up to those assigned."""
    arms = [arm for each in experiments for arm in each.arms]
    states = [name for name in _STATES if name in _ALWAYS or any(arm.reach.states.get(name) for arm in arms)]
    columns = (
        Column("assigned_at", "text"),
        Column("group", "text", words="arm"),
        Column("assigned", define="assigned"),
        Column("expected", define="ratio"),
        *(Column(name) for name in states),
        Column("unwritten", define="unwritten"),
        Column("delivered"),
        Column("elsewhere", define="elsewhere"),
    )
    told = any(arm.delivered for arm in arms)
    rows = [(each.node, *_row(each, arm, states, told)) for each in experiments for arm in each.arms]
    return Table("trust", columns, tuple(rows), title=say("trust.table"))


def _row(experiment: Experiment, arm: ArmTrust, states: Sequence[str], told: bool) -> tuple[str | float | None, ...]:
    if experiment.kind == "page":  # it has no messages of its own
        return (arm.arm, arm.assigned, arm.expected, *[None for _ in states], None, None, arm.elsewhere)
    delivered = arm.delivered if told else None  # where no provider tells, nobody knows: that is not 0
    counts = [arm.reach.states.get(name, 0) for name in states]
    return (arm.arm, arm.assigned, arm.expected, *counts, arm.assigned - arm.reach.decided, delivered, arm.elsewhere)


def _held_back(experiments: Sequence[Experiment]) -> Iterator[Table]:
    rows = [
        (each.node, arm.arm, reason, customers, customers / arm.assigned if arm.assigned else None)
        for each in experiments
        for arm in each.arms
        for reason, customers in _by_size(arm.reach.reasons)
    ]
    if rows:
        columns = (
            Column("assigned_at", "text"),
            Column("group", "text", words="arm"),
            Column("reason", "text", words="reason"),
            Column("customers"),
            Column("of_assigned", "share", define="assigned"),
        )
        yield Table("held-back", columns, tuple(rows), title=say("trust.held_back"))


def _by_size(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda each: (-each[1], each[0]))


def _checks_table(checks: Sequence[Check]) -> Table:
    columns = (
        Column("assigned_at", "text"),
        Column("check", "text", words="stage"),
        Column("finding", "text", words="finding"),
        Column("p", "p", define="ratio"),
        Column("even_p", "p", define="even"),
    )
    rows = tuple((check.experiment.node, check.stage, check.finding, check.p_value, check.even_p) for check in checks)
    return Table("split-checks", columns, rows, title=say("trust.checks"), folded=True)


def _exclusions(report: Report) -> Iterator[Table]:
    if report.exclusions:
        columns = (Column("stage", "text", words="exclusion"), Column("reason", "text", words="reason"), Column("customers"))
        rows = tuple((each.stage, each.reason, each.customers) for each in report.exclusions)
        yield Table("exclusions", columns, rows, title=say("exclusions"))
