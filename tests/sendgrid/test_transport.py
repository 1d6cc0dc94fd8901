"""Mail through SendGrid: a real HTTP server on this machine that takes, refuses, waits and breaks as SendGrid may."""

import json
import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes

import pytest

from channels.contract import Content, Message, MessageKey, Outcome, Receipt
from channels.email import EmailChannel, EmailSettings
from channels.email.pictures import Picture
from channels.email.sendgrid import SendGridSettings, SendGridTransport
from channels.email.sendgrid.fake import FakeSendGrid, Reply
from channels.email.sendgrid.parcels import KEY
from channels.email.wording import EmailWording
from store.errors import DeliveryError, SettingsError
from tests.sendgrid.trial import BATCH, FEW_WORDS, NOON, RecordingWire, deliver, mail, sendgrid, transport_to


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with sendgrid() as server:
        yield server


def named(place: int, field: str = "to.0.email", message: str = "Does not contain a valid address.") -> dict[str, object]:
    return {"errors": [{"field": f"personalizations.{place}.{field}", "message": message, "help": None}]}


def first(*replies: Reply | None) -> Callable[[int], Reply | None]:
    """These, one by one; then whatever a request deserves."""
    return lambda number: replies[number - 1] if number <= len(replies) else None


def test_a_thousand_mails_go_in_one_request_and_each_gets_its_own(fake: FakeSendGrid) -> None:
    messages = [mail(number) for number in range(1_000)]
    transport = transport_to(fake)
    receipts = deliver(transport, messages)
    transport.close()
    assert {receipt.outcome for receipt in receipts.values()} == {Outcome.ACCEPTED}
    assert {receipt.provider_id for receipt in receipts.values()} == {"fake-0"}
    assert fake.requests == 1
    got = {each.arguments[KEY]: each for each in fake.accepted}
    for message in messages:
        assert got[message.key].to == message.address
        assert got[message.key].parts == dict(message.content.parts)


