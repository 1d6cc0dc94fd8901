"""Builds every object from the settings, once, and lets go of them in the end."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from contactflow.adapters import STATE, Adapters
from contactflow.migrations import bring_up_to_date
from contactflow.requesting import Requests
from contactflow.rules import Rules
from contactflow.settings import Secrets, Settings, environment, read_secrets, read_settings, secret_keys
from contactflow.starting import write_key
from customers.attributes import declare_attributes
from engine.campaigns import open_versions
from engine.dispatch import Desk
from engine.journal import Journal
from engine.links import Links
from engine.opened import Opened
from engine.programme import HoldOut
from engine.workspace import PageSegments, Sender, Workspace
from landing.page_files import PageShelf
from landing.settings import LandingSettings
from store.clock import Clock, SystemClock
from store.session import open_database, writing
from store.tokens import Signer
from studio.inbox.server import running_port, start_inbox

INBOX = "inbox.db"


@contextmanager
def open_workspace(root: Path) -> Iterator[Workspace]:
    """A workspace, its tables up to date and its channels at hand; everything is let go at the end of the block."""
    settings = read_settings(root)
    keys = secrets_of(root)
    (root / STATE).mkdir(exist_ok=True)
    with ExitStack() as stack:
        database = open_database(database_url(root, settings, keys))
        stack.callback(database.dispose)
        _prepare(database, settings)
        channels = Adapters(root, settings, keys, running_port(root / STATE)).all()
        for channel in channels.values():
            stack.callback(channel.close)
        yield Workspace(
            root=root,
            database=database,
            zone=ZoneInfo(settings.workspace.timezone),
            attributes=settings.known,
            segments=settings.segments,
            purposes=settings.consent.purposes,
            channels=channels,
            links=Links(settings.landing.base_url, Signer(secret_keys(keys))),
            sender=_sender(settings),
            costs=settings.costs.model_dump(),
            tracking=settings.tracking.of(settings.workspace.name),
            metrics=settings.measured,
            limits={channel: section.limits for channel, section in settings.limits.items()},
            page_segments=_page_segments(root / "templates"),
            hold_out=None if settings.programme.share is None else HoldOut(settings.programme.share),
        )


@contextmanager
def open_desk(workspace: Workspace, machine: Clock) -> Iterator[Desk]:
    """A place to dispatch from, under a name that nobody else has."""
    claim = f"{socket.gethostname()}-{secrets.token_hex(6)}"
    journal = Journal.open(workspace.state, claim)
    try:
        yield Desk(claim, journal, machine)
    finally:
        if not journal.started:  # what an error leaves on the wire is for the next process to find
            journal.close()


def open_campaign(root: Path, campaign: str) -> Opened:
    """A campaign for a worker of Prefect's, which carries out what was asked for before its wave, and its own rule behind it."""
    stack = ExitStack()
    workspace = stack.enter_context(open_workspace(root))
    machine = SystemClock()
    desk = stack.enter_context(open_desk(workspace, machine))
    Requests(workspace).look(machine.now())
    versions, rules = open_versions(workspace, campaign), Rules(root, print)
    return Opened(versions, desk, machine, stack, lambda now: rules.look(versions[0], now))


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
        offered=settings.preferences.offered(settings.consent.purposes),
        proxies=settings.landing.proxies,
        waiting=root / STATE / "pages",
    )


def secrets_of(root: Path) -> Secrets:
    """The workspace's secrets; a workspace without a key for its links gets one in `.env`."""
    keys = read_secrets(root, environment())
    if not keys.secret_key and write_key(root):
        keys = read_secrets(root, environment())
    return keys


def database_url(root: Path, settings: Settings, keys: Secrets) -> str:
    """The database's address; a relative SQLite file lies in the workspace."""
    url = keys.database_url or settings.database.url
    if not url.startswith("sqlite:///"):
        return url
    return f"sqlite:///{(root / (make_url(url).database or '')).resolve()}"


@contextmanager
def inbox_at_hand(root: Path) -> Iterator[None]:
    """The workspace's own mail server, when mail goes there: the one that runs, or one that lives as long as the block."""
    if not read_settings(root).email.to_inbox or running_port(root / STATE):
        yield
        return
    (root / STATE).mkdir(exist_ok=True)
    inbox = start_inbox(root / INBOX, state=root / STATE)
    try:
        yield
    finally:
        inbox.stop()


def _sender(settings: Settings) -> Sender:
    own = settings.workspace
    return Sender(own.name, own.address, own.language, own.country, own.currency)


def _page_segments(templates: Path) -> PageSegments:
    shelf = PageShelf(templates)
    return lambda page: shelf.page(page).by_segment


def _prepare(database: Engine, settings: Settings) -> None:
    bring_up_to_date(database)
    if settings.known:
        with writing(database) as session:
            declare_attributes(session, settings.known)
