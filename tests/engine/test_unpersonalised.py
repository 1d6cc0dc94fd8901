"""The arm that gets a message without anything personal, from the draw to what is sent."""

import json
from typing import Any

import numpy as np
from sqlalchemy import text

from engine.campaigns import not_started
from engine.explain import explain
from engine.nodes.send import Send
from engine.simulate import simulate
from engine.step import step
from store.hashing import fractions
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench
from tests.engine.flows import ToldFacts, graph_of
from tests.engine.test_step import NOW, arrivals

WORDS = "Dear {{ customer.first_name or 'friend' }} in {{ customer.city or 'town' }}, at {{ customer.email }}: {{ links.page }}"
FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, unpersonalised: 30%, by_segment: {early: {template: early.txt}}}
  won: {goal: buys}
"""


def written(bench: Bench) -> Bench:
    (bench.workspace.templates / "words.txt").write_text(WORDS)
    (bench.workspace.templates / "early.txt").write_text("For the early ones")
    bench.workspace.segments["early"] = "key <= 'c2'"  # type: ignore[index]  # a dict in the bench
    return bench


def arms(bench: Bench) -> dict[int, str]:
    with reading(bench.workspace.database) as session:
        return dict(session.execute(text("SELECT customer_id, arm FROM exposure WHERE node = 'mail'")).tuples().all())


def texts(bench: Bench) -> dict[str, str]:
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    return {line["address"]: line["parts"]["text"] for line in lines}


def send(**fields: Any) -> Send:
    return Send.model_validate({"id": "mail", "send": "email", "template": "a.txt", **fields})


def test_the_unpersonalised_get_neither_their_segments_wording_nor_their_name(bench: Bench) -> None:
    written(bench).people(60)
    versions = bench.start(FLOW)
    assert bench.carry_out(versions) == []
    assigned, seen = arms(bench), texts(bench)
    assert set(assigned.values()) == {"unpersonalised", "personalised"}
    for customer_id, arm in assigned.items():
        said = seen[f"c{customer_id}@example.com"]
        if arm == "unpersonalised":
            assert said.startswith(f"Dear friend in town, at c{customer_id}@example.com: http")
        elif f"c{customer_id}" <= "c2":
            assert said == "For the early ones"
        else:
            assert said.startswith(f"Dear Name{customer_id} in Delft, at c{customer_id}@")


def test_the_draw_is_by_the_same_salted_hash_as_every_other_arm(bench: Bench) -> None:
    written(bench).people(60)
    bench.carry_out(bench.start(FLOW))
    low = fractions("test/mail", np.arange(1, 61)) < 0.3
    assert {customer for customer, arm in arms(bench).items() if arm == "unpersonalised"} == set((np.flatnonzero(low) + 1).tolist())


def test_a_simulation_draws_the_same_arms(bench: Bench) -> None:
    written(bench).people(60)
    [running] = bench.start(FLOW)
    simulation = simulate(not_started(bench.workspace, running.graph), NOON, {})
    bench.carry_out([running])
    unpersonalised = sum(arm == "unpersonalised" for arm in arms(bench).values())
    assert simulation.arms["mail", "unpersonalised"] == unpersonalised > 0
    assert simulation.arms["mail", "personalised"] == 60 - unpersonalised


def test_a_message_that_cannot_do_without_a_name_is_held_back_and_counts(bench: Bench) -> None:
    written(bench).people(30)
    (bench.workspace.templates / "words.txt").write_text("Dear {{ customer.first_name }}: {{ links.page }}")
    bench.carry_out(bench.start(FLOW))
    with reading(bench.workspace.database) as session:
        rows = session.execute(text("SELECT arm, state, reason, count(*) FROM outbox GROUP BY arm, state, reason")).all()
    assert {tuple(row)[:3] for row in rows} == {("personalised", "sent", None), ("unpersonalised", "suppressed", "not_composed")}


def test_the_variants_share_what_the_unpersonalised_leave() -> None:
    variants = {"warm": {"share": "50%"}, "plain": {"share": "50%", "template": "b.txt", "control": True}}
    node = send(unpersonalised="20%", variants=variants)
    assert dict(node.shares) == {"unpersonalised": 0.2, "warm": 0.4, "plain": 0.4}
    assert node.wordings()["unpersonalised"] == node.wordings()["plain"]
    compared, personal = node.contrasts()
    assert (compared.kind, compared.control, dict(compared.shares)) == ("variants", "plain", {"warm": 0.4, "plain": 0.4})
    assert (personal.kind, personal.control) == ("personalisation", "unpersonalised")
    assert dict(personal.shares) == {"plain": 0.4, "unpersonalised": 0.2}
    drawn = step(
        graph_of({"in": {"audience": "everyone"}, "mail": node.model_dump(exclude_none=True)}), arrivals_at_mail(node), ToldFacts(), NOW
    )
    sizes = {exposed.arm: len(exposed.rows) for exposed in drawn.exposures}
    assert abs(sizes["unpersonalised"] - 800) < 100  # five standard deviations are 127
    assert abs(sizes["warm"] - 1600) < 150
    assert sum(sizes.values()) == 4000


def arrivals_at_mail(node: Send) -> Any:
    return arrivals(graph_of({"in": {"audience": "everyone"}, "mail": node.model_dump(exclude_none=True)}), 4000, "mail")


def test_without_the_word_a_message_assigns_nobody_and_versions_stay_as_they_were() -> None:
    assert send().contrasts() == ()
    assert not send().shares
    assert "unpersonalised" not in send().model_dump(exclude_none=True)


def test_explain_says_what_the_arm_is(bench: Bench) -> None:
    written(bench).people(30)
    versions = bench.start(FLOW)
    bench.carry_out(versions)
    chosen = next(customer for customer, arm in arms(bench).items() if arm == "unpersonalised")
    said = [finding.text for finding in explain(versions[0], f"c{chosen}", NOON).findings]
    assert "was assigned to arm 'unpersonalised': the message without anything personal" in said


def test_a_customers_language_is_known_to_the_unpersonalised_message(bench: Bench) -> None:
    written(bench).people(30)
    (bench.workspace.templates / "words.txt").write_text(
        "{{ 'Beste' if customer.language == 'nl' else 'Dear' }} {{ customer.first_name or '' }}"
    )
    with writing(bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET language = 'nl'"))
    bench.carry_out(bench.start(FLOW))
    seen = texts(bench)
    assert {seen[f"c{customer}@example.com"] for customer, arm in arms(bench).items() if arm == "unpersonalised"} == {"Beste "}
