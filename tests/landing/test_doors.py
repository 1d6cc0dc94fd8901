"""The doors hold: who is slow, sends too much, or says that they are somebody else, keeps nobody else out."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from starlette.types import Message, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from landing.app import landing_app
from landing.description import FOUND
from landing.guard import HEADERS, ONLY_SECURE
from landing.patience import LONGEST_HEAD, PatientProtocol
from landing.pictures import SHOWN_FILES
from landing.rates import WINDOW_SECONDS, Counts, Rates
from landing.settings import LandingSettings
from store.clock import FixedClock
from tests.landing.landing_pages import BASE, BROWSER, CHOICE, CODE, KEY, Pages, served

SOON = 0.3


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Nothing here asks which database it is."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@contextmanager
def talking(pages: Pages) -> Iterator[socket.socket]:
    """A bare connection to the pages."""
    url = pages.browser.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        yield connection


def all_said(connection: socket.socket) -> bytes:
    """What comes until the other side ends; a connection that is cut off says no more."""
    said = b""
    try:
        while piece := connection.recv(65_536):
            said += piece
    except ConnectionResetError:
        pass
    return said


class Hurried(PatientProtocol):
    sending_seconds = reading_seconds = SOON


hurried = pytest.mark.parametrize("protocol", [Hurried])


@hurried
@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: pages.test\r\nX-A: ",
        b"POST /c HTTP/1.1\r\nHost: pages.test\r\nContent-Length: 50000\r\n\r\ncode=",
        b"POST /c HTTP/1.1\r\nHost: pages.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncode=\r\n",
        b"GET /favicon.ico HTTP/1.1\r\nHost: pages.test\r\n\r\nGET / HTTP/1.1\r\nHost",
    ],
    ids=["says nothing", "stops in the headers", "stops in the body", "stops in a chunk", "stops in the second request"],
)
def test_who_does_not_finish_a_request_is_cut_off(pages: Pages, begun: bytes) -> None:
    with talking(pages) as connection:
        connection.sendall(begun)
        assert all_said(connection).startswith(b"HTTP/1.1 204" if begun.startswith(b"GET /favicon") else b"")
    assert pages.browser.get("/").status_code == 200


@hurried
def test_a_byte_now_and_then_earns_no_more_time(pages: Pages) -> None:
    with talking(pages) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: pages.test\r\nX-A: ")
        connection.settimeout(0.01)
        sent = 0
        with pytest.raises(OSError, match=r"(?i)reset|pipe|aborted"):
            while sent < 5_000:
                connection.sendall(b"a")
                sent += 1
                try:
                    connection.recv(1)
                except TimeoutError:
                    continue
                raise ConnectionResetError("reset: the other side has ended")
    assert sent < 5_000


@hurried
def test_who_was_in_time_is_served_and_may_ask_again_on_the_same_connection(pages: Pages) -> None:
    for _ in range(3):
        assert pages.browser.post("/c", data={"code": "x"}).status_code == 422


def test_who_does_not_read_a_big_answer_is_cut_off() -> None:
    async def big(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 30_000_000})

    async def visit() -> int:
        """How many connections are left."""
        config, state = Config(big, http=Hurried, ws="none"), ServerState()
        config.load()
        lost = asyncio.Event()

        class Told(Hurried):
            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                lost.set()

        server = await asyncio.get_running_loop().create_server(lambda: Told(config, state, {}), "127.0.0.1", 0)
        async with asyncio.timeout(20), server:
            _, visitor = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1)  # it reads two bytes and no more
            visitor.write(b"GET / HTTP/1.1\r\nHost: pages.test\r\n\r\n")
            await lost.wait()
            visitor.close()
        return len(state.connections)

    assert asyncio.run(visit()) == 0


def test_a_cut_off_visitor_is_no_error_of_ours(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        with talking(pages) as connection:
            connection.sendall(b"POST /c HTTP/1.1\r\nHost: pages.test\r\nContent-Length: 500\r\n\r\ncode=")
        assert pages.browser.get("/").status_code == 200
    assert "failed" not in caplog.text


@pytest.mark.parametrize("head", ["GET /" + "x" * LONGEST_HEAD, "GET / HTTP/1.1\r\nX-A: " + "x" * LONGEST_HEAD])
def test_a_head_that_does_not_come_to_an_end_is_refused(pages: Pages, head: str) -> None:
    with talking(pages) as connection:
        connection.sendall(head.encode())
        assert all_said(connection).startswith(b"HTTP/1.1 400 ")
    assert pages.browser.get("/").status_code == 200


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PROPFIND"])
def test_other_methods_are_refused_and_repeat_nothing(pages: Pages, method: str) -> None:
    answer = pages.browser.request(method, pages.path(), headers={"x-secret": "do not repeat me"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert "do not repeat me" not in answer.text + str(answer.headers)
    assert "Anna" not in answer.text


def test_whatever_kind_of_file_a_page_shows_is_in_the_description() -> None:
    kinds = [kind.partition(";")[0] for kind in SHOWN_FILES.values()]
    assert [kind for kind in kinds if not any(fnmatch(kind, each) for each in FOUND)] == []


def test_a_head_has_what_a_look_has_but_the_page(pages: Pages) -> None:
    for path in ("/", "/p/x", pages.path()):
        look, head = pages.browser.get(path), pages.browser.head(path)
        assert (head.status_code, head.content) == (look.status_code, b"")


def test_one_link_takes_so_many_forms_a_minute_and_another_is_not_held_up(pages: Pages, settings: LandingSettings) -> None:
    answers = [pages.browser.post(pages.path(), data={}) for _ in range(settings.forms_a_link + 1)]
    assert [answer.status_code for answer in answers] == [422] * settings.forms_a_link + [429]
    assert (answers[-1].headers["retry-after"], "Not so fast" in answers[-1].text) == ("60", True)
    assert {name: answers[-1].headers.get(name) for name in HEADERS} == HEADERS
    assert pages.browser.get(pages.path()).status_code == 200
    assert pages.browser.post(pages.path("opt_out"), data={"scope": "channel"}).status_code == 200


def test_counts_begin_again_after_the_window_and_forget_who_was_quiet_for_longest() -> None:
    counts = Counts(2, remembered=2)
    assert [counts.one_more("a", 0), counts.one_more("a", 1), counts.one_more("a", 2)] == [True, True, False]
    assert counts.one_more("a", WINDOW_SECONDS) is True
    assert [counts.one_more("b", 0), counts.one_more("b", 0), counts.one_more("b", 0)] == [True, True, False]
    assert counts.one_more("c", 0) is True  # a is forgotten
    assert counts.one_more("b", 0) is False


def ring(settings: LandingSettings) -> tuple[Rates, list[int]]:
    """Rates around an application that takes everything, and the statuses of what is refused."""

    async def inner(scope: object, receive: object, send: object) -> None:
        pass

    def refuse(_: str, status: int) -> object:
        async def answer(*_: object) -> None:
            refused.append(status)

        return answer

    refused: list[int] = []
    return Rates(inner, settings, refuse, lambda: 0.0), refused  # type: ignore[arg-type]  # callables of the same shape


async def posted(rates: Rates, path: str, address: str) -> None:
    async def receive() -> Message:
        raise AssertionError("what is counted is not read")

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    await rates({"type": "http", "method": "POST", "path": path, "client": (address, 1), "headers": []}, receive, send)


@pytest.mark.parametrize(
    ("path", "address", "refused"),
    [
        ("/p/{}", "203.0.113.{}", 0),
        ("/p/{}", "203.0.113.7", 5),
        ("/p/{}", "2001:db8::{}", 5),
        ("/c", "203.0.113.7", 5),
        ("/u/{}", "203.0.113.7", 0),
        ("/u/same", "203.0.113.{}", 3),
        ("/hooks/sendgrid", "203.0.113.7", 0),
        ("/p/{}", "127.0.0.1", 0),
    ],
)
def test_one_network_sends_so_many_forms_but_the_stops_of_mail_providers_and_signed_events(
    settings: LandingSettings, path: str, address: str, refused: int
) -> None:
    rates, statuses = ring(replace(settings, forms_a_link=7, forms_a_network=5))
    for number in range(10):
        asyncio.run(posted(rates, path.format(number), address.format(number)))
    assert statuses == [429] * refused


@pytest.mark.parametrize(("network", "refused"), [("203.0.113.7", 7), ("203.0.113.{}", 0)])
def test_one_network_asks_to_join_so_often_and_one_campaign_as_often_as_people_want(
    settings: LandingSettings, network: str, refused: int
) -> None:
    rates, statuses = ring(replace(settings, forms_a_link=2, joins_a_network=3))
    for number in range(10):
        asyncio.run(posted(rates, "/join/newsletter", network.format(number)))
    assert statuses == [429] * refused


def behind(settings: LandingSettings, database: Engine, clock: FixedClock, *proxies: str) -> Iterator[httpx.Client]:
    app = landing_app(database, replace(settings, proxies=proxies), clock, lambda _: None)
    with served(app) as address, httpx.Client(base_url=address, headers={"user-agent": BROWSER}) as browser:
        yield browser


def pauses(browser: httpx.Client, senders: list[str]) -> bool:
    """Whether the last of these who type a wrong code is told to wait."""
    for sender in senders:
        answer = browser.post("/c", data={"code": CODE}, headers={"x-forwarded-for": sender})
    return answer.status_code == 429


def test_an_address_that_a_stranger_invents_is_not_believed(settings: LandingSettings, database: Engine, clock: FixedClock) -> None:
    for browser in behind(settings, database, clock):
        assert pauses(browser, [f"203.0.113.{number}" for number in range(11)])


def test_the_word_of_a_named_proxy_counts_and_not_what_a_visitor_put_before_it(
    settings: LandingSettings, database: Engine, clock: FixedClock
) -> None:
    for browser in behind(settings, database, clock, "127.0.0.0/8"):
        assert not pauses(browser, [f"203.0.113.{number}" for number in range(11)])
        assert pauses(browser, [f"198.51.100.{number}, 203.0.113.99" for number in range(11)])


def test_a_proxy_that_nobody_named_is_told_of_once(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        pages.browser.post("/c", data={"code": "x"}, headers={"x-forwarded-for": "203.0.113.9"})
    assert caplog.text.count("[landing] proxies") == 1
    assert "203.0.113.9" not in caplog.text


def test_browsers_are_held_to_https_where_the_pages_have_it(
    pages: Pages, settings: LandingSettings, database: Engine, clock: FixedClock
) -> None:
    (name, value), *_ = ONLY_SECURE.items()
    assert name not in pages.browser.get("/").headers
    app = landing_app(database, replace(settings, base_url=BASE.replace("http:", "https:")), clock, lambda _: None)
    with served(app) as address:
        assert httpx.get(f"{address}/p/x").headers[name] == value


def test_a_form_from_elsewhere_needs_the_link_that_only_its_recipient_has(pages: Pages) -> None:
    elsewhere = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "cookie": "session=1"}
    assert pages.browser.post("/p/x", data=CHOICE, headers=elsewhere).status_code == 404
    assert not pages.contacts()
    assert "access-control-allow-origin" not in pages.browser.get(pages.path(), headers=elsewhere).headers


def test_a_new_key_breaks_no_link_and_a_dropped_one_ends_its_links(
    pages: Pages, settings: LandingSettings, database: Engine, clock: FixedClock
) -> None:
    new = b"a newer key for nothing but tests"
    for keys, shown, bearing in (((new, KEY), 200, True), ((new,), 404, False)):
        app = landing_app(database, replace(settings, keys=keys), clock, lambda _: None)
        with served(app) as address:
            answer = httpx.get(address + pages.path(), headers={"user-agent": BROWSER})
            assert (answer.status_code, "Anna" in answer.text) == (shown, bearing)
            code = httpx.post(f"{address}/c", data={"code": CODE})
            assert httpx.get(address + code.headers["location"]).status_code == 200  # signed with the newest
