"""Landing pages a second from one worker, beside a bare Starlette route that gives the same bytes; both under wrk.

    python -m benchmarks.landing_pages [SECONDS] [PEOPLE]

`page`: a personal page that was opened before today (read: recipient, profile, answers). `visit`: opened for the first time
(read, and a visit logged in a transaction of its own). `answer`: a form that is sent (an answer logged and the member woken).
`click`: a followed link of another mail each time, which leads to another site (read; the click is logged with others, a while later).
`open`: the picture that tells of an opening.
Needs wrk.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn
from sqlmodel import Session, SQLModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from customers.tables import Customer, table_of
from engine.links import LinkPurpose, Links
from engine.tables import Campaign, FlowVersion, Member, OutboxMessage, StoredWording
from landing.app import landing_app, landing_server
from landing.responses import PATIENCE_SECONDS
from landing.settings import LandingSettings
from store.bulk import insert_rows
from store.clock import SystemClock, to_micros
from store.session import open_database, writing
from store.tokens import Signer

KEY = b"a key for nothing but measuring"
FLOW = "campaign: winback\npurpose: offers\npage: winback/page.yaml\n"
WORDING = b'{"email":1,"html":null,"subject":"s","targets":["https://shop.example/spring?c={{ customer.key }}"],"text":"t"}'
BROWSER = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0"
MEMBER = ("id", "campaign_id", "version_id", "customer_id", "entry", "entered_at", "node", "arrived_at", "due_at", "hop", "fresh")
MESSAGE = (
    *("id", "member_id", "version_id", "customer_id", "node", "entry", "hop", "channel", "state", "queued_at", "due_at", "stale_at"),
    *("attempts", "units", "cost_millicents", "wording_id", "merged"),
)
PORT = 8_431
CONNECTIONS = 16
SCRIPT = """
local paths, n = {{}}, 0
for line in io.lines("{paths}") do paths[#paths + 1] = line end
request = function() n = n % #paths + 1; return wrk.format("{method}", paths[n], {{["User-Agent"] = "{browser}", ["Accept-Language"] = "en",
  ["Content-Type"] = "application/x-www-form-urlencoded"}}, {body}) end
"""


def main(seconds: int, people: int) -> None:
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        paths = fill(Path(folder), people)
        ours = run(serve_ours, folder)
        body = fetch(paths[0])
        asked = {
            "page": (paths[:1], "GET"),
            "visit": (paths[1:], "GET"),
            "answer": (paths, "POST"),
            "click": ([f"{path}/1" for path in followed(people, "click")], "GET"),
            "open": ([f"{path}.gif" for path in followed(people, "open")], "GET"),
        }
        found = {name: loaded(ours, folder, *each, seconds) for name, each in asked.items()}
        stop(ours)
        bare = run(serve_bare, body)
        reference = loaded(bare, folder, paths[:1], "GET", seconds)
        stop(bare)
    print(f"{'bare Starlette':16}{reference}   {len(body):,} bytes, {CONNECTIONS} connections")
    for name, load in found.items():
        more = load.processor_micros / reference.processor_micros
        print(f"{name:16}{load}   {load.rate / reference.rate:.2f} of bare Starlette's, {more:.1f} x its processor time")


@dataclass(frozen=True)
class Load:
    """Requests a second, as wrk counts them, and the processor time of each in the server, which tells more on a busy machine."""

    rate: float
    processor_micros: float

    def __str__(self) -> str:
        """As it is told."""
        return f"{self.rate:8,.0f}/s {self.processor_micros:8,.0f} us"


def loaded(server: SpawnProcess, folder: str, paths: list[str], method: str, seconds: int) -> Load:
    """Load a server for so long."""
    before = processor_seconds(server)
    found = rate(folder, paths, seconds, method)
    return Load(found, (processor_seconds(server) - before) / (found * seconds) * 1_000_000)


def processor_seconds(process: SpawnProcess) -> float:
    """What a process has used of the processor; Linux only."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(folder: Path, people: int) -> list[str]:
    """A database of people who all have a message; gives the paths of their pages."""
    database = open_database(f"sqlite:///{folder / 'landing.db'}")
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        insert_people(session, people)
    links = Links("http://127.0.0.1", Signer([KEY]))
    expires = datetime.now(UTC) + timedelta(days=30)
    return [links.for_message(number, expires)["page"].removeprefix("http://127.0.0.1") for number in range(1, people + 1)]


