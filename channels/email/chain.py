"""Providers one behind the other: each gets what the one before it could not be given, and never what that one may have sent."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from channels.contract import BatchInfo, Message, MessageKey, Receipt, Wire
from channels.email.channel import Transport
from store.clock import Clock
from store.errors import DeliveryError

REST = timedelta(minutes=5)  # that a provider is left alone after it failed
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Provider:
    """One way for mail to leave, under the name that the settings give it; made when it is first asked."""

    name: str
    make: Callable[[], Transport]


class Chain:
    """A transport over several. For one thread; each process finds out by itself who has failed.

    A message goes on to the next provider only when the one before raised DeliveryError and had neither started it nor given it a
    receipt. Whatever was started stays with its verdict there, also a temporary one, or unknown. Who gave a verdict stands behind its
    detail: ``250 2.0.0 OK (smtp)``.
    """

    def __init__(self, providers: Sequence[Provider], machine: Clock) -> None:
        self._providers, self._machine = providers, machine
        self._transports: dict[str, Transport] = {}
        self._failed_at: dict[str, datetime] = {}

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """A Receipt for each message that was started.

        Raises DeliveryError when there are messages that no provider could be given, and when the last that was well has failed. As
        long as another is well it is only written to the log: whoever calls would put off what that one can deliver.
        """
        left, troubles = list(messages), list[str]()
        for provider in self._in_turn():
            handed = _Handed(wire, provider.name)
            try:
                for receipt in self._transport(provider).deliver(left, batch, handed):
                    yield handed.named(receipt)
            except DeliveryError as error:
                self._note(provider, error)
                troubles.append(str(error))
                left = [message for message in left if message.key not in handed.keys]
            else:
                self._failed_at.pop(provider.name, None)
                return
            if not left:
                if len(self._resting()) < len(self._providers):
                    return
                break
        raise DeliveryError(" ".join(troubles))

    def close(self) -> None:
        """Let go of all connections."""
        for transport in self._transports.values():
            transport.close()

    def _transport(self, provider: Provider) -> Transport:
        if provider.name not in self._transports:
            self._transports[provider.name] = provider.make()
        return self._transports[provider.name]

    def _in_turn(self) -> list[Provider]:
        """In their order, but who failed a short while ago comes last: asked only when nobody else is left."""
        resting = self._resting()
        return sorted(self._providers, key=lambda each: each.name in resting)

    def _resting(self) -> set[str]:
        now = self._machine.now()
        return {name for name, since in self._failed_at.items() if since <= now < since + REST}

    def _note(self, provider: Provider, error: DeliveryError) -> None:
        _logger.warning("The mail provider '%s' has failed: %s", provider.name, error)
        self._failed_at[provider.name] = self._machine.now()


class _Handed:
    """The Wire as one provider sees it; knows which messages are its own for good."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire, self._name = wire, name
        self.keys: set[MessageKey] = set()

    def start(self, keys: Iterable[MessageKey]) -> None:
        keys = list(keys)
        self.keys.update(keys)
        self._wire.start(keys)

    def done(self, receipt: Receipt) -> None:
        self.keys.add(receipt.key)
        self._wire.done(self.named(receipt))

    def named(self, receipt: Receipt) -> Receipt:
        """The receipt, and whose it is."""
        return replace(receipt, detail=f"{receipt.detail} ({self._name})".lstrip())
