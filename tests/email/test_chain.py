"""Several providers, each of which fails when it likes: nobody is lost, and nobody is written to by two of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome, Receipt, Wire
from channels.email import EmailChannel, EmailSettings
from channels.email.chain import REST, Chain, Provider
from channels.email.smtp import SmtpTransport
from store.clock import FixedClock
from store.errors import DeliveryError
from tests.email.naughty_servers import Behaviour, Server, server

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BATCH = BatchInfo("b", "winback", "1a2b3c", "mail", "Win back", NOON)
Step = tuple[bool, Outcome | None]  # whether it says on the wire that it begins, and what comes of it (None: the answer is lost)


@dataclass
class Record:
    """A Wire, and what each message has come to."""

    started: list[MessageKey] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    def start(self, keys: Iterable[MessageKey]) -> None:
        self.started += keys

    def done(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)


@dataclass
class Moody:
    """A provider that takes messages by a plan, a step each, and fails at its end; `kept` is what it has really sent."""

    plan: list[Step]
    fails: bool
    kept: Counter[MessageKey] = field(default_factory=Counter)
    asked: int = 0

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        self.asked += 1
        steps = self.plan if self.fails else [*self.plan, *[(True, Outcome.ACCEPTED)] * len(messages)]
        for message, (begins, outcome) in zip(messages, steps, strict=False):
            if begins:
                wire.start([message.key])
                self.kept[message.key] += outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, None)
            if outcome is not None:
                receipt = Receipt(message.key, outcome, "250", "OK")
                wire.done(receipt)
                yield receipt
        if self.fails:
            raise DeliveryError("It is down.")

    def close(self) -> None:
        """Nothing is open."""


def messages(count: int) -> list[Message]:
    content = Content({"subject": "Hello", "text": "One"})
    return [Message(MessageKey(f"k{number}"), f"u{number}@example.com", content) for number in range(count)]


def chain(*transports: Moody, clock: FixedClock | None = None) -> Chain:
    return Chain([Provider(f"p{number}", partial(_same, each)) for number, each in enumerate(transports)], clock or FixedClock(NOON))


def _same(transport: Moody) -> Moody:
    return transport


def deliver(over: Chain | EmailChannel, batch: Sequence[Message], wire: Record) -> list[Receipt]:
    try:
        return list(over.deliver(batch, BATCH, wire))
    except DeliveryError:
        return []


STEPS = st.one_of(
    st.tuples(st.just(value=True), st.sampled_from([*Outcome, None])),
    # Before it begins there can be a refusal, and nothing else.
    st.tuples(st.just(value=False), st.sampled_from([Outcome.PERMANENT, Outcome.TEMPORARY])),
)
MOODY = st.builds(Moody, st.lists(STEPS, max_size=8), st.booleans())


@settings(deadline=None)
@given(st.lists(MOODY, min_size=1, max_size=3), st.integers(0, 10), st.lists(st.integers(0, 400), max_size=4))
def test_whoever_fails_whenever_a_message_is_sent_once_at_most_and_goes_to_the_next_until_one_takes_it(
    providers: list[Moody], count: int, pauses: list[int]
) -> None:
    clock, wire = FixedClock(NOON), Record()
    over, batch, final = chain(*providers, clock=clock), messages(count), set[MessageKey]()
    for pause in (*pauses, 600, 600):  # rounds of attempts, as the outbox makes them
        clock.put(clock.now() + timedelta(seconds=pause))
        before, told = len(wire.receipts), len(wire.started)
        got = deliver(over, [each for each in batch if each.key not in final], wire)
        receipts = {receipt.key: receipt.outcome for receipt in wire.receipts[before:]}
        assert len(receipts) == len(wire.receipts) - before
        assert not got or got == wire.receipts[before:]
        final |= {key for key in wire.started[told:] if key not in receipts}  # unknown
        final |= {key for key, outcome in receipts.items() if outcome is not Outcome.TEMPORARY}
        for provider in providers:
            provider.plan = []
        # Whoever is well takes all that is left.
        if not all(provider.fails for provider in providers):
            assert {each.key for each in batch} <= final | receipts.keys()
    kept = sum((provider.kept for provider in providers), Counter[MessageKey]())
    assert not kept or max(kept.values()) == 1
    assert set(kept) <= set(wire.started)
    assert all(provider.fails for provider in providers) or final == {each.key for each in batch}


def test_what_one_provider_was_not_given_goes_to_the_next_and_the_rest_stays_with_its_verdict() -> None:
    first = Moody([(True, Outcome.ACCEPTED), (True, Outcome.TEMPORARY), (True, None), (False, Outcome.PERMANENT)], fails=True)
    second, wire = Moody([], fails=False), Record()
    list(chain(first, second).deliver(messages(6), BATCH, wire))
    assert second.kept == {"k4": 1, "k5": 1}
    assert {receipt.key: (receipt.outcome.value, receipt.detail) for receipt in wire.receipts} == {
        "k0": ("accepted", "OK (p0)"),
        "k1": ("temporary", "OK (p0)"),
        "k3": ("permanent", "OK (p0)"),
        "k4": ("accepted", "OK (p1)"),
        "k5": ("accepted", "OK (p1)"),
    }
    assert wire.started.count(MessageKey("k2")) == 1  # nobody knows, so nobody tries


def test_when_nobody_is_left_all_say_why() -> None:
    with pytest.raises(DeliveryError, match=r"It is down\. It is down\."):
        list(chain(Moody([], fails=True), Moody([], fails=True)).deliver(messages(1), BATCH, Record()))


def test_a_failure_after_the_last_message_is_no_trouble_of_the_batch() -> None:
    first, second = Moody([(True, Outcome.ACCEPTED)], fails=True), Moody([], fails=False)
    assert len(list(chain(first, second).deliver(messages(1), BATCH, Record()))) == 1
    assert second.asked == 0


def test_when_the_last_that_was_well_fails_it_is_said_although_every_message_was_begun() -> None:
    over = chain(Moody([], fails=True), Moody([(True, Outcome.ACCEPTED)], fails=True))
    record = Record()
    with pytest.raises(DeliveryError, match=r"It is down\. It is down\."):
        list(over.deliver(messages(1), BATCH, record))
    assert record.started == [MessageKey("k0")]


def test_the_failure_of_one_provider_is_logged_by_its_name_while_another_delivers(caplog: pytest.LogCaptureFixture) -> None:
    over = chain(Moody([], fails=True), Moody([], fails=False))
    list(over.deliver(messages(1), BATCH, Record()))
    assert [record.getMessage() for record in caplog.records] == ["The mail provider 'p0' has failed: It is down."]


def test_a_provider_that_failed_is_left_alone_for_five_minutes_unless_nobody_else_is_left() -> None:
    clock, first, second = FixedClock(NOON), Moody([], fails=True), Moody([], fails=False)
    over = chain(first, second, clock=clock)
    asked = []
    for seconds in (0, 1, 298, 1, 1):
        clock.put(clock.now() + timedelta(seconds=seconds))
        deliver(over, messages(1), Record())
        asked.append((first.asked, second.asked))
    assert clock.now() == NOON + REST + timedelta(seconds=1)
    assert asked == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5)]
    second.fails = True
    deliver(over, messages(1), Record())
    assert (first.asked, second.asked) == (3, 6)  # the second fails now, so the first is asked although it rests
    first.fails = False
    deliver(over, messages(1), Record())
    assert (first.asked, second.asked) == (4, 6)  # and is back in its place


def test_a_mail_server_that_stops_in_the_middle_hands_over_to_another() -> None:
    with server(Behaviour("mail", "550 5.7.1 Who are you?", when=lambda count: count > 6)) as one, server() as other:
        providers = [Provider("one", lambda: _smtp(one)), Provider("other", lambda: _smtp(other))]
        over, wire = Chain(providers, FixedClock(NOON)), Record()
        receipts = list(over.deliver(messages(40), BATCH, wire))
        over.close()
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert len(one.kept) > 0
    assert set((one.kept + other.kept).values()) == {1}
    assert len(one.kept) + len(other.kept) == len(receipts) == 40
    assert {receipt.key for receipt in receipts if receipt.detail.endswith("(one)")} == set(one.kept)


def _smtp(record: Server) -> SmtpTransport:
    return SmtpTransport(
        EmailSettings(host="127.0.0.1", port=record.port, sender_address="a@example.org", connections=2, timeout_seconds=10)
    )
