"""Memory of a process that carries out a whole campaign by mail, over more and more recipients.

    .venv/bin/python -m benchmarks.mail_memory [RECIPIENTS ...] [--database sqlite|postgresql]

For each number a new process lets everybody in, queues their messages, and composes, signs links for, sends, journals and records 26 kB
of mail each, over SMTP to a server that keeps nothing. Its peak is what the kernel says of it (VmHWM). Goal: the same from 10 thousand
to 1 million, within a tenth, once SQLite's cache of pages is full: 64 MB, which 10 thousand do not fill.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure, database_of
from benchmarks.mail import MJML, settings_of, sink
from benchmarks.mail_engine import FLOW
from benchmarks.twelve_nodes import NOW, Bench
from channels.email import EmailChannel
from engine.campaigns import open_versions
from engine.dispatch import Desk
from engine.journal import Journal
from engine.wave import carry_out
from store.clock import SystemClock
from store.session import open_database

PAGES = {"sqlite": 64, "postgresql": 0}  # MB of the database that are kept in this process
RECIPIENTS = (10_000, 100_000, 1_000_000)
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipients", nargs="*", type=int, default=RECIPIENTS)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--send", nargs=3, metavar=("FOLDER", "DATABASE", "PORT"), help="be the process that is measured")
    options = parser.parse_args()
    if options.send:
        send(*options.send)
        return
    full = 0.0
    for recipients in options.recipients:
        began = time.perf_counter()
        peak, sent = measured(recipients, options.database)
        full = full or peak + PAGES[options.database]
        print(f"{sent:,} sent, {time.perf_counter() - began:,.0f} s with making the customers", flush=True)
        Figure(
            "mail_memory", f"{options.database}, {recipients:,} recipients: peak", peak, "MB", full, "the first, and full pages", 1.1
        ).show()


def measured(recipients: int, database: str) -> tuple[float, int]:
    """The peak of a process that sends to so many, in MB, and how many mails it sent."""
    with sink() as port, database_of(database) as (root, engine):
        bench = Bench(root, engine, FLOW)
        (root / "templates" / "mail.mjml").write_text(MJML, encoding="utf-8")
        bench.people(recipients)
        bench.start()
        url = engine.url.render_as_string(hide_password=False)
        engine.dispose()
        command = [sys.executable, "-m", "benchmarks.mail_memory", "--send", str(root), url, str(port)]
        told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        return int(told[0]) / 1024, int(told[1])


def send(folder: str, url: str, port: str) -> None:
    root = Path(folder)
    channel = EmailChannel(settings_of(int(port)), cache=root / "mjml")
    bench = Bench(root, open_database(url), FLOW, {"email": channel})
    journal = Journal.open(root, "desk")
    troubles = carry_out(open_versions(bench.workspace, "twelve"), NOW, Desk("desk", journal, SystemClock()))
    assert not troubles, troubles
    with bench.database.connect() as connection:
        sent = connection.exec_driver_sql("SELECT count(*) FROM contact WHERE kind = 'sent'").scalar_one()
    # Not ru_maxrss: that of a process that was started by a large one is the large one's.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(peak, sent)


if __name__ == "__main__":
    main()
