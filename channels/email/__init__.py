"""E-mail: MJML and Jinja2 wording, SMTP transport."""

from channels.email.channel import EmailChannel, Transport
from channels.email.settings import EmailSettings

__all__ = ["EmailChannel", "EmailSettings", "Transport"]
