"""People at the landing pages: a real web server, and requests as a browser makes them."""

import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import httpx

from contactflow.bootstrap import landing_settings, secrets_of
from contactflow.settings import read_settings
from demo.post import Arrival
from engine.workspace import Workspace
from landing.app import landing_app, landing_server
from store.clock import FixedClock

BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 11_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
SCANNER = "Barracuda Sentinel (EE)"


@contextmanager
def pages_open(workspace: Workspace, clock: FixedClock) -> Iterator[str]:
    """The landing pages of a workspace behind a real server, by a clock of ours; gives its address."""
    root = workspace.root
    app = landing_app(workspace.database, landing_settings(root, read_settings(root), secrets_of(root)), clock, lambda _: None)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = landing_server(app, "127.0.0.1", 0)
        thread = Thread(target=server.run, args=([listener],), name="landing pages")
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Browser:
    """Does what people do on the pages, and counts it; anything but the right answer of the server is an error."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, headers={"user-agent": BROWSER})
        self.done: Counter[str] = Counter()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def visit(self, arrival: Arrival) -> None:
        """Open the page; with a letter, by its code."""
        self._expect(self._client.get(self._page(arrival)), 200, "visits")

    def answer(self, arrival: Arrival, answers: Mapping[str, str]) -> None:
        """Open the page, fill in the form, and see the thanks."""
        page = self._page(arrival)
        self._expect(self._client.get(page), 200, "visits")
        sent = self._client.post(page, data=dict(answers))
        self._expect(sent, 303, "answers")
        self._expect(self._client.get(sent.headers["location"]), 200, "thanks")

    def stop(self, arrival: Arrival, how: str) -> None:
        """Opt out: with the mail program's own button, or on the page, of this channel or of everything."""
        if how == "one_click":
            self._expect(self._client.post(arrival.one_click, data={"List-Unsubscribe": "One-Click"}), 200, "opt-outs")
            return
        address = arrival.opt_out or self._opt_out_of(arrival)
        self._expect(self._client.get(address), 200, "opt-out pages")
        self._expect(self._client.post(address, data={"scope": "all"} if how == "everything" else {}), 200, "opt-outs")

    def scan(self, arrival: Arrival) -> None:
        """What a machine does that looks behind every link before it lets a mail through."""
        self._expect(self._client.get(arrival.page, headers={"user-agent": SCANNER}), 200, "machines")

    def _page(self, arrival: Arrival) -> str:
        if arrival.page:
            return arrival.page
        typed = arrival.code.lower().replace("-", " ")
        return str(self._expect(self._client.post("/c", data={"code": typed}), 303, "codes").headers["location"])

    def _opt_out_of(self, arrival: Arrival) -> str:
        page = self._client.get(self._page(arrival)).text
        self.done["visits"] += 1
        return "/o/" + page.split('href="/o/', 1)[1].split('"', 1)[0]

    def _expect(self, response: httpx.Response, status: int, what: str) -> httpx.Response:
        assert response.status_code == status, f"{what}: {response.status_code} instead of {status}"
        self.done[what] += 1
        return response
