"""Settings of what comes back by mail: [email.returned]."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from contactflow.section import Section

_LISTEN = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")


class ReturnedSection(Section):
    """How bounces, complaints and answers come in while `contactflow serve` runs."""

    listen: str | None = Field(
        None, description="Where a mail server of our own takes what comes back, such as `127.0.0.1:8025`. Only signed addresses are taken."
    )
    protocol: Literal["lmtp", "smtp"] = Field(
        "lmtp", description="`lmtp`: another mail server on the way hands it over. `smtp`: senders come here themselves."
    )
    also: tuple[str, ...] = Field((), description="Other addresses that it takes, such as the one that providers send complaints to.")
    mailbox: str | None = Field(
        None,
        description="A mailbox in which it arrives: `imaps://user@host/INBOX`. The password is CONTACTFLOW_IMAP_PASSWORD. Unseen mails are "
        "taken in and marked as seen; nothing is deleted.",
    )
    every_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(5, description="How often that mailbox is looked at.")

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None and _split(value) is None:
            raise ValueError(f"'{value[:60]}' is no address and port. Write one such as 127.0.0.1:8025.")
        return value

    @field_validator("mailbox")
    @classmethod
    def _imap(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"imaps?://[^\s@:/]+@[^\s@/]+(/\S*)?", value):
            raise ValueError("is no mailbox. Write imaps://user@host/INBOX, an @ of the user's as %40, and no password.")
        return value

    @property
    def door(self) -> tuple[str, int] | None:
        """The address and the port to listen on."""
        return _split(self.listen) if self.listen else None


def _split(text: str) -> tuple[str, int] | None:
    found = re.fullmatch(_LISTEN, text)
    if found is None or not int(found["port"]) < 65_536:
        return None
    return found["host"].strip("[]"), int(found["port"])
