"""Builds every object from the settings, once, and lets go of them in the end."""

import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from channels.contract import Channel
from channels.email.channel import EmailChannel
from channels.email.settings import EmailSettings
from channels.print.channel import PrintChannel
from channels.print.settings import PrintSettings
from channels.sms.channel import SmsChannel
from channels.sms.sandbox import SandboxPhone
from contactflow.migrations import bring_up_to_date
from contactflow.settings import Secrets, Settings, environment, read_secrets, read_settings
from customers.attributes import declare_attributes
from engine.campaigns import open_versions
from engine.dispatch import Desk
from engine.journal import Journal
from engine.links import Links
from engine.opened import Opened
from engine.workspace import Sender, Workspace
from landing.settings import LandingSettings
from store.clock import Clock, SystemClock
from store.errors import SettingsError
from store.session import open_database, writing
from store.tokens import Signer

INBOX = "inbox.db"
STATE = ".contactflow"


@contextmanager
def open_workspace(root: Path) -> Iterator[Workspace]:
    """A workspace, its tables up to date and its channels at hand; everything is let go at the end of the block."""
    settings = read_settings(root)
    keys = read_secrets(root, environment())
    (root / STATE).mkdir(exist_ok=True)
    with ExitStack() as stack:
        database = open_database(database_url(root, settings, keys))
        stack.callback(database.dispose)
        _prepare(database, settings)
        channels = build_channels(root, settings, keys, inbox_port(root))
        for channel in channels.values():
            stack.callback(channel.close)
        yield Workspace(
            root=root,
            database=database,
            zone=ZoneInfo(settings.workspace.timezone),
            attributes=settings.attributes,
            segments=settings.segments,
            purposes=settings.consent.purposes,
            channels=channels,
            links=Links(settings.landing.base_url, Signer(secret_keys(keys))),
            sender=Sender(settings.workspace.name, settings.workspace.address),
            costs=settings.costs.model_dump(),
        )


@contextmanager
def open_desk(workspace: Workspace, machine: Clock) -> Iterator[Desk]:
    """A place to dispatch from, under a name that nobody else has."""
    claim = f"{socket.gethostname()}-{secrets.token_hex(6)}"
    journal = Journal.open(workspace.state, claim)
    yield Desk(claim, journal, machine)
    # Only reached when all went well: what an error leaves on the wire is for the next process to find.
    journal.close()


def open_campaign(root: Path, campaign: str) -> Opened:
    """A campaign for a worker of Prefect's; it stays open as long as the worker's process lives."""
    stack = ExitStack()
    workspace = stack.enter_context(open_workspace(root))
    machine = SystemClock()
    desk = stack.enter_context(open_desk(workspace, machine))
    return Opened(open_versions(workspace, campaign), desk, machine, stack)


def build_channels(root: Path, settings: Settings, keys: Secrets, inbox: int | None) -> Mapping[str, Channel]:
    """The adapters by name; none opens a connection yet."""
    return {
        "email": EmailChannel(email_settings(settings, keys, inbox)),
        "sms": SmsChannel(SandboxPhone(root / "sandbox")),
        "print": PrintChannel(print_settings(root, settings)),
    }


def email_settings(settings: Settings, keys: Secrets, inbox: int | None) -> EmailSettings:
    """How mail leaves: to the workspace's own inbox (on port `inbox`, when it is running), or over SMTP."""
    email = settings.email
    local = EmailSettings(
        host="127.0.0.1",
        port=inbox or 0,
        sender_address=email.sender,
        sender_name=settings.workspace.name,
        connections=min(email.connections, 4),
    )
    if email.transport == "inbox":
        return local
    return replace(
        local,
        host=email.host,
        port=email.port,
        security=email.security,
        username=email.username,
        password=keys.smtp_password,
        connections=email.connections,
    )


def print_settings(root: Path, settings: Settings) -> PrintSettings:
    """How letters are made."""
    organisation = settings.workspace
    lines = tuple(line.strip() for line in (organisation.name, *organisation.address.split(",")) if line.strip())
    landing = urlsplit(settings.landing.base_url)
    return PrintSettings(
        folder=root / settings.print.folder,
        sender=lines,
        country=organisation.country,
        window=settings.print.window,
        landing=landing.netloc + landing.path.rstrip("/"),
    )


def landing_settings(root: Path, settings: Settings, keys: Secrets) -> LandingSettings:
    """What the landing pages are told."""
    organisation = settings.workspace
    return LandingSettings(
        base_url=settings.landing.base_url,
        templates=root / "templates",
        keys=secret_keys(keys),
        zone=ZoneInfo(organisation.timezone),
        language=organisation.language,
        sender_name=organisation.name,
        sender_address=organisation.address,
    )


def secret_keys(keys: Secrets) -> tuple[bytes, ...]:
    """The keys that sign links, the newest first. Raises SettingsError without one."""
    if not keys.secret_key:
        raise SettingsError("There is no secret key for personal links. Set CONTACTFLOW_SECRET_KEY, or run `contactflow init .` here.")
    return tuple(key.strip().encode() for key in keys.secret_key.split(",") if key.strip())


def database_url(root: Path, settings: Settings, keys: Secrets) -> str:
    """The database's address; a relative SQLite file lies in the workspace."""
    url = keys.database_url or settings.database.url
    if not url.startswith("sqlite:///"):
        return url
    return f"sqlite:///{(root / (make_url(url).database or '')).resolve()}"


def inbox_port(root: Path) -> int | None:
    """The port of the workspace's inbox, when one is running."""
    from studio.inbox.server import running_port

    return running_port(root / STATE)


def _prepare(database: Engine, settings: Settings) -> None:
    bring_up_to_date(database)
    if settings.attributes:
        with writing(database) as session:
            declare_attributes(session, settings.attributes)
