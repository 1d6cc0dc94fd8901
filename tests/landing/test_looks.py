"""Looking at a page asks once, over a connection that is open already; and what is open may be lost, held or out of date."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, select, text
from sqlmodel import SQLModel
from starlette.responses import PlainTextResponse, Response

from customers.tables import Customer, table_of
from landing.glances import glance_at
from landing.looks import Ask, Looks, Question, _MissedError
from landing.routes import PageRoute
from landing.site import Form
from store.clock import FixedClock
from store.session import open_database, writing
from tests.landing.landing_pages import People

NAMES = Question(select(table_of(Customer).c.first_name))


def test_an_attribute_that_is_new_is_read_by_whoever_looks_already(database: Engine, people: People) -> None:
    looks = Looks(database, 5)
    for _ in range(8):  # PostgreSQL has prepared it by then
        glance = glance_at(looks.ask, people.message_id, "x")
        assert glance
        assert "source" not in glance.recipient.attributes
    with writing(database) as session:
        session.execute(text("ALTER TABLE profile ADD COLUMN source TEXT"))
        session.execute(text("ALTER TABLE profile ADD COLUMN is_logged TEXT"))
        session.execute(text(f"INSERT INTO profile (customer_id, source, is_logged) VALUES ({people.customer_id}, 'fair', 'yes')"))
    glance = glance_at(looks.ask, people.message_id, "x")
    assert glance
    assert (glance.recipient.attributes["source"], glance.recipient.campaign, glance.is_logged) == ("fair", "winback", False)
    looks.close()


def test_looking_changes_nothing(database: Engine, people: People) -> None:
    looks, forgets = Looks(database, 5), Question(text("UPDATE customer SET first_name = 'x'"))  # type: ignore[arg-type]  # no question at all
    assert people
    with pytest.raises(_MissedError) as refused:
        looks._at_once(forgets, {})
    assert "read" in str(refused.value.__cause__)
    looks.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_was_lost_is_not_noticed(database: Engine, people: People, postgres: str) -> None:
    looks, admin = Looks(database, 5), create_engine(postgres + "postgres", isolation_level="AUTOCOMMIT")
    assert people
    assert looks.ask(NAMES, {}).rows[0][0] == "Anna"
    with admin.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": database.url.database}
        )
    assert looks.ask(NAMES, {}).rows[0][0] == "Anna"
    admin.dispose()
    looks.close()


def test_a_database_that_is_held_is_waited_for_in_a_thread(tmp_path: Path, clock: FixedClock) -> None:
    database, begun = open_database(f"sqlite:///{tmp_path / 'held.db'}", 20), list[Ask]()
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        session.add(Customer(key="c1", first_name="Anna", created_at=clock.now(), changed_at=clock.now()))
    database.dispose()
    looks = Looks(database, 20)
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")

        def work(ask: Ask) -> str:
            begun.append(ask)
            if len(begun) == 2:
                holder.close()
            name: str = ask(NAMES, {}).rows[0][0]
            return name

        assert asyncio.run(looks.found(work)) == "Anna"
    assert len(begun) == 2
    looks.close()
    database.dispose()


def test_a_function_gets_what_it_asks_for_and_fastapi_calls_the_others() -> None:
    app = FastAPI()
    app.router.route_class = PageRoute

    def ours(name: str, number: int, typed: Form, request: Request) -> Response:
        return PlainTextResponse(f"{name} {number + 1} {typed['a']} {request.method}")

    async def waits(name: str) -> Response:
        return PlainTextResponse(name)

    def theirs(name: str, number: int, more: str = "none") -> Response:
        return PlainTextResponse(f"{name} {number + 1} {more}")

    app.add_api_route("/ours/{name}/{number:int}", ours, methods=["POST"], response_model=None)
    app.add_api_route("/waits/{name}", waits, response_model=None)
    app.add_api_route("/theirs/{name}/{number}", theirs, response_model=None)
    browser = TestClient(app)
    assert browser.post("/ours/x/1", data={"a": "b"}).text == "x 2 b POST"
    assert browser.get("/waits/y").text == "y"
    assert browser.get("/theirs/x/1?more=m").text == "x 2 m"
    assert browser.get("/theirs/x/one").status_code == 422
