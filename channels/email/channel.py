"""E-mail as a channel."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from channels.contract import BatchInfo, Message, Receipt, Wire, Wording, WordingFault
from channels.email.address import normal_address
from channels.email.compiling import compile_wording
from channels.email.letterhead import Letterhead
from channels.email.settings import EmailSettings
from channels.email.tracking import Tracking, followed
from channels.email.wording import EmailWording


class Transport(Protocol):
    """How mail leaves: SMTP, or a provider's own interface."""

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        """As ``Channel.deliver``."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class EmailChannel:
    """Composes MJML, HTML or text, and hands it to a transport: SMTP with these settings, unless another is given.

    With `cache`, a folder, MJML that was compiled once is not compiled again, by any process. With `hosted`, an address, pictures
    under templates/ are fetched from there; otherwise the mail carries them.
    """

    name: str = "email"
    addresses: tuple[str, ...] = ("email",)
    max_batch: int = 1_000

    def __init__(
        self, settings: EmailSettings, transport: Transport | None = None, cache: Path | None = None, hosted: str | None = None
    ) -> None:
        self._settings, self._transport, self._cache, self._hosted = settings, transport, cache, hosted

    def address_of(self, customer: Mapping[str, Any]) -> str | None:
        text = customer.get("email")
        return normal_address(str(text)) if text else None

    def receiver_of(self, address: str) -> str:
        return address.rpartition("@")[2]

    def load(self, template: Path, options: Mapping[str, str], root: Path) -> Wording | list[WordingFault]:
        compiled = compile_wording(template, options, root, self._cache, self._hosted)
        return compiled if isinstance(compiled, list) else followed(compiled, Tracking.of(options))

    def restore(self, source: bytes) -> Wording:
        return EmailWording.restored(source)

    def deliver(self, messages: Sequence[Message], batch: BatchInfo, wire: Wire) -> Iterator[Receipt]:
        if self._transport is None:
            self._transport = _smtp(self._settings)
        return self._transport.deliver(messages, batch, wire)

    def written_out(self, message: Message, batch: BatchInfo) -> bytes:
        """The whole mail as it would go over the wire, for other programs to read."""
        return Letterhead(self._settings, batch).mail(message).removesuffix(b".\r\n")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _smtp(settings: EmailSettings) -> Transport:
    from channels.email.smtp import SmtpTransport  # noqa: PLC0415 - smtplib and ssl: `contactflow check` needs neither

    return SmtpTransport(settings)
