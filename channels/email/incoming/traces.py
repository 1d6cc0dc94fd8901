"""Which message of ours a mail is about."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from channels.contract import MessageKey
from channels.email.incoming.events import Proof, Trace
from channels.email.incoming.opened import Fields, Opened
from channels.email.incoming.return_path import SIGNED_LOCAL, ReturnPaths

_RECEIVERS = ("delivered-to", "x-original-to", "x-envelope-to", "envelope-to", "x-rcpt-to", "to", "cc", "apparently-to")
_MOST_ADDRESSES = 50  # that are tried: each costs a signature
_ID = re.compile(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,120})@([A-Za-z0-9.-]{1,253})>")
_KEY = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,120}")
_KEY_IN_TEXT = re.compile(r"^[> \t]*X-Contactflow-Key:[ \t]*([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,120})[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ID_IN_TEXT = re.compile(r"^[> \t]*Message-ID:\s*(<[^<>\s]{1,380}>)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ours:
    """By what we know our own mails again: signed addresses, and the domains of our Message-IDs."""

    paths: ReturnPaths
    domains: Collection[str]  # in lower case

    def key_in(self, message_id: str) -> Iterator[MessageKey]:
        """The keys of our messages among some Message-IDs."""
        return (MessageKey(key) for key, domain in _ID.findall(message_id) if domain.lower() in self.domains)


def trace(mail: Opened, recipients: Sequence[str], ours: Ours) -> Trace | None:
    """The message that a mail is about: by its signed address if there is one anywhere in it, else by what it quotes."""
    for address in _addresses(mail, recipients):
        key = ours.paths.key_of(address) or ours.paths.unsubscribed_key_of(address)
        if key:
            return Trace(key, Proof.SIGNED)
    key = next(_quoted(mail, ours), None)
    return Trace(key, Proof.QUOTED) if key else None


def unsubscribes(mail: Opened, recipients: Sequence[str], ours: Ours) -> bool:
    """Whether the mail went to an address that is for unsubscribing."""
    addresses = (*recipients, *(f"{found}@" for name in _RECEIVERS for value in mail.fields.all(name) for found in _signed(value)))
    return any(ours.paths.unsubscribed_key_of(address) for address in addresses[:_MOST_ADDRESSES])


def _addresses(mail: Opened, recipients: Sequence[str]) -> Iterator[str]:
    """Addresses that may be signed: of the envelope, then of the headers, then anywhere."""
    yield from recipients
    receivers = [value for name in _RECEIVERS for value in mail.fields.all(name)]
    rest = [value for _, value in mail.fields.pairs]
    returned = [value for part in (*mail.returned, *mail.parts) for block in part.blocks for _, value in block.pairs]
    texts = [part.text for part in (*mail.parts, *mail.returned)]
    found = (f"{local}@" for text in (*receivers, *returned, *rest, *texts) for local in _signed(text))
    yield from (address for _, address in zip(range(_MOST_ADDRESSES), found, strict=False))


def _signed(text: str) -> list[str]:
    return SIGNED_LOCAL.findall(text)


def _quoted(mail: Opened, ours: Ours) -> Iterator[MessageKey]:
    for part in mail.returned:
        for block in part.blocks:
            yield from _of_headers(block, ours)
    for part in mail.parts:
        for block in part.blocks:
            yield from ours.key_in(block.get("original-message-id"))
            yield from (MessageKey(key) for key in block.all("x-contactflow-key") if _KEY.fullmatch(key))
    # The last of the references is the mail that was answered.
    for name in ("in-reply-to", "references"):
        yield from reversed(list(ours.key_in(" ".join(mail.fields.all(name)))))
    yield from _of_headers(Fields(tuple(pair for pair in mail.fields.pairs if pair[0] == "x-contactflow-key")), ours)
    for part in (*mail.parts, *mail.returned):
        yield from map(MessageKey, _KEY_IN_TEXT.findall(part.text))
        yield from ours.key_in(" ".join(_ID_IN_TEXT.findall(part.text)))


def _of_headers(fields: Fields, ours: Ours) -> Iterator[MessageKey]:
    yield from (MessageKey(key) for key in fields.all("x-contactflow-key") if _KEY.fullmatch(key))
    for name in ("message-id", "in-reply-to"):
        yield from ours.key_in(fields.get(name))
