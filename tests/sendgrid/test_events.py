"""What SendGrid's webhook says: believed only when it was signed just now, and each event for itself."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.sendgrid.events import SIGNATURE, TIMESTAMP, Told, Webhook
from channels.email.sendgrid.fake import FakeSendGrid
from channels.email.sendgrid.parcels import KEY
from channels.feedback import Feedback, Happening
from store.errors import ForgedError, SettingsError
from tests.sendgrid.trial import NOON

OURS = "0123456789ab.7"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as server:
        yield server


def event(kind: str, **more: Any) -> dict[str, Any]:
    """An event with the fields that all have."""
    common = {"email": "anna@example.com", "timestamp": int(NOON.timestamp()) - 60, "sg_event_id": f"id-{kind}", "sg_message_id": "m.1"}
    return {**common, "event": kind, KEY: OURS, **more}


def read(fake: FakeSendGrid, *events: object) -> Told:
    body, headers = fake.signed(json.dumps(events).encode(), NOON)
    return Webhook(fake.webhook_key).read(body, {name.lower(): value for name, value in headers.items()}, NOON)


def happenings(told: Told) -> list[tuple[Happening, str | None]]:
    return [(each.happening, each.key) for each in told.feedback]


@pytest.mark.parametrize(
    ("told", "happening"),
    [
        (event("processed"), Happening.PASSED_ON),
        (event("deferred", response="451 4.7.1 later", attempt="2"), Happening.DELAYED),
        (event("delivered", response="250 OK"), Happening.DELIVERED),
        (event("bounce", type="bounce", status="5.1.1", bounce_classification="Invalid Address"), Happening.BOUNCED_HARD),
        (event("bounce", type="bounce", status="5.0.0", bounce_classification="Unclassified"), Happening.BOUNCED_HARD),
        (event("bounce", type="bounce"), Happening.BOUNCED_HARD),
        (event("bounce", type="bounce", status="5.1.1", bounce_classification="Technical"), Happening.BOUNCED_HARD),
        (event("bounce", type="bounce", status="5.2.2", bounce_classification="Mailbox Unavailable"), Happening.BOUNCED_SOFT),
        (event("bounce", type="bounce", status="5.7.1", bounce_classification="Reputation"), Happening.BOUNCED_SOFT),
        (event("bounce", type="bounce", status="5.0.0", bounce_classification="Content"), Happening.BOUNCED_SOFT),
        (event("bounce", type="bounce", status="4.4.7"), Happening.BOUNCED_SOFT),
        (event("bounce", type="blocked", bounce_classification="Unclassified", reason="unable to get mx info"), Happening.BOUNCED_SOFT),
        (event("dropped", reason="Bounced Address"), Happening.BOUNCED_HARD),
        (event("dropped", reason="Invalid"), Happening.BOUNCED_HARD),
        (event("dropped", reason="Invalid SMTPAPI header"), Happening.BOUNCED_SOFT),
        (event("dropped", reason="Recipient List over Package Quota"), Happening.BOUNCED_SOFT),
        (event("spamreport"), Happening.COMPLAINED),
        (event("unsubscribe"), Happening.UNSUBSCRIBED),
        (event("group_unsubscribe", asm_group_id=1), Happening.UNSUBSCRIBED),
        (event("open", sg_machine_open=False), Happening.OPENED),
        (event("click", url="https://x.example"), Happening.CLICKED),
    ],
    ids=lambda value: f"{value['event']} {value.get('reason') or value.get('status') or ''}" if isinstance(value, dict) else "",
)
def test_each_kind_of_event_is_one_happening_to_our_message(fake: FakeSendGrid, told: dict[str, Any], happening: Happening) -> None:
    assert read(fake, told) == Told(
        (
            Feedback(
                happening,
                "sendgrid",
                told["sg_event_id"],
                NOON - timedelta(minutes=1),
                OURS,  # type: ignore[arg-type]  # a key
                code=told.get("status", ""),
                detail=told.get("reason") or told.get("response") or "",
                address="anna@example.com",
            ),
        ),
        0,
    )


def test_a_machine_that_opens_is_told_apart(fake: FakeSendGrid) -> None:
    told = read(fake, event("open", sg_machine_open=True), event("open", sg_machine_open=False), event("open"))
    assert [each.human for each in told.feedback] == [False, True, True]


@pytest.mark.parametrize(
    ("reason", "wish"), [("Unsubscribed Address", Happening.UNSUBSCRIBED), ("Spam Reporting Address", Happening.COMPLAINED)]
)
def test_a_wish_that_sendgrid_knows_of_is_heard_and_the_message_did_not_arrive(fake: FakeSendGrid, reason: str, wish: Happening) -> None:
    told = read(fake, event("dropped", reason=reason))
    assert happenings(told) == [(Happening.BOUNCED_SOFT, OURS), (wish, None)]
    assert [each.id for each in told.feedback] == ["id-dropped", "id-dropped+1"]


def test_what_is_not_understood_is_left_out_and_counted(fake: FakeSendGrid) -> None:
    told = read(
        fake,
        event("group_resubscribe"),
        event("account_status_change"),
        event("delivered", sg_event_id=None),
        event("delivered", sg_event_id="x" * 300),
        event("delivered", sg_event_id="with\x00nothing"),
        event("delivered", timestamp="yesterday"),
        event("delivered", timestamp=True),
        event("delivered", timestamp=10**20),
        event(["delivered"]),  # type: ignore[arg-type]  # as somebody might send it
        "delivered",
        None,
        [],
        event("delivered"),
    )
    assert (happenings(told), told.skipped) == ([(Happening.DELIVERED, OURS)], 12)


@pytest.mark.parametrize("key", [None, 7, "", "7", "a b.7", "é.7", "x.7\n", "0123456789ab.1234567890123456789"])
def test_an_event_of_a_mail_that_is_not_ours_has_no_key(fake: FakeSendGrid, key: object) -> None:
    assert happenings(read(fake, event("delivered", **{KEY: key}))) == [(Happening.DELIVERED, None)]


def test_no_address_and_nothing_invisible_is_in_a_detail(fake: FakeSendGrid) -> None:
    (told,) = read(fake, event("bounce", reason="550 <anna@example.com>:\r\nno\x00 such \ud800user " + "x" * 500)).feedback
    assert told.detail.startswith("550 ...: no such user xxx")
    assert len(told.detail) == 160
    assert "anna" not in repr(told)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'"text"', b"7"])
def test_a_body_that_is_no_list_of_events_says_nothing(fake: FakeSendGrid, body: bytes) -> None:
    signed, headers = fake.signed(body, NOON)
    assert Webhook(fake.webhook_key).read(signed, {name.lower(): value for name, value in headers.items()}, NOON) == Told((), 1)


@given(body=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=4)))
@settings(max_examples=60, deadline=None)
def test_nothing_that_sendgrid_signs_is_an_exception(fake: FakeSendGrid, body: object) -> None:
    read(fake, body, event("bounce", status=body, reason=body, type=body, email=body, timestamp=body), event(body))  # type: ignore[arg-type]  # see above


@pytest.mark.parametrize(("late", "is_taken"), [(0, True), (599, True), (-599, True), (601, False), (-601, False), (86_400, False)])
def test_a_request_is_of_the_last_minutes(fake: FakeSendGrid, late: int, *, is_taken: bool) -> None:
    body, headers = fake.signed([event("open")], NOON)
    small = {name.lower(): value for name, value in headers.items()}
    webhook, now = Webhook(fake.webhook_key), NOON + timedelta(seconds=late)
    if is_taken:
        assert webhook.read(body, small, now).feedback
    else:
        with pytest.raises(ForgedError, match="not of now"):
            webhook.read(body, small, now)


def test_how_long_a_request_is_fresh_can_be_set(fake: FakeSendGrid) -> None:
    body, headers = fake.signed([event("open")], NOON)
    small = {name.lower(): value for name, value in headers.items()}
    assert Webhook(fake.webhook_key, timedelta(hours=1)).read(body, small, NOON + timedelta(minutes=59)).feedback


@pytest.mark.parametrize("change", ["body", "moment", "signature", "no signature", "no moment", "not base64", "another key"])
def test_what_was_altered_or_is_not_signed_is_refused(fake: FakeSendGrid, change: str) -> None:
    body, headers = fake.signed([event("open")], NOON)
    small = {name.lower(): value for name, value in headers.items()}
    signature, moment = SIGNATURE.lower(), TIMESTAMP.lower()
    if change == "another key":
        with FakeSendGrid() as other:
            body, headers = other.signed([event("open")], NOON)
        small = {name.lower(): value for name, value in headers.items()}
    altered = {
        "moment": {moment: str(int(small[moment]) + 1)},
        "signature": {signature: b64encode(b"0" * 70).decode()},
        "no signature": {signature: ""},
        "no moment": {moment: ""},
        "not base64": {signature: "é"},
    }.get(change, {})
    with pytest.raises(ForgedError, match="webhook"):
        Webhook(fake.webhook_key).read(body.replace(b"open", b"click") if change == "body" else body, {**small, **altered}, NOON)


def test_a_key_that_is_none_is_a_setting_to_correct() -> None:
    other = rsa.generate_private_key(65_537, 1_024).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for key in ("", "nonsense", "é", b64encode(b"nothing").decode(), b64encode(other).decode()):
        with pytest.raises(SettingsError, match="webhook_key"):
            Webhook(key)
