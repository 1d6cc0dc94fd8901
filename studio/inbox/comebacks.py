"""What the inbox sends back when it was told to: a complaint, a late bounce, or an answer, as providers and people write them."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from studio.inbox.answers import Answer
from studio.inbox.records import Arrival

_LATER = timedelta(minutes=1)  # in the campaign's time, which may be a virtual one
_MESSAGE_ID = re.compile(rb"^Message-ID:\s{0,9}(<[!-;=?-~]{1,500}>)", re.MULTILINE | re.IGNORECASE)
_REPLY = "Thank you, that looks good. Can you call me about it?"
_AWAY = "I am out of the office until further notice, and will read your message when I am back."


def coming_back(answer: Answer, arrival: Arrival) -> bytes | None:
    """The mail that answers this one; None for an answer that is none by mail, and for a mail that says that it wants none."""
    maker = _MAKERS.get(answer)
    if maker is None or arrival.sender in ("", "<>"):
        return None
    mail = maker(arrival)
    mail["Date"] = format_datetime((arrival.sent_at or arrival.received_at) + _LATER)
    mail["Message-ID"] = f"<{answer}.{_name_of(arrival)}@inbox.invalid>"
    if answer != "reply":
        mail["Return-Path"] = "<>"  # what machines write is not to be answered
    return mail.as_bytes()


def _name_of(arrival: Arrival) -> str:
    """The same for the same mail to the same address: of a mail that comes twice is complained once."""
    return hashlib.sha256(f"{_line(arrival.recipient)}\n".encode() + arrival.raw).hexdigest()[:24]


def _complaint(arrival: Arrival) -> Message:
    """RFC 5965, as a mailbox provider's feedback loop sends it: who complained is left out."""
    report = MIMEBase("message", "feedback-report")
    report.set_payload(
        f"Feedback-Type: abuse\r\nUser-Agent: contactflow-inbox/1\r\nVersion: 1\r\nOriginal-Mail-From: <{_line(arrival.sender)}>\r\n"
    )
    mail = _report("feedback-report", "This is an email abuse report: the recipient called your message spam.", report, arrival)
    mail["From"] = "Feedback loop <feedback@inbox.invalid>"
    mail["To"] = f"abuse@{_line(arrival.sender.rpartition('@')[2])}"
    mail["Subject"] = "Complaint about your message"
    return mail


def _late_bounce(arrival: Arrival) -> Message:
    """RFC 3464, as a server sends it that took a mail before it knew better."""
    of_the_mail, of_the_recipient = Message(), Message()
    of_the_mail["Reporting-MTA"] = "dns; inbox.invalid"
    of_the_recipient["Final-Recipient"] = f"rfc822; {_line(arrival.recipient)}"
    of_the_recipient["Action"], of_the_recipient["Status"] = "failed", "5.1.1"
    of_the_recipient["Diagnostic-Code"] = "smtp; 550 5.1.1 No such person here (the inbox was told to return it)"
    status = MIMEBase("message", "delivery-status")
    status.set_payload([of_the_mail, of_the_recipient])
    mail = _report("delivery-status", "Your message could not be delivered: there is no such person here.", status, arrival)
    mail["From"] = "Mail Delivery System <mailer-daemon@inbox.invalid>"
    mail["To"] = _line(arrival.sender)
    mail["Subject"] = "Undelivered Mail Returned to Sender"
    mail["Auto-Submitted"] = "auto-replied"
    return mail


def _report(kind: str, words: str, report: Message, arrival: Arrival) -> Message:
    mail = MIMEMultipart("report", boundary=f"={_name_of(arrival)}", report_type=kind)
    mail.attach(MIMEText(words, "plain", "us-ascii"))
    mail.attach(report)
    headers = MIMEBase("text", "rfc822-headers")
    headers.set_payload(arrival.raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace").encode("ascii", "replace").decode("ascii"))
    mail.attach(headers)
    return mail


def _reply(arrival: Arrival) -> Message:
    mail = _answer(arrival, _REPLY)
    mail["Subject"] = f"Re: {_line(arrival.subject)}"
    return mail


def _away(arrival: Arrival) -> Message:
    mail = _answer(arrival, _AWAY)
    mail["Subject"] = f"Out of office: {_line(arrival.subject)}"
    mail["Auto-Submitted"] = "auto-replied"
    return mail


def _answer(arrival: Arrival, words: str) -> Message:
    mail = MIMEText(words, "plain", "utf-8")
    mail["From"], mail["To"] = f"<{_line(arrival.recipient)}>", _line(arrival.sender)
    named = _MESSAGE_ID.search(arrival.raw.partition(b"\r\n\r\n")[0])
    if named:
        mail["In-Reply-To"] = named[1].decode("ascii")
    return mail


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


_MAKERS: Mapping[Answer, Callable[[Arrival], Message]] = {
    "complain": _complaint,
    "return": _late_bounce,
    "reply": _reply,
    "away": _away,
}
