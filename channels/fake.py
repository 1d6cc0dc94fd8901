"""Channels for tests and trials: one that follows a script, and one that proves that nothing is sent."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from channels.contract import (
    BatchInfo,
    Channel,
    CompositionFault,
    Content,
    Message,
    MessageKey,
    Outcome,
    Receipt,
    Wire,
    Wording,
    WordingFault,
)
from channels.merging import Texts, packed, read_texts
from store.errors import ContactflowError

Script = Mapping[MessageKey, Outcome] | Callable[[Message], Outcome | Receipt]


@dataclass(frozen=True)
class FakeWording:
    """A plain text with variables."""

    texts: Texts
    subject: str = ""

    @property
    def variables(self) -> frozenset[str]:
        return self.texts.variables

    @property
    def source(self) -> bytes:
        return packed({"subject": self.subject, "texts": dict(self.texts.files)})

    def compose(self, values: Mapping[str, Any]) -> Content | CompositionFault:
        text = self.texts.merge(values)
        return text if isinstance(text, CompositionFault) else Content({"subject": self.subject, "text": text})

    def lacks(self, values: Mapping[str, Any]) -> CompositionFault | None:
        text = self.texts.merge(values)
        return text if isinstance(text, CompositionFault) else None


@dataclass
class FakeChannel:
    """Sends one message at a time as `script` says, and appends what the world has seen of it to `record`.

    A line of the record is written straight to the file, without a buffer of ours: it is there if the process is killed at
    the next instruction. `dies_at` kills the process (SIGKILL) at the n-th message, counted from 1, after it is on the wire
    and before its receipt is told. `down` raises a DeliveryError before anything is sent.
    """

    name: str = "email"
    addresses: tuple[str, ...] = ("email",)
    max_batch: int = 1_000
    script: Script | None = None
    record: Path | None = None
    delay_seconds: float = 0
    dies_at: int | None = None
    down: ContactflowError | None = None
    sent: int = 0
    closed: bool = False

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        """The first of the address attributes that has a value."""
        return next((str(customer[name]) for name in self.addresses if customer.get(name)), None)

    def receiver_of(self, address: str) -> str:
        return address.rpartition("@")[2] if "@" in address else ""

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> Wording | list[WordingFault]:
        texts = read_texts(template, root)
        return texts if isinstance(texts, list) else FakeWording(texts, options.get("subject", ""))

    def restore(self, source: bytes) -> Wording:
        document = json.loads(source)
        return FakeWording(Texts(document["texts"]), document["subject"])

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        if self.down:
            raise self.down
        for message in messages:
            wire.start([message.key])
            receipt = self._send(message)
            wire.done(receipt)
            yield receipt

    def close(self) -> None:
        self.closed = True

    def delivered(self) -> list[MessageKey]:
        """The keys in the record, in the order in which they were seen; a key that was sent twice is in it twice."""
        if self.record is None or not self.record.exists():
            return []
        return [MessageKey(json.loads(line)["key"]) for line in self.record.read_text(encoding="utf-8").splitlines()]

    def _send(self, message: Message) -> Receipt:
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        receipt = self._scripted(message)
        if receipt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            self._see(message)
        self.sent += 1
        if self.sent == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return receipt

    def _scripted(self, message: Message) -> Receipt:
        said = self.script(message) if callable(self.script) else (self.script or {}).get(message.key, Outcome.ACCEPTED)
        return replace(said, key=message.key) if isinstance(said, Receipt) else Receipt(message.key, said, code=f"fake-{said}")

    def _see(self, message: Message) -> None:
        if self.record is None:
            return
        line = json.dumps({"key": message.key, "address": message.address, "parts": dict(message.content.parts)}) + "\n"
        # One write of one line in append mode: several processes may share a record.
        file = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


class SentBySimulationError(ContactflowError):
    """Something was to be sent where nothing may be. N. B. a programming mistake of ours, never the user's."""


class UnpluggedChannel:
    """A channel that composes like the one inside it, and raises when anything is to be sent."""

    def __init__(self, inside: Channel) -> None:
        self._inside = inside
        self.name, self.addresses, self.max_batch = inside.name, inside.addresses, inside.max_batch

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        return self._inside.address_of(customer)

    def receiver_of(self, address: str) -> str:
        return self._inside.receiver_of(address)

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> Wording | list[WordingFault]:
        return self._inside.load(template, options, root)

    def restore(self, source: bytes) -> Wording:
        return self._inside.restore(source)

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        raise SentBySimulationError(f"{len(messages)} messages of '{batch.node}' were to be sent by {self.name}, which is unplugged.")

    def close(self) -> None:
        """Nothing was opened."""
