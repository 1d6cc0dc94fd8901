"""Pages that are killed while people answer: what was thanked for is kept, once, in its order. tests/chaos does it for longer."""

import random

import pytest
from sqlalchemy import Engine, create_engine, text

from customers.contact_log import Kind
from tests.chaos.kill_pages import Proof, tried
from tests.landing.landing_pages import CHOICE, Pages


def test_no_answer_that_was_thanked_for_is_lost_or_doubled_by_kills(database: Engine) -> None:
    proof = tried(database, people=6, kills=3, chance=random.Random(5))
    assert proof.faults() == []
    assert sum(proof.thanked.values()) >= 9


def test_the_proof_sees_what_is_lost_doubled_or_out_of_order() -> None:
    for logged in ([0, 2], [0, 1, 1], [1, 0], [], [0, 1, 2, 3]):
        assert len(Proof({7: 2}, {7: logged}, 0).faults()) == 1
    for logged in ([0, 1], [0, 1, 2]):
        assert Proof({7: 2}, {7: logged}, 0).faults() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite's cases: tests/test_together.py and test_privacy.py
def test_while_postgresql_is_away_nothing_is_thanked_for_and_it_goes_on_by_itself_afterwards(pages: Pages, postgres: str) -> None:
    assert pages.browser.post(pages.path(), data=CHOICE).status_code == 303
    name, admin = pages.database.url.database, create_engine(postgres + "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name})
        away = pages.browser.post(pages.path(), data={"interest": "fresh"})
        assert (away.status_code, away.headers["retry-after"]) == (503, "60")
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    admin.dispose()
    assert pages.browser.post(pages.path(), data={"interest": "fresh"}).status_code == 303
    assert [row.detail["answers"]["interest"] for row in pages.contacts(Kind.ANSWERED)] == ["cooking", "fresh"]
