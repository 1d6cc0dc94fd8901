"""Mails a second from the outbox to the contact log: claimed, checked, composed, sent and recorded, against smtp-source.

    .venv/bin/python -m benchmarks.mail_engine [MAILS] [--database sqlite|postgresql]

The mail, the reference and the naive way are those of benchmarks/mail.py, in the same run. Ours is engine.dispatch on a campaign whose
messages wait in the outbox: each is claimed, its customer's consent and address are read, its links are signed, 25 kB of HTML and a
text are composed, sent over eight connections, journalled, and its outcome is written to the outbox and the contact log. With two
processes, both take from the same outbox. Goals: 0.5 of smtp-source in one process and 0.75 in two (here as times: 2 and 1.33), and
ten times the naive way.
"""

import argparse
import multiprocessing
import statistics
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

from sqlalchemy import URL, text

from benchmarks.figures import Figure, database_of, seconds
from benchmarks.mail import CONNECTIONS, MJML, naive, sink, source, values, wording
from benchmarks.twelve_nodes import NOW, Bench
from channels.email import EmailChannel, EmailSettings
from engine.advance import advance
from engine.campaigns import open_versions
from engine.dispatch import Desk, dispatch
from engine.entry import let_in
from engine.journal import Journal
from store.clock import SystemClock
from store.session import open_database, writing

ROUNDS = 3
FLOW = """
campaign: twelve
purpose: offers
flow:
  dutch: {audience: country = 'NL'}
  mail: {send: email, subject: "{{ customer.first_name }}, € 5 for you", template: mail.mjml}
  won: {goal: purchase}
"""
REFERENCE, NAIVE = "smtp-source", "naive: EmailMessage and smtplib"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mails", nargs="?", type=int, default=12_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    size = len(wording().compose(values(1)).raw or b"")  # type: ignore[union-attr]  # these values compose
    with sink() as port, database_of(options.database) as (root, database):
        bench = prepared(root, Bench(root, database, FLOW), options.mails)
        rounds = [measure(bench, port, options.mails, size) for _ in range(ROUNDS)]
    took = {name: statistics.median(each[name] for each in rounds) * 1e6 / options.mails for name in rounds[0]}
    for processes, goal in ((1, 2.0), (2, 1.33)):
        name = f"{options.database}, {processes} process{'es' if processes > 1 else ''}"
        ours = took[str(processes)]
        Figure("mail_engine", f"{name}: a mail", ours, "us", took[REFERENCE], REFERENCE, goal).show()
        Figure("mail_engine", f"{name}: a mail", ours, "us", took[NAIVE], NAIVE, 0.1).show()
        Figure("mail_engine", f"{name}: mails", 1e6 / ours, "/s").show()


def prepared(root: Path, bench: Bench, mails: int) -> Bench:
    """Everybody's message waits in the outbox."""
    (root / "templates" / "mail.mjml").write_text(MJML, encoding="utf-8")
    bench.people(mails)
    (running,) = bench.start()
    let_in(running, NOW)
    advance(running, NOW, mails)
    return bench


def measure(bench: Bench, port: int, mails: int, size: int) -> dict[str, float]:
    few = max(mails // 20, 1)
    return {
        REFERENCE: seconds(lambda: source(port, mails, size)),
        "1": sent_by(1, bench, port, mails),
        "2": sent_by(2, bench, port, mails),
        NAIVE: seconds(lambda: naive(port, few)) * mails / few,
    }


def sent_by(processes: int, bench: Bench, port: int, mails: int) -> float:
    """The seconds from the moment that all processes are ready until the last is done."""
    put_back(bench)
    bench.database.dispose()  # no connection lives on in two processes
    fork = multiprocessing.get_context("fork")
    ready = fork.Barrier(processes + 1)
    workers = [fork.Process(target=send, args=(bench.root, bench.database.url, port, name, ready)) for name in range(processes)]
    for worker in workers:
        worker.start()
    ready.wait()
    took = seconds(lambda: wait_for(workers))
    with bench.database.connect() as connection:
        sent = connection.execute(text("SELECT count(*) FROM contact WHERE kind = 'sent'")).scalar_one()
    assert sent == mails, f"{sent} of {mails} sent"
    return took


def wait_for(workers: list[ForkProcess]) -> None:
    for worker in workers:
        worker.join()


def put_back(bench: Bench) -> None:
    with writing(bench.database) as session:
        session.execute(text("DELETE FROM contact"))
        session.execute(text("UPDATE outbox SET state = 'queued', attempts = 0, settled_at = NULL, merged = NULL"))
        session.execute(text("UPDATE member SET due_at = NULL"))


def send(root: Path, url: URL, port: int, name: int, ready: Barrier) -> None:
    mail = EmailSettings(host="127.0.0.1", port=port, sender_address="shop@example.com", sender_name="Shop", connections=CONNECTIONS)
    bench = Bench(root, open_database(url.render_as_string(hide_password=False)), FLOW, {"email": EmailChannel(mail, cache=root / "mjml")})
    (running,) = open_versions(bench.workspace, "twelve")
    journal = Journal.open(root, f"desk-{name}")
    ready.wait()
    dispatch(running, "mail", NOW, Desk(f"desk-{name}", journal, SystemClock()))
    journal.close()
    bench.channels["email"].close()


if __name__ == "__main__":
    main()
