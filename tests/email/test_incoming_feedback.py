"""What a mail that came back means for a message of ours, in the vocabulary that all channels share."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.incoming import feedback_of, mail_id, read, written_at
from channels.feedback import Feedback, Happening
from tests.conftest import NOON
from tests.email import returned_mails as mails
from tests.email.returned_mails import BOUNCES_TO, KEY, OURS, PATHS, feedback, mail, report

GONE = "Final-Recipient: rfc822; anna@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no anna@example.com\n"
FULL = "Final-Recipient: rfc822; bert@example.com\nAction: failed\nStatus: 4.2.2\n"
FROM_ANNA = f"From: Anna <Anna@example.com>\nTo: news@shop.example\nSubject: Re: Welkom terug\nIn-Reply-To: <{KEY}@shop.example>\n"
AWAY = f"{FROM_ANNA}Auto-Submitted: auto-replied\n"
HELD = "From: filter@example.com\nTo: news@shop.example\nSubject: Held\nX-TMDA-Challenge: 1\nAuto-Submitted: auto-replied\n"
STRANGER = "From: Anna <anna@example.com>\nTo: news@shop.example\nSubject: Hello\n"


def told(raw: bytes, *recipients: str) -> tuple[Feedback, ...]:
    return feedback_of(read(raw, OURS, recipients), "m1", NOON)


@pytest.mark.parametrize(
    ("raw", "happening", "detail"),
    [
        (report(GONE), Happening.BOUNCED_HARD, "550 5.1.1 no ..."),
        (report(FULL), Happening.BOUNCED_SOFT, "full"),
        (mails.DELAY, Happening.DELAYED, None),
        (report("Action: delivered\nStatus: 2.0.0\n"), Happening.DELIVERED, ""),
        (report("Action: relayed\nStatus: 2.0.0\n"), Happening.PASSED_ON, ""),
        (feedback("fraud"), Happening.COMPLAINED, "fraud"),
        (mail(FROM_ANNA, "Leuk!"), Happening.REPLIED, ""),
        (mail(FROM_ANNA, "Stop"), Happening.UNSUBSCRIBED, ""),
        (mail(AWAY, "Ik ben met vakantie"), Happening.AUTO_REPLIED, "away"),
        (mail(AWAY, "She has left the company"), Happening.AUTO_REPLIED, "does not work there any more"),
        (mail(HELD, "Prove it"), Happening.DELAYED, "a filter holds it until someone proves to be a person"),
    ],
)
def test_each_kind_of_mail_is_one_piece_of_feedback(raw: bytes, happening: Happening, detail: str | None) -> None:
    (found,) = told(raw, BOUNCES_TO)
    assert (found.happening, found.key, found.source, found.id, found.at) == (happening, KEY, "mail", "m1.0", NOON)
    assert found.proven
    assert detail is None or found.detail == detail
    assert "anna" not in repr(found).lower()


def test_what_only_quotes_our_message_is_not_proven_but_tells_whose_address_it_is_about() -> None:
    (found,) = told(report(GONE))
    assert (found.key, found.proven, found.address, found.code) == (KEY, False, "anna@example.com", "5.1.1")


def test_of_several_addresses_none_is_proven_to_be_the_one_that_we_wrote_to() -> None:
    found = told(report(f"{GONE}\n{FULL}"), BOUNCES_TO)
    assert [(each.id, each.address, each.proven) for each in found] == [
        ("m1.0", "anna@example.com", False),
        ("m1.1", "bert@example.com", False),
    ]


def test_a_complaint_and_a_wish_to_stop_need_no_message_when_they_say_who() -> None:
    (complaint,) = told(feedback("abuse", "Original-Rcpt-To: <Anna@example.com>", headers="Subject: x\n"))
    assert (complaint.happening, complaint.key, complaint.address, complaint.proven) == (
        Happening.COMPLAINED,
        None,
        "anna@example.com",
        False,
    )
    (wish,) = told(mail(STRANGER, "unsubscribe"))
    assert (wish.happening, wish.key, wish.address) == (Happening.UNSUBSCRIBED, None, "anna@example.com")
    (signed,) = told(mail(STRANGER, ""), PATHS.unsubscribe_address(KEY, "shop.example"))
    assert (signed.happening, signed.key, signed.proven) == (Happening.UNSUBSCRIBED, KEY, True)


@pytest.mark.parametrize(
    "raw",
    [
        mail(STRANGER, "What are your opening hours?"),
        feedback("abuse", headers="Subject: x\n"),
        report(GONE, returned="Subject: x\n"),
        b"",
        b"\xff\x00",
    ],
)
def test_what_is_about_no_message_and_nobody_is_no_feedback(raw: bytes) -> None:
    assert told(raw) == ()


def test_a_long_answer_is_cut_and_stays_out_of_logs() -> None:
    (found,) = told(mail(FROM_ANNA, "ja graag\n" * 1_000))
    assert len(found.text) == 2_000
    assert "graag" not in repr(found)


def test_a_mail_is_the_same_whichever_way_it_came() -> None:
    raw = report(GONE)
    ways = [
        raw,
        b"Delivered-To: x@shop.example\r\nReceived: from mx\r\n\tby us\r\n" + raw,
        raw.replace(b"\r\n", b"\n") + b"\n\n",
        raw.replace(b"Beste Anna", b"Beste Anna\r\nFrom here").replace(b"\r\nFrom here", b"\r\n>From here"),
    ]
    assert len({mail_id(way) for way in ways[:3]}) == 1
    assert mail_id(ways[3]) == mail_id(raw.replace(b"Beste Anna", b"Beste Anna\r\nFrom here"))
    assert mail_id(raw) != mail_id(report(FULL))
    assert mail_id(raw) != mail_id(raw.replace(b"Subject: Undelivered", b"Subject: Again undelivered"))


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Mon, 02 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00\n -0000", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("Mon, 02 Mar 2037 10:00:00 +0100", NOON),
        ("Mon, 32 Mar 2026 10:00:00 +0100", NOON),
        ("Fri, 31 Dec 9999 23:59:59 -2300", NOON),
        ("yesterday", NOON),
    ],
)
def test_a_mail_was_written_when_it_says_so_but_not_in_the_future(date: str, at: datetime) -> None:
    assert written_at(mail(f"Subject: x\nDate: {date}\n"), NOON) == at
    assert written_at(mail("Subject: x\n", f"\nDate: {date}\n"), NOON) == NOON


@given(st.binary(max_size=400))
def test_whatever_bytes_come_are_named_and_dated(raw: bytes) -> None:
    assert len(mail_id(raw)) == 32
    assert NOON - written_at(b"Date: " + raw, NOON) >= timedelta()
