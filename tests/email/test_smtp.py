"""Nobody is lost and nobody is written to twice, whatever the server does."""

import email
import email.policy
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome, Receipt
from channels.email import EmailChannel, EmailSettings
from channels.email.incoming.return_path import ReturnPaths
from channels.email.replies import Reply
from store.errors import DeliveryError, SettingsError
from store.tokens import Signer
from tests.email.naughty_servers import Behaviour, Server, server

BATCH = BatchInfo("b", "winback", "1a2b3c", "mail", "Win back", datetime(2026, 3, 2, 9, tzinfo=UTC))
STAGES = ("mail", "rcpt", "data", "dot")
ANSWERS = (
    "421 4.3.2 Closing",
    "450 4.2.1 Try later",
    "452 4.5.3 Too many",
    "550 5.1.1 No such user u1@example.com here",
    "554 5.6.0 No",
)


class Record:
    """A Wire that remembers the order of things."""

    def __init__(self, kept: Server) -> None:
        self.started: list[MessageKey] = []
        self.receipts: list[Receipt] = []
        self._server = kept

    def start(self, keys: Iterable[MessageKey]) -> None:
        for key in keys:
            assert not self._server.kept[key], "it was sent before it was said to be"
            self.started.append(key)

    def done(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)


def messages(number: int, domain: str = "example.com") -> list[Message]:
    content = Content({"subject": "Hello", "text": "One.\n.Two", "html": "<p>One</p>"})
    return [Message(MessageKey(f"k{index}"), f"u{index}@{domain}", content) for index in range(number)]


def channel(record: Server, connections: int = 3, seconds: float = 10, at_once: Mapping[str, int] | None = None) -> EmailChannel:
    return EmailChannel(
        EmailSettings(
            host="127.0.0.1",
            port=record.port,
            sender_address="shop@example.org",
            sender_name="Café de Zon",
            connections=connections,
            receivers_at_once=at_once or {},
            timeout_seconds=seconds,
            answer_seconds=seconds,
        )
    )


