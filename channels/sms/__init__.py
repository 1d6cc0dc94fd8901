"""SMS: the wording, what it costs, and the sandbox phone that stands in for a provider."""

from channels.sms.channel import SmsChannel
from channels.sms.sandbox import SandboxPhone
from channels.sms.transport import Sms, Transport

__all__ = ["SandboxPhone", "Sms", "SmsChannel", "Transport"]
