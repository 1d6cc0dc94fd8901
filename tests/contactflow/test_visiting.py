"""Links are followed when somebody asks for it: once each, politely, and what does not work has its line."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest

from contactflow.visiting import MOST_OF_A_HOST, visit
from tests.contactflow.test_content import MAIL, checked, shop

__all__ = ["shop"]


class Shop(BaseHTTPRequestHandler):
    """A web server with a page of each kind."""

    asked: ClassVar[Counter[tuple[str, str]]] = Counter()
    released: ClassVar[Event] = Event()

    def do_GET(self) -> None:
        self.asked[self.command, self.path] += 1
        status = {"/gone": 410, "/lost": 404, "/broken": 500, "/shy": 403}.get(self.path.partition("?")[0], 200)
        if self.path == "/slow":
            self.released.wait(5)
        if self.path == "/no-head" and self.command == "HEAD":
            status = 405
        if self.path in ("/moved", "/round", "/elsewhere"):
            status = 302
        with suppress(ConnectionError):
            self.send_response(status)
            to = {"/moved": "/fine", "/round": "/round", "/elsewhere": "file:///etc/hostname"}.get(self.path)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server calls it
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Shop.asked.clear()
    Shop.released.clear()
    web = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=web.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_port}"
    finally:
        Shop.released.set()
        web.shutdown()
        thread.join()
        web.server_close()


def test_what_is_gone_is_a_fault_and_what_another_day_may_mend_a_warning(server: str) -> None:
    pages = ("fine", "fine?a=b c&d=é", "moved", "no-head", "gone", "lost", "broken", "shy", "round", "elsewhere", "slow")
    troubles = visit([f"{server}/{page}" for page in pages], patience_seconds=0.3)
    found = {link.removeprefix(f"{server}/"): (trouble.severity, trouble.message) for link, trouble in troubles.items()}
    assert found == {
        "gone": ("fault", "it is not there (410)"),
        "lost": ("fault", "it is not there (404)"),
        "broken": ("warning", "the server answered 500"),
        "shy": ("warning", "the server answered 403"),
        "round": ("fault", "it leads round in a circle, or to what is no web page"),
        "elsewhere": ("fault", "it leads round in a circle, or to what is no web page"),
        "slow": ("warning", "no answer within 0.3 seconds"),
    }


def test_a_server_that_is_not_there_or_is_none_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = Thread(target=babble)
        thread.start()
        (babbling,) = visit([f"http://127.0.0.1:{port}/"]).values()
        thread.join()
    (absent,) = visit([f"http://127.0.0.1:{port}/"]).values()
    assert (babbling.severity, babbling.message) == ("fault", "the server does not answer as a web server does")
    assert (absent.severity, absent.message) == ("fault", "the server cannot be reached")


def test_each_link_is_asked_for_once_and_no_body_where_the_head_says_enough(server: str) -> None:
    assert not visit([f"{server}/fine", f"{server}/fine", f"{server}/fine"])
    assert Shop.asked == {("HEAD", "/fine"): 1}


def test_no_server_is_asked_without_end(server: str) -> None:
    visit(f"{server}/fine?c={number}" for number in range(100))
    assert sum(Shop.asked.values()) == MOST_OF_A_HOST


def test_a_dead_link_has_its_line_and_nothing_is_asked_for_unless_somebody_wants_it(shop: Path, call: Any, server: str) -> None:
    links = (
        f'<mj-text>Read <a href="{server}/fine">this</a> or <a href="{server}/gone?a=1&amp;b={{{{ customer.country }}}}">that</a></mj-text>'
    )
    (shop / "templates/mail.mjml").write_text(MAIL.replace("    <mj-button", f"    {links}\n    <mj-button", 1))
    (shop / "contactflow.toml").write_text((shop / "contactflow.toml").read_text() + "\n[tracking]\nclicks = true\nutm = true\n")
    assert not [each for each in checked(call, shop)["faults"] if "does not work" in each["message"]]
    assert not Shop.asked
    found = checked(call, shop, "--follow")
    dead = [(Path(each["file"]).name, each["line"], each["code"]) for each in found["faults"] if "does not work" in each["message"]]
    assert dead == [("mail.mjml", 6, "dead-link")]
    assert found["content"][0]["followed"] == 2
    assert all("utm_source" in path for _, path in Shop.asked)  # as recipients would follow them


def test_following_without_looking_at_the_messages_is_refused(shop: Path, call: Any) -> None:
    said = call("check", "--follow", "spring", "--workspace", shop)
    assert said.code == 2
    assert "Add --content" in said.err
