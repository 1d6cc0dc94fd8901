# ruff: noqa: T201 - a program of its own, that prints its proof
"""Kill the landing pages again and again while many people answer, and look for every answer that was thanked for.

python -m tests.chaos.kill_pages [--kills 50] [--people 16] [--seed 1] [--database postgresql]

Each person sends one form after the other and presses again when no answer comes, as people do. Each form must stand in the contact
log once, in the order sent. Exits 1 when one is missing, doubled or out of order.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Semaphore

import httpx
from sqlalchemy import Engine
from sqlmodel import SQLModel, col, select

from benchmarks.figures import database_of
from benchmarks.landing_pages import insert_people
from customers.contact_log import Kind
from customers.tables import Contact
from engine.links import Links
from store.session import reading, writing
from store.tokens import Signer
from tests.chaos.pages import KEY
from tests.conftest import _free_port as free_port

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSER = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0"


@dataclass(frozen=True)
class Proof:
    """What was thanked for and what is in the log, by message: the numbers that were sent as remarks, in order."""

    thanked: dict[int, int]  # how many: 0, 1, 2 ... below it
    logged: dict[int, list[int]]
    pressed_again: int

    def faults(self) -> list[str]:
        """What does not hold; a last form that nobody was thanked for may stand in the log or not."""
        wrong = []
        for message, count in self.thanked.items():
            kept = self.logged.get(message, [])
            if kept not in (list(range(count)), list(range(count + 1))):
                wrong.append(f"message {message}: {count} thanked for, in the log: {kept}")
        return wrong


def tried(database: Engine, people: int, kills: int, chance: random.Random) -> Proof:
    """Fill an empty database, load and kill."""
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        insert_people(session, people)
    links, expires = Links("http://pages.test", Signer([KEY])), datetime.now(UTC) + timedelta(days=1)
    over, thanks = Event(), Semaphore(0)
    with TemporaryDirectory() as waiting, pages_again(database, Path(waiting)) as (address, child), ThreadPoolExecutor(people) as pool:
        number = child()
        paths = [links.link("page", number, expires).removeprefix("http://pages.test") for number in range(1, people + 1)]
        visitors = [pool.submit(_answers, address + path, over, thanks) for path in paths]
        try:
            for _ in range(kills):
                _wait_for(thanks, chance.randint(1, 3 * people))
                os.kill(number, signal.SIGKILL)
                number = child()
            _wait_for(thanks, people)
        finally:
            over.set()
        said = [visitor.result() for visitor in visitors]
    thanked = {number: count for number, (count, _) in enumerate(said, start=1)}
    return Proof(thanked, _logged(database), sum(again for _, again in said))


def _wait_for(thanks: Semaphore, count: int) -> None:
    """So many more answers; a child that answers nobody any more is a fault of its own."""
    for _ in range(count):
        if not thanks.acquire(timeout=60):
            raise AssertionError("Nobody is thanked any more.")


def _answers(address: str, over: Event, thanks: Semaphore) -> tuple[int, int]:
    """Send one form after the other, each until it is thanked for; gives how many were, and how often it was pressed again."""
    thanked, again = 0, 0
    with httpx.Client(headers={"User-Agent": BROWSER}, timeout=20) as browser:
        while not over.is_set():
            try:
                answer = browser.post(address, data={"interest": "fresh", "frequency": "weekly", "remark": str(thanked)})
            except httpx.TransportError:
                again += 1
                continue
            if answer.status_code == httpx.codes.SEE_OTHER:
                thanked += 1
                thanks.release()
            elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise AssertionError(answer.text)
    return thanked, again


def _logged(database: Engine) -> dict[int, list[int]]:
    logged: dict[int, list[int]] = {}
    with reading(database) as session:
        query = select(Contact.message_id, Contact.detail).where(Contact.kind == Kind.ANSWERED.value).order_by(col(Contact.id))
        for message, detail in session.exec(query):
            assert message
            logged.setdefault(message, []).append(int(detail["answers"]["remark"]))
    return logged


@contextmanager
def pages_again(database: Engine, waiting: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """Where they are served, and what waits for the next child and gives its number."""
    port = free_port()
    command = [sys.executable, "-m", "tests.chaos.pages", database.url.render_as_string(hide_password=False), str(port), "templates"]
    command.append(str(waiting))
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        children: list[int] = []

        def child() -> int:
            assert process.stdout
            children.append(int(process.stdout.readline()))
            return children[-1]

        try:
            yield f"http://127.0.0.1:{port}", child
        finally:
            process.stdin.close()
            os.kill(children[-1], signal.SIGKILL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial; 0 when the proof holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("kills", 20), ("people", 16), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args(arguments)
    with database_of(given.database) as (_, database):
        proof = tried(database, given.people, given.kills, random.Random(given.seed))
    faults = proof.faults()
    print(f"{sum(proof.thanked.values()):,} answers thanked for, {sum(map(len, proof.logged.values())):,} in the log, ", end="")
    print(f"{given.kills} kills, pressed again {proof.pressed_again:,} times")
    print("\n".join(faults) or "none lost, none doubled, all in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
