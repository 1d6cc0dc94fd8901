"""Whether it can be trusted, and the funnel: the tables of what was assigned, sent, held back and came back, made again."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import binomtest, chisquare

from engine.reasons import Reason
from tests.response.recomputed_facts import (
    DAY,
    STATES,
    Facts,
    Mask,
    Numbers,
    Plan,
    Row,
    Z,
    by_chance,
    corrected,
    even,
    p_of,
)


def trust(facts: Facts) -> Iterator[Row]:
    logged = facts.contacts.filter((pl.col("campaign") == facts.told.campaign) & (pl.col("kind") == "delivered"))
    elsewhere = facts.inside(facts.contacts.filter((pl.col("kind") == "sent") & (pl.col("campaign") != facts.told.campaign)))
    touched = facts.anybody(elsewhere)
    for plan in facts.told.plans:
        everyone = sum(int(facts.arm(plan.node, arm).sum()) for arm in plan.shares)
        for arm, share in plan.shares.items():
            here, furthest = facts.arm(plan.node, arm), _furthest(facts, plan)
            own = logged if plan.kind in ("holdout", "split") else logged.filter(pl.col("node") == plan.node)
            states = {state: int((here & (furthest == place)).sum()) for place, state in enumerate(STATES)}
            yield {
                "assigned_at": plan.node,
                "group": arm,
                "assigned": int(here.sum()),
                "expected": None if share is None else share * everyone,
                **states,
                "unwritten": int((here & (furthest < 0)).sum()),
                "delivered": int((here & facts.anybody(own)).sum()) if logged.height else None,
                "elsewhere": int((here & touched).sum()),
            }


def _furthest(facts: Facts, plan: Plan) -> Numbers:
    """How far the messages to each customer came, by the place in STATES; -1 without any."""
    mine = _own_messages(facts, plan).with_columns(place=pl.col("state").replace_strict(list(STATES), range(len(STATES)), default=2))
    found = np.full(facts.size, -1.0)
    highest = mine.group_by("customer").agg(pl.col("place").max())
    found[highest["customer"].to_numpy()] = highest["place"].to_numpy()
    return found


def _own_messages(facts: Facts, plan: Plan) -> pl.DataFrame:
    return facts.messages if plan.kind in ("holdout", "split") else facts.messages.filter(pl.col("node") == plan.node)


def held_back(facts: Facts) -> Iterator[Row]:
    order = [each.value for each in Reason]
    for plan in facts.told.plans:
        furthest = _furthest(facts, plan)
        for arm in plan.shares:
            here = facts.arm(plan.node, arm)
            held = pl.Series(np.flatnonzero(here & (furthest == 0)))
            last = _own_messages(facts, plan).filter(pl.col("customer").is_in(held.implode()))
            places = last.with_columns(place=pl.col("reason").replace_strict(order, range(len(order))))
            counted = places.group_by("customer").agg(pl.col("place").max())["place"].value_counts()
            reasons = sorted(((order[place], count) for place, count in counted.iter_rows()), key=lambda each: (-each[1], each[0]))
            for reason, count in reasons:
                share = count / int(here.sum())
                yield {"assigned_at": plan.node, "group": arm, "reason": reason, "customers": count, "of_assigned": share}


def split_checks(facts: Facts) -> Iterator[Row]:
    rows = {(row["assigned_at"], row["group"]): row for row in trust(facts)}
    for plan in facts.told.plans:
        arms = [rows[plan.node, arm] for arm in plan.shares]
        if None in plan.shares.values():
            yield {"assigned_at": plan.node, "check": "sizes", "finding": "data", "p": None, "even_p": None}
            continue
        yield _checked(plan, "sizes", [row["assigned"] for row in arms], [row["expected"] for row in arms], None)
        written = [row for row in arms if row["assigned"] > row["unwritten"]]
        if len(written) < 2:
            yield {"assigned_at": plan.node, "check": "sent", "finding": "alone", "p": None, "even_p": None}
            continue
        sent = [row["sent"] for row in written]
        yield _checked(plan, "sent", sent, [row["expected"] for row in written], [row["assigned"] for row in written])
        arrived = [row["delivered"] or 0 for row in written]
        before = [max(pair) for pair in zip(sent, arrived, strict=True)]
        yield _checked(plan, "delivered", arrived, [row["expected"] for row in written], before)


def _checked(plan: Plan, check: str, counts: list[int], expected: list[float], of: list[int] | None) -> Row:
    row: Row = {"assigned_at": plan.node, "check": check, "p": None, "even_p": None}
    if not sum(counts):
        return row | {"finding": "silent"}
    row["p"] = float(chisquare(counts, np.array(expected) / sum(expected) * sum(counts)).pvalue)
    if len(counts) == 2 and min(expected) / sum(expected) * sum(counts) < 10:
        row["p"] = float(binomtest(counts[0], sum(counts), expected[0] / sum(expected)).pvalue)
    row["even_p"] = None if of is None else even(counts, of)
    return row | {"finding": "bad" if min(row["p"], row["even_p"] or 1.0) < 0.001 else "good"}


def balance(facts: Facts) -> list[Row]:
    return _balance(facts, facts.told.plans[:1])


def balance_others(facts: Facts) -> list[Row]:
    return _balance(facts, facts.told.plans[1:])


def _balance(facts: Facts, plans: Sequence[Plan]) -> list[Row]:
    found = []
    for plan in plans:
        control = facts.arm(plan.node, plan.control)
        rows = [
            _alike(plan, arm, name, values[facts.arm(plan.node, arm) & some], values[control & some])
            for arm in plan.tested
            for name, (values, some) in _known_before(facts).items()
        ]
        told = [row for row in rows if row is not None]
        for row, p in zip(told, corrected([row["p"] for row in told], "holm"), strict=True):
            far = abs(row["smd"][0]) >= 0.1
            row |= {"corrected_p": p, "finding": ("unlike" if far else "odd") if p < 0.001 else "chance" if far else "alike"}
        found += told
    return found


def _alike(plan: Plan, arm: str, name: str, test: Numbers, control: Numbers) -> Row | None:
    spread = float(np.sqrt((test.var(ddof=1) + control.var(ddof=1)) / 2))
    if not spread:
        return None
    smd = float(test.mean() - control.mean()) / spread
    error = float(np.sqrt(1 / len(test) + 1 / len(control) + smd**2 / (2 * (len(test) + len(control)))))
    means = {"mean": float(test.mean()), "control_mean": float(control.mean())}
    effect = (smd, smd - Z * error, smd + Z * error)
    return {
        "assigned_at": plan.node,
        "group": arm,
        "known": name,
        **means,
        "smd": effect,
        "p": p_of(test, control, money=True),
        "far": by_chance(0.1, len(test), len(control)),
    }


def _known_before(facts: Facts) -> dict[str, tuple[Numbers, Mask]]:
    """Each fact with whom it is known of."""
    everybody = np.ones(facts.size, bool)
    entered = facts.people.select("customer", "entered")
    ever = facts.purchases.join(entered, on="customer").filter(pl.col("at") < pl.col("entered"))
    bought, lately = facts.anybody(ever), facts.inside(facts.purchases, before=True)
    mine = lately.filter(pl.col("currency") == facts.told.currency)
    days = facts.total(ever, (pl.col("entered").max() - pl.col("at").max()) // DAY)
    sent = facts.inside(facts.contacts.filter(pl.col("kind") == "sent"), before=True)
    newest = (
        facts.consent.join(entered, on="customer")
        .filter(pl.col("at") < pl.col("entered"))
        .sort("at", ~pl.col("granted"))
        .group_by("customer", "purpose", "channel", maintain_order=True)
        .last()
    )
    return {
        "bought_before": (bought.astype(float), everybody),
        "days_since_purchase": (days, bought),
        "purchases": (facts.total(lately, pl.len()), everybody),
        "spend": (facts.total(mine, pl.col("cents").sum()) / 100, everybody),
        "contacts": (facts.total(sent, pl.len()), everybody),
        "opt_ins": (facts.total(newest, pl.col("granted").cast(pl.Int64).sum()), everybody),
    }


def exclusions(facts: Facts) -> Iterator[Row]:
    gone = facts.people.filter(pl.col("ended").is_not_null())["ended"].value_counts()
    yield from _by_size("member", gone.iter_rows())
    held = facts.messages.with_columns(place=pl.col("state").replace_strict(list(STATES), range(len(STATES)), default=2))
    furthest = held.sort("place").group_by("customer", "node", "channel", "arm", maintain_order=True).last()
    why = furthest.filter(pl.col("state").is_in(["suppressed", "failed"]))["reason"].value_counts()
    yield from _by_size("message", why.iter_rows())


def _by_size(stage: str, counted: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    for reason, customers in sorted(counted, key=lambda each: (-each[1], each[0])):
        yield {"stage": stage, "reason": reason, "customers": customers}


def funnel(facts: Facts) -> Iterator[Row]:
    keys = ["node", "channel", "arm"]
    about = facts.messages.select(pl.col("id").alias("message"), *keys)
    log = facts.contacts.filter((pl.col("campaign") == facts.told.campaign) & (pl.col("at") <= facts.told.as_of))
    reacted = log.drop("node").join(about, on="message", how="left").with_columns(channel=pl.coalesce("channel_right", "channel"))
    reacted = reacted.filter(pl.any_horizontal(*(each for _, each in DID)))
    found = pl.concat([facts.messages.select(keys), reacted.select(keys)]).unique().rows()
    for node, channel, arm in sorted(found, key=lambda key: (key[0] is None, key[0] or "", key[1], key[2] or "")):
        here = pl.col("node").eq_missing(pl.lit(node)) & (pl.col("channel") == channel) & pl.col("arm").eq_missing(pl.lit(arm))
        mine, back = facts.messages.filter(here), reacted.filter(here)
        states = {state: mine.filter(pl.col("state") == state)["customer"].n_unique() for state in STATES}
        did = {name: back.filter(which)["customer"].n_unique() for name, which in DID}
        cost = None if node is None else mine["millicents"].sum() / 100_000
        queued = mine["customer"].n_unique()
        yield {"node": node or "loose", "channel": channel, "group": arm, "queued": queued, **states, **did, "cost": cost}


DID = (
    ("delivered", pl.col("kind") == "delivered"),
    ("bounced", pl.col("kind") == "bounced"),
    ("complained", pl.col("kind") == "complained"),
    ("opened", pl.col("kind").is_in(["opened", "clicked"]) & pl.col("human")),
    ("machine", (pl.col("kind") == "opened") & ~pl.col("human")),
    ("clicked", (pl.col("kind") == "clicked") & pl.col("human")),
    ("visited", (pl.col("kind") == "visited") & pl.col("human")),
    ("form_started", pl.col("kind") == "form_started"),
    ("answered", (pl.col("kind") == "answered") & pl.col("human")),
    ("opted_out", pl.col("kind") == "opted_out"),
    ("redeemed", pl.col("kind") == "redeemed"),
)
