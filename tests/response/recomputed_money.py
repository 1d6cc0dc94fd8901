"""What it cost and brought, and which message gets the credit, made again."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from tests.response.recomputed_facts import (
    LEFT,
    UNDEFINED,
    Facts,
    Numbers,
    Row,
    difference,
    excludes_zero,
    fieller,
    primary,
    sides,
    times,
)

CONVENTIONS = ("first", "last", "linear", "position", "markov")


def _cost(facts: Facts) -> Numbers:
    left = facts.messages.filter(pl.col("state").is_in(LEFT))
    return facts.total(left, pl.col("millicents").sum()) / 100_000


def money_accounts(facts: Facts) -> Iterator[Row]:
    plan, cost = primary(facts), _cost(facts)
    y, money = facts.outcome(facts.told.metrics[0]), facts.outcome("spend")
    control = facts.arm(plan.node, plan.control)
    for arm in plan.tested:
        test = facts.arm(plan.node, arm)
        n, costs, gains = int(test.sum()), (cost[test], cost[control]), (money[test], money[control])
        more = times(difference(*gains, money=True), n)
        lift = difference(y[test], y[control], money=False)
        yield {
            "group": arm,
            "extra_cost": (costs[0].mean() - costs[1].mean()) * n,
            "extra_responses": times(lift, n),
            "cost_per_response": fieller(costs, (y[test], y[control])) if excludes_zero(lift) and (lift[0] or 0) > 0 else UNDEFINED,
            "extra_turnover": more,
            "net": times(difference(gains[0] - costs[0], gains[1] - costs[1], money=True), n),
            "return_on_cost": fieller(gains, costs) if excludes_zero(more) else UNDEFINED,
        }


def _charges(messages: pl.DataFrame) -> Row:
    left = messages.filter(pl.col("state").is_in(LEFT))
    return {"messages": left.height, "units": left["units"].sum(), "cost": left["millicents"].sum() / 100_000}


def money_channels(facts: Facts) -> Iterator[Row]:
    left = facts.messages.filter(pl.col("state").is_in(LEFT))
    for channel in [*sorted(left["channel"].unique()), "sum"]:
        row = _charges(left if channel == "sum" else left.filter(pl.col("channel") == channel))
        yield {"channel": channel, **row, "cost_each": row["cost"] / row["messages"]}


def money_groups(facts: Facts) -> Iterator[Row]:
    plan = primary(facts)
    for arm in plan.shares:
        here = facts.arm(plan.node, arm)
        row = _charges(facts.messages.filter(pl.col("customer").is_in(pl.Series(np.flatnonzero(here)).implode())))
        yield {"group": arm, "assigned": int(here.sum()), **row, "cost_head": row["cost"] / int(here.sum())}
    yield {"group": "sum", "assigned": None, **_charges(facts.messages), "cost_head": None}


def attribution(facts: Facts) -> Iterator[Row]:
    credit, attributed = _credit(facts)
    for node in facts.told.channels:
        yield {"message": node, "channel": facts.told.channels[node], **{f"credit_{name}": credit[name][node] for name in CONVENTIONS}}
    yield {"message": "sum", "channel": None, **{f"credit_{name}": attributed for name in CONVENTIONS}}


def attribution_credits(facts: Facts) -> Iterator[Row]:
    credit, _ = _credit(facts)
    for node in facts.told.channels:
        for name in CONVENTIONS:
            yield {"message": node, "convention": name, "credit": credit[name][node]}


def attribution_account(facts: Facts) -> Iterator[Row]:
    (test, control), y = sides(facts), facts.outcome(facts.told.metrics[0])
    _, after = _credit(facts)
    yield {"responses_of": "after", "responses": after}
    yield {"responses_of": "before", "responses": y[test].sum() - after}
    yield {"responses_of": "anyway", "responses": y[control].mean() * int(test.sum())}
    yield {"responses_of": "caused", "responses": times(difference(y[test], y[control], money=False), int(test.sum()))}


def _paths(facts: Facts) -> list[tuple[tuple[str, ...], bool]]:
    """The messages that each customer of the arms got up to the first response, oldest first, and whether there was one."""
    test, _ = sides(facts)
    first = facts.inside(facts.happened(facts.told.metrics[0])).group_by("customer").agg(pl.col("at").min().alias("answered"))
    sent = facts.contacts.filter((pl.col("campaign") == facts.told.campaign) & pl.col("kind").is_in(["sent", "unknown"]))
    sent = facts.inside(sent.filter(pl.col("node").is_in(list(facts.told.channels))))
    sent = sent.join(first, on="customer", how="left").filter(pl.col("answered").is_null() | (pl.col("at") <= pl.col("answered")))
    ways = dict(sent.sort("at", "row").group_by("customer", maintain_order=True).agg(pl.col("node")).iter_rows())
    did = set(first["customer"])
    return [(tuple(ways.get(each, ())), each in did) for each in np.flatnonzero(test).tolist()]


def _credit(facts: Facts) -> tuple[dict[str, dict[str, float]], int]:
    paths = [path for path in _paths(facts) if path[0]]
    credit = {name: dict.fromkeys(facts.told.channels, 0.0) for name in CONVENTIONS}
    for touches, did in paths:
        if did:
            for place, touch in enumerate(touches):
                for name, part in _parts(place, len(touches)).items():
                    credit[name][touch] += part
    everyone = _chance(paths, None)
    effects = {node: 1 - _chance(paths, node) / everyone for node in facts.told.channels}
    attributed = sum(did for _, did in paths)
    credit["markov"] = {node: attributed * effect / sum(effects.values()) for node, effect in effects.items()}
    return credit, attributed


def _parts(place: int, length: int) -> dict[str, float]:
    ends = (place == 0) + (place == length - 1)
    position = 1 / length if length <= 2 else 0.4 if ends else 0.2 / (length - 2)
    return {"first": float(place == 0), "last": float(place == length - 1), "linear": 1 / length, "position": position}


def _chance(paths: Sequence[tuple[tuple[str, ...], bool]], without: str | None) -> float:
    """Chance of a response, by letting the chain of counted steps run until nobody is left in it; `without`: who comes there leaves."""
    steps: dict[str, dict[str, int]] = {}
    for touches, did in paths:
        for one, other in pairwise(("start", *touches, "yes" if did else "no")):
            steps.setdefault(one, {})[other] = steps.setdefault(one, {}).get(other, 0) + 1
    there, arrived = {"start": 1.0}, 0.0
    while sum(there.values()) > 1e-15:
        following: dict[str, float] = {}
        for place, share in there.items():
            for other, count in steps[place].items():
                following[other] = following.get(other, 0.0) + share * count / sum(steps[place].values())
        arrived += following.pop("yes", 0.0)
        there = {place: share for place, share in following.items() if place not in ("no", without)}
    return arrived
