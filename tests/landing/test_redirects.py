"""Followed links and the picture of openings: nobody is kept waiting or led astray, and people are told from machines."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from threading import Event
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event
from sqlmodel import select

from customers.contact_log import Kind
from customers.tables import Contact
from engine.links import Links
from engine.tables import OutboxMessage, StoredWording
from landing.app import landing_app
from landing.machines import is_machines_click, is_machines_open
from landing.redirects import POINT
from landing.responses import CustomerResponse
from landing.settings import LandingSettings
from landing.traces import BURST_SECONDS, Trace, Traces, by_people
from store.clock import FixedClock
from store.errors import StorageError
from store.session import reading, writing
from store.tokens import Signer
from tests.landing.landing_pages import BASE, BROWSER, KEY, NOON, People, served

LINKS = Links(BASE, Signer([KEY]))
PERSON = {"user-agent": BROWSER, "accept-language": "nl"}
TARGETS = (
    "https://shop.example/spring?utm_source=shop",
    "https://shop.example/of/{{ customer.first_name }}?c={{ customer.key }}#top",
    "javascript:alert(1)",
    "https://shop.example/{{ customer.gone }}",
)


class Followed(NamedTuple):
    """A browser at followed links, and what lies behind them."""

    browser: httpx.Client
    database: Engine
    people: People
    traces: Traces
    clock: FixedClock
    heard: list[CustomerResponse]

    def get(self, number: int = 1, headers: Mapping[str, str] = PERSON, method: str = "GET") -> httpx.Response:
        return self.browser.request(method, f"{path('click', self.people.message_id)}/{number}", headers=headers)

    def open(self, agent: str, method: str = "GET") -> httpx.Response:
        return self.browser.request(method, f"{path('open', self.people.message_id)}.gif", headers={"user-agent": agent})

    def contacts(self) -> list[Contact]:
        self.traces.settle()
        with reading(self.database) as session:
            rows = list(session.exec(select(Contact).order_by(Contact.key)).all())
            session.expunge_all()
            return rows

    def said(self) -> list[tuple[str, str, bool]]:
        """(kind, detail, by a person) of all that is in the log."""
        return [(row.kind, row.detail.get("code", ""), row.human) for row in self.contacts()]


def path(purpose: Any, message_id: int) -> str:
    return LINKS.link(purpose, message_id, None).removeprefix(BASE)


@pytest.fixture
def app(database: Engine, people: People, settings: LandingSettings, clock: FixedClock, heard: list[CustomerResponse]) -> FastAPI:
    assert people
    with writing(database) as session:
        source = json.dumps({"email": 1, "subject": "s", "text": "t", "html": None, "targets": TARGETS}).encode()
        wording = StoredWording(digest="d", channel="email", source=source)
        session.add(wording)
        session.flush()
        message = session.exec(select(OutboxMessage)).one()
        message.wording_id, message.values = wording.id, {"customer": {"first_name": "Zoë / &", "key": "c1"}}
        message.settled_at = NOON - timedelta(days=1)
    return landing_app(database, settings, clock, heard.append)


@pytest.fixture
def heard() -> list[CustomerResponse]:
    return []


@pytest.fixture
def followed(app: FastAPI, database: Engine, people: People, clock: FixedClock, heard: list[CustomerResponse]) -> Iterator[Followed]:
    with served(app) as address, httpx.Client(base_url=address) as browser:
        yield Followed(browser, database, people, app.state.traces, clock, heard)


def test_a_link_leads_at_once_to_where_it_led_before_with_the_recipients_values(followed: Followed) -> None:
    plain, personal = followed.get(1), followed.get(2)
    assert (plain.status_code, plain.headers["location"]) == (302, "https://shop.example/spring?utm_source=shop")
    assert personal.headers["location"] == "https://shop.example/of/Zo%C3%AB%20/%20&?c=c1#top"
    assert {answer.headers["cache-control"] for answer in (plain, personal)} == {"no-store"}
    assert followed.get(1, method="HEAD").headers["location"] == plain.headers["location"]


def test_a_click_is_logged_and_wakes_whoever_waits(followed: Followed) -> None:
    followed.get(2)
    (contact,) = followed.contacts()
    assert (contact.kind, contact.human, contact.at, contact.node, contact.member_id) == (
        "clicked", True, NOON, "mail", followed.people.member_id
    )  # fmt: skip
    assert contact.detail == {"source": "page", "code": "link 2", "detail": "shop.example/of/…"}
    assert [(each.kind, each.message_id) for each in followed.heard] == [(Kind.CLICKED, followed.people.message_id)]


def test_a_link_counts_once_a_day_however_often_it_is_followed(followed: Followed) -> None:
    for _ in range(3):
        followed.get(1)
    followed.contacts()
    followed.get(1)
    assert followed.said() == [("clicked", "link 1", True)]
    followed.clock.put(NOON + timedelta(days=1))
    followed.get(1)
    assert followed.said() == [("clicked", "link 1", True)] * 2
    assert len(followed.heard) == 2


def test_what_was_never_sent_leads_nowhere(followed: Followed) -> None:
    lost = followed.browser.get("/l/x/1", headers=PERSON)
    good, other = path("click", followed.people.message_id), path("page", followed.people.message_id)
    foreign = Links(BASE, Signer([b"somebody else's secret key"])).link("click", followed.people.message_id, None).removeprefix(BASE)
    paths = [f"{good}/{number}" for number in (0, 3, 4, 5, 99999999999999999999)] + [
        good,
        f"{good}/x",
        f"{good}/1/2",
        f"{good}/-1",
        f"{good}/01",
        f"{good}/{'9' * 5_000}",
    ]
    paths += [f"{foreign}/1", other.replace("/p/", "/l/") + "/1", path("click", 10**9) + "/1", good.replace("/l/", "/e/") + ".gif"]
    answers = [followed.browser.get(each, headers=PERSON) for each in paths]
    assert {(answer.status_code, answer.text, answer.headers.get("location")) for answer in answers} == {(404, lost.text, None)}
    assert followed.said() == []


def test_whatever_is_added_to_a_link_it_leads_to_the_same_place(followed: Followed) -> None:
    address = f"{path('click', followed.people.message_id)}/1?url=https://evil.example/&next=//evil.example"
    assert followed.browser.get(address, headers=PERSON).headers["location"] == TARGETS[0]


def test_several_links_at_once_are_a_machine_and_none_of_them_a_persons(followed: Followed) -> None:
    followed.get(1)
    followed.get(2)
    assert followed.said() == [("clicked", "link 1", False), ("clicked", "link 2", False)]
    assert followed.heard == []
    followed.get(1)  # and the person, later, is not hidden by it
    assert followed.said() == [("clicked", "link 1", True), ("clicked", "link 1", False), ("clicked", "link 2", False)]


SCANNERS = [
    {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"},
    {"user-agent": "", "accept-language": "en"},
    {"user-agent": "Mozilla/5.0 (compatible; BarracudaCentral/1.0)", "accept-language": "en"},
    {"user-agent": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "accept-language": "en"},
    {"user-agent": "Mozilla/5.0 (Windows NT 6.1) HeadlessChrome/108.0.0.0 Safari/537.36", "accept-language": "en-US"},
    {"user-agent": "curl/8.5.0", "accept-language": "en"},
    {"user-agent": BROWSER, "accept-language": "en", "sec-purpose": "prefetch;prerender"},
]


@pytest.mark.parametrize("headers", SCANNERS)
def test_a_scanner_is_known_by_what_it_says_or_does_not_say(headers: dict[str, str]) -> None:
    assert is_machines_click("GET", headers)
    assert not is_machines_click("GET", PERSON)
    assert is_machines_click("HEAD", PERSON)


def test_a_scanner_is_led_on_counted_as_a_machine_and_wakes_nobody(followed: Followed) -> None:
    assert followed.get(1, SCANNERS[0]).status_code == 302
    assert followed.get(1, method="HEAD").status_code == 302
    assert followed.said() == [("clicked", "link 1", False)]
    assert followed.heard == []


def test_a_click_as_soon_as_the_mail_has_left_is_a_machines(followed: Followed) -> None:
    sent = NOON - timedelta(days=1)
    for seconds, human in ((1.9, False), (2.0, True), (0.0, True)):  # a clock that stands says nothing
        followed.clock.put(sent + timedelta(seconds=seconds))
        followed.get(1 if seconds else 2)
        assert [row.human for row in followed.contacts()].count(human) == (1 if seconds else 2)


BROWSERS = {
    "Mozilla/5.0": False,  # Apple Mail Privacy Protection
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 "
    "Edge/12.246 Mozilla/5.0": False,  # Gmail looks ahead
    "": False,
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": True,
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html": True,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)": True,
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)": True,
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0": True,
}


@pytest.mark.parametrize("agent", BROWSERS)
def test_an_opening_counts_as_a_persons_by_who_fetches_the_picture(agent: str) -> None:
    assert is_machines_open("GET", {"user-agent": agent}) is not BROWSERS[agent]
    assert is_machines_open("HEAD", {"user-agent": agent})


def test_an_opening_is_answered_by_a_point_and_a_machines_does_not_hide_a_persons(followed: Followed) -> None:
    for agent in ("Mozilla/5.0", BROWSER, "Mozilla/5.0", BROWSER):
        answer = followed.open(agent)
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, POINT, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
    assert [(row.kind, row.human) for row in followed.contacts()] == [("opened", True), ("opened", False)]
    assert [each.kind for each in followed.heard] == [Kind.OPENED]


def test_the_point_is_a_picture_of_one_transparent_point() -> None:
    assert len(POINT) == 43
    assert POINT[6:10] == b"\x01\x00\x01\x00"
    assert POINT[19:23] == b"\x21\xf9\x04\x01"  # a graphic control extension whose flag says: one colour is transparent


def test_a_link_that_was_followed_before_leads_on_while_the_database_is_away(followed: Followed) -> None:
    followed.get(1)
    followed.contacts()
    away = []

    @event.listens_for(followed.database, "begin")
    def refuse(_: object) -> None:
        away.append(True)
        raise StorageError("The database is away.")

    try:
        assert followed.get(2).headers["location"].startswith("https://shop.example/of/")
        followed.browser.get(f"{path('open', followed.people.message_id)}.gif")
        unknown = followed.browser.get(f"{path('click', 10**9)}/1", headers=PERSON)
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "60")
        with pytest.raises(StorageError):
            followed.traces.settle()
    finally:
        event.remove(followed.database, "begin", refuse)
    assert away
    assert [row.kind for row in followed.contacts()] == ["clicked", "clicked", "opened"]  # nothing was lost meanwhile


def test_what_waits_is_written_down_when_the_server_stops(app: FastAPI, database: Engine, people: People) -> None:
    with served(app) as address, httpx.Client(base_url=address) as browser:
        browser.get(f"{path('click', people.message_id)}/1", headers=PERSON)
    with reading(database) as session:
        assert [row.kind for row in session.exec(select(Contact)).all()] == ["clicked"]


def test_a_click_is_written_down_by_itself_when_its_burst_is_over(followed: Followed) -> None:
    followed.get(1)
    pause = Event()
    for _ in range(1_000):
        if followed.heard or pause.wait(0.02):
            break
    assert [each.kind for each in followed.heard] == [Kind.CLICKED]


def test_no_token_address_or_name_stands_in_the_servers_log(followed: Followed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    followed.get(2)
    followed.open(BROWSER)
    followed.contacts()
    ours = " ".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    assert not any(word in ours for word in ("Zoë", "shop.example", path("click", followed.people.message_id)[3:]))


def clicks(*seconds_and_links: tuple[float, int | None], human: bool = True) -> list[bool]:
    return by_people([Trace(1, NOON, heard, human, number) for heard, number in seconds_and_links])


def test_a_burst_is_several_links_within_two_seconds_of_each_other() -> None:
    edge = BURST_SECONDS
    assert clicks((0, 1)) == [True]
    assert clicks((0, 1), (0.1, 1)) == [True, True]  # one link, twice: an impatient person
    assert clicks((0, 1), (edge, 2)) == [False, False]
    assert clicks((0, 1), (edge + 0.1, 2)) == [True, True]
    assert clicks((0, 1), (1.5, 2), (3, 3), (9, 1)) == [False, False, False, True]
    assert clicks((0, None), (0.1, 1)) == [True, True]  # the mail is opened and its link followed
    assert clicks((0, 1), human=False) == [False]
