"""Metrics: what counts as success. Declared in the workspace ([metrics.NAME]), used by flows by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from store.errors import NotFoundError

Measure = Literal["purchase", "orders", "spend", "margin", "response", "visit", "click", "answer", "opt_out", "complaint"]
Unit = Literal["share", "money", "number"]
SHARES: frozenset[Measure] = frozenset({"purchase", "response", "visit", "click", "answer", "opt_out", "complaint"})
AMOUNTS: frozenset[Measure] = frozenset({"spend", "margin"})


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What is counted of each customer assigned, from the moment that they came in.

    `of` alone is a mean over customers assigned (a share, for what one either does or not). With `per` it is a ratio of two totals,
    such as spend per order. `within_seconds` None takes the learning goal's window.
    """

    name: str
    of: Measure
    per: Measure | None = None
    within_seconds: int | None = None
    margin_share: float | None = None  # 0..1 of the spend, for purchases that carry no margin of their own
    winsorise: float | None = None  # 0..1: amounts above this quantile, over all assigned, count as that quantile
    better: Literal["more", "less"] = "more"
    guardrail: float | None = None  # how much worse is still acceptable, in the metric's own unit (shares: 0..1)

    @property
    def unit(self) -> Unit:
        """What a figure of this metric is in: a share of customers, money, or a number."""
        if self.of in AMOUNTS:
            return "money"
        return "share" if self.per is None and self.of in SHARES else "number"


Metrics = Mapping[str, MetricSpec]  # by name


def undeclared(name: str, metrics: Metrics) -> NotFoundError:
    """The error for a metric that there is not, with the nearest that there is."""
    near = get_close_matches(name, list(metrics), 1, 0.6)
    guess = f" Did you mean '{near[0]}'?" if near else ""
    return NotFoundError(
        f"There is no metric '{name}'.{guess} There are: {', '.join(metrics)}. Declare it in contactflow.toml: [metrics.{name}]"
    )


BUILT_IN: Metrics = {name: MetricSpec(name, name) for name in ("purchase", "orders", "spend", "response", "visit", "click", "answer")} | {
    "opt_out": MetricSpec("opt_out", "opt_out", better="less"),
    "complaint": MetricSpec("complaint", "complaint", better="less"),
}
