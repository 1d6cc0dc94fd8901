"""The local inbox: a real SMTP server on this machine that keeps every mail to be looked at, and never sends one on."""

from studio.inbox.records import InboxRecord, read_record
from studio.inbox.server import running_port, start_inbox

__all__ = ["InboxRecord", "read_record", "running_port", "start_inbox"]
