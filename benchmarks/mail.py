"""Mails a second: composed and sent by us, against Postfix's smtp-source sending one and the same mail, in the same run.

    .venv/bin/python benchmarks/mail.py [MAILS] [--loop package.module:function]

The reference is `smtp-source -d -s 8` to `smtp-sink` (Debian: postfix): C, eight connections that stay, no composing, no record.
The naive way is smtplib and EmailMessage, a mail at a time over one connection. Ours composes 25 kB of HTML and a text for each
recipient, sends, and keeps a journal of what may be on the wire that survives a kill -9.

`--loop` names another function to measure, called as `function(port, first, last)` in each process.
"""

import argparse
import multiprocessing
import os
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome
from channels.email import EmailChannel, EmailSettings
from channels.email.compiling import compile_wording
from channels.email.incoming.return_path import ReturnPaths
from channels.email.wording import EmailWording
from engine.journal import Journal
from store.tokens import Signer

Loop = Callable[[int, int, int], None]
BATCH = 500
CONNECTIONS = 8
ROUNDS = 5
NAMES = ("Anna", "Bram", "Carla", "Dirk", "Esra", "Frits", "Gwen", "Hugo", "Iris", "Zoë")
SECTION = """<mj-section background-color="#fffaf2"><mj-column><mj-text>Dear {{ customer.first_name }}, this week in
{{ customer.city }} we picked something for you, and put it aside until you come by: from growers nearby, roasted, baked and cut
by people who like what they do.</mj-text><mj-button href="{{ links.page }}">See my page</mj-button></mj-column></mj-section>"""
FOOT = "<mj-section><mj-column><mj-text><a href='{{ links.opt_out }}'>Stop</a></mj-text></mj-column></mj-section>"
MJML = f"<mjml><mj-body>{SECTION * 8}{FOOT}</mj-body></mjml>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mails", nargs="?", type=int, default=6_000)
    parser.add_argument("--loop", default="", help="package.module:function instead of the channel alone")
    options = parser.parse_args()
    loop = named(options.loop) if options.loop else ours
    size = len(wording().compose(values(1)).raw or b"")  # type: ignore[union-attr]  # these values compose
    print(f"{size / 1000:.1f} kB a mail on the wire, {options.mails:,} mails a measurement, median of {ROUNDS} rounds")
    with sink() as port:
        rounds = [measure(port, options.mails, size, loop) for _ in range(ROUNDS)]
    for name in rounds[0]:
        rate = statistics.median(each[name] for each in rounds)
        print(f"{name:42}{rate:9,.0f} a second   {ratio(rounds, name):>32}")


def measure(port: int, mails: int, size: int, loop: Loop) -> dict[str, float]:
    """One round: everything once, so that what else the machine does falls on all alike."""
    few = max(mails // 20, 1)
    return {
        "smtp-source": mails / seconds(lambda: source(port, mails, size)),
        "ours, 1 process": mails / seconds(lambda: loop(port, 0, mails)),
        "ours, 1 process, return paths (VERP)": mails / seconds(lambda: with_return_paths(port, 0, mails)),
        "ours, 2 processes": mails / seconds(lambda: together(port, mails, loop)),
        "naive: EmailMessage and smtplib": few / seconds(lambda: naive(port, few)),
    }


def ratio(rounds: list[dict[str, float]], name: str) -> str:
    to_source = statistics.median(each[name] / each["smtp-source"] for each in rounds)
    to_naive = statistics.median(each[name] / each["naive: EmailMessage and smtplib"] for each in rounds)
    return f"{to_source:.2f} of smtp-source, {to_naive:5.1f} x naive"


def ours(port: int, first: int, last: int) -> None:
    """The channel and the wire journal, without the outbox."""
    deliver(settings_of(port), first, last)


def with_return_paths(port: int, first: int, last: int) -> None:
    """The same, each mail with a return path and an address to unsubscribe at of its own."""
    paths = ReturnPaths(Signer([b"0123456789abcdef"]))
    deliver(replace(settings_of(port), bounce_domain="bounces.example.com", return_paths=paths), first, last)


def settings_of(port: int) -> EmailSettings:
    return EmailSettings(host="127.0.0.1", port=port, sender_address="shop@example.com", sender_name="Shop", connections=CONNECTIONS)


def deliver(settings: EmailSettings, first: int, last: int) -> None:
    channel = EmailChannel(settings)
    composing = wording()
    batch = BatchInfo("b", "winback", "1a2b3c", "mail", "Win back", datetime.now(UTC))
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.open(Path(folder), f"{os.getpid()}")
        for start in range(first, last, BATCH):
            messages = [message(composing, index) for index in range(start, min(start + BATCH, last))]
            accepted += sum(receipt.outcome is Outcome.ACCEPTED for receipt in channel.deliver(messages, batch, journal))
            journal.recorded()
        journal.close()
    channel.close()
    assert accepted == last - first, f"{accepted} of {last - first} accepted"


def message(composing: EmailWording, index: int) -> Message:
    content = composing.compose(values(index))
    assert isinstance(content, Content)
    return Message(MessageKey(f"1a2b3c.{index}"), f"customer{index}@example.com", content, {"one_click": f"https://example.com/1/{index}"})


def values(index: int) -> dict[str, Any]:
    """What one mail is merged with: names repeat, links do not."""
    return {
        "customer": {"first_name": NAMES[index % 10], "city": f"Town {index % 400}"},
        "links": {"page": f"https://example.com/p/{index}?k={index * 7919:x}", "opt_out": f"https://example.com/o/{index}"},
    }


@cache
def wording() -> EmailWording:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mail.mjml"
        file.write_text(MJML, encoding="utf-8")
        compiled = compile_wording(file, {"subject": "{{ customer.first_name }}, € 5 for you"}, Path(folder))
    assert isinstance(compiled, EmailWording), compiled
    return compiled


def naive(port: int, mails: int) -> None:
    environment = Environment(autoescape=True)
    subject, text, html = (environment.from_string(each or "") for each in (wording().subject, wording().text, wording().html))
    with smtplib.SMTP("127.0.0.1", port, "localhost") as connection:
        for index in range(mails):
            mail = EmailMessage()
            mail["From"], mail["To"] = "Shop <shop@example.com>", f"customer{index}@example.com"
            mail["Subject"] = subject.render(values(index))
            mail.set_content(text.render(values(index)))
            mail.add_alternative(html.render(values(index)), subtype="html")
            connection.send_message(mail)


def source(port: int, mails: int, size: int) -> None:
    program = shutil.which("smtp-source", path="/usr/sbin:/usr/bin:/usr/local/sbin") or missing()
    subprocess.run([program, "-d", "-s", str(CONNECTIONS), "-m", str(mails), "-l", str(size), f"127.0.0.1:{port}"], check=True)


def together(port: int, mails: int, loop: Loop) -> None:
    fork = multiprocessing.get_context("fork")
    halves = [fork.Process(target=loop, args=(port, first, first + mails // 2)) for first in (0, mails // 2)]
    for half in halves:
        half.start()
    for half in halves:
        half.join()
    assert all(half.exitcode == 0 for half in halves)


@contextmanager
def sink() -> Iterator[int]:
    """A server that takes everything and keeps nothing."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin") or missing()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("smtp-sink does not listen")


def missing() -> str:
    sys.exit("smtp-source and smtp-sink were not found. Debian: apt-get install postfix")


def named(name: str) -> Loop:
    module, _, function = name.partition(":")
    loop: Loop = getattr(import_module(module), function)
    return loop


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
