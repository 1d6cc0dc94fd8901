"""A voucher of a message's own: given once, and tied to the purchase that it comes back with."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from channels.contract import Message, Outcome, Receipt
from channels.fake import FakeChannel
from customers.consent import Source
from customers.importing.results import ImportResult
from customers.tables import CustomerId
from customers.vouchers import as_code, codes_for, given_in
from engine.counting import standing
from engine.erasure import erase
from engine.explain import explain
from store.session import reading, writing
from store.tokens import new_code
from tests.conftest import NOON
from tests.customers.importing_cases import bring_in, order
from tests.engine.conftest import Bench, MakeBench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
CODE = re.compile(r"[0-9A-Z]{5}-[0-9A-Z]{5}")


def send(bench: Bench, people: int) -> dict[str, str]:
    """Send everybody a message with a voucher; gives the code by address."""
    bench.people(people)
    (bench.workspace.templates / "words.txt").write_text("5 euro off with {{ voucher }}")
    bench.carry_out(bench.start(MAIL))
    return shown(bench)


def shown(bench: Bench) -> dict[str, str]:
    lines = [json.loads(line) for line in bench.record.read_text().splitlines()]
    return {line["address"]: CODE.findall(json.dumps(line))[-1] for line in lines}


def bought(bench: Bench, folder: Path, *rows: str, header: str = "customer,voucher,order,date,amount") -> ImportResult:
    return bring_in(bench.workspace.database, order(folder, "purchases", "\n".join([header, *rows])))


def logged(bench: Bench) -> list[tuple[Any, ...]]:
    query = "SELECT customer_id, campaign, node, message_id, detail FROM contact WHERE kind = 'redeemed' ORDER BY key"
    with reading(bench.workspace.database) as session:
        found: Sequence[Any] = session.execute(text(query)).all()
    return [(*row[:4], json.loads(row[4])["purchase"]) for row in found]


def test_everybody_has_a_voucher_of_their_own_that_names_their_message(bench: Bench) -> None:
    codes = send(bench, 3)
    assert len(set(codes.values())) == 3
    with reading(bench.workspace.database) as session:
        kept = session.execute(
            text("SELECT v.code, o.address, v.node, v.campaign FROM voucher v JOIN outbox o ON o.id = v.message_id")
        ).all()
    assert {row.address: row.code for row in kept} == codes
    assert {(row.campaign, row.node) for row in kept} == {("test", "mail")}


def test_a_message_that_is_tried_again_keeps_its_voucher(make_bench: MakeBench) -> None:
    tried: list[str] = []

    def moody(message: Message) -> Receipt:
        tried.append(CODE.findall(str(message.content.parts))[-1])
        return Receipt(message.key, Outcome.TEMPORARY if len(tried) == 1 else Outcome.ACCEPTED)

    bench = make_bench(FakeChannel("email", ("email",), script=moody))
    bench.people(1)
    (bench.workspace.templates / "words.txt").write_text("{{ voucher }}")
    versions = bench.start(MAIL)
    bench.carry_out(versions)
    bench.carry_out(versions, NOON + timedelta(hours=1))
    assert len(tried) == 2
    assert tried[0] == tried[1]


def test_a_purchase_with_a_voucher_is_tied_to_its_message_once(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 2)
    typed = codes["c2@example.com"].replace("-", " ").lower()
    row = f"c2,{typed},A1,2026-03-05 10:00,20.00"
    assert bought(bench, tmp_path, row).new == 1
    assert bought(bench, tmp_path, row).unchanged == 1
    assert logged(bench) == [(2, "test", "mail", _message_of(bench, 2), "A1")]
    running = bench.start(MAIL)[0]
    told = [finding.text for finding in explain(running, "c2", NOON + timedelta(days=9)).findings]
    assert "the voucher of the message was used for purchase 'A1'" in told
    assert standing(bench.workspace, "test").came_back == {("redeemed", True): 1}


def test_a_purchase_of_nobody_belongs_to_whoever_got_the_voucher(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 2)
    result = bought(
        bench, tmp_path, f",{codes['c1@example.com']},A1,2026-03-05,20.00", ",SUMMER10,A2,2026-03-05,30.00", ",,A3,2026-03-05,9.00"
    )
    assert (result.new, result.rejected) == (1, 2)
    assert [(reason.reason, reason.times) for reason in result.reasons] == [("the cell is empty", 2)]
    assert [row[0] for row in logged(bench)] == [1]
    with reading(bench.workspace.database) as session:
        assert [tuple(row) for row in session.execute(text("SELECT customer_id, key FROM purchase"))] == [(1, "A1")]


def test_a_voucher_that_was_passed_on_tells_of_its_message_and_the_purchase_stays_with_the_buyer(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 2)
    bought(bench, tmp_path, f"c2,{codes['c1@example.com']},A1,2026-03-05,20.00", f"c9,{codes['c1@example.com']},A2,2026-03-05,20.00")
    assert [(row[0], row[-1]) for row in logged(bench)] == [(1, "A1")]  # c9 is nobody whom we know: not taken for c1
    with reading(bench.workspace.database) as session:
        assert session.execute(text("SELECT customer_id FROM purchase")).scalars().all() == [2]


def test_the_voucher_of_somebody_who_was_erased_is_left_out_and_counts_nothing_twice(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 2)
    rows = [f"{who},{codes['c1@example.com']},{key},2026-03-05,20.00" for who, key in (("", "A1"), ("c2", "A2"))]
    bought(bench, tmp_path, *rows)
    with writing(bench.workspace.database) as session:
        assert erase(session, CustomerId(1), NOON, Source.PAGE)
    result = bought(bench, tmp_path, *rows)
    assert (result.new, result.unchanged, result.erased, result.rejected) == (0, 1, 1, 0)
    with reading(bench.workspace.database) as session:
        assert sum(each.purchases for each in given_in(session, "test")) == 2
        assert session.execute(text("SELECT customer_id FROM purchase ORDER BY id")).scalars().all() == [1, 2]


def test_a_voucher_that_comes_later_than_its_purchase_is_tied_to_it(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 1)
    bought(bench, tmp_path, "c1,A1,2026-03-05,20.00", header="customer,order,date,amount")
    assert not logged(bench)
    assert bought(bench, tmp_path, f"c1,{codes['c1@example.com']},A1,2026-03-05,20.00").unchanged == 1
    assert [row[-1] for row in logged(bench)] == ["A1"]


def test_the_list_for_the_shop_says_what_each_was_used_for(bench: Bench, tmp_path: Path) -> None:
    codes = send(bench, 2)
    bought(bench, tmp_path, *(f"c1,{codes['c1@example.com']},{order_},2026-03-05,20.00" for order_ in ("A1", "A2")))
    with reading(bench.workspace.database) as session:
        found = {each.code: each.purchases for each in given_in(session, "test")}
        assert given_in(session, "another") == []
    assert found == {codes["c1@example.com"]: 2, codes["c2@example.com"]: 0}


@pytest.mark.parametrize("typed", ["SUMMER10", "10% off", "7K3QX-9MPTZ"])
def test_what_a_shop_made_itself_stays_as_it_is(typed: str) -> None:
    assert as_code(typed) == typed


def test_a_new_code_is_nobody_elses(bench: Bench) -> None:
    codes = send(bench, 1)

    class Repeating(Random):
        """Draws the code that was given out first, and then others."""

        drawn = 0

        def randrange(self, *about: Any, **more: Any) -> int:
            self.drawn += 1
            given = codes["c1@example.com"].replace("-", "")
            return _PLACES.index(given[self.drawn - 1]) if self.drawn <= 9 else super().randrange(*about, **more)

    assert new_code(Repeating(1)) == codes["c1@example.com"]
    with reading(bench.workspace.database) as session:
        (other,) = codes_for(session, [10**6], Repeating(1))
    assert other != codes["c1@example.com"]


_PLACES = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _message_of(bench: Bench, customer_id: int) -> int:
    with reading(bench.workspace.database) as session:
        return int(session.execute(text("SELECT id FROM outbox WHERE customer_id = :id"), {"id": customer_id}).scalar_one())
