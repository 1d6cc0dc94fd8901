"""What SendGrid's event webhook tells, read into feedback: signed by it, not older than a few minutes, and each event for itself.

The signature is ECDSA on P-256 with SHA-256 over the timestamp's header and the body as it came. A request that is repeated later, or
altered, is refused as a whole. Within a request, what is not understood is left out and counted.
"""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from channels.contract import MessageKey
from channels.email.sendgrid.answers import one_line_of
from channels.email.sendgrid.parcels import KEY
from channels.feedback import Feedback, Happening
from channels.merging import one_line
from store.errors import ForgedError, SettingsError

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
SOURCE = "sendgrid"
FRESH = timedelta(minutes=10)
_KEY = re.compile(r"[!-~]{1,80}\.[0-9]{1,18}")
_NAME = re.compile(r"[!-~]{1,200}")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_PASSING = ("4.", "5.2.2", "5.2.3", "5.3.", "5.6.", "5.7.")  # about the moment, the message or ourselves: not about the address
_BAD_ADDRESS = ("Invalid Address", "Unclassified", "")

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a request of the webhook said. `skipped` events were malformed, or of kinds that say nothing about a message."""

    feedback: tuple[Feedback, ...]
    skipped: int


class Webhook:
    """Reads what SendGrid posts. `key` is the public key of its page. Raises SettingsError for one that is none.

    What was signed longer ago than `fresh` is refused.
    """

    def __init__(self, key: str, fresh: timedelta = FRESH) -> None:
        self._fresh = fresh
        try:
            loaded = load_der_public_key(b64decode(key, validate=True))
        except (ValueError, NotBase64, UnsupportedAlgorithm) as error:
            raise SettingsError(_WRONG_KEY) from error
        if not isinstance(loaded, ec.EllipticCurvePublicKey):
            raise SettingsError(_WRONG_KEY)
        self._key = loaded

    def read(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Told:
        """The events of a request. Raises ForgedError unless SendGrid signed just this, just now. Names of headers are in small letters."""
        self._verify(body, headers.get(SIGNATURE.lower(), ""), headers.get(TIMESTAMP.lower(), ""), now)
        try:
            events = json.loads(body)
        except (ValueError, RecursionError):
            return Told((), 1)
        events = events if isinstance(events, list) else [events]
        read = [tuple(_read(event)) if isinstance(event, dict) else () for event in events]
        return Told(tuple(each for found in read for each in found), read.count(()))

    def _verify(self, body: bytes, signature: str, moment: str, now: datetime) -> None:
        try:
            self._key.verify(b64decode(signature, validate=True), moment.encode() + body, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:  # NotBase64 is a ValueError
            raise ForgedError("A request to SendGrid's webhook is not signed by the key of [email.sendgrid] webhook_key.") from error
        if not moment.isdecimal() or abs(now.timestamp() - int(moment[:15])) > self._fresh.total_seconds():
            raise ForgedError("A request to SendGrid's webhook is not of now. If it is no repetition, set this machine's clock.")


_WRONG_KEY = "[email.sendgrid] webhook_key is no public key. Copy the verification key from SendGrid's page of the event webhook."


def _read(event: Event) -> Iterator[Feedback]:
    """What an event says: nothing for one that is not understood, and two things of a drop for somebody's wish."""
    kind, name, at = event.get("event"), event.get("sg_event_id"), _moment(event.get("timestamp"))
    if not isinstance(name, str) or not _NAME.fullmatch(name) or at is None or not isinstance(kind, str):
        return
    for number, happening in enumerate(_KINDS[kind](event) if kind in _KINDS else ()):
        # Why it was dropped was said about the address, by another message than this one.
        is_of_message = number == 0
        yield Feedback(
            happening=happening,
            source=SOURCE,
            id=name if is_of_message else f"{name}+{number}",
            at=at,
            key=_key(event) if is_of_message else None,
            human=event.get("sg_machine_open") is not True,
            code=_code(event),
            detail=_detail(event),
            address=one_line(_text(event, "email")) or None,
        )


def _bounce(event: Event) -> tuple[Happening, ...]:
    """A bounce that is about the address is hard; one about the message, or about us (blocked), is soft."""
    if event.get("type") == "blocked" or _code(event).startswith(_PASSING):
        return (Happening.BOUNCED_SOFT,)
    is_hard = _text(event, "bounce_classification") in _BAD_ADDRESS or _code(event).startswith("5.1.")
    return (Happening.BOUNCED_HARD if is_hard else Happening.BOUNCED_SOFT,)


def _dropped(event: Event) -> tuple[Happening, ...]:
    """SendGrid did not try."""
    reason = _text(event, "reason").lower()
    if reason.startswith(("bounced address", "invalid")) and "smtpapi" not in reason:
        return (Happening.BOUNCED_HARD,)
    if reason.startswith("unsubscribed"):
        return (Happening.BOUNCED_SOFT, Happening.UNSUBSCRIBED)
    if reason.startswith("spam report"):
        return (Happening.BOUNCED_SOFT, Happening.COMPLAINED)
    return (Happening.BOUNCED_SOFT,)


def _always(happening: Happening) -> Callable[[Event], tuple[Happening, ...]]:
    return lambda _: (happening,)


_KINDS: Mapping[str, Callable[[Event], tuple[Happening, ...]]] = {
    "processed": _always(Happening.PASSED_ON),
    "deferred": _always(Happening.DELAYED),
    "delivered": _always(Happening.DELIVERED),
    "bounce": _bounce,
    "dropped": _dropped,
    "spamreport": _always(Happening.COMPLAINED),
    "unsubscribe": _always(Happening.UNSUBSCRIBED),
    "group_unsubscribe": _always(Happening.UNSUBSCRIBED),
    "open": _always(Happening.OPENED),
    "click": _always(Happening.CLICKED),
}


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(value, UTC) if type(value) is int else None
    except (OverflowError, ValueError, OSError):
        return None


def _key(event: Event) -> MessageKey | None:
    key = _text(event, KEY)
    return MessageKey(key) if _KEY.fullmatch(key) else None


def _code(event: Event) -> str:
    found = _STATUS.match(_text(event, "status"))
    return found[0] if found else ""


def _detail(event: Event) -> str:
    return one_line_of(_text(event, "reason") or _text(event, "response"))


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""
