"""The pages' own role in PostgreSQL does all that the pages do, and nothing else."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from psycopg.errors import InsufficientPrivilege, WithCheckOptionViolation
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel
from typer.testing import CliRunner

from contactflow.commands import app as commands
from contactflow.migrations import HEAD, bring_up_to_date, have_tables
from contactflow.pages_role import EVERY, RIGHTS, role_sql, shown_attributes
from customers.contact_log import Kind
from engine.links import Links
from engine.tables import StoredWording
from landing.app import landing_app
from landing.settings import LandingSettings
from store.clock import FixedClock
from store.errors import InputError, StorageError
from store.session import open_database, writing
from store.tokens import Signer
from tests.contactflow.conftest import make_workspace
from tests.contactflow.test_serve import free_port, wait_for
from tests.landing.landing_pages import BASE, BROWSER, CHOICE, CODE, KEY, Pages, add_people, served, settings, templates  # noqa: F401  # fixtures

FORBIDDEN = (
    "SELECT * FROM purchase",
    "SELECT * FROM public.exposure",
    "INSERT INTO public.exposure (member_id, node, campaign_id, customer_id, version, arm, at) VALUES (1, 'mail', 1, 1, 'v', 'a', 0)",
    "SELECT * FROM programme",
    "SELECT * FROM campaign",
    "SELECT node FROM member",
    "SELECT income FROM public.profile",
    "SELECT household FROM public.profile",
    "SELECT claim FROM outbox",
    "SELECT campaign, arm FROM contact",
    "UPDATE contact SET human = false",
    "DELETE FROM contact",
    "UPDATE consent_event SET granted = true",
    "DELETE FROM consent_event",
    "DELETE FROM consent",
    "UPDATE customer SET email = 'x'",
    "INSERT INTO customer (key, created_at, changed_at) VALUES ('x', 0, 0)",
    "INSERT INTO outbox (node) VALUES ('x')",
    "UPDATE outbox SET address = 'x'",
    "UPDATE member SET node = 'x'",
    "CREATE TABLE public.mine (id integer)",
    "CREATE TABLE pages.mine (id integer)",
    "ALTER TABLE profile ADD COLUMN mine integer",
    "SELECT pg_read_file('/etc/hostname')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SET ROLE postgres",
)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    owner = open_database(postgres + "postgres")
    name = f"t{uuid4().hex[:16]}"
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield postgres + name
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    owner.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url)
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE profile ADD COLUMN household text, ADD COLUMN income integer")
    yield engine
    engine.dispose()


@pytest.fixture
def role(database: Engine) -> Iterator[str]:
    """A role of the pages that reads one attribute of the two."""
    name = f"pages_{uuid4().hex[:8]}"
    run(database, role_sql(name, ["household"]))
    yield name
    run(database, f"DROP OWNED BY {name}; DROP ROLE {name};")


@pytest.fixture
def limited(database_url: str, role: str) -> Iterator[Engine]:
    engine = open_database(as_role(database_url, role))
    yield engine
    engine.dispose()


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string(hide_password=False)


def run(database: Engine, sql: str) -> None:
    connection = database.raw_connection()
    try:
        connection.cursor().execute(sql)
        connection.commit()
    finally:
        connection.close()


@pytest.fixture
def pages(database: Engine, limited: Engine, settings: LandingSettings, clock: FixedClock) -> Iterator[Pages]:  # noqa: F811  # the fixture
    """Pages that reach the database as their own role; what the tests look at, they see as its owner."""
    with writing(database) as session:
        people = add_people(session, clock)
    app = landing_app(limited, replace(settings, forms_a_link=10**6), clock, lambda _: None)
    with served(app) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER, "accept-language": "en"}) as browser:
        yield Pages(browser, database, people, Links(BASE, Signer([KEY])), clock, [], settings)
        app.state.traces.settle()


def test_every_page_works_under_the_role(pages: Pages) -> None:
    at, answers = pages.path, []
    answers += [pages.browser.get(at()), pages.browser.post(at(), data=CHOICE), pages.browser.get(f"{at()}/thanks")]
    answers += [pages.browser.post("/c", data={"code": CODE}), pages.browser.post("/c", data={"code": "AAAAA-AAAAA"})]
    answers += [pages.browser.get(at("opt_out")), pages.browser.post(at("opt_out"), data={"scope": "all"})]
    answers += [pages.browser.get(at("one_click")), pages.browser.post(at("one_click"), data=ONE_CLICK)]
    assert [answer.status_code for answer in answers] == [200, 303, 200, 303, 422, 200, 200, 303, 200]
    assert {contact.kind for contact in pages.contacts()} == {Kind.VISITED.value, Kind.ANSWERED.value, Kind.OPTED_OUT.value}
    assert pages.member().due_at == pages.clock.now()


def test_followed_links_and_opened_mails_are_counted_under_the_role(pages: Pages) -> None:
    with writing(pages.database) as session:
        session.add(StoredWording(id=1, digest="1", channel="email", source=b""))
        session.flush()
        session.connection().execute(text("UPDATE outbox SET wording_id = 1, merged = '{}'"))
    links = pages.links.followed(pages.people.message_id)
    assert pages.browser.get(links["open"].removeprefix(BASE)).status_code == 200
    wait_for(lambda: bool(pages.contacts(Kind.OPENED)), "the opening to be written down")


def test_what_the_pages_do_not_need_is_refused(limited: Engine) -> None:
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError) as caught, limited.begin() as connection:
            connection.exec_driver_sql(statement)
        assert isinstance(caught.value.orig, InsufficientPrivilege), statement


def test_the_pages_assign_nobody_at_a_node(limited: Engine) -> None:
    values = "VALUES (1, 'mail', 1, 1, 'v', 'a', 0)"
    with pytest.raises(ProgrammingError) as caught, limited.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO exposure (member_id, node, campaign_id, customer_id, version, arm, at) {values}")
    assert isinstance(caught.value.orig, WithCheckOptionViolation)


def test_what_the_pages_show_is_read_and_what_they_are_told_is_kept(limited: Engine, database: Engine, clock: FixedClock) -> None:
    with writing(database) as session:
        customer = add_people(session, clock).customer_id
    with limited.begin() as connection:
        mine = f"INSERT INTO profile (customer_id, household) VALUES ({customer}, 'two') "
        connection.exec_driver_sql(mine + "ON CONFLICT (customer_id) DO UPDATE SET household = excluded.household")
        rows = connection.exec_driver_sql("SELECT * FROM profile").mappings().all()
    assert [dict(row) for row in rows] == [{"customer_id": customer, "household": "two"}]


def test_rights_name_tables_and_columns_that_there_are() -> None:
    tables = SQLModel.metadata.tables
    for name, rights in RIGHTS.items():
        named = {*rights.reads, *rights.changes} - set(EVERY)
        assert name == "alembic_version" or named <= set(tables[name].columns.keys()), name


def test_the_sql_may_be_run_again_and_takes_away_what_is_no_longer_named(database: Engine, role: str, limited: Engine) -> None:
    run(database, role_sql(role, ["income"]))
    with limited.begin() as connection:
        assert connection.exec_driver_sql("SELECT * FROM profile").keys() == ["customer_id", "income"]


@pytest.mark.parametrize("name", ["", "Pages", "pages; DROP TABLE customer", "1pages", "p" * 64])
def test_a_name_that_would_need_quotes_is_no_role(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a role"):
        role_sql(name, [])


def test_only_attributes_that_a_page_file_names_are_shown(tmp_path: Path) -> None:
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring/page.yaml").write_text("title: Hello\nintro: For {{ customer.household | default('you') }}\n")
    (tmp_path / "spring/mail.mjml").write_text("{{ customer.income }}")
    assert shown_attributes(tmp_path, ["household", "income", "house"]) == ["household"]


def test_tables_of_another_version_are_told_of_and_not_touched(database: Engine, limited: Engine) -> None:
    have_tables(limited)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    with pytest.raises(StorageError, match="pages-role"):
        have_tables(limited)
    with database.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0005" < HEAD


def test_pages_are_served_under_the_role_by_a_command_that_writes_no_file_but_clicks_that_wait(
    tmp_path: Path, database: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, port, name = make_workspace(tmp_path / "shop"), free_port(), f"pages_{uuid4().hex[:8]}"
    run(database, CliRunner().invoke(commands, ["pages-role", name, "-w", str(root)], catch_exceptions=False).stdout)
    monkeypatch.setenv("CONTACTFLOW_DATABASE_URL", as_role(database_url, name))
    monkeypatch.setenv("CONTACTFLOW_SECRET_KEY", KEY.decode())
    before = files(root)
    serve = [sys.executable, "-m", "contactflow.cli", "serve", "--pages-only", "--port", str(port), "-w", str(root)]
    server = subprocess.Popen(serve, stderr=subprocess.PIPE, text=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(address), "the pages")
        assert re.search("code", httpx.get(address).text)
        assert httpx.post(f"{address}/c", data={"code": CODE}).status_code == 422
        assert files(root) == before
    finally:
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=60)
        run(database, f"DROP OWNED BY {name}; DROP ROLE {name};")
    assert "Traceback" not in said


def files(root: Path) -> dict[str, int]:
    """The files of a workspace and when each was written, without the clicks that wait to be judged: they may be kept, and need not be."""
    return {str(path): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file() and path.suffix != ".waiting"}


def answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False
