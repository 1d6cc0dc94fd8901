"""What happened in a campaign, in plain columns, and the formulas of others: nothing here knows how the report was made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, nct, norm, t, ttest_ind
from scipy.stats.contingency import chi2_contingency
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

DAY = 86_400 * 1_000_000
Z = float(norm.ppf(0.975))
UNDEFINED = (None, None, None)
STATES = ("suppressed", "failed", "open", "unknown", "sent")  # of a message: the later, the further
LEFT = ("sent", "unknown")

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]
Three = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Plan:
    """What the flow says of a node's arms: its kind, its control, and the written share of each arm (None: the data assigns)."""

    node: str
    kind: str
    control: str
    shares: Mapping[str, float | None]

    @property
    def tested(self) -> list[str]:
        return [arm for arm in self.shares if arm != self.control]


@dataclass(frozen=True)
class Told:
    """What somebody who knows the campaign tells the recalculation: nothing of it is a figure of the report."""

    campaign: str
    currency: str
    as_of: int
    within: int
    minimum: float
    metrics: tuple[str, ...]  # the first is that of the learning goal
    plans: tuple[Plan, ...]  # the primary one first
    channels: Mapping[str, str]  # of every node that sends, in reading order
    started: int = 0
    zone: str = "Europe/Amsterdam"


@dataclass(frozen=True, eq=False)
class Facts:
    """Columns as they lie in the file or the database; `customer` counts from 0 in the order in which they came in.

    people: customer, entered, segment, ended · groups: node, arm, customer, at · messages: id, customer, node, channel, arm, state,
    reason, units, millicents · contacts: customer, at, kind, direction, campaign, node, channel, human, message · purchases: customer,
    at, cents, currency · consent: customer, at, purpose, channel, granted. Moments are micros.
    """

    told: Told
    people: pl.DataFrame
    groups: pl.DataFrame
    messages: pl.DataFrame
    contacts: pl.DataFrame
    purchases: pl.DataFrame
    consent: pl.DataFrame
    features: Mapping[str, Numbers] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.people.height

    def arm(self, node: str, arm: str) -> Mask:
        """Who was assigned to it."""
        chosen = self.groups.filter((pl.col("node") == node) & (pl.col("arm") == arm))
        found = np.zeros(self.size, bool)
        found[chosen["customer"].to_numpy()] = True
        return found

    def inside(self, rows: pl.DataFrame, *, before: bool = False) -> pl.DataFrame:
        """Rows with a customer and a moment that lie in the customer's window, or in the one of the same length before it."""
        entered = self.people.select("customer", "entered")
        rows = rows.join(entered, on="customer").filter(pl.col("at") <= self.told.as_of)
        start, length = pl.col("entered"), self.told.within
        first, last = (start - length, start) if before else (start, start + length)
        return rows.filter((pl.col("at") >= first) & (pl.col("at") < last))

    def happened(self, metric: str, *, before: bool = False) -> pl.DataFrame:
        """What counts for a metric: customer, at, worth. Before the entry there was no message of this campaign to react to: any counts."""
        if metric in ("purchase", "spend"):
            bought = self.purchases if metric == "purchase" else self.purchases.filter(pl.col("currency") == self.told.currency)
            return bought.select("customer", "at", worth=pl.col("cents") / 100 if metric == "spend" else pl.lit(1.0))
        kind = {"visit": "visited", "opt_out": "opted_out"}[metric]
        ours = pl.lit(before or metric == "opt_out") | (pl.col("campaign") == self.told.campaign)
        human = pl.lit(metric == "opt_out") | pl.col("human")
        return self.contacts.filter((pl.col("kind") == kind) & ours & human).select("customer", "at", worth=pl.lit(1.0))

    def outcome(self, metric: str, *, before: bool = False, by: int | None = None) -> Numbers:
        """Each customer's outcome in the window: 0 or 1, or an amount. `by`: only what had happened by that moment."""
        found = self.inside(self.happened(metric, before=before), before=before)
        found = found if by is None else found.filter(pl.col("at") < by)
        total = self.total(found, pl.col("worth").sum())
        return total if metric == "spend" else np.minimum(total, 1.0)

    def total(self, rows: pl.DataFrame, what: pl.Expr) -> Numbers:
        """A number for each customer, 0 for who has no row."""
        added = rows.group_by("customer").agg(what.alias("total"))
        found = np.zeros(self.size)
        found[added["customer"].to_numpy()] = added["total"].to_numpy()
        return found

    def anybody(self, rows: pl.DataFrame) -> Mask:
        """Who has a row."""
        return self.total(rows, pl.len()) > 0


Row = dict[str, Any]
Recomputed = Callable[[Facts], Iterable[Row]]


def primary(facts: Facts) -> Plan:
    return facts.told.plans[0]


def sides(facts: Facts) -> tuple[Mask, Mask]:
    """All arms of the primary experiment together, and its control."""
    plan = primary(facts)
    return np.any([facts.arm(plan.node, arm) for arm in plan.tested], axis=0), facts.arm(plan.node, plan.control)


def corrected(p_values: Sequence[float | None], method: str) -> list[Any]:
    """What statsmodels makes of those that are known."""
    known = [p for p in p_values if p is not None]
    found = iter(multipletests(known, method=method)[1].tolist() if known else [])
    return [None if p is None else next(found) for p in p_values]


