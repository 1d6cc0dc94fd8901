"""The nodes where customers were assigned to arms: what was written, and whether it was carried out so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlmodel import Session

from engine.graph import FlowGraph
from engine.nodes import Node
from engine.nodes.audience import CONTACTED, CONTROL, Audience
from engine.nodes.send import Send
from engine.nodes.split import Split
from response.facts import ArmTrust, Experiment, ExperimentKind, FunnelRow
from response.funnel import delivered, reached
from response.metrics import ArmKey, touched_elsewhere
from response.population import Population, assigned
from response.statistics.allocation import sample_ratio_p_value

Shares = Mapping[str, float | None]  # arm to the written share; None when the data assigns


@dataclass(frozen=True, slots=True)
class Plan:
    """What one version of a flow says of a node's arms, in the order written. `named`: the flow itself says which is the control."""

    kind: ExperimentKind
    control: str
    shares: Shares
    named: bool = True


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the database says of every arm, in one statement each."""

    by_version: Mapping[str, Mapping[str, Mapping[str, int]]]  # node, version, arm
    reached: Mapping[ArmKey, Mapping[str, int]]
    delivered: Mapping[ArmKey, int]
    elsewhere: Mapping[ArmKey, int]
    funnel: Sequence[FunnelRow]


def plan_of(node: Node) -> Plan | None:
    """The arms of a node, or None when it assigns nobody. Without a control of its own, the last arm is the control."""
    match node:
        case Audience(holdout=share) if share:
            return Plan("holdout", CONTROL, {CONTACTED: 1 - share.fraction, CONTROL: share.fraction})
        case Split(split=arms):
            shares = {name: None if node.by or not arm.share else arm.share.fraction for name, arm in arms.items()}
            return Plan("split", node.control or list(arms)[-1], shares, named=node.control is not None)
        case Send(variants=variants) if variants and node.control:
            return Plan("variants", node.control, {name: variant.share.fraction for name, variant in variants.items()})
    return None


def plans_of(flows: Mapping[str, FlowGraph]) -> dict[str, dict[str, Plan]]:
    """Node to version to plan, for flows given newest first; nodes in the order of the newest flow that has them."""
    plans: dict[str, dict[str, Plan]] = {}
    for version, flow in flows.items():
        for name, node in flow.nodes.items():
            if plan := plan_of(node):
                plans.setdefault(name, {})[version] = plan
    return plans


def experiments(
    session: Session, population: Population, plans: Mapping[str, Mapping[str, Plan]], funnel: Sequence[FunnelRow]
) -> tuple[Experiment, ...]:
    """Every node where somebody was assigned, the primary one first: the hold-out, else the first in reading order."""
    counts = _Counts(
        _assigned(session, population),
        reached(session, population),
        delivered(session, population),
        touched_elsewhere(session, population),
        funnel,
    )
    found = [_experiment(node, versions, counts) for node, versions in plans.items() if node in counts.by_version]
    found.sort(key=lambda each: each.kind != "holdout")
    return tuple(replace(each, primary=place == 0) for place, each in enumerate(found))


def _experiment(node: str, versions: Mapping[str, Plan], counts: _Counts) -> Experiment:
    newest = next(iter(versions.values()))
    by_version = counts.by_version[node]
    arms = tuple(_arm(node, name, newest.kind, counts, _expected(name, versions, by_version)) for name in _names(versions, by_version))
    return Experiment(
        node,
        newest.kind,
        newest.control,
        primary=False,
        arms=arms,
        sample_ratio_p=_ratio(arms, [arm.assigned for arm in arms]),
        sent_ratio_p=_ratio(arms, [arm.sent for arm in arms]) if newest.kind == "variants" else None,
    )


def _names(versions: Mapping[str, Plan], by_version: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Arms as written, newest version first, then what only the exposures know."""
    written = [arm for plan in versions.values() for arm in plan.shares]
    return list(dict.fromkeys([*written, *sorted(arm for arms in by_version.values() for arm in arms)]))


def _expected(arm: str, versions: Mapping[str, Plan], by_version: Mapping[str, Mapping[str, int]]) -> float | None:
    """Customers that the written shares promise, each version by its own shares; None when one that ran has no shares."""
    parts = [_share(arm, versions.get(version)) for version in by_version]
    if any(part is None for part in parts):
        return None
    totals = [sum(arms.values()) for arms in by_version.values()]
    return sum(total * part for total, part in zip(totals, parts, strict=True) if part is not None)


def _share(arm: str, plan: Plan | None) -> float | None:
    return None if plan is None or None in plan.shares.values() else plan.shares.get(arm, 0.0)


def _arm(node: str, arm: str, kind: ExperimentKind, counts: _Counts, expected: float | None) -> ArmTrust:
    total = sum(arms.get(arm, 0) for arms in counts.by_version[node].values())
    elsewhere = counts.elsewhere.get((node, arm), 0)
    if kind == "variants":  # only this node's own message tells whether the variant arrived
        rows = list(_rows(counts.funnel, node, arm))
        sent, suppressed = sum(row.messages.sent for row in rows), sum(row.messages.suppressed for row in rows)
        return ArmTrust(arm, total, expected, sent, suppressed, sum(row.reactions.delivered for row in rows), elsewhere)
    states = counts.reached.get((node, arm), {})
    arrived = counts.delivered.get((node, arm), 0)
    return ArmTrust(arm, total, expected, states.get("sent", 0), states.get("suppressed", 0), arrived, elsewhere)


def _rows(funnel: Sequence[FunnelRow], node: str, arm: str) -> Iterator[FunnelRow]:
    return (row for row in funnel if (row.node, row.arm) == (node, arm))


def _ratio(arms: Sequence[ArmTrust], observed: Sequence[int]) -> float | None:
    """Do these counts follow the written shares? The p-value, or None when nothing was written."""
    expected = [arm.expected for arm in arms if arm.expected]
    if len(expected) < len(arms) or not sum(observed):
        return None
    scale = sum(observed) / sum(expected)
    return sample_ratio_p_value(observed, [share * scale for share in expected])


def _assigned(session: Session, population: Population) -> dict[str, dict[str, dict[str, int]]]:
    arms = assigned(population)
    statement = select(arms.c.node, arms.c.version, arms.c.arm, func.count()).group_by(arms.c.node, arms.c.version, arms.c.arm)
    counted: dict[str, dict[str, dict[str, int]]] = {}
    for node, version, arm, customers in session.connection().execute(statement):
        counted.setdefault(node, {}).setdefault(version, {})[arm] = customers
    return counted
