"""The nodes where customers were assigned to arms: what was written, and whether it was carried out so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlmodel import Session

from customers.contact_log import Kind
from engine.graph import FlowGraph
from engine.metrics import MetricSpec
from engine.nodes import Node
from response.facts import ArmTrust, Experiment, ExperimentKind, Reach
from response.happenings import REACTIONS
from response.metrics import ArmKey, touched_elsewhere
from response.population import Population, assigned
from response.reach import reach
from response.statistics.allocation import sample_ratio_p_value

OWN: tuple[ExperimentKind, ...] = ("variants", "personalisation")  # only that node's own message tells whether the arm arrived

Shares = Mapping[str, float | None]  # arm to the written share; None when the data assigns


@dataclass(frozen=True, slots=True)
class Plan:
    """What one version of a flow says of a node's arms, in the order written. `named`: the flow itself says which is the control.

    `beside`: what else is compared at the node, with shares of all who are assigned there.
    """

    kind: ExperimentKind
    control: str
    shares: Shares
    named: bool = True
    beside: tuple["Plan", ...] = ()

    @property
    def written(self) -> Shares:
        """The shares of all arms of the node."""
        return {arm: share for plan in (*self.beside, self) for arm, share in plan.shares.items()}


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the database says of every arm, in one statement each."""

    by_version: Mapping[str, Mapping[str, Mapping[str, int]]]  # node, version, arm
    reach: Mapping[ArmKey, Reach]
    elsewhere: Mapping[ArmKey, int]


def plan_of(node: Node) -> Plan | None:
    """The arms of a node, or None when it assigns nobody. Without a control of its own, the last arm is the control."""
    found = [Plan(each.kind, each.control, each.shares, each.named) for each in node.contrasts()]
    return replace(found[0], beside=tuple(found[1:])) if found else None


def plans_of(flows: Mapping[str, FlowGraph]) -> dict[str, dict[str, Plan]]:
    """Node to version to plan, for flows given newest first; nodes in the order of the newest flow that has them."""
    plans: dict[str, dict[str, Plan]] = {}
    for version, flow in flows.items():
        for name, node in flow.nodes.items():
            if plan := plan_of(node):
                plans.setdefault(name, {})[version] = plan
        for name, each in flow.beside.items():
            plans.setdefault(name, {})[version] = Plan(each.kind, each.control, each.shares, each.named)
    return plans


def tells_nothing(kind: ExperimentKind, spec: MetricSpec) -> bool:
    """Whether a metric cannot differ between the arms: everybody who was assigned to a page has seen it."""
    return kind == "page" and Kind.VISITED in REACTIONS.get(spec.of, ())


def experiments(
    session: Session, population: Population, plans: Mapping[str, Mapping[str, Plan]], metric: MetricSpec
) -> tuple[Experiment, ...]:
    """Every node where somebody was assigned, the primary one first: the hold-out, else the first in reading order, pages last.

    None is primary where only pages were compared, and on these the primary metric tells nothing.
    """
    # A page has no message of its own: what was sent says nothing about its variants.
    alone = (*OWN, "page")
    own = {node for node, versions in plans.items() for plan in versions.values() for each in (plan, *plan.beside) if each.kind in alone}
    counts = _Counts(_assigned(session, population), reach(session, population, own), touched_elsewhere(session, population))
    found = [each for node, versions in plans.items() if node in counts.by_version for each in _at_node(node, versions, counts)]
    found.sort(key=lambda each: (each.kind != "holdout", each.kind == "page"))
    return tuple(replace(each, primary=place == 0 and not tells_nothing(each.kind, metric)) for place, each in enumerate(found))


def _at_node(node: str, versions: Mapping[str, Plan], counts: _Counts) -> Iterator[Experiment]:
    """What is compared at a node in any version, the newest first; an arm that no version knows stays with what the node is for."""
    kinds: dict[ExperimentKind, list[Plan]] = {}
    for plan in versions.values():
        for each in (plan, *plan.beside):
            kinds.setdefault(each.kind, []).append(each)
    unknown = [arm for arm in _arms(counts.by_version[node]) if all(arm not in plan.written for plan in versions.values())]
    for plans in kinds.values():
        names = dict.fromkeys(arm for plan in plans for arm in plan.shares)
        yield _experiment(node, plans[0], [*names, *unknown], versions, counts)
        unknown = []


def _experiment(node: str, newest: Plan, names: Sequence[str], versions: Mapping[str, Plan], counts: _Counts) -> Experiment:
    by_version = counts.by_version[node]
    arms = tuple(_arm(node, name, counts, _expected(name, versions, by_version)) for name in names)
    return Experiment(
        node,
        newest.kind,
        newest.control,
        primary=False,
        arms=arms,
        sample_ratio_p=_ratio(arms, [arm.assigned for arm in arms]),
        sent_ratio_p=_ratio(arms, [arm.sent for arm in arms]) if newest.kind in OWN else None,
    )


def _arms(by_version: Mapping[str, Mapping[str, int]]) -> list[str]:
    return sorted({arm for arms in by_version.values() for arm in arms})


def _expected(arm: str, versions: Mapping[str, Plan], by_version: Mapping[str, Mapping[str, int]]) -> float | None:
    """Customers that the written shares promise, each version by its own shares; None when one that ran has no shares."""
    parts = [_share(arm, versions.get(version)) for version in by_version]
    if any(part is None for part in parts):
        return None
    totals = [sum(arms.values()) for arms in by_version.values()]
    return sum(total * part for total, part in zip(totals, parts, strict=True) if part is not None)


def _share(arm: str, plan: Plan | None) -> float | None:
    return None if plan is None or None in plan.written.values() else plan.written.get(arm, 0.0)


def _arm(node: str, arm: str, counts: _Counts, expected: float | None) -> ArmTrust:
    total = sum(arms.get(arm, 0) for arms in counts.by_version[node].values())
    return ArmTrust(arm, total, expected, counts.elsewhere.get((node, arm), 0), counts.reach.get((node, arm), Reach()))


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