def test_the_headers_are_those_that_the_mail_would_have_over_smtp(fake: FakeSendGrid) -> None:
    message = mail(7)
    channel = EmailChannel(EmailSettings(host="127.0.0.1", port=0, sender_address="news@shop.example"), transport_to(fake))
    assert len(list(channel.deliver([message], BATCH, RecordingWire()))) == 1
    written = message_from_bytes(channel.written_out(message, BATCH))
    channel.close()
    not_its = {"From", "To", "Date", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert fake.accepted[0].headers == {name: value for name, value in written.items() if name not in not_its}
    assert fake.accepted[0].headers["List-Unsubscribe"] == "<https://shop.example/u/7>"


def test_nothing_is_tracked_by_sendgrid(fake: FakeSendGrid) -> None:
    transport = transport_to(fake)
    deliver(transport, [mail(1)])
    transport.close()
    tracking = fake.accepted[0].request["tracking_settings"]
    assert {name: each["enable"] for name, each in tracking.items()} == {
        "click_tracking": False,
        "open_tracking": False,
        "subscription_tracking": False,
        "ganalytics": False,
    }


def test_pictures_are_attached_once_and_only_to_mails_that_show_them(fake: FakeSendGrid) -> None:
    picture = Picture("ab@contactflow", "image/png", "logo.png", "aGVsbG8g\r\nd29ybGQ=")
    shown = EmailWording(FEW_WORDS.subject, FEW_WORDS.text, "<img src='cid:ab@contactflow'>{{ name }} {{ link }}\n", (picture,))
    transport = transport_to(fake)
    deliver(transport, [mail(1, wording=shown), mail(2), mail(3, wording=shown)])
    transport.close()
    attached = {each.arguments[KEY]: each.request.get("attachments") for each in fake.accepted}
    assert attached["0123456789ab.2"] is None
    assert attached["0123456789ab.1"] == attached["0123456789ab.3"]
    assert attached["0123456789ab.1"] == [
        {
            "content": "aGVsbG8gd29ybGQ=",
            "type": "image/png",
            "filename": "logo.png",
            "disposition": "inline",
            "content_id": "ab@contactflow",
        }
    ]


def test_fewer_go_together_when_the_settings_say_so(fake: FakeSendGrid) -> None:
    transport = transport_to(fake, together=40)
    assert len(deliver(transport, [mail(number) for number in range(100)])) == len(fake.accepted) == 100
    transport.close()
    assert fake.requests == 3


def test_two_who_share_an_address_are_not_in_one_request(fake: FakeSendGrid) -> None:
    transport = transport_to(fake)
    receipts = deliver(transport, [mail(1, address="home@example.com"), mail(2, address="Home@example.com"), mail(3)])
    transport.close()
    assert [each.outcome for each in receipts.values()] == [Outcome.ACCEPTED] * 3
    assert fake.requests == 2


def test_in_the_sandbox_nothing_is_sent(fake: FakeSendGrid) -> None:
    transport = transport_to(fake, sandbox=True)
    receipts = deliver(transport, [mail(1)])
    transport.close()
    assert [each.outcome for each in receipts.values()] == [Outcome.ACCEPTED]
    assert fake.accepted == []


def test_one_bad_address_is_refused_and_the_others_arrive_once(fake: FakeSendGrid) -> None:
    messages = [mail(number, address="nobody@nowhere" if number == 3 else None) for number in range(10)]
    transport, wire = transport_to(fake), RecordingWire()
    receipts = deliver(transport, messages, wire)
    transport.close()
    refused = receipts["0123456789ab.3"]
    assert (refused.outcome, refused.bad_address, refused.code) == (Outcome.PERMANENT, True, "400")
    assert "nowhere" not in refused.detail
    assert sorted(each.arguments[KEY] for each in fake.accepted) == sorted(m.key for m in messages if m.key != refused.key)
    assert wire.started == {message.key for message in messages}


def test_a_message_that_is_at_fault_for_another_reason_does_not_cost_its_address() -> None:
    with sendgrid(first(Reply(400, named(1, "substitutions", "The substitutions are too large.")))) as fake:
        transport = transport_to(fake)
        receipts = deliver(transport, [mail(1), mail(2)])
        transport.close()
    assert [(each.outcome, each.bad_address) for each in receipts.values()] == [(Outcome.PERMANENT, False), (Outcome.ACCEPTED, False)]


class Moody(FakeSendGrid):
    """Refuses a request with customer 5 in it, and does not say why."""

    def answer(self, authorization: str, body: bytes) -> Reply:
        if b"customer5@" in body:
            return Reply(400, {"errors": [{"message": "Bad Request", "field": None}]})
        return super().answer(authorization, body)


def test_a_refusal_that_names_nobody_is_searched_for() -> None:
    with Moody() as fake:
        transport = transport_to(fake)
        receipts = deliver(transport, [mail(number) for number in range(16)])
        transport.close()
    assert [key for key, each in receipts.items() if each.outcome is Outcome.PERMANENT] == ["0123456789ab.5"]
    assert len(fake.accepted) == 15


def test_who_refuses_everything_ends_the_batch_and_costs_few_messages() -> None:
    with sendgrid(lambda _: Reply(400, {"errors": [{"message": "Bad Request", "field": None}]})) as fake:
        transport, wire = transport_to(fake), RecordingWire()
        receipts: list[Receipt] = []
        with pytest.raises(DeliveryError, match=r"does not take mail from us \(400: Bad Request\)"):
            receipts += transport.deliver([mail(number) for number in range(200)], BATCH, wire)
        transport.close()
    assert [event for event, _ in wire.events].count("done") == len(wire.started)
    assert fake.requests < 60
    assert fake.accepted == []


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (Reply(401, {"errors": [{"message": "authorization required"}]}), "CONTACTFLOW_SENDGRID_KEY"),
        (Reply(403, {"errors": [{"message": "The from address is not verified", "field": "from"}]}), "verify the domain"),
        (Reply(400, {"errors": [{"message": "Not an address: a@b", "field": "from.email"}]}), r"\[email\] sender"),
        (Reply(404, b"<html>"), "address"),
        (Reply(301, headers={"Location": "https://elsewhere.example/"}), "address"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_who_refuses_us_is_named_and_no_message_is_lost(reply: Reply, what: str) -> None:
    with sendgrid(lambda _: reply) as fake:
        transport, wire = transport_to(fake), RecordingWire()
        outcomes = []
        with pytest.raises(DeliveryError, match=what) as raised:
            outcomes += [each.outcome for each in transport.deliver([mail(number) for number in range(3)], BATCH, wire)]
        transport.close()
    assert "a@b" not in str(raised.value)
    assert [event for event, _ in wire.events] == ["start"] * 3 + ["done"] * 3
    assert fake.accepted == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 42)}, 42),
        ({"Date": "Mon, 02 Mar 2026 12:00:00 GMT", "Retry-After": "Mon, 02 Mar 2026 12:01:30 GMT"}, 90),
        ({"Retry-After": "99999999999999999999"}, 86_400),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "-1"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_back_is_heeded_and_nothing_more_is_asked(status: int, headers: dict[str, str], seconds: int | None) -> None:
    with sendgrid(lambda _: Reply(status, headers=headers)) as fake:
        transport = transport_to(fake, connections=1)
        receipts = deliver(transport, [mail(1, address="a@example.com"), mail(2, address="a@example.com")])
        transport.close()
    assert [(each.outcome, each.retry_after_seconds) for each in receipts.values()] == [(Outcome.TEMPORARY, seconds)] * 2
    assert fake.requests == 1


