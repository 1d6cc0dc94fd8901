"""Letters as a channel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from channels.contract import BatchInfo, Content, Message, Outcome, Receipt, Wire, WordingFault
from channels.print.address import PostalAddress
from channels.print.letter import Letterhead
from channels.print.run import alone_in, printed_in, publish, run_name, unfinished
from channels.print.settings import PrintSettings
from channels.print.template import read_template
from channels.print.wording import LetterWording, restore_wording
from store.errors import DeliveryError

if TYPE_CHECKING:
    from channels.print.printer import Printer


class PrintChannel:
    """Letters for a mail house: a folder a batch, with one PDF, a manifest and the batch's papers.

    A batch is published by one rename. Delivered again under its key, it is recognised: what its manifest holds is not printed
    again, and what is new goes into a further run beside it.
    """

    name = "print"
    addresses: tuple[str, ...] = ("first_name", "last_name", "street", "postcode", "city", "country")
    max_batch = 5_000

    def __init__(self, settings: PrintSettings) -> None:
        self._settings = settings
        self._printer = cache(lambda: _printer(settings))

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        """The postal address in normal form, or None when it is incomplete, or in letters that cannot be printed."""
        address = PostalAddress.of(customer, self._settings.country)
        if address is None or self._printer().cannot_write(address.text):
            return None
        return address.text

    def receiver_of(self, address: str) -> str:
        return ""

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> LetterWording | list[WordingFault]:
        read = read_template(template, root)
        if isinstance(read, list):
            return read
        head = Letterhead(
            self._settings.sender,
            self._settings.country,
            self._settings.window,
            self._settings.landing,
            read.colour,
            read.images.get("logo", ""),
            read.images.get("signature", ""),
        )
        return LetterWording(read, head, self._printer)

    def restore(self, source: bytes) -> LetterWording:
        return restore_wording(source, self._printer)

    def preview(self, content: Content, address: str) -> bytes:
        """One letter as the PDF that was, or would be, printed."""
        return self._printer().preview(content, address)

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        if not messages:
            return
        try:
            with alone_in(self._settings.folder):
                receipts = self._print(messages, batch, wire)
        except OSError as error:
            raise DeliveryError(
                f"The letters of '{batch.node}' cannot be written into {self._settings.folder}: {error.strerror}.\n"
                "    Nothing was printed. Make room there, or give yourself the right to write; they are tried again."
            ) from error
        for receipt in receipts:
            wire.done(receipt)
            yield receipt

    def close(self) -> None:
        """Nothing is kept open."""

    def _print(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> list[Receipt]:
        folder, name = self._settings.folder, run_name(batch.key)
        known = printed_in(folder, name)
        fresh = [message for message in messages if message.key not in known]
        place = unfinished(folder, name, self._printer().run(fresh, batch)) if fresh else None
        wire.start([message.key for message in messages])
        failure = self._publish(place, folder, name) if place else ""
        known = printed_in(folder, name)
        refused = Receipt(messages[0].key, Outcome.TEMPORARY, code="not-printed", detail=failure)
        return [
            Receipt(message.key, Outcome.ACCEPTED, code="printed", provider_id=known[message.key])
            if message.key in known
            else replace(refused, key=message.key)
            for message in messages
        ]

    def _publish(self, place: Path, folder: Path, name: str) -> str:
        """Why it failed, or nothing. A run that was not renamed was seen by nobody: its letters are not unknown."""
        try:
            publish(place, folder, name)
        except OSError as error:
            return f"the print run could not be put in its place ({error.strerror})"
        return ""


def _printer(settings: PrintSettings) -> "Printer":
    from channels.print.printer import Printer  # noqa: PLC0415 - reportlab, numpy and fonts: `contactflow check` needs none of them

    return Printer(settings)
