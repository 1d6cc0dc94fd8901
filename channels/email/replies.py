"""What a mail server answers, and what that means for a message."""

import re
from dataclasses import dataclass
from enum import Enum

from channels.contract import MessageKey, Outcome, Receipt

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"(?<![^\s<>])<?[^\s<>]+@[^\s<>]+>?")  # from its beginning only: a long word is read once
_BAD_ADDRESS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
# For servers that give no enhanced code: 550 alone may also mean that they do not like the sender.
_NOBODY = re.compile(
    r"unknown|no such|not exist|not found|no mailbox|mailbox unavailable|invalid (user|recipient|address|mailbox)|disabled|inactive",
    re.IGNORECASE,
)
_MOST_DETAIL = 160


class Stage(Enum):
    """How far a message had come."""

    SENDER = "sender"  # MAIL FROM: about ourselves, so about every message alike
    RECIPIENT = "recipient"
    DATA = "data"
    BODY = "body"  # the final dot


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; `text` may have several lines, and may quote an address."""

    code: int
    text: str

    @property
    def is_refusal(self) -> bool:
        """Whether it is one of the codes by which a command is refused: a three-digit number beyond them says nothing (RFC 5321, 4.2.1)."""
        return 400 <= self.code < 600

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), or nothing."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def shown_code(self) -> str:
        """``550 5.1.1``"""
        return f"{self.code} {self.enhanced}".rstrip()

    @property
    def detail(self) -> str:
        """The text as one line, without addresses."""
        line = " ".join(_ADDRESS.sub("...", self.text.removeprefix(self.enhanced)).split())
        return line[:_MOST_DETAIL]


def receipt_of(key: MessageKey, reply: Reply, stage: Stage) -> Receipt:
    """What a reply means for the message that it is about."""
    if 200 <= reply.code < 300:
        return Receipt(key, Outcome.ACCEPTED, reply.shown_code, reply.detail)
    if not reply.is_refusal:
        return Receipt(key, Outcome.UNKNOWN, reply.shown_code, reply.detail)
    outcome = Outcome.PERMANENT if reply.code >= 500 else Outcome.TEMPORARY
    return Receipt(key, outcome, reply.shown_code, reply.detail, bad_address=_is_bad_address(reply, stage))


def refuses_us(reply: Reply, stage: Stage) -> bool:
    """Whether a refusal is about the sender or our rights, so that the next message would fare no better."""
    if stage is not Stage.SENDER or reply.code < 500:
        return False
    return reply.code != 552 and not reply.enhanced.startswith(("5.2.", "5.3.", "5.6."))  # those are about this message


def _is_bad_address(reply: Reply, stage: Stage) -> bool:
    if reply.code < 500 or stage is Stage.SENDER:
        return False
    if reply.enhanced:
        return reply.enhanced in _BAD_ADDRESS
    return stage is Stage.RECIPIENT and reply.code in (550, 551, 553) and bool(_NOBODY.search(reply.text))