def test_an_error_of_the_servers_is_tried_again_later_and_the_next_request_is_not_spared() -> None:
    with sendgrid(first(Reply(500))) as fake:
        transport = transport_to(fake, connections=1)
        receipts = deliver(transport, [mail(1, address="a@example.com"), mail(2, address="a@example.com")])
        transport.close()
    assert [each.outcome for each in receipts.values()] == [Outcome.TEMPORARY, Outcome.ACCEPTED]


@pytest.mark.parametrize("reply", [Reply(502), Reply(504), Reply(drops="after")], ids=["502", "504", "dropped"])
def test_what_may_have_been_sent_is_unknown_and_is_asked_for_once(reply: Reply) -> None:
    with sendgrid(first(reply)) as fake:
        transport = transport_to(fake)
        receipts = deliver(transport, [mail(1), mail(2)])
        transport.close()
    assert [each.outcome for each in receipts.values()] == [Outcome.UNKNOWN] * 2
    assert fake.requests == 1


def test_who_was_refused_together_with_others_is_not_lost_when_the_server_goes() -> None:
    def script(_: int) -> Reply:
        server._server.socket.shutdown(socket.SHUT_RDWR)  # nobody is let in any more
        return Reply(400, named(0), {"Connection": "close"})

    with sendgrid(script) as server:
        transport, wire = transport_to(server, connections=1), RecordingWire()
        outcomes: dict[str, Outcome] = {}
        with pytest.raises(DeliveryError, match="cannot be reached"):
            for receipt in transport.deliver([mail(1), mail(2), mail(3), mail(4, address="customer1@example.com")], BATCH, wire):
                outcomes[receipt.key.rpartition(".")[2]] = receipt.outcome
        transport.close()
    assert outcomes == {"1": Outcome.PERMANENT, "2": Outcome.TEMPORARY, "3": Outcome.TEMPORARY}
    assert wire.started == {f"0123456789ab.{number}" for number in (1, 2, 3)}


def test_who_stops_listening_leaves_what_is_under_way_without_a_receipt(fake: FakeSendGrid) -> None:
    transport, wire = transport_to(fake, connections=3), RecordingWire()
    receipts = transport.deliver([mail(each, address="a@example.com") for each in range(6)], BATCH, wire)
    assert next(receipts).outcome is Outcome.ACCEPTED
    receipts.close()  # type: ignore[attr-defined]  # a generator
    assert [event for event, _ in wire.events] == ["start"] * 3 + ["done"]
    assert len(deliver(transport, [mail(9)])) == 1
    transport.close()