def is_money(metric: str) -> bool:
    return metric == "spend"


def difference(test: Numbers, control: Numbers, *, money: bool, level: float = 0.95) -> Three:
    """Newcombe's interval for shares, Welch's for money."""
    if not (len(test) and len(control)):
        return UNDEFINED
    estimate = float(test.mean() - control.mean())
    if money:
        between = ttest_ind(test, control, equal_var=False).confidence_interval(level)
        return estimate, float(between.low), float(between.high)
    counts = (test.sum(), len(test), control.sum(), len(control))
    low, high = confint_proportions_2indep(*counts, compare="diff", method="newcomb", alpha=1 - level)
    return estimate, float(low), float(high)


def p_of(test: Numbers, control: Numbers, *, money: bool) -> float | None:
    """Welch's t, or the pooled z of two shares."""
    if money:
        return float(ttest_ind(test, control, equal_var=False).pvalue)
    if test.sum() + control.sum() in (0, len(test) + len(control)):
        return 1.0
    return float(proportions_ztest([test.sum(), control.sum()], [len(test), len(control)])[1])


def relative(test: Numbers, control: Numbers, *, money: bool) -> Three:
    """The ratio less 1, its interval on the log scale."""
    means = float(test.mean()), float(control.mean())
    if min(means) <= 0:
        return UNDEFINED
    spread = (
        each.var(ddof=1) / len(each) / each.mean() ** 2 if money else (1 - each.mean()) / (len(each) * each.mean())
        for each in (test, control)
    )
    reach, ratio = Z * float(np.sqrt(sum(spread))), means[0] / means[1]
    return ratio - 1, float(ratio * np.exp(-reach) - 1), float(ratio * np.exp(reach) - 1)


def excludes_zero(effect: Three) -> bool:
    _, low, high = effect
    return low is not None and high is not None and not low <= 0 <= high


def times(effect: Three, factor: float) -> Three:
    estimate, low, high = (None if each is None else each * factor for each in effect)
    return estimate, low, high


def fieller(top: tuple[Numbers, Numbers], bottom: tuple[Numbers, Numbers]) -> Three:
    """The ratio of two differences of means between the same arms (test, control), by the roots of the quadratic."""
    above, below = (each[0].mean() - each[1].mean() for each in (top, bottom))
    covariance = np.sum([np.cov(one, other) / len(one) for one, other in zip(top, bottom, strict=True)], axis=0)
    roots = np.roots(
        [
            below**2 - Z**2 * covariance[1, 1],
            -2 * (above * below - Z**2 * covariance[0, 1]),
            above**2 - Z**2 * covariance[0, 0],
        ]
    )
    low, high = sorted(float(each.real) for each in roots)
    return float(above / below), low, high


def detectable_share(control: Numbers, test_n: int) -> float:
    """The rise that the pooled z test at .05 finds in four cases of five."""
    n, base = np.array([test_n, len(control)]), float(control.mean())

    def short(rise: float) -> float:
        rates = np.array([base + rise, base])
        pooled = float((n * rates).sum() / n.sum())
        none = np.sqrt(pooled * (1 - pooled) * (1 / n).sum())
        true = np.sqrt((rates * (1 - rates) / n).sum())
        return float(norm.cdf((rise - Z * none) / true) - 0.8)

    return float(brentq(short, 1e-9, 1 - base - 1e-9, xtol=1e-15))


def detectable_mean(test: Numbers, control: Numbers) -> float:
    """The difference that Welch's test finds in four cases of five, by the non-central t."""
    parts = np.array([each.var(ddof=1) / len(each) for each in (test, control)])
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(test), len(control)]) - 1)).sum()
    error, critical = float(np.sqrt(parts.sum())), float(t.ppf(0.975, freedom))
    return float(brentq(lambda d: float(nct.sf(critical, freedom, d / error)) - 0.8, 1e-9, 10 * error, xtol=1e-14))


def even(counted: list[int], of: list[int]) -> float | None:
    """Pearson's chi-square of as large a part from each; None where a cell expects fewer than five."""
    if len(of) < 2 or min(of) <= 0:
        return None
    rest = [whole - part for whole, part in zip(of, counted, strict=True)]
    if not sum(counted) or not sum(rest):
        return 1.0
    found = chi2_contingency([counted, rest], correction=False)
    return None if found.expected_freq.min() < 5 else float(found.pvalue)


def as_cell(cell: Any) -> Any:
    """A cell of the JSON without its kind, an effect as three numbers."""
    if isinstance(cell, dict) and "kind" in cell:
        return as_cell(cell["value"])
    if isinstance(cell, dict):
        return (cell["estimate"], cell["low"], cell["high"])
    return cell


def heterogeneity(effects: Sequence[Three]) -> float:
    """Cochran's Q, each variance by the width of its interval."""
    known = [(e, ((high - low) / 2 / Z) ** 2) for e, low, high in effects if e is not None and low is not None and high is not None]
    estimates, variances = np.array(known).T
    middle = np.average(estimates, weights=1 / variances)
    return float(chi2.sf(((estimates - middle) ** 2 / variances).sum(), len(known) - 1))


def by_chance(limit: float, test_n: int, control_n: int) -> float:
    return float(2 * norm.sf(limit / np.sqrt(1 / test_n + 1 / control_n)))
