"""The result and how it grew: every comparison, the curve and the band, made again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import gammaln
from statsmodels.stats.proportion import proportion_confint

from tests.response.recomputed_facts import (
    DAY,
    Facts,
    Mask,
    Numbers,
    Plan,
    Recomputed,
    Row,
    Three,
    Z,
    corrected,
    detectable_mean,
    detectable_share,
    difference,
    is_money,
    p_of,
    primary,
    relative,
    times,
)


@cache
def comparisons(facts: Facts) -> list[Row]:
    """Every arm against its control on every metric, in the order of the report."""
    rows = [row for plan in facts.told.plans for metric in facts.told.metrics for row in _compared(facts, plan, metric)]
    beside = [row for row in rows if not row["primary"]]
    for row, q in zip(beside, corrected([row["p_value"] for row in beside], "fdr_bh"), strict=True):
        row["q_value"] = q
        if q is not None and q >= 0.05 and row["verdict"] in ("better", "worse"):
            row["verdict"] = "inconclusive"
    return rows


def _compared(facts: Facts, plan: Plan, metric: str) -> list[Row]:
    y, before = facts.outcome(metric), facts.outcome(metric, before=True)
    sides = [(facts.arm(plan.node, arm), facts.arm(plan.node, plan.control)) for arm in plan.tested]
    adjusted = corrected([p_of(y[test], y[control], money=is_money(metric)) for test, control in sides], "holm")
    main = plan is primary(facts) and metric == facts.told.metrics[0]
    rows = []
    for arm, (test, control), p in zip(plan.tested, sides, adjusted, strict=True):
        row: Row = {"metric": metric, "node": plan.node, "kind": plan.kind, "primary": main, "arm": arm, "control": plan.control}
        row |= _figures(y[test], y[control], money=is_money(metric)) | {"adjusted_p_value": p, "q_value": None}
        row["reached"] = _reached(facts, plan, (test, control), row["absolute"])
        row["cuped"] = _cuped((y[test], y[control]), (before[test], before[control])) if before[test | control].any() else None
        minimum = facts.told.minimum if metric == facts.told.metrics[0] else None
        row["verdict"] = _verdict(row, minimum, several=len(plan.tested) > 1, left=_left(y[test], y[control], metric) if main else None)
        rows.append(row)
    return rows


def _figures(test: Numbers, control: Numbers, *, money: bool) -> Row:
    return {
        "arm_assigned": len(test),
        "control_assigned": len(control),
        "arm_total": test.sum(),
        "control_total": control.sum(),
        "arm_rate": test.mean(),
        "control_rate": control.mean(),
        "absolute": difference(test, control, money=money),
        "relative": relative(test, control, money=money),
        "p_value": p_of(test, control, money=money),
        "detectable": detectable_mean(test, control) if money else detectable_share(control, len(test)),
    }


def _left(test: Numbers, control: Numbers, metric: str) -> Three:
    """The interval with what looking early has left."""
    return difference(test, control, money=is_money(metric), level=0.955)


def _verdict(row: Row, minimum: float | None, *, several: bool, left: tuple[Any, ...] | None) -> str:
    """After the closing date, and where nothing was found early that the fixed test does not find."""
    _, low, high = row["absolute"]
    if minimum is not None and -minimum < low and high < minimum:
        return "no meaningful difference"
    _, low, high = row["absolute"] if left is None else left
    if several and row["adjusted_p_value"] >= (0.05 if left is None else 0.045):
        return "inconclusive"
    return "better" if low > 0 else "worse" if high < 0 else "inconclusive"


def _reached(facts: Facts, plan: Plan, masks: tuple[Mask, Mask], effect: Three) -> Three | None:
    if plan.kind not in ("holdout", "split"):
        return None
    told = facts.contacts.filter((pl.col("campaign") == facts.told.campaign) & (pl.col("kind") == "delivered"))
    got = facts.anybody(told) if told.height else facts.anybody(facts.messages.filter(pl.col("state") == "sent"))
    shares = [got[mask].mean() for mask in masks]
    return times(effect, 1 / (shares[0] - shares[1])) if shares[0] > shares[1] else None


def _cuped(y: tuple[Numbers, Numbers], x: tuple[Numbers, Numbers]) -> Row:
    """Welch on y less what x foretells; its relative lift by the adjusted means, with the covariate's own error in it."""
    both = np.cov(np.concatenate(y), np.concatenate(x))
    theta = both[0, 1] / both[1, 1]
    test, control = (each - theta * known for each, known in zip(y, x, strict=True))
    rho = both[0, 1] ** 2 / (both[0, 0] * both[1, 1])
    figures = {"absolute": difference(test, control, money=True), "p_value": p_of(test, control, money=True), "rho_squared": rho}
    return figures | {"relative": _adjusted_lift(y, x, theta)}


def _adjusted_lift(y: tuple[Numbers, Numbers], x: tuple[Numbers, Numbers], theta: float) -> Three:
    """The adjusted means at the overall mean of x, and the delta method over all four means."""
    n = np.array([len(each) for each in y])
    of_test, of_control = n / n.sum()
    apart = theta * (x[0].mean() - x[1].mean())
    means = y[0].mean() - of_control * apart, y[1].mean() + of_test * apart
    slope = theta * (of_control / means[0] + of_test / means[1])
    gradients = np.array([1 / means[0], -slope]), np.array([-1 / means[1], slope])
    parts = zip(gradients, y, x, strict=True)
    reach = Z * float(np.sqrt(sum(g @ np.cov(one, other) @ g / len(one) for g, one, other in parts)))
    ratio = float(means[0] / means[1])
    return ratio - 1, ratio * float(np.exp(-reach)) - 1, ratio * float(np.exp(reach)) - 1


