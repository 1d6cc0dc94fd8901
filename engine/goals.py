"""Learning goals as they are registered: what decides the answer, with the full definition of every metric, and its digest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from customers.tables import table_of
from engine.campaign import LearningGoal
from engine.metrics import Metrics, MetricSpec, undeclared
from engine.nodes.node import Node
from engine.tables import RegisteredGoal
from store.bulk import insert_new

# How the answer is reached. Another rule is another goal: it gets another name here, and the report keeps the old one's.
RULE = "2: while windows are open the any-time test at .005 shared among arms, at the closing date the fixed test at .045, Holm over arms"


@dataclass(frozen=True, slots=True)
class ArmShare:
    """The part (0..1) of those at a node who are assigned to an arm, as it was written; None where data assigns."""

    node: str
    arm: str
    share: float | None


@dataclass(frozen=True, slots=True)
class GoalSpec:
    """A learning goal with nothing left to look up: what is measured, for how long, and what would matter.

    `minimum` is in the metric's own unit (shares: 0..1). `guards` are the workspace's metrics with a guardrail at that time; they are
    measured too, but do not decide the question. `shares` are those of all that is compared in the flow: customers assigned by other
    shares are not added up with these, for where rates drift, the sum would show a difference that there is not.
    """

    question: str
    metric: MetricSpec
    within: str
    within_seconds: int
    minimum_lift: str | None = None
    minimum: float | None = None
    also: tuple[MetricSpec, ...] = ()
    customers: int | None = None
    guards: tuple[MetricSpec, ...] = ()
    rule: str = RULE
    shares: tuple[ArmShare, ...] = ()

    @property
    def digest(self) -> str:
        """12 hexadecimal digits over what decides; neither over the wording of the question nor over the guardrails."""
        deciding = {
            "metric": _said(self.metric),
            "within_seconds": self.within_seconds,
            "minimum": self.minimum,
            "also": [_said(spec) for spec in self.also],
            "customers": self.customers,
            "rule": self.rule,
            **({"shares": [[each.node, each.arm, each.share] for each in self.shares]} if self.shares else {}),
        }
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def document(self) -> dict[str, Any]:
        """The goal as JSON."""
        document = asdict(self)
        return {**document, "also": list(document["also"]), "guards": list(document["guards"]), "shares": list(document["shares"])}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> "GoalSpec":
        """The goal that `document` came from."""
        metrics = {name: tuple(MetricSpec(**each) for each in document[name]) for name in ("also", "guards")}
        shares = tuple(ArmShare(**each) for each in document.get("shares", ()))
        return cls(**{**document, "metric": MetricSpec(**document["metric"]), **metrics, "shares": shares})


def goal_of(learn: LearningGoal, metrics: Metrics, nodes: Iterable[Node] = ()) -> GoalSpec:
    """A flow's learning goal with the definitions of its metrics, and the shares of its nodes, filled in.

    Raises NotFoundError for a metric that there is not.
    """
    minimum = learn.minimum_lift
    return GoalSpec(
        question=learn.question,
        metric=_defined(learn.metric, metrics),
        within=str(learn.within),
        within_seconds=learn.within.seconds,
        minimum_lift=str(minimum) if minimum else None,
        minimum=minimum.amount if minimum else None,
        also=tuple(_defined(name, metrics) for name in learn.also),
        customers=learn.customers.number if learn.customers else None,
        guards=tuple(spec for spec in metrics.values() if spec.guardrail is not None),
        shares=_shares(nodes),
    )


def register(session: Session, campaign: str, goal: GoalSpec, now: datetime) -> int:
    """The row of a goal; it is written once, and stays as it was then."""
    goals = table_of(RegisteredGoal)
    values = {"campaign": campaign, "digest": goal.digest, "registered_at": now, "document": goal.document}
    insert_new(session, goals, values)
    find = select(goals.c.id).where(goals.c.campaign == campaign, goals.c.digest == goal.digest)
    return int(session.execute(find).scalar_one())


def _shares(nodes: Iterable[Node]) -> tuple[ArmShare, ...]:
    """Each arm once, in an order that does not hang on that of the file."""
    compared = [(node.id, each.shares) for node in nodes for each in node.contrasts()]
    found = {(node, arm): share for node, shares in compared for arm, share in shares.items()}
    return tuple(ArmShare(node, arm, found[node, arm]) for node, arm in sorted(found))


def _said(spec: MetricSpec) -> dict[str, Any]:
    """What a definition says beyond the defaults, so that what can be declared may grow without changing older digests."""
    plain = MetricSpec(spec.name, spec.of)
    return {name: value for name, value in asdict(spec).items() if name in ("name", "of") or value != getattr(plain, name)}


def _defined(name: str, metrics: Metrics) -> MetricSpec:
    if name not in metrics:
        raise undeclared(name, metrics)
    return metrics[name]
