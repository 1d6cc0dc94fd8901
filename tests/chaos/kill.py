# ruff: noqa: T201 - a program of its own, that prints its proof
"""Kill a dispatching process again and again, and ask the receiving mail servers who got what.

python -m tests.chaos.kill --messages 100000 --kills 50 [--chain] [--database postgresql]

Each sender is killed at a random moment: one in five while it begins, the others while it works. With `--chain` it sends over two mail
servers, the first of which now and then refuses to have anything to do with us. Prints one line a kill and the proof at the end; exits 1
when somebody was lost or written to twice, when a message is unknown that was not on the wire at a kill, or when one is not explained.
"""

import argparse
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select, text

from benchmarks.figures import database_of
from contactflow.migrations import bring_up_to_date
from customers.tables import Customer, table_of
from engine.campaigns import open_versions
from engine.counting import SHOWN, standing
from engine.explain import explain
from engine.journal import orphans
from engine.reasons import Reason
from engine.tables import OutboxMessage
from store.session import reading
from studio.inbox.records import MAIL, open_records
from studio.inbox.server import running_port
from tests.conftest import NOON
from tests.email.naughty_servers import Behaviour, Server, server
from tests.engine.conftest import Bench

ROOT = Path(__file__).resolve().parent.parent.parent
MAIL_FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
REFUSAL = Behaviour("mail", "550 5.7.1 We have had enough of you", when=lambda count: count % 1_009 == 0)


@dataclass
class Trial:
    """What is tried, and what has been seen of it."""

    bench: Bench
    url: str
    ports: Sequence[int]
    chance: random.Random
    rate: float = 1_500  # mails a second while a sender works; corrected as it is seen
    on_the_wire: dict[str, int] = field(default_factory=dict)  # by the name of the dead


def main() -> int:
    """Run the trial; 0 when the proof holds."""
    given = _arguments()
    with database_of(given.database) as (root, engine), ExitStack() as stack:
        return _tried(root, engine, given, stack)


def _tried(root: Path, engine: Engine, given: argparse.Namespace, stack: ExitStack) -> int:
    url = engine.url.render_as_string(hide_password=False)
    bring_up_to_date(engine)
    bench = Bench(root, engine)
    bench.people(given.messages, consent=["email"])
    bench.start(MAIL_FLOW)
    refusing = stack.enter_context(server(REFUSAL)) if given.chain else None
    mail_server, port = _mail_server(root)
    stack.callback(mail_server.wait)
    stack.callback(mail_server.terminate)
    trial = Trial(bench, url, [refusing.port, port] if refusing else [port], random.Random(given.seed))
    for number in range(given.kills):
        told = _run_and_kill(trial, number, given)
        print(f"kill {number + 1:2}: {told}", flush=True)
    for hours in range(1, 100):
        if _sender(trial, f"last-{hours}", hours * bool(given.chain)).wait():
            return 1
        if not _states(bench)["queued"]:
            break
    return _proof(trial, _kept(root, refusing), given.messages)


def _run_and_kill(trial: Trial, number: int, given: argparse.Namespace) -> str:
    """Start a sender, and kill it a random moment later: so that some work is left for all the others."""
    before = _states(trial.bench)["sent"]
    sender, began, window = _sender(trial, f"sender-{number}"), time.monotonic(), 2.0
    if number % 5:
        journal = trial.bench.workspace.state / "wire" / f"sender-{number}.journal"
        while sender.poll() is None and not (journal.exists() and b"S " in journal.read_bytes()):
            time.sleep(0.01)
        began, window = time.monotonic(), 1.2 * (given.messages - before) / (given.kills - number) / trial.rate
    time.sleep(trial.chance.random() * window)
    sender.kill()
    was_killed, took = sender.wait() == -9, time.monotonic() - began
    after = _states(trial.bench)
    if number % 5 and after["sent"] - before > 2_000:
        trial.rate = (after["sent"] - before) / took
    for left in orphans(trial.bench.workspace.state):
        trial.on_the_wire[left.claim] = len(left.started - {receipt.key for receipt in left.receipts})
    return (
        f"{'' if was_killed else 'it had ended; '}{after['sent']:,} sent, {after['sending']:,} in the hands of the dead, "
        f"of these {trial.on_the_wire.get(f'sender-{number}', 0)} on the wire, {after['unknown']:,} unknown"
    )


def _proof(trial: Trial, kept: Counter[str], messages: int) -> int:
    states, mails = _states(trial.bench), sum(kept.values())
    unknown, twice = states["unknown"], sum(count > 1 for count in kept.values())
    lost, on_the_wire = messages - states["sent"] - unknown, sum(trial.on_the_wire.values())
    print(f"the outbox: {dict(states)}")
    print(f"the receiving servers: {mails:,} mails, {len(kept):,} different, {twice} twice")
    print(f"on the wire at the kills: {on_the_wire}, at most {max(trial.on_the_wire.values(), default=0)} at once")
    explained, listed = _explained(trial.bench)
    print(f"unknown: {unknown}, listed {listed}, explained {explained}")
    sent = states["sent"] <= len(kept) <= states["sent"] + unknown
    told = unknown == on_the_wire == explained and listed == min(unknown, SHOWN)
    holds = not twice and lost == 0 and sent and told
    print("nobody lost, nobody written to twice" if holds else f"BROKEN: {lost} lost, {twice} twice, {sent=}, {told=}")
    return 0 if holds else 1


def _explained(bench: Bench) -> tuple[int, int]:
    """How many customers with an unknown message are told so by `explain`, and how many messages `status` lists."""
    outbox, customer = table_of(OutboxMessage), table_of(Customer)
    query = select(customer.c.key).join(outbox, outbox.c.customer_id == customer.c.id).where(outbox.c.state == "unknown")
    with reading(bench.workspace.database) as session:
        keys = list(session.execute(query).scalars())
    (running,) = open_versions(bench.workspace, "test")
    told = [any(finding.reason is Reason.MAYBE_SENT for finding in explain(running, key, NOON).findings) for key in keys]
    return sum(told), len(standing(bench.workspace, "test").unknown)


def _kept(root: Path, refusing: Server | None) -> Counter[str]:
    """How often each message arrived anywhere, by its key."""
    database = open_records(root / "inbox.db")
    with reading(database) as session:
        kept = Counter(session.execute(select(MAIL.c.key)).scalars())
    database.dispose()
    return kept + refusing.kept if refusing else kept


def _states(bench: Bench) -> Counter[str]:
    with reading(bench.workspace.database) as session:
        query = text(f"SELECT state, count(*) FROM {OutboxMessage.__tablename__} GROUP BY state")
        return Counter(dict(session.execute(query).tuples().all()))


def _sender(trial: Trial, claim: str, hours: int = 0) -> subprocess.Popen[bytes]:
    arguments = [str(trial.bench.workspace.root), trial.url, claim, str(hours), *map(str, trial.ports)]
    return subprocess.Popen([sys.executable, "-m", "tests.chaos.sender", *arguments], cwd=ROOT)


def _mail_server(root: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A mail server in a process of its own, that nobody kills."""
    command = [sys.executable, "-m", "studio.inbox", "--db", str(root / "inbox.db"), "--state", str(root)]
    mail_server = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        port = running_port(root)
        if port:
            return mail_server, port
        time.sleep(0.1)
    mail_server.kill()
    raise SystemExit("The mail server did not start.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chain", action="store_true", help="over two mail servers, the first of which refuses us now and then")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