def test_a_silent_server_makes_one_request_unknown_and_gets_no_other() -> None:
    with sendgrid(lambda _: Reply(hangs=True)) as fake:
        transport, wire = transport_to(fake, connections=1, answer_seconds=0.3), RecordingWire()
        outcomes = {}
        with pytest.raises(DeliveryError, match="does not answer"):
            for receipt in transport.deliver([mail(1, address="a@example.com"), mail(2, address="a@example.com")], BATCH, wire):
                outcomes[receipt.key] = receipt.outcome
        transport.close()
        assert outcomes == {"0123456789ab.1": Outcome.UNKNOWN}
        assert wire.started == {"0123456789ab.1"}
        assert fake.requests == 1


def test_a_slow_answer_is_waited_for() -> None:
    with sendgrid(lambda _: Reply(202, headers={"X-Message-Id": "slow"}, delay_seconds=0.3)) as fake:
        transport = transport_to(fake)
        assert [each.provider_id for each in deliver(transport, [mail(1)]).values()] == ["slow"]
        transport.close()


def test_a_server_that_always_hangs_up_is_left_alone() -> None:
    with sendgrid(lambda _: Reply(drops="after")) as fake:
        transport, wire = transport_to(fake, connections=1), RecordingWire()
        unknown = 0
        with pytest.raises(DeliveryError, match="keeps failing"):
            for receipt in transport.deliver([mail(each, address="a@example.com") for each in range(9)], BATCH, wire):
                unknown += receipt.outcome is Outcome.UNKNOWN
        transport.close()
    assert unknown == len(wire.started) == fake.requests == 3


def test_a_server_that_cannot_be_reached_starts_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        settings = SendGridSettings(key="k", sender_address="a@b.nl", address=f"http://127.0.0.1:{taken.getsockname()[1]}")
        wire = RecordingWire()
        with pytest.raises(DeliveryError, match="cannot be reached"):
            list(SendGridTransport(settings).deliver([mail(1)], BATCH, wire))
    assert wire.events == []


@pytest.mark.parametrize("address", ["https://nowhere.invalid", "https://a..b", "https://127.0.0.1:{port}"], ids=["name", "no name", "tls"])
def test_a_name_that_is_nobodys_and_a_server_without_tls_start_nothing(fake: FakeSendGrid, address: str) -> None:
    settings = SendGridSettings(key="k", sender_address="a@b.nl", address=address.format(port=fake.address.rpartition(":")[2]))
    wire = RecordingWire()
    with pytest.raises(DeliveryError, match="cannot be reached"):
        list(SendGridTransport(settings).deliver([mail(1)], BATCH, wire))
    assert wire.events == []


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    with sendgrid(first(None, Reply(202, headers={"Connection": "close"}))) as fake:
        transport = transport_to(fake)
        outcomes = [deliver(transport, [mail(number)]).popitem()[1].outcome for number in range(4)]
        transport.close()
    assert outcomes == [Outcome.ACCEPTED] * 4


def test_a_request_that_broke_off_half_way_may_be_sent_again() -> None:
    # Larger than what the two ends of a connection hold: the last bytes cannot have left when the other side hangs up.
    large = EmailWording("{{ name }}", "x" * 70 + "\n", ("<p>" + "y" * 60 + "</p>\n") * 150_000)
    with FakeSendGrid(lambda _: Reply(drops="before")) as fake:
        transport = transport_to(fake, connections=1)
        receipts = deliver(transport, [mail(1, {"name": "Anna"}, large)])
        transport.close()
    assert [(each.outcome, each.detail) for each in receipts.values()] == [
        (Outcome.TEMPORARY, "The connection was lost before the request had been sent.")
    ]


def test_a_request_is_never_larger_than_sendgrid_takes(fake: FakeSendGrid) -> None:
    transport = transport_to(fake, most_bytes=5_000)
    receipts = deliver(transport, [mail(number) for number in range(40)])
    transport.close()
    assert len(receipts) == len(fake.accepted) == 40
    assert fake.requests > 3


