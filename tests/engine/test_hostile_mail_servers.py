"""Whatever a mail server does at whatever stage: nobody is lost, nobody is written to twice, and the run ends by itself."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from channels.contract import BatchInfo, Message, Receipt, Wire
from channels.email.channel import EmailChannel
from channels.email.settings import EmailSettings
from channels.email.smtp import SmtpTransport
from customers.tables import Customer, table_of
from engine.counting import standing
from engine.tables import OutboxMessage
from store.errors import DeliveryError
from store.session import reading, writing
from tests.conftest import NOON
from tests.email.hostile_sinks import LOSSES, REPLIES, STAGES, TALK, Sink, listening
from tests.email.naughty_servers import certificate_in
from tests.engine.conftest import Bench, MakeBench

EACH = 3  # messages to each server
PAUSE = timedelta(hours=6)  # at least, between waves: who was put off comes back in many small groups, and is not too late by it
WAITS = ("hang", "drip")  # until we have had enough
FOR_EVER = (("greeting", "hang"), ("dot", "hang"), ("dot", "drip"))
FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""


class ByDomain:
    """Sends each message to the server of its domain; a server that is out of reach does not stop the others."""

    def __init__(self, transports: Mapping[str, SmtpTransport]) -> None:
        self._transports = transports

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        troubles = []
        for domain, transport in self._transports.items():
            theirs = [message for message in messages if message.address.endswith(f"@{domain}")]
            try:
                yield from transport.deliver(theirs, batch, wire)
            except DeliveryError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()


def sinks() -> list[Sink]:
    """Every stage with every way to go wrong there: a few times, and for ever."""
    plain = [(stage, action) for stage in STAGES for action in (*REPLIES, "drop", "hang") if stage not in ("starttls", "body")]
    plain += [("body", "drop"), ("body", "hang")]
    secure = [("starttls", action) for action in (*REPLIES, *LOSSES)]
    secure += [(stage, action) for stage in ("mail", "rcpt", "data", "body", "dot", "between") for action in LOSSES if action != "hang"]
    plain += [(stage, action) for stage in ("greeting", "ehlo", "auth", "mail", "dot") for action in TALK]
    every = [Sink(*each, times, each in secure) for each in (*plain, *secure) for times in (2, 1_000)]
    # One that hangs for ever is waited for in each attempt: at two stages is enough.
    return [each for each in every if each.times == 2 or each.action not in WAITS or (each.stage, each.action) in FOR_EVER]


def transport_to(sink: Sink) -> SmtpTransport:
    # A busy machine is not a hanging server; where it is taken for one, a message is unknown at worst.
    seconds = 0.05 if sink.action in WAITS else 10
    return SmtpTransport(
        EmailSettings(
            host="127.0.0.1",
            port=sink.port,
            sender_address="shop@example.org",
            security="starttls" if sink.secure else "none",
            username="shop" if sink.stage == "auth" else None,
            password="right",
            connections=2,
            timeout_seconds=seconds,
            answer_seconds=seconds,
        )
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


def test_every_way_to_go_wrong_at_every_stage(
    make_bench: MakeBench, database: Engine, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    # What a server does is one thing, and the database another: some of it is enough to see them together.
    chosen = sinks() if database.dialect.name == "sqlite" else sinks()[::9]
    every = {f"s{number}.example": sink for number, sink in enumerate(chosen)}
    with listening(list(every.values()), certificate):
        transport = ByDomain({domain: transport_to(sink) for domain, sink in every.items()})
        bench = make_bench(EmailChannel(EmailSettings(host="h", port=1, sender_address="shop@example.org"), transport))
        bench.people(EACH * len(every), consent=["email"])
        _live_at(bench, list(every))
        rounds = _until_nothing_is_due(bench)
        transport.close()
    states = _states(bench)
    assert not [(sink, states[domain]) for domain, sink in every.items() if not _is_fine(sink, states[domain])]
    assert not [sink for sink in every.values() if not sink.reached]  # or nothing would have been tried
    assert rounds < 20


def _is_fine(sink: Sink, states: Counter[str]) -> bool:
    """Whether each message has come to an end, once at most, and we know it but for what was on the wire."""
    kept, may_be_unknown = sink.kept.total(), sink.stage in ("body", "dot") or sink.action in WAITS
    return (
        states.total() == EACH
        and set(states) <= {"sent", "failed", "unknown"}
        and set(sink.kept.values()) <= {1}
        and states["sent"] <= kept <= states["sent"] + states["unknown"]
        and (may_be_unknown or not states["unknown"])
    )


def _live_at(bench: Bench, domains: Sequence[str]) -> None:
    customer = table_of(Customer)
    with writing(bench.workspace.database) as session:
        for number, domain in enumerate(domains):
            theirs = customer.c.id.between(number * EACH + 1, (number + 1) * EACH)
            session.execute(update(customer).where(theirs).values(email="c" + customer.c.key + f"@{domain}"))


def _until_nothing_is_due(bench: Bench) -> int:
    """Carry out, moment by moment; how many waves that took."""
    versions, now = bench.start(FLOW), NOON
    for rounds in range(1, 50):
        bench.carry_out(versions, now)
        following = standing(bench.workspace, "test").next_due
        if following is None:
            return rounds
        now = max(following, now + PAUSE)
    raise AssertionError("it does not end")


def _states(bench: Bench) -> dict[str, Counter[str]]:
    outbox = table_of(OutboxMessage)
    found: dict[str, Counter[str]] = {}
    with reading(bench.workspace.database) as session:
        for address, state in session.execute(select(outbox.c.address, outbox.c.state)):
            found.setdefault(address.rpartition("@")[2], Counter())[state] += 1
    return found
