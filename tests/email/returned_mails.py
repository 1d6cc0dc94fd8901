"""Mails as they come back, written after real ones. KEY is the message of ours that they are about."""

from channels.contract import MessageKey
from channels.email.incoming import Ours, ReturnPaths
from store.tokens import Signer

PATHS = ReturnPaths(Signer([b"a key of sixteen bytes"]))
OURS = Ours(PATHS, frozenset({"shop.example"}))
KEY = MessageKey("3f2a90bc11de.4711")
BOUNCES_TO = PATHS.return_path(KEY, "bounce.shop.example")

OUR_HEADERS = f"""From: Winkel <news@shop.example>
To: <anna@example.com>
Subject: Welkom terug
Message-ID: <{KEY}@shop.example>
X-Contactflow-Key: {KEY}
"""


def mail(headers: str, body: str = "", charset: str = "utf-8") -> bytes:
    """A mail of one text part."""
    return f"{headers.strip()}\nContent-Type: text/plain; charset={charset}\n\n{body}".replace("\n", "\r\n").encode(charset)


def report(status: str, human: str = "This is the mail system.", returned: str = OUR_HEADERS, to: str = "news@shop.example") -> bytes:
    """A delivery report in three parts (RFC 3464); `status` holds the blocks of the recipients."""
    text = f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

{human}
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Mon, 16 Nov 2026 10:12:00 +0100

{status.strip()}

--B
Content-Type: message/rfc822

{returned}

Beste Anna
--B--
"""
    return text.replace("\n", "\r\n").encode()


def feedback(kind: str, extra: str = "", headers: str = OUR_HEADERS) -> bytes:
    """A complaint (RFC 5965)."""
    text = f"""From: <fbl@provider.example>
To: <abuse@shop.example>
Subject: FW: Welkom terug
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.
--B
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
{extra}
--B
Content-Type: text/rfc822-headers

{headers}
--B--
"""
    return text.replace("\n", "\r\n").encode()


DAEMON = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.com\nTo: news@shop.example\n"

QMAIL = mail(
    f"{DAEMON}Subject: failure notice",
    f"""Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <news@shop.example>
{OUR_HEADERS}
Uw mailbox is full of aanbiedingen
""",
)
EXIM_FULL = mail(
    f"{DAEMON}Subject: Mail delivery failed: returning message\nX-Failed-Recipients: anna@example.com\nAuto-Submitted: auto-replied",
    f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  anna@example.com
    SMTP error from remote mail server after RCPT TO:<anna@example.com>:
    host mx.example.com [192.0.2.1]: 552 5.2.2 Mailbox full

------ This is a copy of the message, including all the headers. ------

{OUR_HEADERS}
""",
)
EXCHANGE = mail(
    "From: System Administrator <postmaster@example.com>\nTo: news@shop.example\nSubject: Undeliverable: Welkom terug",
    """Your message

  To:      Anna
  Subject: Welkom terug
  Sent:    Mon, 16 Nov 2026 10:12:00 +0100

did not reach the following recipient(s):

anna@example.com on Mon, 16 Nov 2026 10:12:10 +0100
    The e-mail account does not exist at the organization this message
    was sent to.  Check the e-mail address, or contact the recipient directly.
    <mx.example.com #5.1.1>
""",
)
POSTFIX_OLD = mail(
    f"{DAEMON}Subject: Undelivered Mail Returned to Sender",
    f"""This is the Postfix program at host mx.shop.example.

I'm sorry to have to inform you that your message could not be delivered
to one or more recipients.

<anna@example.com>: host mx.example.com[192.0.2.1] said: 550
    <anna@example.com>: User unknown (in reply to RCPT TO command)

<bert@example.com>: host mx.example.com[192.0.2.1] said: 552 quota exceeded

------ Original message ------
{OUR_HEADERS}
""",
)
GMAIL_OLD = mail(
    "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nTo: news@shop.example\nX-Failed-Recipients: anna@gmail.example\n"
    "Subject: Delivery Status Notification (Failure)",
    f"""Delivery to the following recipient failed permanently:

     anna@gmail.example

Technical details of permanent failure:
Google tried to deliver your message, but it was rejected by the server.
550 550 5.1.1 The email account that you tried to reach does not exist. Please try
double-checking the recipient's email address. Learn more at https://support.example/?p=spam (state 14).

----- Original message -----

{OUR_HEADERS}
""",
)
YAHOO = mail(
    "From: <MAILER-DAEMON@yahoo.example>\nTo: news@shop.example\nSubject: Failure Notice",
    """Sorry, we were unable to deliver your message to the following address.

<anna@yahoo.example>:
554: delivery error: dd This user doesn't have a yahoo.example account (anna@yahoo.example) [0] - mta1.example

--- Below this line is a copy of the message.
""",
)
DELAY = mail(
    f"{DAEMON}Subject: Warning: message 1abc delayed 24 hours",
    """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours.

The address to which the message has not yet been delivered is:
  anna@example.com
    Delay reason: host mx.example.com: user unknown, try again

No action is required on your part. Delivery attempts will continue for some time.
""",
)
GERMAN = mail(
    "From: postmaster@firma.example\nTo: news@shop.example\nSubject: Unzustellbar: Willkommen",
    "Ihre Nachricht konnte nicht zugestellt werden:\n\nanna@firma.example\nDer Empfänger ist unbekannt.\n",
)
DUTCH = mail(
    "From: postmaster@bedrijf.example\nTo: news@shop.example\nSubject: Onbestelbaar: Welkom terug",
    "Uw bericht kon niet worden afgeleverd bij anna@bedrijf.example\n\nDe mailbox bestaat niet.\n",
)
