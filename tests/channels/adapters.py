"""What the contract test must know of each adapter to put it through the same paces."""

import csv
import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.contract import Channel
from channels.email.chain import Chain, Provider
from channels.email.channel import EmailChannel
from channels.email.sendgrid import SendGridSettings, SendGridTransport
from channels.email.sendgrid.fake import FakeSendGrid
from channels.email.sendgrid.parcels import KEY
from channels.email.settings import EmailSettings
from channels.email.smtp import SmtpTransport
from channels.fake import FakeChannel
from channels.print import PrintChannel, PrintSettings
from channels.sms import SandboxPhone, SmsChannel
from store.clock import SystemClock

PERSON = {
    "first_name": "Zoë",
    "last_name": "Jansen-Öz",
    "email": "zoe@example.com",
    "phone": "+31612345678",
    "street": "Herengracht 573",
    "postcode": "1017cd",
    "city": "Amsterdam",
    "country": "NL",
    "language": "nl",
}
VALUES: dict[str, Any] = {
    "customer": PERSON,
    "campaign": {"name": "winback", "title": "Win back"},
    "node": "mail",
    "links": {
        "page": "https://shop.example/p/AQID.k3J9xQ2mZxLrT5vW",
        "opt_out": "https://shop.example/o/AQID.k3J9xQ2mZxLrT5vW",
        "one_click": "https://shop.example/u/AQID.k3J9xQ2mZxLrT5vW",
    },
    "code": "7K3QX-9MPTA",
    "sender": {"name": "Huis & Haard", "address": "Oudegracht 114, Utrecht"},
    "today": "2026-03-02",
}


@dataclass(frozen=True)
class Adapter:
    """One adapter on trial.

    `good` is a template that reads customer.first_name and links.page and shows both; `bad` has a fault at line `bad_line`.
    `delivered` gives the keys that the world outside has really got, a key as often as it came.
    """

    name: str
    make: Callable[[Path], Channel]
    file: str
    good: str
    bad: str
    bad_line: int
    unreachable: Mapping[str, Any]
    delivered: Callable[[Path], list[str]]
    options: Mapping[str, str] = field(default_factory=dict)
    again_adds_nothing: bool = False  # delivering a batch twice is the same as once


def _fake_delivered(folder: Path) -> list[str]:
    return [str(key) for key in FakeChannel(record=folder / "fake.jsonl").delivered()]


def _texted(folder: Path) -> list[str]:
    file = folder / "sandbox" / "sms.jsonl"
    return [json.loads(line)["key"] for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _printed(folder: Path) -> list[str]:
    rows = []
    for manifest in sorted((folder / "print").glob("[!.]*/manifest.csv")):
        with manifest.open(encoding="utf-8") as file:
            rows += [row["key"] for row in csv.DictReader(file)]
    return rows


class PostOffice:
    """A real SMTP server that writes down the key of each mail that it has taken."""

    def __init__(self, record: Path) -> None:
        self._record = record

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's own name
        key = message_from_bytes(envelope.original_content or b"")["X-Contactflow-Key"]
        with self._record.open("a", encoding="utf-8") as file:
            file.write(f"{key}\n")
        return "250 taken"


class PostedChannel(EmailChannel):
    """E-mail, with a server of its own that closes with it."""

    def __init__(self, folder: Path, *, chained: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._server: Controller | None = Controller(PostOffice(folder / "posted.txt"), hostname="127.0.0.1", port=port)
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # the server's own log is not the channel's
        self._server.start()
        there = EmailSettings(host="127.0.0.1", port=port, sender_address="news@shop.example", sender_name="Huis & Haard")
        nowhere = replace(there, port=9)  # discard
        providers = [Provider(name, partial(SmtpTransport, each)) for name, each in (("nowhere", nowhere), ("there", there))]
        super().__init__(there, Chain(providers, SystemClock()) if chained else None)

    def close(self) -> None:
        super().close()
        if self._server:
            self._server.stop()
            self._server = None


def _posted(folder: Path) -> list[str]:
    file = folder / "posted.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


class RelayedChannel(EmailChannel):
    """E-mail through a SendGrid of its own, which writes down what it has taken and closes with the channel."""

    def __init__(self, folder: Path) -> None:
        self._server: FakeSendGrid | None = FakeSendGrid(taken=lambda mail: _note(folder / "relayed.txt", mail.arguments[KEY])).__enter__()
        sender = "news@shop.example"
        to_it = SendGridSettings(key=self._server.key, address=self._server.address, sender_address=sender)
        super().__init__(EmailSettings(host="127.0.0.1", port=0, sender_address=sender), SendGridTransport(to_it))

    def close(self) -> None:
        super().close()
        if self._server:
            self._server.__exit__()
            self._server = None


def _note(file: Path, key: str) -> None:
    with file.open("a", encoding="utf-8") as written:
        written.write(f"{key}\n")


def _relayed(folder: Path) -> list[str]:
    file = folder / "relayed.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def print_settings(folder: Path) -> PrintSettings:
    return PrintSettings(folder / "print", ("Huis & Haard B.V.", "Oudegracht 114", "3511 AW Utrecht"), landing="shop.example")


TEXT = "Dear {{ customer.first_name }},\nlook at {{ links.page }}\n"

MAIL = """<mjml>
  <mj-body>
    <mj-section><mj-column>
      <mj-text>Dear {{ customer.first_name }}, <a href="{{ links.page }}">look</a></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""


def _mail_adapter(name: str, make: Callable[[Path], Channel], delivered: Callable[[Path], list[str]]) -> Adapter:
    return Adapter(
        name=name,
        make=make,
        file="hello.mjml",
        good=MAIL,
        bad=MAIL.replace("first_name }}", "first_name }"),
        bad_line=4,
        unreachable={"email": "zoe@"},
        delivered=delivered,
        options={"subject": "{{ customer.first_name }}, news"},
    )


ADAPTERS = [
    _mail_adapter("email", PostedChannel, _posted),
    _mail_adapter("sendgrid", RelayedChannel, _relayed),
    _mail_adapter("chain", partial(PostedChannel, chained=True), _posted),
    Adapter(
        name="fake",
        make=lambda folder: FakeChannel(record=folder / "fake.jsonl"),
        file="hello.txt",
        good=TEXT,
        bad="Dear reader,\n{{ customer.first_name }\n",
        bad_line=2,
        unreachable={"email": None},
        delivered=_fake_delivered,
    ),
    Adapter(
        name="sms",
        make=lambda folder: SmsChannel(SandboxPhone(folder / "sandbox")),
        file="hello.txt",
        good=TEXT,
        bad="Dear reader,\n\n{% if customer.first_name %}never closed\n",
        bad_line=3,
        unreachable={"phone": "+31201234567"},
        delivered=_texted,
        again_adds_nothing=True,
    ),
    Adapter(
        name="print",
        make=lambda folder: PrintChannel(print_settings(folder)),
        file="letter.md",
        good=f"---\nheading: News\nlanguage: nl\n---\n{TEXT}",
        bad="---\nheading: News\ncolor: red\n---\nDear reader,\n",
        bad_line=3,
        unreachable={"postcode": "12"},
        delivered=_printed,
        again_adds_nothing=True,
    ),
]
