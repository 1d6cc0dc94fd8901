"""What comes back by mail: each kind told from the others, for the right message, and never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import MessageKey
from channels.email.incoming import (
    Absence,
    AutoReply,
    Cause,
    Challenge,
    Complaint,
    DeliveryReport,
    Grievance,
    Incoming,
    Other,
    Proof,
    Reply,
    Trace,
    Unsubscribe,
    Verdict,
    Why,
    read,
)
from channels.email.incoming.opened import opened
from tests.email import returned_mails as mails
from tests.email.returned_mails import BOUNCES_TO, KEY, OUR_HEADERS, OURS, PATHS, feedback, mail, report

SIGNED, QUOTED = Trace(KEY, Proof.SIGNED), Trace(KEY, Proof.QUOTED)
HARD, SOFT, DELAYED, DELIVERED = Verdict
FROM_ANNA = f"From: Anna <Anna@example.com>\nTo: news@shop.example\nSubject: Re: Welkom terug\nIn-Reply-To: <{KEY}@shop.example>\n"


def block(action: str, status: str, diagnostic: str = "", address: str = "anna@example.com") -> str:
    said = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{said}"


def reported(status: str, human: str = "This is the mail system.") -> DeliveryReport:
    found = read(report(status, human), OURS)
    assert isinstance(found, DeliveryReport)
    return found


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "verdict", "cause"),
    [
        ("failed", "5.1.1", "550 5.1.1 <anna@example.com>: Recipient address rejected: User unknown", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.1.1", "", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.0.0", "554 delivery error: dd This user doesn't have a yahoo.example account", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.0.0", "550 5.1.1 no", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", HARD, Cause.NO_SUCH_ADDRESS),
        (
            "failed",
            "5.4.4",
            "Host or domain name not found. Name service error for name=x type=A: Host not found",
            HARD,
            Cause.NO_SUCH_DOMAIN,
        ),
        ("failed", "5.4.4", "Name service error for name=x type=MX: Host not found, try again", SOFT, Cause.UNREACHABLE),
        ("failed", "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", HARD, Cause.CLOSED),
        ("failed", "5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail at a rate that", SOFT, Cause.REFUSED),
        ("failed", "5.2.2", "552 5.2.2 The email account that you tried to reach is over quota", SOFT, Cause.FULL),
        ("failed", "5.1.1", "550 5.1.1 <anna@example.com>... Mailbox full", SOFT, Cause.FULL),
        ("failed", "5.7.1", "550 5.7.1 Message rejected as spam. See https://x.example/user-unknown", SOFT, Cause.REFUSED),
        ("failed", "5.7.26", "550 5.7.26 <anna@example.com>: Recipient address rejected: unauthenticated sender", SOFT, Cause.REFUSED),
        ("failed", "5.1.0", "550 5.1.0 <news@shop.example> sender rejected. AUP#In-1310", SOFT, Cause.REFUSED),
        ("failed", "5.1.8", "550 5.1.8 Sender address rejected: Domain not found", SOFT, Cause.REFUSED),
        ("failed", "5.7.1", "554 5.7.1 Client host [192.0.2.1] blocked using bl.example; unknown user reports", SOFT, Cause.REFUSED),
        ("failed", "5.1.0", "5.1.0 - Unknown address error 550-'5.7.1 <anna@example.com>... Access denied'", SOFT, Cause.REFUSED),
        ("failed", "5.7.1", "550 5.7.1 <no-such-user@example.com> is not allowed by policy", SOFT, Cause.REFUSED),
        ("failed", "5.3.4", "552 5.3.4 Message size exceeds fixed limit", SOFT, Cause.TOO_LARGE),
        ("failed", "4.4.7", "", SOFT, Cause.UNREACHABLE),
        ("failed", "4.1.1", "450 4.1.1 <anna@example.com>: Recipient address rejected: user unknown", SOFT, Cause.NO_SUCH_ADDRESS),
        ("failed", "5.0.0", "", SOFT, Cause.OTHER),
        ("error", "5.1.1", "", HARD, Cause.NO_SUCH_ADDRESS),
        ("failed (bad destination)", "5.1.1 (unknown)", "", HARD, Cause.NO_SUCH_ADDRESS),
        ("delayed", "4.4.1", "connect to mx.example.com: Connection timed out", DELAYED, Cause.UNREACHABLE),
        ("delayed", "4.1.1", "450 user unknown", DELAYED, Cause.NO_SUCH_ADDRESS),
        ("delivered", "2.1.5", "", DELIVERED, None),
        ("relayed", "2.0.0", "250 user unknown to me, but passed on", DELIVERED, None),
        ("", "2.1.5", "", DELIVERED, None),
    ],
)
def test_a_delivery_report_says_what_became_of_the_address(
    action: str, status: str, diagnostic: str, verdict: Verdict, cause: Cause | None
) -> None:
    found = reported(block(action, status, diagnostic))
    assert [(each.verdict, each.cause) for each in found.fates] == [(verdict, cause)]
    assert found.standard
    assert found.trace == QUOTED


def test_each_recipient_of_a_report_has_a_fate_of_its_own() -> None:
    found = reported(f"{block('failed', '5.1.1')}\n{block('delivered', '2.0.0', address='bert@example.com')}")
    assert [(each.verdict, each.action, each.status, each.address) for each in found.fates] == [
        (HARD, "failed", "5.1.1", "anna@example.com"),
        (DELIVERED, "delivered", "2.0.0", "bert@example.com"),
    ]


def test_the_address_that_we_wrote_to_comes_before_the_one_that_it_was_forwarded_to() -> None:
    found = reported(f"Original-Recipient: rfc822;Anna@example.com\n{block('failed', '5.1.1', address='x@else.example')}")
    assert found.fates[0].address == "anna@example.com"


def test_what_a_report_tells_only_people_is_read_too() -> None:
    assert reported(block("failed", "5.0.0"), "The mailbox does not exist.").fates[0].verdict is HARD


def test_a_detail_names_nobody_and_neither_does_what_is_logged() -> None:
    found = reported(block("failed", "5.1.1", "550 <anna@example.com> (anna@example.com) User unknown"))
    assert found.fates[0].detail == "550 ... (...) User unknown"
    assert "anna" not in repr(found)
    assert "anna" not in repr(read(mail(FROM_ANNA, "anna"), OURS)).lower()


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_status_that_was_encoded_against_the_rules_is_read(encoding: str) -> None:
    raw = report(block("failed", "5.1.1")).decode()
    plain = raw.partition("Content-Type: message/delivery-status\r\n\r\n")[2].partition("--B")[0]
    from email.base64mime import body_encode  # noqa: PLC0415 - only here

    coded = body_encode(plain.encode()) if encoding == "base64" else plain
    head = f"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    found = read(raw.replace(f"Content-Type: message/delivery-status\r\n\r\n{plain}", f"{head}{coded}\r\n").encode(), OURS)
    assert isinstance(found, DeliveryReport)
    assert found.fates[0].verdict is HARD


BOUNCES = {
    "QMAIL": (mails.QMAIL, [(HARD, "5.1.1", "anna@example.com")]),
    "EXIM_FULL": (mails.EXIM_FULL, [(SOFT, "5.2.2", "anna@example.com")]),
    "EXCHANGE": (mails.EXCHANGE, [(HARD, "5.1.1", "anna@example.com")]),
    "POSTFIX_OLD": (mails.POSTFIX_OLD, [(HARD, "", "anna@example.com"), (SOFT, "", "bert@example.com")]),
    "GMAIL_OLD": (mails.GMAIL_OLD, [(HARD, "5.1.1", "anna@gmail.example")]),
    "YAHOO": (mails.YAHOO, [(HARD, "", "anna@yahoo.example")]),
    "DELAY": (mails.DELAY, [(DELAYED, "", "anna@example.com")]),
    "GERMAN": (mails.GERMAN, [(HARD, "", "anna@firma.example")]),
    "DUTCH": (mails.DUTCH, [(HARD, "", "anna@bedrijf.example")]),
}


@pytest.mark.parametrize("name", BOUNCES)
def test_a_bounce_that_keeps_to_no_standard_is_read_as_text(name: str) -> None:
    raw, fates = BOUNCES[name]
    found = read(raw, OURS, [BOUNCES_TO])
    assert isinstance(found, DeliveryReport)
    assert not found.standard
    assert found.trace == SIGNED
    assert [(each.verdict, each.status, each.address) for each in found.fates] == fates


def test_a_bounce_that_lists_its_recipients_first_or_says_all_twice_mixes_nobody_up() -> None:
    listed = "could not be delivered to:\nanna@example.com, bert@example.com\n\n"
    each = (
        "anna@example.com\n  550 5.2.2 <anna@example.com> Mailbox full\nbert@example.com\n  550 5.1.1 <bert@example.com> User unknown\n\n"
    )
    found = read(mail(f"{mails.DAEMON}Subject: failure notice", f"{listed}{each}{each}"), OURS)
    assert isinstance(found, DeliveryReport)
    fates = [(fate.verdict, fate.status, fate.address) for fate in found.fates]
    assert fates == [(SOFT, "5.2.2", "anna@example.com"), (HARD, "5.1.1", "bert@example.com")]


@pytest.mark.parametrize("name", ["QMAIL", "EXIM_FULL", "POSTFIX_OLD", "GMAIL_OLD"])
def test_a_returned_text_names_our_message(name: str) -> None:
    assert read(BOUNCES[name][0], OURS).trace == QUOTED


@pytest.mark.parametrize("place", ["envelope", "Delivered-To", "X-Original-To", "To", "body"])
def test_a_signed_address_is_found_wherever_it_stands(place: str) -> None:
    folded = BOUNCES_TO.upper()
    header = "" if place in ("envelope", "body") else f"{place}: <{folded}>\n"
    raw = mail(f"{header}From: x@example.com\nSubject: hello", f"was <{folded}>" if place == "body" else "")
    assert read(raw, OURS, [folded] if place == "envelope" else []).trace == SIGNED


@pytest.mark.parametrize("forged", [f"b-{KEY}-aaaaaaaaaaaaaaaaaaaa@bounce.shop.example", f"b-{KEY}@bounce.shop.example"])
def test_nobody_can_bounce_a_message_that_he_was_not_sent(forged: str) -> None:
    found = read(report(block("failed", "5.1.1"), returned="", to=forged), OURS, [forged])
    assert isinstance(found, DeliveryReport)
    assert found.trace is None


def test_a_signed_address_beats_what_the_mail_quotes() -> None:
    other = PATHS.return_path(MessageKey("other.1"), "bounce.shop.example")
    assert read(report(block("failed", "5.1.1")), OURS, [other]).trace == Trace(MessageKey("other.1"), Proof.SIGNED)


def test_a_message_id_of_another_domain_is_none_of_ours() -> None:
    headers = OUR_HEADERS.replace("@shop.example>", "@other.example>").replace("X-Contactflow-Key", "X-Key")
    assert read(report(block("failed", "5.1.1"), returned=headers), OURS).trace is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (feedback("abuse"), Complaint(QUOTED, Grievance.ABUSE)),
        (feedback("fraud"), Complaint(QUOTED, Grievance.FRAUD)),
        (feedback("brand-new"), Complaint(QUOTED, Grievance.ABUSE)),
        (feedback("abuse", "Original-Rcpt-To: <Anna@example.com>\n"), Complaint(QUOTED, Grievance.ABUSE, "anna@example.com")),
        (feedback("abuse", f"Original-Mail-From: <{BOUNCES_TO}>\n"), Complaint(SIGNED, Grievance.ABUSE)),
        (feedback("not-spam"), Other(QUOTED, Why.NOT_SPAM)),
        (feedback("auth-failure"), Other(QUOTED, Why.AUTHENTICATION_REPORT)),
    ],
)
def test_a_complaint_says_what_of_and_about_which_message(raw: bytes, expected: Incoming) -> None:
    assert read(raw, OURS) == expected


AUTOMATIC = [
    ("Subject: Automatisch antwoord: Welkom terug", "Ik ben afwezig tot 1 december.", Absence.AWAY),
    ("Subject: Afwezig", "Tot maandag ben ik niet bereikbaar.", Absence.AWAY),
    ("Subject: Automatische Antwort: Willkommen", "Ich bin bis 1. Dezember nicht im Büro.", Absence.AWAY),
    ("Subject: =?utf-8?q?Abwesenheitsnotiz=3A_Gr=C3=BC=C3=9Fe?=", "Vielen Dank, ich bin im Urlaub.", Absence.AWAY),
    ("Subject: Out of Office: Welcome back", "I am on annual leave.", Absence.AWAY),
    ("Subject: Réponse automatique : Bienvenue", "Je suis absente jusqu'à lundi.", Absence.AWAY),
    ("Subject: Respuesta automática: Hola", "Estoy fuera de la oficina.", Absence.AWAY),
    ("Subject: Re: Welkom\nAuto-Submitted: auto-replied (vacation)", "Ik ben met vakantie.", Absence.AWAY),
    ("Subject: Re: Welkom\nX-Apple-Action: VACATION", "Ik ben op vakantie", Absence.AWAY),
    ("Subject: Re: Welkom\nPrecedence: bulk", "I am out of the office.", Absence.AWAY),
    ("Subject: Re: Welkom\nReturn-Path: <>", "Ik ben afwezig", Absence.AWAY),
    ("Subject: Re: Welkom\nAuto-Submitted: auto-replied", "Anna Jansen is niet meer werkzaam bij ons.", Absence.LEFT),
    ("Subject: Automatic reply: hi", "Anna no longer works here. I am out of office.", Absence.LEFT),
    ("Subject: Automatische Antwort", "Frau Jansen ist nicht mehr für uns tätig.", Absence.LEFT),
    ("Subject: [#4711] Bedankt voor uw bericht\nAuto-Submitted: auto-generated", "Uw vraag is in behandeling.", Absence.OTHER),
    ("Subject: Ontvangstbevestiging", "Wij hebben uw mail gekregen.", Absence.OTHER),
]


@pytest.mark.parametrize(("headers", "body", "absence"), AUTOMATIC)
def test_a_machine_that_answers_is_no_person(headers: str, body: str, absence: Absence) -> None:
    raw = mail(f"From: anna@example.com\nTo: news@shop.example\nIn-Reply-To: <{KEY}@shop.example>\n{headers}", body)
    assert read(raw, OURS) == AutoReply(QUOTED, absence)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (
            "Subject: Please confirm your message\nAuto-Submitted: auto-replied",
            "Please click the link to have your message delivered to me.",
        ),
        ("Subject: anna@example.com requires verification [Boxbe]", "Hello"),
        ("Subject: Re: Welkom\nPrecedence: junk", "Your message is being held until you confirm it."),
        ("Subject: Re: Welkom\nX-TMDA-Fingerprint: abc", "This is TMDA."),
    ],
)
def test_a_filter_that_asks_who_is_there_is_told_apart(headers: str, body: str) -> None:
    raw = mail(f"From: anna@example.com\nTo: news@shop.example\nIn-Reply-To: <{KEY}@shop.example>\n{headers}", body)
    assert read(raw, OURS) == Challenge(QUOTED)


@pytest.mark.parametrize(
    "text",
    [
        "Ja, ik kom!",
        "I am out of office next week, so Tuesday please.",
        "My mailbox is full of your mails, user unknown to me!",
        "Kunt u mij afmelden voor de borrel? De nieuwsbrief wil ik houden.",
        "550 5.1.1 is what your server told me",
    ],
)
def test_a_person_who_answers_is_a_reply_whatever_the_words(text: str) -> None:
    raw = mail(FROM_ANNA, f"{text}\n\nOp ma 16 nov 2026 om 10:12 schreef Winkel <news@shop.example>:\n> Stop\n")
    assert read(raw, OURS) == Reply(QUOTED, text, "anna@example.com")


def test_a_reply_to_the_return_path_is_a_reply_too() -> None:
    assert read(mail("From: anna@example.com\nSubject: Vraag", "Hoe laat?"), OURS, [BOUNCES_TO]) == Reply(
        SIGNED, "Hoe laat?", "anna@example.com"
    )


def test_a_bounce_that_a_person_forwards_is_no_bounce() -> None:
    inner = report(block("failed", "5.1.1")).decode()
    head = f"{FROM_ANNA}Content-Type: multipart/mixed; boundary=F\n\n--F\n\nZie hieronder.\n--F\n"
    raw = f"{head}Content-Type: message/rfc822\n\n{inner}\n--F--\n"
    assert read(raw.encode(), OURS) == Reply(QUOTED, "Zie hieronder.", "anna@example.com")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FROM_ANNA, "STOP"),
        (FROM_ANNA, "Uitschrijven graag.\n\nOp ma 16 nov 2026 om 10:12 schreef Winkel <news@shop.example>:\n> Beste\n"),
        (FROM_ANNA, "Bitte abmelden!"),
        (FROM_ANNA, "Please unsubscribe me from this list.\n"),
        (FROM_ANNA.replace("Re: Welkom terug", "unsubscribe"), ""),
        (
            FROM_ANNA.replace("Re: Welkom terug", "unsubscribe") + "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true",
            "Apple Mail sent this.",
        ),
        (FROM_ANNA, "List-Unsubscribe=One-Click"),
    ],
)
def test_who_asks_for_nothing_but_to_be_left_alone_unsubscribes(headers: str, body: str) -> None:
    assert read(mail(headers, body), OURS) == Unsubscribe(QUOTED, "anna@example.com")


def test_a_mail_to_the_unsubscribe_address_unsubscribes_whatever_it_says() -> None:
    address = PATHS.unsubscribe_address(KEY, "shop.example")
    raw = mail(
        f"From: anna@example.com\nTo: {address.upper()}\nSubject: x\nAuto-Submitted: auto-generated",
        "This mail was made by my mail program.",
    )
    assert read(raw, OURS) == Unsubscribe(SIGNED, "anna@example.com")
    assert read(mail("From: anna@example.com\nSubject: x"), OURS, [address]) == Unsubscribe(SIGNED, "anna@example.com")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", Why.UNREADABLE),
        (b"\0\xff\n\n", Why.UNREADABLE),
        (mail("From: x@example.com\nSubject: Aanbieding", "Koop nu"), Why.NO_REPLY),
        (mail("From: x@example.com\nSubject: Nieuws\nList-Id: <n.example.com>", "Koop nu"), Why.BULK),
        (mail("From: MAILER-DAEMON@example.com\nSubject: hello", "Goedendag."), Why.UNCLEAR_REPORT),
        (mail("From: MAILER-DAEMON@example.com\nSubject: hello\nAuto-Submitted: auto-replied", "Goedendag."), Why.UNCLEAR_REPORT),
        (
            b"Content-Type: multipart/report; boundary=B\n\n--B\nContent-Type: message/disposition-notification\n\nA: b\n--B--\n",
            Why.READ_RECEIPT,
        ),
    ],
)
def test_anything_else_says_why_it_is_nothing(raw: bytes, why: Why) -> None:
    assert read(raw, OURS) == Other(None, why)


CORPUS = [each[0] for each in BOUNCES.values()] + [
    report(block("failed", "5.1.1", "550 no")),
    feedback("abuse"),
    mail(FROM_ANNA, "Ja\n> nee"),
    f"{FROM_ANNA}Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\nPGI+SmE8L2I+\n".encode(),
]
PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=B\n",
        b"--B\n",
        b"--B--",
        b"\n\n",
        b"Content-Type: message/delivery-status\n\n",
        b"Content-Type: message/rfc822\n\n",
        b"Content-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n\n",
        b"Content-Type: text/html; charset=utf-7\n\n<![x[",
        b"Content-Type: text/plain; charset=\xff''x%00\n",
        b"boundary*=a\0b''x",
        b"Final-Recipient: \nAction: failed\nStatus: 5.1.1\n",
        b"=?utf-8?b?abc?= =?x?q?=ff?=",
        b"Subject: ",
        b"From: <MAILER-DAEMON\n",
        b"Return-Path: <>\n",
    ]
)
BYTES = st.binary(max_size=60) | PIECES


HTML = (
    b"<div ",
    b"<div>",
    b"<!--",
    b"<!-- -",
    b"<script>",
    b"<![x[>",
    b"</",
    b"&",
    b"&#",
    b"<a b='",
    b"<p>\n ",
    b"<?",
    b"<blockquote",
    b"<table><tr>",
)


@settings(max_examples=300, deadline=None)
@given(st.lists(BYTES, max_size=20).map(b"".join), st.lists(st.text(max_size=30), max_size=2))
def test_whatever_the_bytes_it_is_one_of_the_kinds(raw: bytes, recipients: list[str]) -> None:
    assert isinstance(read(raw, OURS, recipients), Incoming)


def test_a_mail_that_is_nested_too_deeply_is_read_as_one_text() -> None:
    levels = [f"Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n" for depth in range(100)]
    taken = opened(f"Subject: x\n{''.join(levels)}\nJa".encode())
    assert taken is not None
    assert [part.text.startswith("--b0\n") for part in taken.parts] == [True]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_a_mail_that_was_damaged_on_the_way_is_one_of_the_kinds(raw: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 200)))
    assert isinstance(read(raw[:start] + data.draw(BYTES) + raw[end:], OURS), Incoming)


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/x; boundary*" + b"1" * 5_000 + b"=a\n\nx",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(3_000)),
        b"From: a\n" + b"Content-Type: message/rfc822\n\n" * 3_000,
        b"Subject: =?utf-8?q?" + b"=41" * 100_000 + b"?=\n\nx",
        mail("From: a@b.example\nIn-Reply-To: <x@y>\nSubject: Re: x", "On a " * 50_000),
        mail("From: a@b.example\nSubject: Re: x", "On a 1\n" * 50_000),
        mail("From: a@b.example\nSubject: Re: x", "Van: x\n" * 50_000),
        mail("From: MAILER-DAEMON@b.example\nSubject: failure notice", "user " * 50_000),
        mail("From: MAILER-DAEMON@b.example\nSubject: failure notice", "a@" * 100_000),
        mail("From: MAILER-DAEMON@b.example\nSubject: failure notice", "".join(f"a{at}@b.example\n" for at in range(20_000))),
        *(b"From: a@b.example\nContent-Type: text/html\n\n" + piece * (200_000 // len(piece)) for piece in HTML),
        b"From: a@b.example\nSubject: " + BOUNCES_TO.encode() + b" " + b"b-a-aaaaaaaaaaaaaaaaaaaa@x " * 50_000 + b"\n\n",
        b"a" * 3_000_000,
    ],
)
def test_a_mail_that_was_made_to_hurt_is_one_of_the_kinds(raw: bytes) -> None:
    assert isinstance(read(raw, OURS), Incoming)
