"""A learning goal is written down when a version with it starts, and stays as it was then."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from customers.tables import table_of
from engine.campaign import LearningGoal
from engine.campaigns import start
from engine.goals import GoalSpec, goal_of
from engine.graph import build_graph
from engine.language.check import read_flow
from engine.metrics import BUILT_IN, MetricSpec
from engine.nodes.audience import Audience
from engine.nodes.send import Send
from engine.nodes.wait import Wait
from engine.tables import FlowVersion, RegisteredGoal
from store.errors import NotFoundError
from store.session import reading
from tests.conftest import NOON
from tests.engine.conftest import Bench

MARGIN = MetricSpec("margin", "margin", margin_share=0.35)
METRICS = {**BUILT_IN, "margin": MARGIN}
LEARN: dict[str, Any] = {"question": "Does it pay?", "metric": "margin", "within": "28 days", "minimum_lift": "0.50", "also": ["visit"]}
FLOW = (
    "campaign: test\npurpose: offers\nlearn: {{question: {question}, metric: {metric}, within: 28 days, minimum_lift: 0.50}}\n{more}flow:\n"
)
NODES = "  in:\n    audience: everyone\n    holdout: 10%\n  out:\n    wait: 1 day\n    next: end\n"


def digest(metrics: dict[str, MetricSpec] | None = None, **changes: Any) -> str:
    return goal_of(LearningGoal(**{**LEARN, **changes}), metrics or METRICS).digest


def test_the_digest_is_over_what_decides_not_over_the_words() -> None:
    plain = digest()
    assert len(plain) == 12
    assert digest(question="Is it worth it?") == plain
    assert digest(within="4 weeks") == plain
    assert digest({**METRICS, "guarded": MetricSpec("guarded", "opt_out", guardrail=0.01)}) == plain
    others = [
        digest(metric="spend"),
        digest(within="27 days"),
        digest(minimum_lift="0.51"),
        digest(also=[]),
        digest(customers="5000"),
        digest({**METRICS, "margin": replace(MARGIN, margin_share=0.36)}),
        digest({**METRICS, "visit": replace(BUILT_IN["visit"], within_seconds=1)}),
    ]
    assert len({plain, *others}) == 1 + len(others)


def node(share: str = "10%", name: str = "in") -> Audience:
    return Audience.model_validate({"id": name, "audience": "everyone", "holdout": share})


def test_other_shares_make_another_goal_but_nodes_that_compare_nothing_do_not() -> None:
    learn = LearningGoal(**LEARN)
    plain, wait = goal_of(learn, METRICS, [node()]), Wait.model_validate({"id": "out", "wait": "1 day"})
    assert goal_of(learn, METRICS, [wait, node()]).digest == plain.digest
    assert goal_of(learn, METRICS, [node("50%")]).digest != plain.digest
    assert goal_of(learn, METRICS, [node(), node(name="late")]).digest != plain.digest
    assert goal_of(learn, METRICS, [node(), node(name="late")]).digest == goal_of(learn, METRICS, [node(name="late"), node()]).digest


def test_measuring_what_personalising_adds_is_another_goal() -> None:
    mail = {"id": "mail", "send": "email", "template": "a.txt"}
    sends = [Send.model_validate(each) for each in (mail, {**mail, "unpersonalised": "10%"}, {**mail, "unpersonalised": "20%"})]
    assert len({goal_of(LearningGoal(**LEARN), METRICS, [each]).digest for each in sends}) == 3


def test_a_goal_that_was_registered_without_shares_is_read_back() -> None:
    goal = goal_of(LearningGoal(**LEARN), METRICS)
    assert GoalSpec.of_document({name: value for name, value in goal.document.items() if name != "shares"}) == goal


def test_a_digest_from_an_earlier_version_of_the_program_stays_the_same() -> None:
    first = "the 95% interval when the last window has closed, Holm over arms"
    assert replace(goal_of(LearningGoal(**LEARN), METRICS), rule=first).digest == "8ed0d25b097a"
    assert digest() == "547bd067d66b"


def test_a_goal_comes_back_from_its_document() -> None:
    guarded = MetricSpec("guarded", "opt_out", better="less", guardrail=0.01)
    goal = goal_of(LearningGoal(**{**LEARN, "customers": "40,000"}), {**METRICS, "guarded": guarded}, [node()])
    assert GoalSpec.of_document(json.loads(json.dumps(goal.document))) == goal
    assert [(each.arm, each.share) for each in goal.shares] == [("contacted", 0.9), ("control", 0.1)]
    assert (goal.metric, goal.customers, goal.guards, goal.minimum) == (MARGIN, 40_000, (guarded,), 0.5)


def test_an_undeclared_metric_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no metric 'margn'. Did you mean 'margin'\?.*\[metrics.margn\]"):
        goal_of(LearningGoal(**{**LEARN, "metric": "margn"}), METRICS)


def start_with(bench: Bench, days: int = 0, metric: str = "margin", question: str = "Does it pay?", more: str = "") -> None:
    text = FLOW.format(question=question, metric=metric, more=more) + NODES
    start(bench.workspace, build_graph(read_flow(text, "test.yaml")), text, NOON + timedelta(days=days))


def registered(bench: Bench) -> tuple[list[Any], list[int | None]]:
    goals, versions = table_of(RegisteredGoal), table_of(FlowVersion)
    with reading(bench.workspace.database) as session:
        rows = session.execute(select(goals).order_by(goals.c.id)).all()
        return list(rows), list(session.execute(select(versions.c.goal_id).order_by(versions.c.id)).scalars())


def test_a_goal_is_registered_once_with_the_time_of_its_first_version(bench: Bench) -> None:
    bench.workspace = replace(bench.workspace, metrics=METRICS)
    start_with(bench)
    start_with(bench, days=1)  # the same version again
    start_with(bench, days=2, more="title: Another title\n")  # another version, the same goal
    start_with(bench, days=3, question="Put in other words?")
    (goal,), versions = registered(bench)
    assert (goal.campaign, goal.registered_at, versions) == ("test", NOON, [goal.id] * 3)
    assert GoalSpec.of_document(goal.document).metric == MARGIN


def test_another_metric_makes_another_goal_and_going_back_does_not(bench: Bench) -> None:
    bench.workspace = replace(bench.workspace, metrics=METRICS)
    start_with(bench)
    start_with(bench, days=1, metric="spend")
    start_with(bench, days=2)
    goals, versions = registered(bench)
    assert [goal.registered_at for goal in goals] == [NOON, NOON + timedelta(days=1)]
    assert versions == [goals[0].id, goals[1].id]


def test_a_version_keeps_its_goal_when_the_definition_changes_but_a_new_version_takes_the_new_one(bench: Bench) -> None:
    bench.workspace = replace(bench.workspace, metrics=METRICS)
    start_with(bench)
    bench.workspace = replace(bench.workspace, metrics={**METRICS, "margin": replace(MARGIN, margin_share=0.5)})
    start_with(bench, days=1)
    goals, _ = registered(bench)
    assert [GoalSpec.of_document(goal.document).metric.margin_share for goal in goals] == [0.35]
    start_with(bench, days=2, more="title: Another title\n")
    goals, _ = registered(bench)
    assert [GoalSpec.of_document(goal.document).metric.margin_share for goal in goals] == [0.35, 0.5]


def test_a_flow_that_teaches_nothing_registers_nothing(bench: Bench) -> None:
    text = "campaign: test\nflow:\n" + NODES
    start(bench.workspace, build_graph(read_flow(text, "test.yaml")), text, NOON)
    assert registered(bench) == ([], [None])
