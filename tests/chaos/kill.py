# ruff: noqa: T201 - a program of its own, that prints its proof
"""Kill a dispatching process again and again, and ask the receiving mail server who got what.

python -m tests.chaos.kill --messages 20000 --kills 20 [--database postgresql://...]

Prints one line a kill and the proof at the end; exits 1 when somebody was lost or written to twice.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from contactflow.migrations import bring_up_to_date
from engine.tables import OutboxMessage
from store.session import open_database, reading
from studio.inbox.records import read_record
from studio.inbox.server import running_port
from tests.engine.conftest import Bench

ROOT = Path(__file__).resolve().parent.parent.parent
MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""


def main() -> int:
    """Run the trial; 0 when the proof holds."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="contactflow-chaos-") as folder:
        return _trial(Path(folder), given)


def _trial(root: Path, given: argparse.Namespace) -> int:
    url = given.database or f"sqlite:///{root / 'chaos.db'}"
    engine = open_database(url)
    bring_up_to_date(engine)
    bench = Bench(root, engine)
    bench.people(given.messages)
    bench.start(MAIL)
    server, port = _mail_server(root)
    try:
        chance = random.Random(given.seed)
        for number in range(given.kills):
            print(f"kill {number + 1:2}: {_run_and_kill(bench, url, port, number, chance)}")
        ended = _sender(bench, url, port, "last").wait()
    finally:
        server.terminate()
        server.wait()
    return _proof(bench, root, given.messages) if ended == 0 else 1


def _run_and_kill(bench: Bench, url: str, port: int, number: int, chance: random.Random) -> str:
    """Start a sender, wait until it sends, and kill it a random moment later."""
    before = _states(bench)
    sender = _sender(bench, url, port, f"sender-{number}")
    while sender.poll() is None and _states(bench)["sent"] == before["sent"]:
        time.sleep(0.02)
    time.sleep(chance.random() * 1.5)
    sender.kill()
    sender.wait()
    after = _states(bench)
    return f"{after['sent']:,} sent, {after['sending']:,} in the hands of the dead, {after['unknown']:,} unknown"


def _proof(bench: Bench, root: Path, messages: int) -> int:
    record, states = read_record(root / "inbox.db"), _states(bench)
    print(f"the outbox: {dict(states)}")
    print(f"the receiving server: {record.mails:,} mails, {record.keys:,} different, {len(record.duplicates)} twice")
    lost = messages - states["sent"] - states["unknown"]
    holds = not record.duplicates and lost == 0 and states["sent"] <= record.keys <= states["sent"] + states["unknown"]
    print("nobody lost, nobody written to twice" if holds else f"BROKEN: {lost} lost, {len(record.duplicates)} twice")
    return 0 if holds else 1


def _states(bench: Bench) -> Counter[str]:
    with reading(bench.workspace.database) as session:
        query = text(f"SELECT state, count(*) FROM {OutboxMessage.__tablename__} GROUP BY state")
        return Counter(dict(session.execute(query).tuples().all()))


def _sender(bench: Bench, url: str, port: int, claim: str) -> subprocess.Popen[bytes]:
    arguments = [str(bench.workspace.root), url, claim, "0", str(port)]
    return subprocess.Popen([sys.executable, "-m", "tests.engine.sender", *arguments], cwd=ROOT)


def _mail_server(root: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A mail server in a process of its own, that nobody kills."""
    command = [sys.executable, "-m", "studio.inbox", "--db", str(root / "inbox.db"), "--state", str(root)]
    server = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        port = running_port(root)
        if port:
            return server, port
        time.sleep(0.1)
    server.kill()
    raise SystemExit("The mail server did not start.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="postgresql://...; default: SQLite")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