def test_too_large_together_goes_in_parts_and_alone_is_refused() -> None:
    too_large = Reply(413, {"errors": [{"message": "content too large", "field": "null"}]})
    with sendgrid(first(too_large, too_large)) as fake:
        transport = transport_to(fake, connections=1)
        receipts = deliver(transport, [mail(1), mail(2)])
        transport.close()
    assert [(key, each.outcome) for key, each in receipts.items()] == [
        ("0123456789ab.1", Outcome.PERMANENT),
        ("0123456789ab.2", Outcome.ACCEPTED),
    ]


def test_a_message_without_words_is_still_a_request_that_is_understood(fake: FakeSendGrid) -> None:
    transport = transport_to(fake)
    receipts = deliver(transport, [mail(1, {"name": "A"}, EmailWording("{{ name }}", "", None))])
    transport.close()
    assert [each.outcome for each in receipts.values()] == [Outcome.ACCEPTED]


def test_a_content_of_plain_parts_is_sent_as_well(fake: FakeSendGrid) -> None:
    transport = transport_to(fake)
    plain = Message(MessageKey("0123456789ab.1"), "a@example.com", Content({"subject": "Hi", "text": "one\ntwo = 2 ☕\n"}))
    deliver(transport, [plain])
    transport.close()
    assert fake.accepted[0].parts == {"subject": "Hi", "text": "one\ntwo = 2 ☕\n"}
    assert "List-Unsubscribe" not in fake.accepted[0].headers


def test_the_key_is_in_no_representation_and_never_travels_in_the_clear() -> None:
    assert "SG.secret" not in repr(SendGridSettings(key="SG.secret", sender_address="a@b.nl"))
    with pytest.raises(SettingsError, match="in the clear"):
        SendGridSettings(key="k", sender_address="a@b.nl", address="http://api.sendgrid.com")
    with pytest.raises(SettingsError, match="address"):
        SendGridSettings(key="k", sender_address="a@b.nl", address="api.sendgrid.com")
    with pytest.raises(SettingsError, match="address"):
        SendGridSettings(key="k", sender_address="a@b.nl", address="https://api.sendgrid.com:99999")


@pytest.mark.parametrize("key", ["", "SG.wrong", "SG.two words"])
def test_without_a_key_that_is_let_in_nothing_is_started(fake: FakeSendGrid, key: str) -> None:
    transport, wire = transport_to(fake, key=key), RecordingWire()
    for _ in range(2):
        with pytest.raises(DeliveryError, match="CONTACTFLOW_SENDGRID_KEY"):
            deliver(transport, [mail(1)], wire)
    transport.close()
    assert (wire.events, fake.requests) == ([], 0)


def test_a_key_that_may_not_send_starts_nothing_until_it_may(fake: FakeSendGrid) -> None:
    fake.scopes = ["stats.read"]
    transport, wire = transport_to(fake), RecordingWire()
    with pytest.raises(DeliveryError, match=r"may not send mail.*right to send"):
        deliver(transport, [mail(1)], wire)
    assert wire.events == []
    fake.scopes = ["mail.send"]
    assert [each.outcome for each in deliver(transport, [mail(1)], wire).values()] == [Outcome.ACCEPTED]
    transport.close()


def test_several_requests_are_under_way_at_the_same_time() -> None:
    with sendgrid(lambda _: Reply(delay_seconds=0.05)) as fake:
        transport, wire = transport_to(fake, connections=3), RecordingWire()
        assert len(deliver(transport, [mail(each, address="a@example.com") for each in range(6)], wire)) == 6
        transport.close()
    assert [event for event, _ in wire.events[:3]] == ["start"] * 3


def test_what_is_written_is_plain_json(fake: FakeSendGrid) -> None:
    transport = transport_to(fake)
    deliver(transport, [mail(1, {"name": "Zoë ☕ \u2028", "link": "https://x.example/?a=1&b=2"})])
    transport.close()
    assert fake.accepted[0].parts["subject"] == "Zoë ☕, news"
    assert json.dumps(fake.accepted[0].request)
