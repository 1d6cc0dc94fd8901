"""A thousand mails through SendGrid's interface: in one request, against one request for each, and what building them costs.

    .venv/bin/python -m benchmarks.sendgrid [ROUNDS]

The server is our own fake on this machine, in a process of its own: it reads the request and the JSON, checks it, and answers. What the
way to a real one adds is counted, not measured: one round trip for each request. The mails are those of benchmarks/mail.py.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection

from benchmarks.mail import message
from benchmarks.mail import wording as words
from channels.contract import BatchInfo, Message, MessageKey, Outcome, Receipt
from channels.email.sendgrid import SendGridSettings
from channels.email.sendgrid.fake import FakeSendGrid
from channels.email.sendgrid.line import Line
from channels.email.sendgrid.parcels import Envelope, Parcel, parcels
from channels.email.sendgrid.transport import SendGridTransport
from tests.sendgrid.trial import NOON

MAILS = 1_000
BATCH = BatchInfo("b", "winback", "1a2b3c", "mail", "Win back", NOON)


class NoWire:
    """Nothing is kept."""

    def start(self, keys: Iterable[MessageKey]) -> None:
        pass

    def done(self, receipt: Receipt) -> None:
        pass


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    composing = words()
    messages = [message(composing, index) for index in range(MAILS)]
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,))
    server.start()
    settings = SendGridSettings(key="SG.trial", address=ours.recv(), sender_address="shop@example.com", sender_name="Shop")
    envelope = Envelope(settings, BATCH)
    bodies = {"one request of 1,000": [envelope.request(each) for each in parcels(messages)]}
    bodies["1,000 requests of one"] = [envelope.request(alone(each)) for each in messages]
    together, one_by_one, building = [], [], []
    for _ in range(rounds):
        building.append(seconds(lambda: [envelope.request(each) for each in parcels(messages)], time.process_time))
        together.append(seconds(lambda: deliver(settings, messages)))
        one_by_one.append(seconds(lambda: singly(settings, envelope, messages)))
    ours.send(None)
    server.join()
    print(f"{len(messages[0].content.raw or b'') / 1000:.1f} kB a mail over SMTP, {MAILS:,} mails, median of {rounds} rounds")
    for (name, made), times in zip(bodies.items(), (together, one_by_one), strict=True):
        took = statistics.median(times)
        print(f"{name:24}{took:7.2f} s{MAILS / took:9,.0f} a second{sum(map(len, made)) / 1e6:8.2f} MB{len(made):7,} round trips")
    print(f"finding what they share, and writing the request: {statistics.median(building) / MAILS * 1e6:,.0f} µs of processor a mail")
    ratio = statistics.median(single / joint for single, joint in zip(one_by_one, together, strict=True))
    fewer = sum(map(len, bodies["1,000 requests of one"])) / len(bodies["one request of 1,000"][0])
    print(f"together {ratio:.1f} x as fast without a network, with {fewer:.0f} x fewer bytes")


def deliver(settings: SendGridSettings, messages: list[Message]) -> None:
    transport = SendGridTransport(settings)
    assert all(receipt.outcome is Outcome.ACCEPTED for receipt in transport.deliver(messages, BATCH, NoWire()))
    transport.close()


def singly(settings: SendGridSettings, envelope: Envelope, messages: list[Message]) -> None:
    """One request for each mail, over as many warm connections as ours has."""
    lines = [Line(settings) for _ in range(settings.connections)]
    for place in range(0, len(messages), len(lines)):
        busy = list(zip(lines, messages[place : place + len(lines)], strict=False))
        for line, each in busy:
            line.ask(envelope.request(alone(each)))
        assert all(line.answer().status == 202 for line, _ in busy)
    for line in lines:
        line.close()


def alone(one: Message) -> Parcel:
    """A mail as it goes when it has nothing in common with others."""
    return next(parcels([one]))


def serve(pipe: Connection) -> None:
    with FakeSendGrid() as fake:
        pipe.send(fake.address)
        pipe.recv()


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


if __name__ == "__main__":
    main()
