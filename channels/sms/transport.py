"""The way out of an SMS: the one thing that differs between providers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from channels.contract import MessageKey, Receipt, Wire


@dataclass(frozen=True, slots=True)
class Sms:
    """One text to one phone. `to` is E.164; `segments` is what it will be billed as."""

    key: MessageKey
    to: str
    text: str
    segments: int


class Transport(Protocol):
    """A provider, or a stand-in for one.

    Only the transport knows when bytes can no longer be taken back: it calls ``wire.start`` before, for one message or for a
    thousand, and ``wire.done`` with each receipt before it yields it. Vendor errors are translated here, cause kept.
    """

    def send(self, batch: Sequence[Sms], wire: Wire) -> Iterator[Receipt]:
        """Send a batch; a Receipt for each message that was started. Raises DeliveryError when nothing can be sent at all."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
