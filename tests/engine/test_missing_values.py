"""What a customer lacks costs at most that customer's own message, and the flow says what stands in for it."""

import json

import numpy as np
import pytest
from sqlalchemy import text

from engine.composition import Composer
from engine.explain import explain
from engine.sent import sent_message
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = """
  in: {{audience: everyone}}
  mail: {{send: email, subject: Hi, template: words.txt{more}}}
  won: {{goal: buys}}
"""


def nameless(bench: Bench) -> Bench:
    """Five people, of whom the second has no first name."""
    (bench.workspace.templates / "words.txt").write_text("Dear {{ customer.first_name }}, see {{ links.page }}")
    (bench.workspace.templates / "spare.txt").write_text("Good day")
    bench.people(5)
    with writing(bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET first_name = NULL WHERE id = 2"))
    return bench


def texts(bench: Bench) -> dict[str, str]:
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    return {line["address"]: line["parts"]["text"] for line in lines}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", None),
        (", if_missing: {first_name: friend}", "Dear friend, see"),
        (", spare_template: spare.txt", "Good day"),
        (", if_missing: {last_name: friend}, spare_template: spare.txt", "Good day"),
        (", if_missing: {first_name: friend}, spare_template: spare.txt", "Dear friend, see"),
    ],
)
def test_whoever_lacks_something_gets_what_the_flow_says_and_nobody_else_does(bench: Bench, more: str, said: str | None) -> None:
    versions = nameless(bench).start(FLOW.format(more=more))
    assert bench.carry_out(versions) == []
    seen = texts(bench)
    assert len(seen) == (4 if said is None else 5)
    assert all(seen[f"c{n}@example.com"].startswith(f"Dear Name{n}, see") for n in (1, 3, 4, 5))
    if said:
        assert seen["c2@example.com"].startswith(said)
    else:
        found = explain(versions[0], "c2", NOON).findings
        assert any("customer.first_name has no value" in each.text or each.reason == "not_composed" for each in found)


def test_a_message_with_stand_ins_is_shown_again_as_it_was_sent(bench: Bench) -> None:
    versions = nameless(bench).start(FLOW.format(more=", if_missing: {first_name: friend}, spare_template: spare.txt"))
    bench.carry_out(versions)
    with reading(bench.workspace.database) as session:
        number = session.execute(text("SELECT id FROM outbox WHERE customer_id = 2")).scalar_one()
    assert sent_message(bench.workspace, number).content.parts["text"] == texts(bench)["c2@example.com"]


def test_a_rehearsal_gives_the_words_that_leave(bench: Bench) -> None:
    versions = nameless(bench).start(FLOW.format(more=", if_missing: {first_name: friend}"))
    with reading(bench.workspace.database) as session:
        ids = session.execute(text("SELECT id FROM customer ORDER BY id")).scalars().all()
        rehearsed = Composer(versions[0], "mail").rehearse(session, np.array(ids, np.int64), NOON)
    assert [each.stood_in for each in rehearsed] == [(), ("first_name",), (), (), ()]
    assert [each.values["customer"]["first_name"] for each in rehearsed] == ["Name1", "friend", "Name3", "Name4", "Name5"]


def test_a_template_may_ask_which_segment_somebody_is_in(bench: Bench) -> None:
    bench.workspace.segments["early"] = "key <= 'c2'"  # type: ignore[index]  # a dict in the bench
    nameless(bench)
    (bench.workspace.templates / "words.txt").write_text("{% if segment == 'early' %}Early{% else %}{{ segment or 'Late' }}{% endif %}")
    bench.carry_out(bench.start(FLOW.format(more="")))
    assert texts(bench) == {f"c{n}@example.com": "Early" if n < 3 else "Late" for n in range(1, 6)}
