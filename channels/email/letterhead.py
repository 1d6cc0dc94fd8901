"""The headers of a mail, and the whole of it as it goes over the wire."""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from channels.contract import BatchInfo, Message, MessageKey
from channels.email.encoding import header_id, header_link, header_name
from channels.email.settings import EmailSettings
from channels.email.wording import encode_parts
from store.errors import SettingsError

if TYPE_CHECKING:
    from channels.email.dkim import DkimSigner

# Nothing that could end an envelope command or a header; address_of has seen to more than this.
_SAFE_ADDRESS = re.compile(r"[^\s<>\x00-\x20\x7f]{1,64}@[^\s<>@\x00-\x20\x7f]{1,255}")


class Letterhead:
    """The headers that all mails of a batch share. Raises SettingsError for a sender that cannot stand in a header."""

    def __init__(self, settings: EmailSettings, batch: BatchInfo) -> None:
        self._address = address = settings.sender_address
        if not is_safe_address(address):
            raise SettingsError("[email] sender is no address that can stand in a header. Write one such as hello@example.com.")
        self._bounce_domain = settings.bounce_domain
        self._paths = settings.return_paths if settings.bounce_domain else None
        self._domain = address.rpartition("@")[2]
        sender = f"{header_name(settings.sender_name)}\r\n <{address}>" if settings.sender_name else f"<{address}>"
        campaign, node, version = header_id(batch.campaign), header_id(batch.node), header_id(batch.version)
        self._top = f"From: {sender}\r\nDate: {format_datetime(batch.at)}\r\n"
        self._bottom = (
            f"X-Contactflow-Campaign: {campaign}\r\nX-Contactflow-Node: {node}\r\n"
            f"Feedback-ID: {node}:{campaign}:{version}:contactflow\r\nAuto-Submitted: no\r\n"
        ).encode()
        self._signer = _signer(settings, batch.at) if settings.signing_keys else None

    def sender_of(self, key: MessageKey) -> str:
        """Who a mail comes from as far as servers are concerned, and where its bounces go. Raises InputError as ReturnPaths does."""
        return self._paths.return_path(key, self._bounce_domain or "") if self._paths else self._address

    def mail(self, message: Message) -> bytes:
        """The mail from its first header to the final dot. No line in it begins with another dot."""
        key = header_id(message.key)
        one_click = message.links.get("one_click")
        top = (
            f"{self._top}To: <{message.address}>\r\nMessage-ID: <{key}@{self._domain}>\r\nX-Contactflow-Key: {key}\r\n"
            f"{self._unsubscribe(message.key, one_click) if one_click else ''}"
        )
        content = message.content
        body = content.raw if content.raw is not None else encode_parts(content.parts)
        if self._signer is None:
            return b"".join((top.encode(), self._bottom, body, b".\r\n"))
        mail = b"".join((top.encode(), self._bottom, body))
        return b"".join((self._signer.signatures(mail), mail, b".\r\n"))

    def _unsubscribe(self, key: MessageKey, link: str) -> str:
        """RFC 8058: one click, without a page to answer; and by a mail, where one to us arrives."""
        mail = f"<mailto:{self._paths.unsubscribe_address(key, self._bounce_domain or '')}>,\r\n " if self._paths else ""
        return f"List-Unsubscribe: {mail}<{header_link(link)}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def is_safe_address(address: str) -> bool:
    """Whether an address can stand in an envelope and a header without becoming something else."""
    return _SAFE_ADDRESS.fullmatch(address) is not None


def _signer(settings: EmailSettings, at: datetime) -> "DkimSigner":
    from channels.email.dkim import DkimSigner  # noqa: PLC0415 - cryptography: a check of a flow needs none

    return DkimSigner(settings.signing_keys, at)
