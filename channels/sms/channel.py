"""SMS as a channel."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from channels.contract import BatchInfo, Message, Receipt, Wire, WordingFault
from channels.sms.transport import Sms, Transport
from channels.sms.wording import SmsWording, load_wording, restore_wording


class SmsChannel:
    """Short messages, a thousand to a batch, over any Transport."""

    name = "sms"
    addresses: tuple[str, ...] = ("phone",)
    max_batch = 1_000

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        """The customer's number in E.164, or None when it is no number of a mobile phone."""
        from channels.sms.number import mobile_number  # noqa: PLC0415 - the world's numbering plans; `contactflow check` needs none

        return mobile_number(str(customer.get("phone") or ""), str(customer.get("country") or ""))

    def receiver_of(self, address: str) -> str:
        return ""

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> SmsWording | list[WordingFault]:
        return load_wording(template, root)

    def restore(self, source: bytes) -> SmsWording:
        return restore_wording(source)

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        texts = [Sms(each.key, each.address, each.content.parts["text"], each.content.segments) for each in messages]
        yield from self._transport.send(texts, wire)

    def close(self) -> None:
        self._transport.close()
