"""What comes back by mail: one raw mail to one value of a closed vocabulary, in pure code without a database.

``read(raw, ours, recipients)`` never raises; ``feedback_of`` says what it means for messages of ours. What the engine does with each kind:

- ``DeliveryReport``: HARD is a bounce in the contact log, and the address is suppressed at once, if the trace is SIGNED, or if it is QUOTED
  and the fate's address is the one that the message went to. SOFT is a bounce too; five in a row without a delivery suppress the address.
  DELAYED: noted, no outcome yet. DELIVERED ends the row of soft ones. The message stays *sent*: it left; an *unknown* one becomes sent.
- ``Complaint``: consent for the purpose is withdrawn and the address suppressed, whatever the trace proves: better one mail too few.
- ``AutoReply``: the message was delivered; no response, and no wait for an answer ends. LEFT is shown.
- ``Challenge``: noted; the message has not arrived, and is not sent again.
- ``Reply``: a response of the kind *replied*, with its text for a person to read; delivered.
- ``Unsubscribe``: consent for the purpose is withdrawn; delivered. Without a trace the author's address is looked up.
- ``Other``: kept and shown; nothing changes.

Any proof that a message arrived or came back makes an *unknown* one *sent*. A mail that is not about ours (no trace) changes nothing but
what is said above. Details of a fate have no addresses in them; the fields that are personal (``address``, ``author``, ``text``) stay out
of ``repr``, and so out of logs. ``mailroom`` keeps what came until it was taken in; ``listener`` and ``imap`` bring it there.

Why our own: flufl.bounce 6.0 is kept well, but gives addresses only, without status, key or cause, and no complaints or answers;
mail-parser-reply 1.36 leaves Dutch quotations in and takes a sentence that begins with "Thanks," for a signature; talon's last release
is of 2017; Sisimai, the best reader of bounces, is Perl, Ruby and Go. Parsing MIME is the standard library's.
"""

from channels.email.incoming.events import (
    Absence,
    AutoReply,
    Cause,
    Challenge,
    Complaint,
    DeliveryReport,
    Fate,
    Grievance,
    Incoming,
    Other,
    Proof,
    Reply,
    Trace,
    Unsubscribe,
    Verdict,
    Why,
)
from channels.email.incoming.feedback import feedback_of, mail_id, written_at
from channels.email.incoming.reading import read
from channels.email.incoming.return_path import ReturnPaths
from channels.email.incoming.traces import Ours

__all__ = [
    "Absence",
    "AutoReply",
    "Cause",
    "Challenge",
    "Complaint",
    "DeliveryReport",
    "Fate",
    "Grievance",
    "Incoming",
    "Other",
    "Ours",
    "Proof",
    "Reply",
    "ReturnPaths",
    "Trace",
    "Unsubscribe",
    "Verdict",
    "Why",
    "feedback_of",
    "mail_id",
    "read",
    "written_at",
]
