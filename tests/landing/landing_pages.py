"""A campaign with one message to one customer, and the pages that it leads to; a plugin of the tests beside it."""

import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from contactflow.pages_role import role_sql
from customers.contact_log import Kind
from customers.tables import Contact, Customer
from engine.language.faults import Fault
from engine.links import Links
from engine.tables import Campaign, FlowVersion, Member, OutboxMessage
from landing.app import landing_app, landing_server
from landing.offered import TOPIC
from landing.patience import PatientProtocol
from landing.responses import PATIENCE_SECONDS, CustomerResponse
from landing.settings import LandingSettings
from store.clock import FixedClock
from store.session import open_database, reading, writing
from store.tokens import Signer

KEY = b"a key for nothing but tests"
BASE = "http://pages.test"
BROWSER = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
CODE = "7K3QX-9MPTY"
CHOICE = {"interest": "cooking"}
PRESENT = "WELCOME-5"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FLOW = """
campaign: winback
title: Win back lapsed customers
purpose: offers
page: {page}
flow:
  lapsed: {{audience: everyone}}
"""
PAGE = """
title: Welcome
greeting: "Hello {{ customer.first_name | default('there') }},"
form:
  interest:
    choice: What would you like, {{ customer.first_name | default('reader') }}?
    options: {fresh: Fruit, cooking: Cooking}
    required: yes
  score: {scale: How are we doing?}
  remark: {long_text: What else?}
  mail: {email: Where do we write to?}
  call: {phone: Where do we call?}
  news: {checkbox: Send me news}
  town: {text: Where do you live?}
thanks:
  title: Thanks
  voucher: WELCOME-5
"""


class People(NamedTuple):
    """Row numbers of what the tests speak of."""

    customer_id: int
    member_id: int
    message_id: int


class Pages(NamedTuple):
    """A browser at the landing pages, and what lies behind them."""

    browser: httpx.Client
    database: Engine
    people: People
    links: Links
    clock: FixedClock
    heard: list[CustomerResponse]
    settings: LandingSettings

    def path(self, purpose: str = "page", message_id: int | None = None) -> str:
        """The path of a link of the message."""
        expires = self.clock.now() + timedelta(days=30)
        return self.links.for_message(message_id or self.people.message_id, expires)[purpose].removeprefix(BASE)

    def contacts(self, kind: Kind | None = None) -> list[Contact]:
        """The contact log, or one kind of contact in it."""
        with reading(self.database) as session:
            rows = session.exec(select(Contact).order_by(col(Contact.id))).all()
            session.expunge_all()
            return [row for row in rows if kind is None or row.kind == kind.value]

    def forget_purpose(self) -> None:
        """Make the campaign one that names no purpose."""
        with writing(self.database) as session:
            version = session.exec(select(FlowVersion)).one()
            version.source = version.source.replace("purpose: offers\n", "")

    def member(self) -> Member:
        """The member as it stands now."""
        with reading(self.database) as session:
            member = session.exec(select(Member).where(Member.id == self.people.member_id)).one()
            session.expunge_all()
            return member


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "winback").mkdir(parents=True)
    (folder / "winback/page.yaml").write_text(PAGE)
    shutil.copy(Path("templates/winback/welcome.svg"), folder / "winback/welcome.svg")
    return folder


@pytest.fixture
def settings(templates: Path) -> LandingSettings:
    return LandingSettings(BASE, templates, (KEY,), ZoneInfo("Europe/Amsterdam"), "en", "Groenhof", "Markt 1, Utrecht")


@pytest.fixture
def people(database: Engine, clock: FixedClock) -> People:
    with writing(database) as session:
        return add_people(session, clock)


@pytest.fixture
def patience() -> float:
    """Seconds that a page waits for a row which somebody else is changing."""
    return PATIENCE_SECONDS


@pytest.fixture
def as_pages(database: Engine, settings: LandingSettings, patience: float) -> Iterator[Engine]:
    """The database as the pages reach it: in PostgreSQL under a role of their own, which a feature that needs more has to be given."""
    if database.dialect.name == "sqlite":
        yield database
        return
    role = f"pages_{uuid4().hex[:12]}"
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32))")
    execute(database, role_sql(role, [TOPIC + name for name in settings.offered.topics]))
    limited = open_database(database.url.set(username=role).render_as_string(hide_password=False), patience)
    yield limited
    limited.dispose()
    execute(database, f"DROP OWNED BY {role}; DROP ROLE {role};")


def execute(database: Engine, sql: str) -> None:
    """Carry out several statements at once, on PostgreSQL."""
    with closing(database.raw_connection()) as connection:
        connection.cursor().execute(sql)
        connection.commit()


@pytest.fixture
def protocol() -> type[PatientProtocol]:
    """How patient the server of the pages is; tests that wait for its end are given one in a hurry."""
    return PatientProtocol


@pytest.fixture
def pages(
    database: Engine,
    as_pages: Engine,
    people: People,
    settings: LandingSettings,
    clock: FixedClock,
    protocol: type[PatientProtocol],
) -> Iterator[Pages]:
    heard: list[CustomerResponse] = []
    app = landing_app(as_pages, settings, clock, heard.append)
    # Over plain HTTP: reading the certificates of the whole world would take longer than most of these tests.
    with served(app, protocol) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER}, verify=False) as browser:
        yield Pages(browser, database, people, Links(BASE, Signer([KEY])), clock, heard, settings)


def untold(faults: Sequence[Fault], said: Sequence[str]) -> list[str]:
    """What faults do not say although they should: each of these texts, and what to do about every one."""
    told = "\n".join(fault.render() for fault in faults)
    return [part for part in said if part not in told] + [fault.message for fault in faults if not fault.remedy]


@contextmanager
def served(app: FastAPI, protocol: type[PatientProtocol] = PatientProtocol) -> Iterator[str]:
    """The application behind a real server on a free port; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = landing_server(app, "127.0.0.1", 0, protocol)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def add_people(session: Session, clock: FixedClock, *, page: str = "winback/page.yaml", language: str = "en") -> People:
    """One customer who waits for an answer to one message."""
    now = clock.now()
    customer = Customer(key="c1", first_name="Anna", country="NL", language=language, created_at=now, changed_at=now)
    version = FlowVersion(campaign="winback", version="0123456789ab", stored_at=now, source=FLOW.format(page=page))
    campaign = Campaign(name="winback", started_at=now)
    session.add_all([customer, version, campaign])
    session.flush()
    assert customer.id
    assert version.id
    assert campaign.id
    member = Member(
        campaign_id=campaign.id, version_id=version.id, customer_id=customer.id, entered_at=now, node="answer", arrived_at=now,
        deadline_at=now + timedelta(days=5), due_at=now + timedelta(days=5), fresh=False,
    )  # fmt: skip
    session.add(member)
    session.flush()
    assert member.id
    message = OutboxMessage(
        member_id=member.id, version_id=version.id, customer_id=customer.id, node="mail", entry=1, hop=1, channel="email", arm="personal",
        state="sent", queued_at=now, due_at=now, stale_at=now, code=CODE,
    )  # fmt: skip
    session.add(message)
    session.flush()
    assert message.id
    return People(customer.id, member.id, message.id)