def deliver(sender: EmailChannel, batch: Sequence[Message], wire: Record) -> dict[MessageKey, Receipt]:
    """Receipts by key; a DeliveryError leaves the rest without one."""
    receipts: dict[MessageKey, Receipt] = {}
    try:
        for receipt in sender.deliver(batch, BATCH, wire):
            assert receipt.key not in receipts
            receipts[receipt.key] = receipt
    except DeliveryError:
        pass
    return receipts


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("action", [*ANSWERS, "drop", "hang"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_server_that_misbehaves_loses_nobody_and_doubles_nobody(stage: str, action: str, pipelining: bool) -> None:
    with server(Behaviour(stage, action, when=lambda count: count in (2, 3, 5), pipelining=pipelining)) as record:
        # A busy machine is not a hanging server.
        sender, wire, batch = channel(record, seconds=0.4 if action == "hang" else 10), Record(record), messages(9)
        receipts = deliver(sender, batch, wire)
        record.heal = True
        for _ in range(3):
            again = [each for each in batch if each.key not in receipts or receipts[each.key].outcome is Outcome.TEMPORARY]
            receipts |= deliver(sender, again, wire)
        sender.close()
    outcomes = {key: receipt.outcome for key, receipt in receipts.items()}
    assert set(outcomes) == {each.key for each in batch}
    assert all(count == 1 for count in record.kept.values())
    for key, outcome in outcomes.items():
        assert (record.kept[key] == 1) == (outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)), (key, outcome)
    assert set(record.kept) <= set(wire.started)
    assert (Outcome.UNKNOWN in outcomes.values()) == (stage == "dot" and action in ("drop", "hang"))
    assert (Outcome.PERMANENT in outcomes.values()) == (action[0] == "5" and (stage != "mail" or "5.6.0" in action))


@pytest.mark.parametrize(
    ("stage", "answer", "outcome", "bad_address"),
    [
        ("rcpt", "550 5.1.1 No such user", Outcome.PERMANENT, True),
        ("rcpt", "550 User unknown", Outcome.PERMANENT, True),
        ("rcpt", "553 Mailbox unavailable", Outcome.PERMANENT, True),
        ("rcpt", "550 5.7.1 Relaying denied", Outcome.PERMANENT, False),
        ("rcpt", "550 Blocked by our list", Outcome.PERMANENT, False),
        ("rcpt", "552 5.2.2 Mailbox full", Outcome.PERMANENT, False),
        ("rcpt", "450 4.2.0 Greylisted", Outcome.TEMPORARY, False),
        ("data", "451 4.3.0 Later", Outcome.TEMPORARY, False),
        ("dot", "554 5.7.1 Spam", Outcome.PERMANENT, False),
        ("dot", "550 5.1.1 Nobody here", Outcome.PERMANENT, True),
        ("dot", "452 4.3.1 Full", Outcome.TEMPORARY, False),
        ("mail", "452 4.3.1 Full", Outcome.TEMPORARY, False),
        ("mail", "552 5.3.4 Too large", Outcome.PERMANENT, False),
    ],
)
def test_what_an_answer_means(stage: str, answer: str, outcome: Outcome, bad_address: bool) -> None:
    with server(Behaviour(stage, answer)) as record:
        sender = channel(record)
        receipt = deliver(sender, messages(1), Record(record))[MessageKey("k0")]
        sender.close()
    assert (receipt.outcome, receipt.bad_address) == (outcome, bad_address)
    assert receipt.code == " ".join(answer.split()[: 2 if "." in answer.split()[1] else 1])


def test_a_receipt_quotes_no_address() -> None:
    with server(Behaviour("rcpt", "550 5.1.1 <u0@example.com>: nobody of that name")) as record:
        sender = channel(record)
        receipt = deliver(sender, messages(1), Record(record))[MessageKey("k0")]
        sender.close()
    assert receipt.detail == "...: nobody of that name"


def test_an_answer_of_one_word_without_end_is_read_in_one_go() -> None:
    assert Reply(550, "x" * 1_000_000).detail == "x" * 160  # searched from each of its letters, it would take hours


def test_a_refused_sender_stops_the_batch_and_costs_no_customer_anything() -> None:
    with server(Behaviour("mail", "550 5.7.1 Who are you?", when=lambda count: count > 4)) as record:
        sender, wire = channel(record), Record(record)
        with pytest.raises(DeliveryError, match=r"does not accept mail from this sender \(550 5.7.1\)"):
            list(sender.deliver(messages(20), BATCH, wire))
        sender.close()
    # Of the four whose sender was taken, those on the other two connections may just not have begun when the fifth was refused.
    assert 4 - 2 <= len(record.kept) <= 4
    assert {receipt.outcome for receipt in wire.receipts} == {Outcome.ACCEPTED}
    assert set(record.kept) == {receipt.key for receipt in wire.receipts} == set(wire.started)


def test_a_server_that_refuses_everybody_as_a_policy_is_not_asked_a_thousand_times() -> None:
    with server(Behaviour("rcpt", "554 5.7.1 Relay access denied")) as record:
        sender, wire = channel(record), Record(record)
        with pytest.raises(DeliveryError, match="as a matter of policy"):
            list(sender.deliver(messages(500), BATCH, wire))
        sender.close()
    assert 10 <= len(wire.receipts) < 20


def test_a_server_that_always_hangs_up_is_given_up() -> None:
    with server(Behaviour("mail", "drop")) as record:
        sender, wire = channel(record), Record(record)
        with pytest.raises(DeliveryError, match="keeps closing"):
            list(sender.deliver(messages(500), BATCH, wire))
        sender.close()
    assert len(wire.receipts) < 10
    assert not wire.started


def test_a_connection_that_breaks_inside_the_message_is_tried_again() -> None:
    with server(Behaviour("body", "drop", when=lambda count: count == 1)) as record:
        sender, wire = channel(record, connections=1, seconds=0.4), Record(record)
        large = Content({}, raw=b"Subject: Hello\r\n\r\n" + (b"x" * 900 + b"\r\n") * 9_000)
        batch = [Message(MessageKey("k0"), "u0@example.com", large)]
        first = deliver(sender, batch, wire)
        assert first[MessageKey("k0")].outcome is Outcome.TEMPORARY
        sender.close()
        patient = channel(record, seconds=20)
        second = deliver(patient, batch, wire)
        assert second[MessageKey("k0")].outcome is Outcome.ACCEPTED
        patient.close()
    assert record.kept == {"k0": 1}


@pytest.mark.parametrize("most", [1, 2, 5])
def test_a_server_that_closes_after_some_messages_gets_the_rest_over_new_connections(most: int) -> None:
    with server(Behaviour(most_messages=most)) as record:
        sender = channel(record)
        receipts = deliver(sender, messages(20), Record(record))
        sender.close()
    assert {receipt.outcome for receipt in receipts.values()} == {Outcome.ACCEPTED}
    assert len(record.kept) == 20
    assert record.connections >= 20 // most


def test_connections_are_kept_between_batches_and_a_dead_one_is_noticed() -> None:
    with server() as record:
        sender, wire = channel(record, connections=2), Record(record)
        deliver(sender, messages(6), wire)
        assert record.connections == 2
        deliver(sender, [Message(MessageKey("later"), "a@example.com", Content({"subject": "s", "text": "t"}))], wire)
        assert record.connections == 2
        port = record.port
    with pytest.raises(DeliveryError, match=rf"127.0.0.1:{port} cannot be reached"):
        list(sender.deliver(messages(1), BATCH, wire))


def test_an_address_that_could_end_a_command_never_reaches_the_wire() -> None:
    content = Content({"subject": "s", "text": "t"})
    evil = ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a@b.example\n", "<a@b.example>", "no-at-sign", ""]
    with server() as record:
        sender, wire = channel(record), Record(record)
        receipts = deliver(sender, [Message(MessageKey(f"k{i}"), address, content) for i, address in enumerate(evil)], wire)
        sender.close()
    assert all(receipt.outcome is Outcome.PERMANENT and receipt.bad_address for receipt in receipts.values())
    assert len(receipts) == len(evil)
    assert not record.senders
    assert not wire.started


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    batch = [Message(MessageKey("k0"), "zoë@example.com", Content({"subject": "s", "text": "t"}))]
    for utf8, outcome in ((True, Outcome.ACCEPTED), (False, Outcome.PERMANENT)):
        with server(Behaviour(utf8=utf8)) as record:
            sender = channel(record)
            receipt = deliver(sender, batch, Record(record))[MessageKey("k0")]
            sender.close()
        assert receipt.outcome is outcome
        assert not receipt.bad_address


def test_a_message_that_is_too_large_for_the_server_is_not_started() -> None:
    with server(Behaviour(size=100)) as record:
        sender, wire = channel(record), Record(record)
        receipt = deliver(sender, messages(1), wire)[MessageKey("k0")]
        sender.close()
    assert (receipt.outcome, receipt.code) == (Outcome.PERMANENT, "552 5.3.4")
    assert not wire.started


def test_the_headers_say_where_a_mail_comes_from_and_how_to_stop_it() -> None:
    link = "https://example.org/stop/abc?x=1"
    with server() as record:
        sender = channel(record)
        message = Message(MessageKey("winback.7"), "jan@example.com", Content({"subject": "€ 5", "text": "t"}), {"one_click": link})
        deliver(sender, [message], Record(record))
        sender.close()
    mail = email.message_from_bytes(record.mails[0], policy=email.policy.default)
    assert mail["From"] == "Café de Zon <shop@example.org>"
    assert mail["To"].addresses[0].addr_spec == "jan@example.com"
    assert mail["Subject"] == "€ 5"
    assert mail["Message-ID"] == "<winback.7@example.org>"
    assert mail["Date"].datetime == BATCH.at
    assert mail["List-Unsubscribe"] == f"<{link}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["X-Contactflow-Campaign"] == "winback"
    assert mail["X-Contactflow-Node"] == "mail"
    assert mail["Feedback-ID"] == "mail:winback:1a2b3c:contactflow"
    assert mail["Auto-Submitted"] == "no"
    assert not mail.defects


def test_the_server_is_told_a_return_path_that_names_the_message() -> None:
    paths = ReturnPaths(Signer([b"0123456789abcdef"]))
    with server() as record:
        settings = EmailSettings(
            host="127.0.0.1", port=record.port, sender_address="shop@example.org", bounce_domain="b.example.org", return_paths=paths
        )
        sender, batch = EmailChannel(settings), messages(5)
        deliver(sender, batch, Record(record))
        sender.close()
    told = [paths.key_of(each.split()[0].removeprefix("FROM:")) for each in record.senders]
    assert sorted(told, key=str) == [each.key for each in batch]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("at_once", [{}, {"a.example": 2, "*": 3}, {"a.example": 1}])
def test_no_more_messages_are_under_way_to_a_receiving_side_than_it_takes_at_once(at_once: Mapping[str, int], pipelining: bool) -> None:
    batch = [replace(each, address=f"u{n}@{'aaabc'[n % 5]}.example") for n, each in enumerate(messages(60))]
    with server(Behaviour(seconds=0.005, pipelining=pipelining)) as record:
        sender = channel(record, connections=8, at_once=at_once)
        receipts = deliver(sender, batch, Record(record))
        sender.close()
    assert {receipt.outcome for receipt in receipts.values()} == {Outcome.ACCEPTED}
    assert len(record.kept) == 60
    for domain in ("a.example", "b.example", "c.example"):
        limit = at_once.get(domain) or at_once.get("*")
        assert limit is None or record.most_under_way[domain] <= limit
    assert at_once or record.most_under_way["a.example"] > 3  # or there would be nothing to limit


def test_a_receiving_side_that_hangs_up_on_each_connection_does_not_keep_the_places_of_its_messages() -> None:
    with server(Behaviour("rcpt", "drop", when=lambda count: count % 4 == 1)) as record:
        sender = channel(record, at_once={"*": 1})
        receipts = deliver(sender, messages(12), Record(record))
        sender.close()
    assert len(receipts) == 12
    assert {receipt.outcome for receipt in receipts.values()} <= {Outcome.ACCEPTED, Outcome.TEMPORARY}


def test_a_wire_that_cannot_write_stops_everything_before_a_message_leaves() -> None:
    class Full(Record):
        def start(self, keys: Iterable[MessageKey]) -> None:
            raise OSError("disk full")

    with server() as record:
        sender = channel(record)
        with pytest.raises(OSError, match="disk full"):
            list(sender.deliver(messages(3), BATCH, Full(record)))
        assert not record.kept
        assert set(deliver(sender, messages(3), Record(record))) == {"k0", "k1", "k2"}
        sender.close()


def test_while_the_caller_looks_at_a_receipt_the_other_messages_are_on_their_way() -> None:
    with server() as record:
        sender, wire = channel(record, connections=4), Record(record)
        receipts = sender.deliver(messages(40), BATCH, wire)
        next(receipts)
        for _ in range(200):
            if len(record.kept) == len(wire.started):
                break
            time.sleep(0.01)
        assert len(record.kept) == len(wire.started) >= 4
        assert len({next(receipts).key for _ in range(39)}) == 39
        sender.close()


def test_a_caller_that_stops_in_the_middle_leaves_no_connection_that_waits_for_a_message() -> None:
    with server() as record:
        sender, wire, batch = channel(record), Record(record), messages(20)
        receipts = sender.deliver(batch, BATCH, wire)
        next(receipts)
        assert isinstance(receipts, Generator)
        receipts.close()
        rest = [each for each in batch if each.key not in wire.started]
        assert 20 > len(rest) >= 20 - 2 * 3
        assert {receipt.outcome for receipt in deliver(sender, rest, wire).values()} == {Outcome.ACCEPTED}
        sender.close()
    assert set(record.kept.values()) == {1}


def test_behind_a_message_that_nobody_answers_no_other_message_waits() -> None:
    with server(Behaviour("dot", "hang", when=lambda count: count == 1)) as record:
        sender, wire = channel(record, connections=1, seconds=1), Record(record)
        receipts = deliver(sender, messages(3), wire)
        sender.close()
    assert {key: receipt.outcome for key, receipt in receipts.items()} == {
        "k0": Outcome.UNKNOWN,
        "k1": Outcome.ACCEPTED,
        "k2": Outcome.ACCEPTED,
    }
    assert record.connections == 2


def test_a_password_never_travels_in_the_clear_nor_shows_itself() -> None:
    with pytest.raises(SettingsError, match="in the clear"):
        EmailSettings(host="mail.example.com", port=25, sender_address="a@b.example", username="u", password="secret")
    settings = EmailSettings(host="127.0.0.1", port=25, sender_address="a@b.example", username="u", password="secret")
    assert "secret" not in repr(settings)


def test_a_server_without_encryption_is_refused_when_encryption_is_asked_for() -> None:
    with server() as record:
        settings = EmailSettings(host="127.0.0.1", port=record.port, sender_address="a@b.example", security="starttls")
        with pytest.raises(DeliveryError, match="does not offer"):
            list(EmailChannel(settings).deliver(messages(1), BATCH, Record(record)))
