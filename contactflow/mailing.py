"""Settings of how e-mail leaves: [email]."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from contactflow.receiving import ReturnedSection
from contactflow.section import Section
from contactflow.sendgrid import SendGridSection

SELECTOR = r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"  # a name below _domainkey
DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
Provider = Literal["inbox", "smtp", "sendgrid"]


class DkimSection(Section):
    """A key that signs mail: [[email.dkim]]. Made with `contactflow dkim SELECTOR`."""

    selector: Annotated[str, Field(pattern=f"^{SELECTOR}$")] = Field(description="Under which DNS has its public half.")
    key: str = Field(description="The private key in PEM: a file in the workspace, or `env:NAME` for a variable of the environment.")
    domain: str | None = Field(None, description="The domain that it signs for. Default: that of the sender.")
    begins: date | None = Field(
        None, description="The first day that it signs; of several keys of one kind the newest does. For changing keys."
    )


class EmailSection(Section):
    """How e-mail leaves."""

    transport: tuple[Provider, ...] = Field(
        ("inbox",),
        description="`inbox`: a mail server in the workspace, to look at. `smtp`: for real. `sendgrid`: through SendGrid's own "
        "interface. A list of several is a chain: each gets what the one before it could not be given.",
    )
    host: str = Field("localhost", description="The mail server, with `smtp`.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="Its port, with `smtp`.")
    security: Literal["none", "starttls", "tls"] = Field("starttls", description="How the connection is protected, with `smtp`.")
    username: str | None = Field(None, description="Its user name. The password is CONTACTFLOW_SMTP_PASSWORD.")
    sender: str = Field("hello@example.com", description="The address that mail comes from.", pattern=r"^[^\s<>@]+@[^\s<>@]+$")
    bounce_domain: str | None = Field(
        None,
        description="The domain that bounces come back to. With it each mail has a return path of its own (VERP), and can be unsubscribed "
        "from by mail too. Its MX leads to whoever reads them.",
        pattern=f"^{DOMAIN}$",
    )
    connections: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Connections at the same time.")
    dkim: tuple[DkimSection, ...] = Field((), description="The keys that sign mail, each `[[email.dkim]]`: newest of each kind.")
    pictures: Literal["embedded", "hosted"] = Field(
        "embedded",
        description="Pictures under templates/: `embedded` in every mail, or `hosted`: fetched from the landing pages when it is opened.",
    )

    returned: ReturnedSection = ReturnedSection()
    sendgrid: SendGridSection = SendGridSection()

    @field_validator("transport", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("transport")
    @classmethod
    def _chain(cls, value: tuple[Provider, ...]) -> tuple[Provider, ...]:
        if not value:
            raise ValueError("names no provider. Write `inbox`, `smtp` or `sendgrid`.")
        if len(set(value)) < len(value):
            raise ValueError("names a provider twice.")
        if "inbox" in value and len(value) > 1:
            raise ValueError("`inbox` is for looking at mail, and stands alone.")
        return value

    @property
    def to_inbox(self) -> bool:
        """Mail goes to the workspace's own mail server, and nowhere else."""
        return self.transport == ("inbox",)

    @property
    def bounces_to(self) -> str | None:
        """The domain of the return paths. The inbox needs none of its own: what it sends back never leaves this machine."""
        return self.bounce_domain or (self.sender.rpartition("@")[2].lower() if self.to_inbox else None)