def result(facts: Facts) -> list[Row]:
    return [_shown(row) for row in comparisons(facts) if row["primary"]]


def others_at(node: str) -> Recomputed:
    return lambda facts: [_shown(row) for row in comparisons(facts) if row["node"] == node and not row["primary"]]


def _shown(row: Row) -> Row:
    """A comparison as a table has it."""
    names = {"group": "arm", "assigned": "arm_assigned", "rate": "arm_rate", "p": "p_value", "adjusted_p": "adjusted_p_value"}
    names |= {} if row["primary"] else {"q": "q_value"}
    return row | {column: row[name] for column, name in names.items()}


def result_ways(facts: Facts) -> Iterator[Row]:
    for row in result(facts):
        yield {**row, "way": "assigned", "rho_squared": None}
        if row["cuped"]:
            yield {"group": row["group"], "way": "cuped", **row["cuped"], "p": row["cuped"]["p_value"]}
        if row["reached"]:
            yield {"group": row["group"], "way": "reached", "absolute": row["reached"], "relative": None, "p": None, "rho_squared": None}


def curve(facts: Facts) -> Iterator[Row]:
    plan, entered = primary(facts), facts.people["entered"].to_numpy()
    rows = facts.inside(facts.happened(facts.told.metrics[0])).with_columns(day=(pl.col("at") - pl.col("entered")) // DAY)
    first = np.full(facts.size, np.inf)
    earliest = rows.group_by("customer").agg(pl.col("day").min())
    first[earliest["customer"].to_numpy()] = earliest["day"].to_numpy()
    assert (entered + facts.told.within <= facts.told.as_of).all()  # everybody has lived through all days
    for arm in plan.shares:
        here = facts.arm(plan.node, arm)
        for day in range(facts.told.within // DAY + 1):
            yield {"day": day, "group": arm, "rate": (first[here] < day).mean()}


def curve_end(facts: Facts) -> Iterator[Row]:
    plan, y = primary(facts), facts.outcome(facts.told.metrics[0])
    control = y[facts.arm(plan.node, plan.control)]
    for arm in plan.shares:
        mine = y[facts.arm(plan.node, arm)]
        low, high = proportion_confint(mine.sum(), len(mine), method="wilson")
        effect = None if arm == plan.control else difference(mine, control, money=False)
        yield {"group": arm, "counted": len(mine), "total": mine.sum(), "rate": (mine.mean(), low, high), "absolute": effect}


def cumulative(facts: Facts) -> Iterator[Row]:
    plan, zone = primary(facts), ZoneInfo(facts.told.zone)
    entered = facts.people["entered"].to_numpy()
    first, last = (_day(int(each), zone) for each in (entered.min(), entered.max() + facts.told.within))
    control = facts.arm(plan.node, plan.control)
    for arm in plan.tested:
        test, smallest = facts.arm(plan.node, arm), 1.0
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            end = _midnight(day + timedelta(days=1), zone)
            y, come = facts.outcome(facts.told.metrics[0], by=end), entered < end
            counts, n = (int(y[test].sum()), int(y[control].sum())), (int((test & come).sum()), int((control & come).sum()))
            if not (min(n) and sum(counts)):
                continue
            p, band = looked_at(counts, n, 0.005 / len(plan.tested))
            smallest, estimate = min(smallest, p), counts[0] / n[0] - counts[1] / n[1]
            row = {"day": day.isoformat(), "group": arm, "assigned": n[0], "control_assigned": n[1], "any_time_p": smallest}
            yield row | {"absolute": (estimate, *band), "extra": round(estimate * n[0], 2)}


def _day(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(zone).date()


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def looked_at(counts: tuple[int, int], sizes: tuple[int, int], alpha: float) -> tuple[float, tuple[float, float]]:
    """Lindon and Malek's test with prior counts of 100, written out: the band is where a likelihood ratio meets 1 / alpha."""
    y, n = np.array(counts, float), np.array(sizes, float)
    share, prior = n / n.sum(), 100 * n / n.sum()
    evidence = gammaln(prior.sum()) - gammaln((prior + y).sum()) + (gammaln(prior + y) - gammaln(prior)).sum()

    def short(part: float) -> float:
        logs = [0.0 if not each else each * float(np.log(one)) for each, one in zip(y, (part, 1 - part), strict=True)]
        return float(sum(logs) - evidence - np.log(alpha))

    seen = float(y[0] / y.sum())
    edges = [brentq(short, 1e-12, seen, xtol=1e-15) if seen else 0.0, brentq(short, seen, 1 - 1e-12, xtol=1e-15) if seen < 1 else 1.0]
    low, high = (float(y.sum() * (part / n[0] - (1 - part) / n[1])) for part in edges)
    null = float((y * np.log(share)).sum())
    return min(1.0, float(np.exp(null - evidence))), (low, high)


def closing(facts: Facts) -> Iterator[Row]:
    last = _day(int(facts.people["entered"].max()) + facts.told.within, ZoneInfo(facts.told.zone))  # type: ignore[arg-type]  # polars: any value
    for row in result(facts):
        yield row | {"closing": last.isoformat()}
