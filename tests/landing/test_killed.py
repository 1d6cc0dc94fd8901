"""Pages that are killed while people answer: what was thanked for is kept, once, in its order. tests/chaos does it for longer."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlmodel import SQLModel, select

from benchmarks.landing_pages import insert_people
from customers.contact_log import Kind
from customers.tables import Contact
from engine.links import Links
from store.session import reading, writing
from store.tokens import Signer
from tests.chaos.kill_pages import BROWSER, Proof, pages_again, tried
from tests.chaos.pages import KEY
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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what waits lies in a file, whichever database it is
def test_clicks_that_were_not_judged_yet_outlive_a_kill_and_are_judged_by_the_next(database: Engine, tmp_path: Path) -> None:
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        insert_people(session, 3)
    links = [
        Links("http://pages.test", Signer([KEY])).link("click", number, None).removeprefix("http://pages.test") for number in (1, 2, 3)
    ]
    with pages_again(database, tmp_path / "waiting") as (address, child):
        number = child()
        for link in links:
            assert httpx.get(f"{address}{link}/1", headers={"user-agent": BROWSER, "accept-language": "nl"}).status_code == 302
        os.kill(number, signal.SIGKILL)
        child()
        assert httpx.get(f"{address}/", timeout=60).status_code == 200
        waited_for(lambda: len(clicks(database)) == 3)
        waited_for(lambda: [file.read_bytes() for file in (tmp_path / "waiting").iterdir()] == [b""])
    assert clicks(database) == [(1, True), (2, True), (3, True)]


def waited_for(is_so: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(1_000):
        if is_so() or pause.wait(0.02):
            return
    raise AssertionError("waited in vain")


def clicks(database: Engine) -> list[tuple[int | None, bool]]:
    with reading(database) as session:
        rows = session.exec(select(Contact.message_id, Contact.human).where(Contact.kind == Kind.CLICKED.value))
        return sorted((message, human) for message, human in rows)
