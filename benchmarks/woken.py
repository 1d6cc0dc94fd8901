"""From an answer on a page to the member who moved on, under `contactflow serve`: many people, each at a moment of their own.

    python -m benchmarks.woken [PEOPLE] [SECONDS] [CROWD]

Everybody was sent a mail and is waited for; each answers once, at a random moment within so many seconds, so that many come while
others are being carried out. Looks every 10 ms who has moved on. A crowd comes into another campaign, whose wave goes on while people
answer.
"""

import random
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.figures import Figure
from engine.links import Links
from store.tokens import Signer

GOAL_SECONDS = 1.0
KEY = "a key for nothing but measuring"
BROWSER = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0"
SETTINGS = """
[workspace]
name = "Shop"
address = "Main Street 1"
[consent]
purposes = ["offers"]
[email]
transport = "inbox"
[landing]
base_url = "http://127.0.0.1:{port}"
port = {port}
"""
FLOW = """
campaign: spring
purpose: offers
flow:
  all: {audience: everyone}
  mail: {send: email, goal: answers, subject: Hello, template: hello.mjml}
  answer: {wait_for: response to mail, at_most: 5 days, then: won, timeout: end}
  won: {goal: answers}
"""
MAIL = '<mjml><mj-body><mj-section><mj-column><mj-text><a href="{{ links.page }}">Look</a> or <a href="{{ links.opt_out }}">stop</a>'
MAIL += "</mj-text></mj-column></mj-section></mj-body></mjml>\n"
TOOL = (sys.executable, "-m", "contactflow.cli")


def main(people: int, seconds: float, crowd: int) -> None:
    """Prepare a workspace, serve it and answer."""
    with TemporaryDirectory() as folder, socket.socket() as probe:
        root = Path(folder)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        probe.close()
        prepare(root, people, port)
        with closing(sqlite3.connect(f"file:{root / 'contactflow.db'}?mode=ro", uri=True)) as database:
            sent = database.execute("SELECT id, member_id FROM outbox WHERE state = 'sent'").fetchall()
            if len(sent) < people:
                sys.exit(f"Only {len(sent)} mails were sent.")
            if crowd:
                bring_in(root, "d", crowd)
                (root / "flows" / "crowd.yaml").write_text(FLOW.replace("spring", "crowd"))
            with serving(root, port), beginning(root, "crowd" if crowd else ""):
                lasted = sorted(waited(database, port, sent, seconds))
                (others,) = database.execute("SELECT count(*) - :people FROM outbox WHERE state = 'sent'", {"people": people}).fetchone()
    if crowd:
        print(f"The wave of the other campaign had sent {others} mails by then.")
    for what, at in (("half of them", 0.5), ("99 of 100", 0.99), ("the slowest", 1.0)):
        value = lasted[min(len(lasted) - 1, int(at * len(lasted)))]
        Figure("woken", f"from an answer to the member who moved on, {what}", value, "s", goal=GOAL_SECONDS).show()


def prepare(root: Path, people: int, port: int) -> None:
    """A workspace whose mail has been sent to everybody."""
    (root / "contactflow.toml").write_text(SETTINGS.format(port=port))
    (root / ".env").write_text(f'CONTACTFLOW_SECRET_KEY="{KEY}"\n')
    for name, text in (("flows/spring.yaml", FLOW), ("templates/hello.mjml", MAIL)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    bring_in(root, "c", people)
    subprocess.run([*TOOL, "run", "spring"], cwd=root, check=True, stdout=subprocess.DEVNULL)


def bring_in(root: Path, letter: str, people: int) -> None:
    """So many customers more, under keys that begin with this letter."""
    rows = "\n".join(f"{letter}{n},{letter}{n}@shop.example,yes" for n in range(1, people + 1))
    (root / "customers.csv").write_text(f"key,email,consent_offers_email\n{rows}\n")
    subprocess.run([*TOOL, "import", "customers", "customers.csv"], cwd=root, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def serving(root: Path, port: int) -> Iterator[None]:
    """`contactflow serve`, until the block ends."""
    with subprocess.Popen([*TOOL, "serve"], cwd=root, stdout=subprocess.DEVNULL) as server:
        try:
            while not is_there(port):
                time.sleep(0.1)
            time.sleep(5)  # the first wave, where there is no crowd
            yield
        finally:
            server.terminate()


@contextmanager
def beginning(root: Path, campaign: str) -> Iterator[None]:
    """A first wave of this campaign beside the server, until the block ends; without a name nothing."""
    if not campaign:
        yield
        return
    with subprocess.Popen([*TOOL, "run", campaign], cwd=root, stdout=subprocess.DEVNULL) as wave:
        yield
        wave.terminate()


def is_there(port: int) -> bool:
    """Whether the pages are served."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def waited(database: sqlite3.Connection, port: int, sent: list[tuple[int, int]], seconds: float) -> Iterator[float]:
    """The seconds that each of these (message, member) waited, from the thanks to the move."""
    links, expires = Links(f"http://127.0.0.1:{port}", Signer([KEY.encode()])), datetime.now(UTC) + timedelta(days=1)
    with ThreadPoolExecutor(len(sent)) as pool:
        answered = {
            member: pool.submit(answer, links.link("page", message, expires), random.uniform(0, seconds)) for message, member in sent
        }
        moved: dict[int, float] = {}
        deadline = time.monotonic() + seconds + 60
        while len(moved) < len(sent) and time.monotonic() < deadline:
            for (member,) in database.execute("SELECT id FROM member WHERE ended = 'goal_reached'").fetchall():
                moved.setdefault(member, time.monotonic())
            time.sleep(0.01)
    if len(moved) < len(sent):
        sys.exit(f"Only {len(moved)} moved on.")
    yield from (moved[member] - done.result() for member, done in answered.items())


def answer(link: str, after_seconds: float) -> float:
    """Send the form after so long; the moment of the thanks."""
    time.sleep(after_seconds)
    form = {"useful": "4"}
    status = httpx.post(link, data=form, headers={"User-Agent": BROWSER}, timeout=30).status_code
    if status != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"The page says {status}.")
    return time.monotonic()


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(*given, *(100, 30, 0)[len(given) :]))
