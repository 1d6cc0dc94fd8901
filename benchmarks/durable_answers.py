"""Answers a second that are on the disk before the visitor is thanked, beside the same route without writing; both under wrk.

    python -m benchmarks.durable_answers [SECONDS] [PEOPLE] [sqlite|postgresql]

Each request is another form of another person: read, checked, logged, and the member woken. The server of the reference leaves out
the last two and the commit. PostgreSQL waits for the disk too. Needs wrk.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

import landing.answers
from benchmarks.figures import Figure, database_of
from benchmarks.landing_pages import BROWSER, CONNECTIONS, KEY, PORT, SCRIPT, insert_people, run, stop
from contactflow.migrations import bring_up_to_date
from engine.links import Links
from landing.app import landing_app, landing_server
from landing.responses import PATIENCE_SECONDS
from landing.settings import LandingSettings
from store.clock import SystemClock
from store.session import open_database, writing
from store.together import Together
from store.tokens import Signer

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


class Load(NamedTuple):
    """What wrk saw: requests a second, and the milliseconds that 99 of 100 stayed below."""

    rate: float
    p99: float


def main(seconds: int, people: int, kind: str) -> None:
    """Measure one kind of database."""
    with database_of(kind, lasting=True) as (_, database), tempfile.TemporaryDirectory() as folder:
        paths = fill(database, people)
        address = database.url.render_as_string(hide_password=False)
        reference = loaded(run(serve_without_writing, address), folder, paths, seconds)
        stored = loaded(run(serve, address), folder, paths, seconds)
    beside = "the same route without writing"
    # Turned over, so that less is better as in all figures: the goal is .65 of the rate.
    Figure("durable_answers", f"an answer stored, {kind}", 1_000 / stored.rate, "ms", 1_000 / reference.rate, beside, 1 / 0.65).show()
    Figure("durable_answers", f"99 of 100 within, {kind}", stored.p99, "ms", reference.p99, beside, 1.5).show()


def fill(database: Engine, people: int) -> list[str]:
    """People who all have a message; gives the paths of their pages."""
    bring_up_to_date(database)
    with writing(database) as session:
        insert_people(session, people)
    links, expires = Links("http://127.0.0.1", Signer([KEY])), datetime.now(UTC) + timedelta(days=30)
    return [links.link("page", number, expires).removeprefix("http://127.0.0.1") for number in range(1, people + 1)]


def serve(address: str) -> None:
    """The pages as `contactflow serve` opens them, but for the rates of forms: all come from one network here."""
    database = open_database(address, PATIENCE_SECONDS, outlives_power_cuts=True)
    zone, most = ZoneInfo("Europe/Amsterdam"), sys.maxsize
    settings = LandingSettings("http://127.0.0.1", Path("templates"), (KEY,), zone, forms_a_link=most, forms_a_network=most)
    landing_server(landing_app(database, settings, SystemClock(), lambda _: None), "127.0.0.1", PORT).run()


def serve_without_writing(address: str) -> None:
    """The reference: the same, with the writing taken out."""
    # The reference is our own code without what it is compared for.
    setattr(landing.answers, "held", lambda _, ids: set(ids))  # noqa: B010 - as above
    setattr(landing.answers, "log_answers", lambda _, group: group)  # noqa: B010 - as above
    setattr(Together, "writing", _nothing)  # noqa: B010 - as above
    serve(address)


@contextmanager
def _nothing(_: Together, __: float | None) -> Iterator[None]:
    yield


def loaded(server: SpawnProcess, folder: str, paths: list[str], seconds: int) -> Load:
    """What wrk sees of a server, which is stopped afterwards; anything but a thank-you is a fault of the benchmark."""
    listed, script = Path(folder, "paths"), Path(folder, "script.lua")
    listed.write_text("\n".join(paths))
    body = '"interest=fresh&frequency=weekly&remark=" .. n'
    script.write_text(SCRIPT.format(paths=listed, method="POST", browser=BROWSER, body=body))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), f"http://127.0.0.1:{PORT}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    stop(server)
    refused, rate = re.search(r"Non-2xx or 3xx responses", told), re.search(r"Requests/sec:\s+([\d.]+)", told)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    if refused or not rate or not slowest:
        sys.exit(f"wrk says:\n{told}")
    return Load(float(rate[1]), float(slowest[1]) * _MILLISECONDS[slowest[2]])


if __name__ == "__main__":
    kind = sys.argv[3] if len(sys.argv) > 3 else "sqlite"
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, int(sys.argv[2]) if len(sys.argv) > 2 else 50_000, kind)
