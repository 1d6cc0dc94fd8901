"""From a form that a stranger fills in to the welcome, over real HTTP and SMTP, with the campaign that a new workspace has."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from contactflow.bootstrap import inbox_at_hand, landing_settings, open_desk, open_workspace, secrets_of
from contactflow.checking import check_context, check_one
from contactflow.requesting import Requests
from contactflow.settings import read_settings
from contactflow.starting import make_workspace
from customers.tables import ConsentEvent, Customer, table_of
from engine.campaigns import open_versions, start
from engine.wave import carry_out
from engine.workspace import Workspace
from landing.app import landing_app
from store.clock import FixedClock
from store.session import open_database, reading
from studio.inbox.records import Mail, list_mails, read_mail
from tests.conftest import NOON
from tests.landing.landing_pages import BROWSER, served


class Shop:
    """A workspace whose pages are open, and who carries out what was asked for and what is due."""

    def __init__(self, root: Path, workspace: Workspace, browser: httpx.Client, clock: FixedClock, heard: list[object]) -> None:
        self.root, self.workspace, self.browser, self.clock, self._heard = root, workspace, browser, clock, heard

    def tick(self) -> None:
        """What `serve` does when something came in; nothing, when nobody told it."""
        assert self._heard, "nobody told that something came in"
        self._heard.clear()
        Requests(self.workspace).look(self.clock.now())
        with open_desk(self.workspace, self.clock) as desk:
            assert carry_out(open_versions(self.workspace, "newsletter"), self.clock.now(), desk) == []

    @property
    def mails(self) -> list[Mail]:
        """What the inbox has taken, the first first."""
        database = open_database(f"sqlite:///{self.root / 'inbox.db'}")
        with reading(database) as session:
            found = [read_mail(session, each.id) for each in reversed(list_mails(session, "", 1).mails)]
        database.dispose()
        return [each for each in found if each]


@pytest.fixture
def shop(tmp_path: Path, database_url: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("CONTACTFLOW_DATABASE_URL", database_url)
    root, heard = tmp_path / "shop", list[object]()
    make_workspace(root)
    flow = root / "flows" / "newsletter.yaml"
    with ExitStack() as stack:
        stack.enter_context(inbox_at_hand(root))
        workspace = stack.enter_context(open_workspace(root))
        start(workspace, check_one(flow, check_context(root)).require(), flow.read_text(), NOON)
        settings = landing_settings(root, read_settings(root), secrets_of(root))
        app = landing_app(workspace.database, settings, clock, heard.append, lambda: heard.append("request"))
        address = stack.enter_context(served(app))
        browser = stack.enter_context(httpx.Client(base_url=address, headers={"user-agent": BROWSER, "accept-language": "nl"}))
        yield Shop(root, workspace, browser, clock, heard)


def test_a_stranger_joins_confirms_and_is_welcomed_in_their_language(shop: Shop) -> None:
    form = shop.browser.get("/join/newsletter").text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    typed = hidden | {"email": "Ann@Example.com", "first_name": "Ann"}
    assert "Kijk in je mailbox" in shop.browser.post("/join/newsletter", data=typed, follow_redirects=True).text
    shop.tick()
    [asking] = shop.mails
    assert (asking.recipient, asking.subject) == ("ann@example.com", "Was jij dit?")
    [link] = set(re.findall(r"https?://[^/\s]+(/j/[\w.-]+)", asking.raw.decode().replace("=\r\n", "")))
    shop.clock.put(NOON + timedelta(days=1))
    assert "Ja, meld me aan" in shop.browser.get(link).text
    assert "Je bent aangemeld" in shop.browser.post(link, follow_redirects=True).text
    shop.tick()
    assert [mail.subject for mail in shop.mails] == ["Was jij dit?", "Welkom, Ann!"]
    with reading(shop.workspace.database) as session:
        [customer] = session.execute(select(table_of(Customer))).all()
        [event] = session.execute(select(table_of(ConsentEvent))).all()
    assert (customer.email, customer.first_name, customer.language) == ("ann@example.com", "Ann", "nl")
    assert (event.purpose, event.channel, event.granted, event.at) == ("offers", "email", True, NOON + timedelta(days=1))
    assert event.evidence["said"].startswith("Van Dijk & Daughters mag me aanbiedingen en ideeën mailen.")
    assert event.evidence["asked_at"] == NOON.isoformat()


def test_nobody_presses_and_nothing_more_is_sent(shop: Shop) -> None:
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shop.browser.get("/join/newsletter").text))
    shop.browser.post("/join/newsletter", data=hidden | {"email": "ann@example.com"})
    shop.tick()
    shop.clock.put(NOON + timedelta(days=30))
    Requests(shop.workspace).look(shop.clock.now())
    with open_desk(shop.workspace, shop.clock) as desk:
        carry_out(open_versions(shop.workspace, "newsletter"), shop.clock.now(), desk)
    assert len(shop.mails) == 1
    with reading(shop.workspace.database) as session:
        assert session.execute(select(table_of(Customer).c.email)).scalars().all() == [None]
