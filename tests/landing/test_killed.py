"""Pages that are killed while people answer: what was thanked for is kept, once, in its order. tests/chaos does it for longer."""

import random

from sqlalchemy import Engine

from tests.chaos.kill_pages import Proof, tried


def test_no_answer_that_was_thanked_for_is_lost_or_doubled_by_kills(database: Engine) -> None:
    proof = tried(database, people=6, kills=3, chance=random.Random(5))
    assert proof.faults() == []
    assert sum(proof.thanked.values()) >= 9


def test_the_proof_sees_what_is_lost_doubled_or_out_of_order() -> None:
    for logged in ([0, 2], [0, 1, 1], [1, 0], [], [0, 1, 2, 3]):
        assert len(Proof({7: 2}, {7: logged}, 0).faults()) == 1
    for logged in ([0, 1], [0, 1, 2]):
        assert Proof({7: 2}, {7: logged}, 0).faults() == []
