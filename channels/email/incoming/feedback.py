"""What a mail that came back says, as feedback about messages: pure code, without a database."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import assert_never

from channels.email.incoming.events import (
    Absence,
    AutoReply,
    Challenge,
    Complaint,
    DeliveryReport,
    Fate,
    Incoming,
    Other,
    Proof,
    Reply,
    Trace,
    Unsubscribe,
    Verdict,
)
from channels.feedback import Feedback, Happening

SOURCE = "mail"
MOST_TEXT = 2_000  # characters of an answer that are kept
_HAPPENINGS = {
    Verdict.HARD: Happening.BOUNCED_HARD,
    Verdict.SOFT: Happening.BOUNCED_SOFT,
    Verdict.DELAYED: Happening.DELAYED,
    Verdict.DELIVERED: Happening.DELIVERED,
}
_PASSED_ON = ("relayed", "expanded")  # to where nobody confirms anything any more
_OF_A_PERSON = (Happening.COMPLAINED, Happening.UNSUBSCRIBED)  # they count without a message
_SAID = {Absence.AWAY: "away", Absence.LEFT: "does not work there any more", Absence.OTHER: "answered by a machine"}
_HELD = "a filter holds it until someone proves to be a person"
_DATE = re.compile(rb"^Date:(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
# What stays the same on every way that a mail can take to us; servers add to its other headers.
_OF_ITS_OWN = re.compile(rb"^(?:Message-ID|Date|From|Subject):(?:.*\n(?:[ \t].*\n)*)", re.MULTILINE | re.IGNORECASE)


def mail_id(raw: bytes) -> str:
    """A name for a mail that is the same whichever way it came: over SMTP, from a mailbox, or twice."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    own = b"".join(sorted(_OF_ITS_OWN.findall(head + b"\n")))
    # Files of many mails (mbox) put a sign before what looks like the beginning of the next one.
    said = body.replace(b"\n>From ", b"\nFrom ").rstrip()
    return hashlib.sha256(own + b"\n" + said).hexdigest()[:32]


def written_at(raw: bytes, now: datetime) -> datetime:
    """When a mail says that it was written, but never later than `now`; that too is given when it says nothing sensible."""
    found = _DATE.search(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0])
    with suppress(ValueError, TypeError, OverflowError):
        date = parsedate_to_datetime(found[1].decode("ascii", "replace").strip()) if found else now
        return min(date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC), now)
    return now


def feedback_of(incoming: Incoming, id_: str, at: datetime) -> tuple[Feedback, ...]:
    """What a mail says about messages of ours: nothing, one thing, or one for each fate that a report tells.

    `id_` names the mail, so that the same one twice is one; `at` is when it was written. What only quotes our message is not proven.
    """
    trace = incoming.trace
    sheet = Feedback(Happening.REPLIED, SOURCE, f"{id_}.0", at, key=trace.key if trace else None, proven=_is_proven(trace))
    match incoming:
        case DeliveryReport(_, fates, _):
            return tuple(_of_fates(sheet, fates)) if trace else ()
        case Other():
            return ()
        case Complaint(_, grievance, address):
            found = replace(sheet, happening=Happening.COMPLAINED, detail=grievance.value, address=address)
        case Unsubscribe(_, author):
            found = replace(sheet, happening=Happening.UNSUBSCRIBED, address=author)
        case Reply(_, text, author):
            found = replace(sheet, address=author, text=text[:MOST_TEXT])
        case AutoReply(_, absence):
            found = replace(sheet, happening=Happening.AUTO_REPLIED, detail=_SAID[absence])
        case Challenge():
            found = replace(sheet, happening=Happening.DELAYED, detail=_HELD)
        case _:
            assert_never(incoming)
    named = found.address and found.happening in _OF_A_PERSON
    return (found,) if trace or named else ()


def _of_fates(sheet: Feedback, fates: tuple[Fate, ...]) -> Iterator[Feedback]:
    # We write to one address a message. Of several, the others are where it was forwarded to: which is ours, only the address tells.
    proven = sheet.proven and len(fates) == 1
    for number, fate in enumerate(fates):
        yield replace(
            sheet,
            happening=Happening.PASSED_ON if fate.action in _PASSED_ON else _HAPPENINGS[fate.verdict],
            id=sheet.id.replace(".0", f".{number}"),
            proven=proven,
            code=fate.status,
            detail=fate.detail or (fate.cause.value.replace("_", " ") if fate.cause else ""),
            address=fate.address,
        )


def _is_proven(trace: Trace | None) -> bool:
    return trace is not None and trace.proof is Proof.SIGNED
