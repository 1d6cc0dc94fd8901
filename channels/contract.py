"""What a channel is: one contract for a mail at a time, a thousand SMS in a batch and a print run alike.

An adapter does four things, at four moments:

1. ``addresses``: which attributes of a customer it needs to reach one, and ``address_of`` reads them;
   ``receiver_of`` tells whose limits a message falls under.
2. ``load``: reads and compiles one variant's wording, once; gives a Wording that names its variables.
3. ``Wording.compose``: merges it for one recipient. Pure and repeatable: the same wording and values give the
   same bytes, so what was sent is kept as (wording hash, values) and can be shown at any time.
4. ``deliver``: sends a batch and yields a Receipt for each message, calling ``wire.start`` before the first byte
   that cannot be taken back and ``wire.done`` with each receipt. Whoever dies in between leaves a message *unknown*.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType, Protocol

MessageKey = NewType("MessageKey", str)  # unique for ever; stands in Message-ID, manifest and callback


class Outcome(StrEnum):
    """What became of a message at the next hop."""

    ACCEPTED = "accepted"
    PERMANENT = "permanent"  # never try again; the address or the message is at fault
    TEMPORARY = "temporary"  # try again later; `retry_after_seconds` when the provider said so
    UNKNOWN = "unknown"  # it may have been sent: never re-sent by itself


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one message. `code` is the provider's own (``550 5.1.1``), `detail` one sentence without addresses."""

    key: MessageKey
    outcome: Outcome
    code: str = ""
    detail: str = ""
    provider_id: str | None = None
    retry_after_seconds: int | None = None
    bad_address: bool = False  # permanent because of the address: it is suppressed from now on


@dataclass(frozen=True, slots=True)
class Content:
    """What one recipient gets. `parts` are by name: subject, html, text (email); text (sms); letter fields (print)."""

    parts: Mapping[str, str]
    segments: int = 1  # billable units: SMS segments, sheets of a letter
    raw: bytes | None = None  # the same, encoded as it travels, by channels whose composing already does so (email)


@dataclass(frozen=True, slots=True)
class CompositionFault:
    """Why one recipient's message cannot be made: a value, not an exception. `variable` is what was missing, if known."""

    reason: str
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to go. `address` is as ``address_of`` gave it; `headers` carries links for List-Unsubscribe and such."""

    key: MessageKey
    address: str
    content: Content
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """Where a batch comes from. `key` is stable over retries: a print run is written once under it."""

    key: str
    campaign: str
    version: str
    node: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WordingFault:
    """A fault in a template, found before anything is sent."""

    file: Path
    line: int
    column: int
    message: str
    remedy: str


class Wording(Protocol):
    """One variant's compiled wording."""

    @property
    def variables(self) -> frozenset[str]:
        """Dotted names that the wording reads: ``customer.first_name``, ``links.page``."""
        ...

    @property
    def source(self) -> bytes:
        """The compiled wording as stored beside the messages; ``Channel.restore(source)`` gives an equal Wording."""
        ...

    def compose(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        """Merge for one recipient; pure."""
        ...

    def lacks(self, values: Mapping[str, Any]) -> CompositionFault | None:
        """What keeps the words from being merged with these values; quick, since nothing is measured or drawn. For `check`."""
        ...


class Wire(Protocol):
    """Told by an adapter what is about to be irrevocable, and what came back. Durable against a kill -9 when it returns."""

    def start(self, keys: Iterable[MessageKey]) -> None:
        """These messages may be sent from now on."""
        ...

    def done(self, receipt: Receipt) -> None:
        """The answer for one message has come."""
        ...


class Channel(Protocol):
    """One way to reach a customer, with one provider behind it."""

    name: str  # email, sms, print
    addresses: tuple[str, ...]  # the customer attributes that make up an address
    max_batch: int  # the most messages that one call of `deliver` takes

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        """The normal form of this customer's address, or None when it is missing or cannot be one."""
        ...

    def receiver_of(self, address: str) -> str:
        """Who receives at this address, as limits are set for it: the domain of a mail address; "" where nobody stands between."""
        ...

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> Wording | list[WordingFault]:
        """Compile a template with its options (``subject`` for email); `root` is the folder that includes may come from."""
        ...

    def restore(self, source: bytes) -> Wording:
        """The Wording that once gave this source."""
        ...

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """Send a batch; a Receipt for each message that was started. Raises DeliveryError when nothing can be sent at all."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
