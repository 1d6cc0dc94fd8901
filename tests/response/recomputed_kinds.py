"""Kinds of customers: segments, contact pressure, recency, frequency and value, and who else wrote to them, made again."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from tests.response.recomputed_facts import (
    DAY,
    UNDEFINED,
    Facts,
    Mask,
    Numbers,
    Plan,
    Recomputed,
    Row,
    corrected,
    difference,
    p_of,
    primary,
    sides,
)

SMALL, NAMELESS = 50, 5


def segments(facts: Facts) -> list[Row]:
    plan, metric = primary(facts), facts.told.metrics[0]
    y, of = facts.outcome(metric), facts.people["segment"].fill_null("(none)").to_numpy()
    names, counts = np.unique(of, return_counts=True)
    order = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda each: (each[0] == "(none)", -each[1], each[0]))
    rows = [_in_segment(facts, plan, arm, name, y, of == name) for name, _ in order for arm in plan.tested]
    for row, p in zip(rows, corrected([row["p"] for row in rows], "fdr_bh"), strict=True):
        row["corrected_p"] = p
        row["finding"] = "small" if p is None else "stands" if p < 0.05 else "unsure"
    if len(plan.tested) == 1:
        rows.append(
            {**_in_segment(facts, plan, plan.tested[0], "(all)", y, np.ones(facts.size, bool)), "corrected_p": None, "finding": None}
        )
    return rows


def _in_segment(facts: Facts, plan: Plan, arm: str, name: str, y: Numbers, here: Mask) -> Row:
    test, control = y[facts.arm(plan.node, arm) & here], y[facts.arm(plan.node, plan.control) & here]
    row: Row = {
        "segment": name,
        "group": arm,
        "customers": len(test) + len(control),
        "assigned": len(test),
        "control_assigned": len(control),
    }
    if min(len(test), len(control)) < SMALL:
        return row | {"rate": None, "control_rate": None, "absolute": UNDEFINED, "p": None}
    effect, p = difference(test, control, money=False), p_of(test, control, money=False)
    return row | {"rate": test.mean(), "control_rate": control.mean(), "absolute": effect, "p": p}


def cell(facts: Facts, here: Mask) -> Row:
    """One cell of customers: both sides and the lift."""
    (test, control), y = sides(facts), facts.outcome(facts.told.metrics[0])
    out = facts.outcome("opt_out")
    one, other = y[test & here], y[control & here]
    small = min(len(one), len(other)) < SMALL
    return {
        "customers": len(one) + len(other),
        "assigned": len(one),
        "rate": one.mean() if len(one) >= NAMELESS else None,
        "control_assigned": len(other),
        "control_rate": other.mean() if len(other) >= NAMELESS else None,
        "absolute": UNDEFINED if small else difference(one, other, money=False),
        "opted_out": out[test & here].mean() if len(one) >= NAMELESS else None,
    }


def pressure(days: int) -> Recomputed:
    def table(facts: Facts) -> Iterator[Row]:
        entered = facts.people.select("customer", "entered")
        log = facts.contacts.filter((pl.col("direction") == "out") & pl.col("kind").is_in(["sent", "unknown"])).join(entered, on="customer")
        log = log.filter((pl.col("at") < pl.col("entered")) & (pl.col("at") >= pl.col("entered") - days * DAY))
        band = np.digitize(facts.total(log, pl.len()), (1, 2, 4, 8))
        anybody = np.logical_or(*sides(facts))
        for place in sorted(set(band[anybody].tolist())):
            yield {"contacts_before": str(place), **cell(facts, band == place)}
        yield {"contacts_before": "sum", **cell(facts, anybody)}

    return table


def _scores(facts: Facts) -> pl.DataFrame:
    """Fifths by rank among those who had bought before, equal values together in their lowest; 0 for the others."""
    anybody = pl.Series(np.flatnonzero(np.logical_or(*sides(facts)))).implode()
    entered = facts.people.select("customer", "entered").filter(pl.col("customer").is_in(anybody))
    before = facts.purchases.join(entered, on="customer").filter(pl.col("at") < pl.col("entered"))
    mine = pl.col("cents").filter(pl.col("currency") == facts.told.currency).sum()
    days = (pl.col("entered").max() - pl.col("at").max()) // DAY
    bought = before.group_by("customer").agg(recency=-days, frequency=pl.len(), monetary=mine)
    fifths = [(1 + (5 * (pl.col(name).cast(pl.Int64).rank("min").cast(pl.Int64) - 1)) // pl.len()).alias(name) for name in RFM]
    found = entered.select("customer").join(bought.select("customer", *fifths), on="customer", how="left")
    return found.with_columns(pl.col(name).fill_null(0).cast(pl.Int64) for name in RFM)


RFM = ("recency", "frequency", "monetary")


def _keyed(facts: Facts, scores: pl.DataFrame, names: Sequence[str]) -> Iterator[Row]:
    for key, rows in sorted(scores.group_by(*names), key=lambda each: each[0]):
        here = np.zeros(facts.size, bool)
        here[rows["customer"].to_numpy()] = True
        yield dict(zip(names, key, strict=True)) | cell(facts, here)


def rfm_grid(facts: Facts) -> list[Row]:
    return list(_keyed(facts, _scores(facts).filter(pl.col("recency") > 0), RFM[:2]))


def rfm_cells(facts: Facts) -> list[Row]:
    whole = cell(facts, np.logical_or(*sides(facts)))
    return [*_keyed(facts, _scores(facts), RFM), {"recency": "sum", "frequency": None, "monetary": None, **whole}]


def rfm_scores(facts: Facts) -> Iterator[Row]:
    scores = _scores(facts)
    for name in RFM:
        for row in _keyed(facts, scores.filter(pl.col(name) > 0), (name,)):
            yield {"score": name, "fifth": row[name], **row}
    never = scores.filter(pl.col("recency") == 0)
    for row in _keyed(facts, never, ("recency",)):
        yield {"score": "never", "fifth": None, **row}


def other_campaigns(facts: Facts) -> Iterator[Row]:
    sent = facts.inside(facts.contacts.filter((pl.col("kind") == "sent") & (pl.col("campaign") != facts.told.campaign)))
    counted = sent.group_by("campaign").agg(pl.col("customer").n_unique()).rows()
    for name, customers in sorted(counted, key=lambda each: (-each[1], each[0]))[:8]:
        yield {"other_campaign": name, "sent_customers": customers, "share": customers / facts.size}
    everyone = sent["customer"].n_unique()
    yield {"other_campaign": "all", "sent_customers": everyone, "share": everyone / facts.size}
