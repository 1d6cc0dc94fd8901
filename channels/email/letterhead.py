"""The headers of a mail, and the whole of it as it goes over the wire."""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from channels.contract import BatchInfo, Message
from channels.email.encoding import header_id, header_link, header_name
from channels.email.settings import EmailSettings
from channels.email.wording import encode_parts

if TYPE_CHECKING:
    from channels.email.dkim import DkimSigner

# Nothing that could end an envelope command or a header; address_of has seen to more than this.
_SAFE_ADDRESS = re.compile(r"[^\s<>\x00-\x20\x7f]{1,64}@[^\s<>@\x00-\x20\x7f]{1,255}")


class Letterhead:
    """The headers that all mails of a batch share."""

    def __init__(self, settings: EmailSettings, batch: BatchInfo) -> None:
        address = settings.sender_address
        self._domain = address.rpartition("@")[2]
        sender = f"{header_name(settings.sender_name)}\r\n <{address}>" if settings.sender_name else f"<{address}>"
        campaign, node, version = header_id(batch.campaign), header_id(batch.node), header_id(batch.version)
        self._top = f"From: {sender}\r\nDate: {format_datetime(batch.at)}\r\n"
        self._bottom = (
            f"X-Contactflow-Campaign: {campaign}\r\nX-Contactflow-Node: {node}\r\n"
            f"Feedback-ID: {node}:{campaign}:{version}:contactflow\r\nAuto-Submitted: no\r\n"
        ).encode()
        self._signer = _signer(settings, batch.at) if settings.signing_keys else None

    def mail(self, message: Message) -> bytes:
        """The mail from its first header to the final dot. No line in it begins with another dot."""
        key = header_id(message.key)
        one_click = message.links.get("one_click")
        top = (
            f"{self._top}To: <{message.address}>\r\nMessage-ID: <{key}@{self._domain}>\r\nX-Contactflow-Key: {key}\r\n"
            f"{_unsubscribe(one_click) if one_click else ''}"
        )
        content = message.content
        body = content.raw if content.raw is not None else encode_parts(content.parts)
        if self._signer is None:
            return b"".join((top.encode(), self._bottom, body, b".\r\n"))
        mail = b"".join((top.encode(), self._bottom, body))
        return b"".join((self._signer.signatures(mail), mail, b".\r\n"))


def is_safe_address(address: str) -> bool:
    """Whether an address can stand in an envelope and a header without becoming something else."""
    return _SAFE_ADDRESS.fullmatch(address) is not None


def _signer(settings: EmailSettings, at: datetime) -> "DkimSigner":
    from channels.email.dkim import DkimSigner  # noqa: PLC0415 - cryptography: a check of a flow needs none

    return DkimSigner(settings.signing_keys, at)


def _unsubscribe(link: str) -> str:
    """RFC 8058: one click, without a page to answer."""
    return f"List-Unsubscribe: <{header_link(link)}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
