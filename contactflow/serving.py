"""`contactflow serve`: one web server, one mail server, and one thread that knows when something is due next."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy import Engine

from contactflow.bootstrap import INBOX, database_url, inbox_at_hand, landing_settings, open_desk, open_workspace, secrets_of
from contactflow.migrations import have_tables
from contactflow.present import present_clock
from contactflow.requesting import Requests
from contactflow.returning import intake_of
from contactflow.rules import Rules
from contactflow.settings import read_settings
from contactflow.waking import Waker, waking
from contactflow.watching import Ears, Trouble, listening
from engine.agenda import next_due
from engine.campaigns import campaign_names, open_versions
from engine.dispatch import Desk
from engine.interventions import may_go_on
from engine.opened import Opened
from engine.outbox import messages_to
from engine.prefect_server import prefect_at_hand
from engine.workspace import Workspace
from landing.app import landing_app, landing_server
from landing.hooks import Hooks
from landing.responses import PATIENCE_SECONDS
from store.clock import Clock, SystemClock
from store.errors import StorageError
from store.session import open_database, reading
from studio.paths import StudioPaths
from studio.router import studio_router

TURN = timedelta(seconds=10)  # of a campaign; then the others, and whoever asked for something, have theirs
LONGEST_SLEEP = timedelta(minutes=5)  # another process may have started a campaign in the meantime
LOOK_AT_HALTED = timedelta(seconds=10)  # a person at another terminal lets it go on, and expects to see it
TRY_AGAIN = timedelta(seconds=10)  # what kept us from the work may be over
SHORTEST_SLEEP = timedelta(seconds=1)  # a wave has a cost of its own: what comes in within a second goes together

HERE = ("127.0.0.1", "localhost", "::1")

Told = Callable[[str], object]


class Ticker:
    """Carries out a wave whenever something is due, and sleeps in between until the next moment that is known."""

    def __init__(self, workspace: Workspace, desk: Desk, clock: Clock, told: Told, turn: timedelta = TURN) -> None:
        self._workspace, self._desk, self._clock, self._told, self._turn = workspace, desk, clock, told, turn
        self._rules, self._requests = Rules(workspace.root, told), Requests(workspace)
        self._trouble = Trouble("The work", told)
        self._troubles: dict[str, Trouble] = {}  # of campaigns
        self._something_came_in = threading.Event()

    def notice(self, *_: object) -> None:
        """Something came in: look at once."""
        self._something_came_in.set()

    def stop(self) -> None:
        """End behind what is being sent or moved now; the rest of a wave is left to the next process."""
        self._workspace.stopping.set()
        self._something_came_in.set()

    def run(self) -> None:
        """Carry out waves until stopped; what cannot be done now, such as while the database is away, is tried again."""
        while not self._workspace.stopping.is_set():
            self._something_came_in.clear()
            if self._trouble.is_in_the_way_of(self._round):
                self._something_came_in.wait(TRY_AGAIN.total_seconds())

    def _round(self) -> None:
        """Carry out what is due, and wait until something is."""
        due, now = self._tick(), self._clock.now()
        pause = min(max(due - now, SHORTEST_SLEEP), LONGEST_SLEEP) if due else LONGEST_SLEEP
        self._requests.wait(self._something_came_in, pause)

    def _tick(self) -> datetime | None:
        """Carry out what is due now; gives the next moment at which something is. A campaign that cannot be carried out stops no other."""
        self._requests.look(self._clock.now())
        moments: list[datetime] = []
        for name in campaign_names(self._workspace):
            trouble = self._troubles.setdefault(name, Trouble(f"Campaign '{name}'", self._told))
            if trouble.is_in_the_way_of(partial(self._look_after, name, moments)):
                moments.append(self._clock.now() + TRY_AGAIN)
        return min(moments, default=None)

    def _look_after(self, name: str, moments: list[datetime]) -> None:
        """Carry out what is due of a campaign, and add the moment at which to look again."""
        from engine.runner import carry_out_wave

        desk = replace(self._desk, until=self._desk.machine.now() + self._turn)
        opened = Opened(open_versions(self._workspace, name), desk, self._clock)
        if self._is_halted(opened):
            moments.append(self._clock.now() + LOOK_AT_HALTED)
            return
        due, now = next_due(opened.versions), self._clock.now()
        if due is not None and due <= now:
            report = carry_out_wave(opened, now)
            if any(count for _, count in report.counts) or not self._workspace.stopping.is_set():
                self._told(f"{now.astimezone(self._workspace.zone):%Y-%m-%d %H:%M:%S}  {name}: " + _words(report.counts))
            due = next_due(opened.versions)
            if desk.is_over:
                self.notice()  # go on with what is left, without a pause
        decided = self._rules.look(opened.versions[0], now)
        if decided and decided.version_to:
            self._told(f"{name}: '{decided.arm}' of '{decided.node}' became the routine (version {decided.version_to}).")
            due = now  # the new version looks for people
        if due is not None:
            moments.append(due)

    def _is_halted(self, opened: Opened) -> bool:
        with reading(self._workspace.database) as session:
            return not may_go_on(session, opened.versions[0])


@dataclass(frozen=True)
class Door:
    """Where the web server listens, and who hears what it says. The studio is behind it only on this machine."""

    host: str
    port: int | None
    told: Told


def serve(root: Path, door: Door, *, pages_only: bool) -> None:
    """Serve until stopped (Ctrl-C, or SIGTERM); what is being sent is finished and written down first.

    Raises StorageError, before anything is carried out, when the port is taken.
    """
    settings = read_settings(root)
    _find_free(door.host, door.port or settings.landing.port)
    clock = present_clock(settings.zone)
    if pages_only:
        _web(root, door, clock, lambda *_: None, None)
        return
    with (
        inbox_at_hand(root),
        open_workspace(root) as workspace,
        prefect_at_hand(workspace.state) as prefect,
        open_desk(workspace, SystemClock()) as desk,
    ):
        ticker = Ticker(workspace, desk, clock, door.told)
        waker = Waker(workspace, clock, ticker.notice)
        door.told(f"Prefect shows the work at {prefect.removesuffix('/api')}")
        with _ticking(ticker), waking(waker), _listening(root, workspace, waker, clock, door.told):
            _web(root, door, clock, waker.notice, _studio(root, door, workspace.database))


def _find_free(host: str, port: int) -> None:
    # uvicorn takes the port last, and says no more than the system's number of what is wrong.
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        said = f"Pages cannot be served on {host}:{port}: {str(error.strerror).partition(' (')[0]}."  # Python says the address once more
        raise StorageError(f"{said} Stop what uses it, or choose another with --port, or [landing] port in contactflow.toml.") from error


@contextmanager
def _listening(root: Path, workspace: Workspace, waker: Waker, clock: Clock, told: Told) -> Iterator[None]:
    ears = Ears(root, intake_of(root, workspace.database), clock, told, waker.notice)
    with listening(ears, read_settings(root).email.returned, secrets_of(root).imap_password):
        yield


def _studio(root: Path, door: Door, database: Engine) -> APIRouter | None:
    """The pages for managers. They show personal data, so they are served on this machine only."""
    if door.host not in HERE:
        return None
    settings = read_settings(root)

    def messages_of(customer: str) -> Sequence[str]:
        with reading(database) as session:
            return messages_to(session, customer)

    places = (root / INBOX, root / "sandbox" / "sms.jsonl", root / settings.print.folder)
    paths = StudioPaths(*places, settings.workspace.name, settings.zone, messages_of)
    door.told(f"Inbox, telephone and letters: http://{door.host}:{door.port or settings.landing.port}/inbox")
    return studio_router(paths)


def _web(root: Path, door: Door, clock: Clock, notice: Callable[..., None], studio: APIRouter | None) -> None:
    settings, secrets = read_settings(root), secrets_of(root)
    # Of its own, because a recipient is not kept waiting for a busy database as long as a wave is.
    database = open_database(database_url(root, settings, secrets), busy_seconds=PATIENCE_SECONDS, outlives_power_cuts=True)
    try:
        have_tables(database)
        app = landing_app(database, landing_settings(root, settings, secrets), clock, notice, notice)
        hooks = settings.email.sendgrid.hooks()
        if hooks:
            app.include_router(Hooks(database, hooks, clock, notice).router)
            door.told("Events of providers: " + ", ".join(f"{settings.landing.base_url}/hooks/{name}" for name in hooks))
        if studio:
            app.include_router(studio, dependencies=[Depends(from_here)])
        port = door.port or settings.landing.port
        door.told(where_links_lead(settings.landing.base_url, port))
        landing_server(app, door.host, port).run()
    finally:
        database.dispose()


def where_links_lead(base_url: str, port: int) -> str:
    """What is told of the pages' address: that of all links, which may be one of this machine at which nobody listens."""
    leads_to = urlsplit(base_url)
    if leads_to.hostname not in HERE or leads_to.port == port:
        return f"Landing pages: {base_url}"
    here = f"http://127.0.0.1:{port}"
    return f'Landing pages: {here}, but links lead to {base_url}. Write base_url = "{here}" under [landing] in contactflow.toml.'


def from_here(request: Request) -> None:
    """Let nobody in who comes from elsewhere, also not through a proxy that stands on this machine."""
    if request.url.hostname not in HERE or "x-forwarded-for" in request.headers:
        raise HTTPException(404)


@contextmanager
def _ticking(ticker: Ticker) -> Iterator[None]:
    thread = threading.Thread(target=ticker.run, name="ticker")
    thread.start()
    try:
        yield
    finally:
        ticker.stop()
        thread.join()


def _words(counts: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{title} {count:,}" for title, count in counts if count) or "nothing was due"
