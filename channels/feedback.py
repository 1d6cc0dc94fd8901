"""What comes back about messages: one closed vocabulary for a bounce by mail, a provider's webhook and a reader's click alike.

An adapter reads what it is given into Feedback, in pure code. What it means for the message, its address, consent and the contact
log is the engine's (engine/feedback.py); the same piece may be given to it any number of times, and in any order.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from channels.contract import MessageKey


class Happening(StrEnum):
    """What happened to a message after it had left, or what its recipient did."""

    PASSED_ON = "passed_on"  # the provider has it: it did leave us
    DELAYED = "delayed"  # they are still trying: no outcome yet
    DELIVERED = "delivered"
    BOUNCED_HARD = "bounced_hard"  # the address is no good, now and later
    BOUNCED_SOFT = "bounced_soft"  # this message did not arrive; another one may
    COMPLAINED = "complained"  # the recipient called it spam
    UNSUBSCRIBED = "unsubscribed"  # the recipient wants no more of it
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"  # a person answered
    AUTO_REPLIED = "auto_replied"  # a machine answered for the recipient: away, or gone


@dataclass(frozen=True, slots=True)
class Feedback:
    """One piece of it.

    `id` is the source's own name for it, so that arriving twice is one. Without a `key` only `address` says whom it is about, which is
    enough for a complaint or a wish to stop. `proven`: only we, or who got the message, could have said so; what is not proven counts
    for an address only if it is the one that the message went to.
    """

    happening: Happening
    source: str  # who says so: "mail", the provider's name, "page"
    id: str
    at: datetime  # aware; when it happened, as far as the source says
    key: MessageKey | None = None
    channel: str = "email"  # whose address it is, when no message is named
    proven: bool = True
    human: bool = True  # False: a machine opened or followed it
    code: str = ""  # the receiving side's own: 5.1.1
    detail: str = ""  # one line without addresses
    address: str | None = field(default=None, repr=False)  # as the source has it, for comparing only
    text: str = field(default="", repr=False)  # what a person wrote
