"""Builds the channels from the settings; each is imported when it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from channels.contract import Channel, Wording, WordingFault
from contactflow.settings import Secrets, Settings, secret_keys
from contactflow.signing import signing_keys
from store.clock import SystemClock

if TYPE_CHECKING:
    from channels.email.channel import Transport
    from channels.email.incoming.return_path import ReturnPaths
    from channels.email.settings import EmailSettings
    from channels.print.settings import PrintSettings

STATE = ".contactflow"  # what contactflow keeps for itself in a workspace
NAMES = ("email", "sms", "print")


@dataclass(frozen=True)
class Adapters:
    """The channels of a workspace; `inbox` is the port of its own mail server, when that is running."""

    root: Path
    settings: Settings
    secrets: Secrets
    inbox: int | None = None

    def all(self) -> Mapping[str, Channel]:
        """Every channel by name; none has opened a connection yet."""
        return {name: self.one(name) for name in NAMES}

    def one(self, name: str) -> Channel:
        """The channel of a name. Raises KeyError for another name than NAMES."""
        makers: dict[str, Callable[[], Channel]] = {"email": self._email, "sms": self._sms, "print": self._print}
        return makers[name]()

    def load_template(self, channel: str, template: Path, options: Mapping[str, str]) -> Wording | list[WordingFault]:
        """Compile a template as its channel does; for `contactflow check`."""
        return self.one(channel).load(template, options, self.root / "templates")

    def _email(self) -> Channel:
        from channels.email.channel import EmailChannel

        hosted = f"{self.settings.landing.base_url.rstrip('/')}/i" if self.settings.email.pictures == "hosted" else None
        return EmailChannel(self.email_settings(), self._chain(), cache=self.root / STATE / "mjml", hosted=hosted)

    def _sms(self) -> Channel:
        from channels.sms.channel import SmsChannel
        from channels.sms.sandbox import SandboxPhone

        return SmsChannel(SandboxPhone(self.root / "sandbox"))

    def _print(self) -> Channel:
        from channels.print.channel import PrintChannel

        return PrintChannel(self._print_settings())

    def _chain(self) -> "Transport | None":
        """The providers of mail one behind the other; None where there is only SMTP, which the channel knows by itself."""
        names = self.settings.email.transport
        if names in (("inbox",), ("smtp",)):
            return None
        if names == ("sendgrid",):
            return self._sendgrid()
        from channels.email.chain import Chain, Provider

        makers: dict[str, Callable[[], Transport]] = {"smtp": self._smtp, "sendgrid": self._sendgrid}
        return Chain([Provider(name, makers[name]) for name in names], SystemClock())

    def _smtp(self) -> "Transport":
        from channels.email.smtp import SmtpTransport

        return SmtpTransport(self.email_settings())

    def _sendgrid(self) -> "Transport":
        return self.settings.email.sendgrid.transport(self.secrets.sendgrid_key, self.email_settings())

    def email_settings(self) -> "EmailSettings":
        """How mail leaves: to the workspace's own inbox, or over SMTP."""
        from channels.email.settings import EmailSettings

        email = self.settings.email
        local = EmailSettings(
            host="127.0.0.1",
            port=self.inbox or 0,
            sender_address=email.sender,
            sender_name=self.settings.workspace.name,
            connections=min(email.connections, 4),
            receivers_at_once=self.settings.limits["email"].receivers_at_once if "email" in self.settings.limits else {},
            signing_keys=signing_keys(self.root, email),
            bounce_domain=email.bounces_to,
            return_paths=self.return_paths(),
        )
        if email.to_inbox:
            return local
        return replace(
            local,
            host=email.host,
            port=email.port,
            security=email.security,
            username=email.username,
            password=self.secrets.smtp_password,
            connections=email.connections,
        )

    def return_paths(self) -> "ReturnPaths | None":
        """What makes and reads return paths; None without a secret key, as for a check of a flow, which sends nothing."""
        if not self.settings.email.bounces_to or not self.secrets.secret_key:
            return None
        from channels.email.incoming.return_path import ReturnPaths
        from store.tokens import Signer

        return ReturnPaths(Signer(secret_keys(self.secrets)))

    def _print_settings(self) -> "PrintSettings":
        from channels.print.settings import PrintSettings

        organisation, landing = self.settings.workspace, urlsplit(self.settings.landing.base_url)
        lines = (line.strip() for line in (organisation.name, *organisation.address.split(",")))
        return PrintSettings(
            folder=self.root / self.settings.print.folder,
            sender=tuple(line for line in lines if line),
            country=organisation.country,
            window=self.settings.print.window,
            landing=landing.netloc + landing.path.rstrip("/"),
        )
