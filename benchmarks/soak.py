"""Memory of the landing application under load for a long while: pages, answers, followed links, and links that lead nowhere.

    python -m benchmarks.soak [MINUTES] [PEOPLE]

One connection, which asks without a pause. Prints the application's memory as it goes, and what it grew from the end of the first
third to the end: what is filled once (statements, templates, the links that were followed last) is full by then. Linux only.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from benchmarks.figures import Figure, database_of
from benchmarks.landing_pages import BROWSER, KEY, PORT, followed, insert_people
from contactflow.migrations import bring_up_to_date
from landing.app import landing_app, landing_server
from landing.responses import PATIENCE_SECONDS
from landing.settings import LandingSettings
from store.clock import SystemClock
from store.session import open_database, writing

GOAL_MB = 10
_EXPECTED = (200, 302, 303, 404)


def main(minutes: float, people: int) -> None:
    """Serve, load and watch."""
    with database_of("sqlite") as (folder, database):
        bring_up_to_date(database)
        with writing(database) as session:
            insert_people(session, people)
        server = get_context("spawn").Process(target=serve, args=(str(folder),), daemon=True)
        server.start()
        assert server.pid
        try:
            watched(server.pid, visits(people), minutes * 60)
        finally:
            server.terminate()
            server.join()


def serve(folder: str) -> None:
    """The pages as `contactflow serve` opens them, but for the rates of forms: all come from one network here."""
    database = open_database(f"sqlite:///{folder}/contactflow.db", PATIENCE_SECONDS, outlives_power_cuts=True)
    zone, most = ZoneInfo("Europe/Amsterdam"), sys.maxsize
    settings = LandingSettings("http://127.0.0.1", Path("templates"), (KEY,), zone, forms_a_link=most, forms_a_network=most)
    landing_server(landing_app(database, settings, SystemClock(), lambda _: None), "127.0.0.1", PORT).run()


def visits(people: int) -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """What is asked for, without end: method, path and form."""
    pages, clicks = followed(people, "page"), followed(people, "click")
    for number, (page, click) in enumerate(cycle(zip(pages, clicks, strict=True))):
        yield "GET", page, None
        yield "POST", page, {"interest": "fresh", "frequency": "weekly", "remark": str(number)}
        yield "GET", f"{page}/thanks", None
        yield "GET", f"{click}/1", None
        yield "GET", f"/p/nothing-{number}", None


def watched(pid: int, asked: Iterator[tuple[str, str, dict[str, str] | None]], seconds: float) -> None:
    """Ask for as long, and tell the memory 20 times on the way."""
    told: list[float] = []
    answers: Counter[int] = Counter()
    began = time.monotonic()
    patient = httpx.HTTPTransport(retries=9)  # the server is still starting
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", headers={"User-Agent": BROWSER}, transport=patient) as browser:
        for method, path, form in asked:
            answers[browser.request(method, path, data=form).status_code] += 1
            lasted = time.monotonic() - began
            if lasted >= seconds * (len(told) + 1) / 20:
                told.append(memory_mb(pid))
                print(f"{lasted / 60:6.1f} minutes  {answers.total():9,} requests  {told[-1]:7.1f} MB", flush=True)
            if len(told) == 20:
                break
    print("answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(answers.items())))
    if set(answers) - set(_EXPECTED):
        sys.exit("Something went wrong on the way.")
    Figure("soak", "memory from a third of the way to the end", told[-1] - told[6], "MB", goal=GOAL_MB).show()


def memory_mb(pid: int) -> float:
    """What a process holds of the machine's memory, without files that are mapped."""
    status = Path(f"/proc/{pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1_000


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30, int(sys.argv[2]) if len(sys.argv) > 2 else 1_000)
