"""One graph, one step: the picture, the simulation and the execution cannot disagree."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from engine.campaigns import not_started
from engine.counting import standing
from engine.graph import FlowGraph
from engine.picture import draw_dot
from engine.running import Running
from engine.simulate import simulate
from engine.tables import Campaign
from tests.conftest import NOON
from tests.engine.conftest import Bench
from tests.engine.flows import graph_of

SHARES = st.integers(5, 95)


def flow(holdout: int, share: int) -> str:
    return f"""
  in: {{audience: "key <> 'c7'", holdout: {holdout}%}}
  group:
    split:
      letter: {{share: {share}%, next: letter}}
      mail: {{share: {100 - share}%, next: mail}}
  letter: {{send: print, template: words.txt, next: end}}
  mail:
    send: email
    subject: Hi
    template: words.txt
    unreachable: which
    next: which
  which:
    branch:
      - {{when: "key like '%1'", then: won}}
      - {{when: reachable by sms, then: text}}
      - {{otherwise: end}}
  text: {{send: sms, template: words.txt}}
  won: {{goal: comes back}}
"""


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(holdout=SHARES, share=SHARES)
def test_the_simulation_goes_the_way_that_the_runner_goes(bench: Bench, holdout: int, share: int) -> None:
    if standing(bench.workspace, "test").members == 0:
        bench.people(150)
        bench.refuse(4, "email")
        bench.refuse(5, "sms")
    runs = bench.start(flow(holdout, share))
    foreseen = simulate(not_started(bench.workspace, runs[0].graph), NOON, {})
    assert foreseen.audience == 149
    before = standing(bench.workspace, "test")
    bench.carry_out(as_new(bench, runs[0]))
    after = standing(bench.workspace, "test")
    done = {key: count - before.exits.get(key, 0) for key, count in after.exits.items() if count > before.exits.get(key, 0)}
    assert {key: count for key, count in foreseen.exits.items() if key[1] in exits(runs[0].graph)} == done
    ended = {reason: count - before.ended.get(reason, 0) for reason, count in after.ended.items()}
    assert dict(foreseen.ended) == {reason: count for reason, count in ended.items() if count}


def as_new(bench: Bench, running: Running) -> list[Running]:
    """Everybody may come in again: a campaign of its own for each example."""
    with Session(bench.workspace.database) as session:
        campaign = Campaign(name=f"again-{running.version_id}", started_at=NOON, version_id=running.version_id)
        session.add(campaign)
        session.commit()
        assert campaign.id is not None
        return [Running(running.workspace, running.graph, running.vocabulary, campaign.id, running.version_id)]


def exits(graph: FlowGraph) -> set[str]:
    return {edge.exit for edge in graph.edges}


@pytest.mark.parametrize("holdout", [10, 50])
def test_a_drawn_node_is_an_executed_node(holdout: int) -> None:
    graph = graph_of(
        {
            "in": {"audience": "everyone", "holdout": f"{holdout}%"},
            "mail": {"send": "email", "template": "a.mjml", "unreachable": "which"},
            "which": {"branch": [{"when": "a", "then": "won"}, {"otherwise": "end"}]},
            "won": {"goal": "w"},
        }
    )
    dot = draw_dot(graph)
    drawn = set(re.findall(r'id="node-([\w-]+)"', dot))
    ways = set(re.findall(r'id="edge-([\w-]+)\.([\w-]+)"', dot))
    assert drawn == set(graph.order)
    assert ways == {(edge.source, edge.exit) for edge in graph.edges}
    assert ways == set(graph.targets)
