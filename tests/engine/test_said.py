"""What customers said in forms stands in messages: the newest answer, to nobody else, and at the same cost for any number."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from customers.stated import Occasion, Statement, state
from customers.tables import CustomerId
from engine.explain import explain
from engine.sent import sent_message
from store.session import writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = """
  in: {{audience: everyone}}
  note: {{send: sms, template: words.txt{more}}}
  won: {{goal: buys}}
"""
WORDS = "You like {{ customer.said_interest }}"


def said(bench: Bench, customer: int, answer: str, at: datetime = NOON, name: str = "interest") -> None:
    with writing(bench.workspace.database) as session:
        occasion = Occasion(CustomerId(customer), at, "another", 1)
        state(session, occasion, [Statement(name, "What do you like?", answer)])


def texts(bench: Bench, words: str = WORDS, more: str = "") -> dict[int, str]:
    """What each customer read, by number."""
    (bench.workspace.templates / "words.txt").write_text(words)
    assert bench.carry_out(bench.start(FLOW.format(more=more))) == []
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    return {int(line["address"][-4:]): line["parts"]["text"] for line in lines}


def test_the_newest_answer_is_shown_to_whoever_gave_it(bench: Bench) -> None:
    bench.people(3)
    said(bench, 1, "wine", NOON - timedelta(days=2))
    said(bench, 1, "cheese & figs", NOON - timedelta(days=1))
    said(bench, 2, "bread")
    said(bench, 3, "bread", name="remark")
    shown = texts(bench)
    assert shown == {1: "You like cheese & figs", 2: "You like bread"}, "of the third nothing is known, so that nothing is written"
    assert any(finding.reason == "not_composed" for finding in explain(bench.start(FLOW.format(more=""))[0], "c3", NOON).findings)
    said(bench, 1, "beer", NOON + timedelta(days=1))
    assert sent_message(bench.workspace, 1).content.parts["text"] == "You like cheese & figs", "what was sent stays what it was"


def test_what_is_not_known_is_what_the_flow_or_the_template_says_instead(bench: Bench) -> None:
    bench.people(2)
    said(bench, 1, "wine")
    assert texts(bench, more=", if_missing: {said_interest: surprises}") == {1: "You like wine", 2: "You like surprises"}


def test_an_answer_chooses_the_words(bench: Bench) -> None:
    bench.people(2)
    said(bench, 1, "wine")
    words = "{% if customer.said_interest == 'wine' %}A red one{% else %}Good day{% endif %}"
    assert texts(bench, words) == {1: "A red one", 2: "Good day"}


def test_the_unpersonalised_know_of_no_answer(bench: Bench) -> None:
    bench.people(40)
    for customer in range(1, 41):
        said(bench, customer, "wine")
    shown = texts(bench, "You like {{ customer.said_interest or 'much' }}", ", unpersonalised: 50%")
    assert {*shown.values()} == {"You like wine", "You like much"}


@pytest.mark.parametrize("number", [3, 200])
def test_the_answers_of_any_number_of_customers_are_one_question_to_the_database(bench: Bench, number: int) -> None:
    bench.people(number)
    seen: list[str] = []
    event.listen(bench.workspace.database, "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert len(texts(bench, "You like {{ customer.said_interest or 'much' }} and {{ customer.said_remark or 'more' }}")) == number
    assert len([each for each in seen if "stated_preference" in each]) == 1
