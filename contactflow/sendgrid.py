"""SendGrid: the settings of [email.sendgrid], and what is made from them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from contactflow.section import Section

if TYPE_CHECKING:
    from channels.email.channel import Transport
    from channels.email.settings import EmailSettings
    from channels.feedback import Feedback
    from landing.hooks import Reader

_logger = logging.getLogger(__name__)


class SendGridSection(Section):
    """SendGrid's own interface, with `transport = "sendgrid"`. The key is CONTACTFLOW_SENDGRID_KEY."""

    address: str = Field(
        "https://api.sendgrid.com", description="Where it is: `https://api.eu.sendgrid.com` for an account whose mail stays in the EU."
    )
    sandbox: bool = Field(default=False, description="SendGrid looks at every request and sends nothing.")
    together: Annotated[int, Field(ge=1, le=1000)] = Field(
        1000, description="The most mails in one request. When its answer is lost, as many are *unknown* until the webhook tells."
    )
    webhook_key: str | None = Field(
        None,
        description="The public key of its signed event webhook. With it, `contactflow serve` takes events in at `/hooks/sendgrid` below "
        "[landing] base_url.",
    )

    webhook_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        10, description="Events that were signed longer ago are refused, so that nobody can repeat what he has overheard."
    )

    def transport(self, key: str | None, like: "EmailSettings") -> "Transport":
        """The transport, for the sender of other settings. Raises SettingsError without a key."""
        from channels.email.sendgrid import SendGridSettings, SendGridTransport

        return SendGridTransport(
            SendGridSettings(
                key=key or "",
                address=self.address,
                sandbox=self.sandbox,
                together=self.together,
                sender_address=like.sender_address,
                sender_name=like.sender_name,
                connections=min(like.connections, 8),
            )
        )

    def hooks(self) -> "dict[str, Reader]":
        """What reads its webhook, by the name in the address; nothing without a key. Raises SettingsError for a key that is none."""
        if not self.webhook_key:
            return {}
        from channels.email.sendgrid.events import Webhook

        webhook = Webhook(self.webhook_key, timedelta(minutes=self.webhook_minutes))

        def read(body: bytes, headers: Mapping[str, str], now: datetime) -> "Sequence[Feedback]":
            told = webhook.read(body, headers, now)
            if told.skipped:
                _logger.info("%d of SendGrid's events say nothing about a message, and are left out.", told.skipped)
            return told.feedback

        return {"sendgrid": read}