def followed(people: int, purpose: LinkPurpose) -> list[str]:
    """The paths of everybody's followed link, or of their picture."""
    links = Links("http://127.0.0.1", Signer([KEY]))
    return [links.link(purpose, number, None).removeprefix("http://127.0.0.1") for number in range(1, people + 1)]


def insert_people(session: Session, people: int) -> None:
    now = datetime.now(UTC)
    at, later, numbers = to_micros(now), to_micros(now + timedelta(days=5)), range(1, people + 1)
    session.add(FlowVersion(id=1, campaign="winback", version="0123456789ab", stored_at=now, source=FLOW))
    session.add(StoredWording(id=1, digest="1", channel="email", source=WORDING))
    session.add(Campaign(id=1, name="winback", started_at=now))
    session.flush()
    columns = ("id", "key", "first_name", "country", "created_at", "changed_at")
    insert_rows(session, table_of(Customer), columns, ((n, f"c{n}", f"Anna {n}", "NL", at, at) for n in numbers))
    insert_rows(session, table_of(Member), MEMBER, ((n, 1, 1, n, 1, at, "answer", at, later, 1, False) for n in numbers))
    rows = ((n, n, 1, n, "mail", 1, 1, "email", "sent", at, at, at, 1, 1, 0, 1, f'{{"customer":{{"key":"c{n}"}}}}') for n in numbers)
    insert_rows(session, table_of(OutboxMessage), MESSAGE, rows)


def serve_ours(folder: str) -> None:
    database = open_database(f"sqlite:///{folder}/landing.db", PATIENCE_SECONDS, outlives_power_cuts=True)
    zone, most = ZoneInfo("Europe/Amsterdam"), sys.maxsize  # all visitors come from one network here
    settings = LandingSettings("http://127.0.0.1", Path("templates"), (KEY,), zone, forms_a_link=most, forms_a_network=most)
    landing_server(landing_app(database, settings, SystemClock(), lambda _: None), "127.0.0.1", PORT).run()


def serve_bare(body: str) -> None:
    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(body)

    uvicorn.run(Starlette(routes=[Route("/p/{token}", page)]), host="127.0.0.1", port=PORT, access_log=False, log_level="warning")


def run(target: Callable[[str], None], argument: str) -> SpawnProcess:
    process = get_context("spawn").Process(target=target, args=(argument,), daemon=True)
    process.start()
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                return process
        time.sleep(0.05)


def stop(process: SpawnProcess) -> None:
    process.terminate()
    process.join()


def fetch(path: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", headers={"User-Agent": BROWSER})
    with urllib.request.urlopen(request) as answer:
        text: str = answer.read().decode()
        return text


def rate(folder: str, paths: list[str], seconds: int, method: str) -> float:
    """Requests a second, as wrk counts them; a page that is not served is a fault of the benchmark."""
    listed, script = Path(folder, "paths"), Path(folder, "script.lua")
    listed.write_text("\n".join(paths))
    body = '"interest=fresh&frequency=weekly&remark=" .. n' if method == "POST" else "nil"
    script.write_text(SCRIPT.format(paths=listed, method=method, browser=BROWSER, body=body))
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{PORT}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if refused or not found:
        sys.exit(f"wrk says:\n{told}")
    return float(found[1])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, int(sys.argv[2]) if len(sys.argv) > 2 else 50_000)
