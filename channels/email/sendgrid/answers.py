"""What the provider answers to a request, and what that means for the messages in it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from channels.contract import MessageKey, Outcome, Receipt
from channels.email.sendgrid.line import Answer
from channels.merging import one_line

# Only from where a word begins: at each letter of a long word it would take the square of its length.
_ADDRESS = re.compile(r"(?<![^\s<>\[\]])<?[^\s<>\[\]]+@[^\s<>\[\]]+>?")
_NAMED = re.compile(r"personalizations\.(\d+)\b(.*)")
_OF_THE_SENDER = re.compile(r"(from|reply_to|headers|mail_settings|tracking_settings)\b")
_MOST_DETAIL = 160
_LONGEST_PAUSE = 86_400


class Meaning(Enum):
    """What an answer says of the request as a whole."""

    ACCEPTED = "accepted"
    SOME_REFUSED = "some refused"  # nothing was sent: without those it may be
    REFUSED = "refused"  # nothing was sent, and it does not say for whose sake
    FAILED = "failed"  # nothing was sent; the next request may be
    NOT_NOW = "not now"  # nothing was sent, and the next request would fare no better
    US = "us"  # the key, the sender or the address is at fault, whatever is sent
    UNCLEAR = "unclear"  # somebody in between gave up waiting


_LATER = {408: Meaning.FAILED, 500: Meaning.FAILED, 429: Meaning.NOT_NOW, 503: Meaning.NOT_NOW}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one message was refused."""

    detail: str
    bad_address: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, understood. `faults` are by the message's place in the request."""

    meaning: Meaning
    code: str
    detail: str = ""
    provider_id: str | None = None
    retry_after_seconds: int | None = None
    faults: Mapping[int, Fault] = field(default_factory=dict)

    def receipt(self, key: MessageKey, outcome: Outcome) -> Receipt:
        """The receipt of a message that this is all there is to say about."""
        return Receipt(key, outcome, self.code, self.detail, self.provider_id, self.retry_after_seconds)

    def refusal(self, key: MessageKey, fault: Fault) -> Receipt:
        """The receipt of a message that was refused for its own sake."""
        return Receipt(key, Outcome.PERMANENT, self.code, fault.detail, bad_address=fault.bad_address)


def understood(answer: Answer, count: int) -> Verdict:
    """What an answer to a request with `count` messages means."""
    code, errors = str(answer.status), _errors(answer.body)
    detail = one_line_of(str(errors[0].get("message") or "")) if errors else ""
    if 200 <= answer.status < 300:  # 200 in sandbox mode
        return Verdict(Meaning.ACCEPTED, code, provider_id=answer.headers.get("x-message-id"))
    if answer.status in _LATER:
        return Verdict(_LATER[answer.status], code, detail, retry_after_seconds=_pause(answer.headers))
    if answer.status >= 500:
        return Verdict(Meaning.UNCLEAR, code, "A server in between gave no answer of SendGrid's.")
    faults = _faults(errors, count)
    if faults:
        return Verdict(Meaning.SOME_REFUSED, code, detail, faults=faults)
    is_ours = any(_OF_THE_SENDER.match(str(error.get("field") or "")) for error in errors)
    return Verdict(Meaning.US if is_ours or answer.status not in (400, 413) else Meaning.REFUSED, code, detail)


def may_send(answer: Answer) -> bool:
    """Whether the key may send, as far as an answer about its rights tells."""
    try:
        scopes = json.loads(answer.body)["scopes"] if answer.status == 200 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return True
    return not isinstance(scopes, list) or "mail.send" in scopes


def one_line_of(text: str) -> str:
    """What somebody else's server says, in one line without addresses."""
    return one_line(_ADDRESS.sub("...", text))[:_MOST_DETAIL]


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(body)["errors"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _faults(errors: list[dict[str, Any]], count: int) -> Mapping[int, Fault]:
    """The faults that are one message's own."""
    found = {}
    for error in errors:
        message = str(error.get("message") or "")
        named = _NAMED.match(str(error.get("field") or "")) or _NAMED.search(message)
        if named and int(named[1]) < count:
            of_address = named[2].startswith(".to") and "valid" in message.lower()
            found[int(named[1])] = Fault(one_line_of(message), of_address)
    return found


def _pause(headers: Mapping[str, str]) -> int | None:
    """How many seconds it asks to wait; moments are compared with its own clock, which the answer tells."""
    now, asked, reset = (
        _moment(headers.get("date", "")),
        headers.get("retry-after", "").strip(),
        headers.get("x-ratelimit-reset", "").strip(),
    )
    if asked.isdecimal():
        seconds = int(asked[:9])
    elif now and (moment := _moment(asked)):
        seconds = round((moment - now).total_seconds())
    elif now and reset.isdecimal():
        seconds = int(reset[:12]) - round(now.timestamp())
    else:
        return None
    return min(max(seconds, 1), _LONGEST_PAUSE)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
