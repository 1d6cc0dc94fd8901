"""What a mail that comes back can be: one closed vocabulary, and nothing but plain values in it."""

from dataclasses import dataclass, field
from enum import StrEnum

from channels.contract import MessageKey


class Proof(StrEnum):
    """How sure it is which message a mail is about."""

    SIGNED = "signed"  # by an address that only we could make, and only who got the message could know
    QUOTED = "quoted"  # by a Message-ID or header of ours that it quotes: anyone could have written that


@dataclass(frozen=True, slots=True)
class Trace:
    """The message of ours that a mail is about."""

    key: MessageKey
    proof: Proof


class Verdict(StrEnum):
    """What a report says of one recipient."""

    HARD = "hard"  # the address is no good, now and later
    SOFT = "soft"  # this message did not arrive; another one may
    DELAYED = "delayed"  # they are still trying: no outcome yet
    DELIVERED = "delivered"


class Cause(StrEnum):
    """Why it did not arrive."""

    NO_SUCH_ADDRESS = "no_such_address"
    NO_SUCH_DOMAIN = "no_such_domain"
    CLOSED = "closed"  # the mailbox was there once
    FULL = "full"
    TOO_LARGE = "too_large"
    REFUSED = "refused"  # for what we are or wrote: spam, policy, authentication
    UNREACHABLE = "unreachable"  # no server answered in time
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the message for one recipient. `address` is as the report has it and for comparing only: personal data."""

    verdict: Verdict
    cause: Cause | None  # None when it was delivered
    action: str = ""  # failed, delayed, delivered, relayed or expanded; "" when the report does not say
    status: str = ""  # enhanced, RFC 3463: 5.1.1
    detail: str = ""  # one line, without addresses
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A bounce, a warning or a confirmation; `standard` when it keeps to RFC 3464. At least one fate."""

    trace: Trace | None
    fates: tuple[Fate, ...]
    standard: bool


class Grievance(StrEnum):
    """What someone complains of: the Feedback-Type of RFC 5965."""

    ABUSE = "abuse"
    FRAUD = "fraud"
    VIRUS = "virus"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Complaint:
    """Someone pressed "this is spam"; providers mostly leave out who, so that only the trace tells."""

    trace: Trace | None
    grievance: Grievance
    address: str | None = field(default=None, repr=False)


class Absence(StrEnum):
    """What an automatic answer says."""

    AWAY = "away"
    LEFT = "left"  # does not work there any more: the address will bounce soon
    OTHER = "other"  # a ticket number, thanks for your mail


@dataclass(frozen=True, slots=True)
class AutoReply:
    """A machine answered for the recipient: the message did arrive."""

    trace: Trace | None
    absence: Absence


@dataclass(frozen=True, slots=True)
class Challenge:
    """A filter holds the message until someone proves to be a person. It has not arrived."""

    trace: Trace | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A person answered. `text` is what was written above or between the quoted lines, "" if nothing was."""

    trace: Trace | None
    text: str = field(repr=False)
    author: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Someone asks to be written no more, by a mail to the address for it or by saying nothing else."""

    trace: Trace | None
    author: str | None = field(default=None, repr=False)


class Why(StrEnum):
    """Why a mail is none of the others."""

    UNREADABLE = "unreadable"
    NOT_SPAM = "not_spam"  # a provider tells that someone took a complaint back
    AUTHENTICATION_REPORT = "authentication_report"  # DMARC: about forgers, not about recipients
    READ_RECEIPT = "read_receipt"
    BULK = "bulk"  # a newsletter or a list
    UNCLEAR_REPORT = "unclear_report"  # from a mail server, but it says of nobody what happened
    NO_REPLY = "no_reply"  # from somebody, to nothing of ours


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else: kept for a person to look at."""

    trace: Trace | None
    why: Why


Incoming = DeliveryReport | Complaint | AutoReply | Challenge | Reply | Unsubscribe | Other
