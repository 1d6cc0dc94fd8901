"""While `contactflow serve` runs: what comes back by mail is received and taken in as it comes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb

from channels.email.incoming.mailroom import FOLDER, Mailroom
from contactflow.receiving import ReturnedSection
from contactflow.returned_words import in_short
from contactflow.returning import Intake, take_in_returned
from store.clock import Clock
from store.errors import ContactflowError

LOOK_SECONDS = 5.0  # other programs may put mail there too: the inbox, or a mail server

_OURS = frozenset({"contactflow", "studio", "landing", "response", "engine", "customers", "channels", "store"})
Told = Callable[[str], object]


@dataclass(frozen=True)
class Ears:
    """The workspace, what takes mail in, the time, and who is told: of what happened (`told`), and which people may be due (`noticed`)."""

    root: Path
    intake: Intake
    clock: Clock
    told: Told
    noticed: Callable[[frozenset[int]], object]

    @property
    def room(self) -> Mailroom:
        """Where mail waits."""
        return Mailroom(self.root / FOLDER)


class Trouble:
    """What keeps a worker from its work, whatever it is: it is told once, not each time that the work is tried again."""

    def __init__(self, what_waits: str, told: Told) -> None:
        self._what_waits, self._told, self._last = what_waits, told, ""

    def is_in_the_way_of(self, work: Callable[[], object]) -> bool:
        """Do the work; True when it could not be done."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the outermost loop of a worker: the next time it may go well
            said = str(error) if isinstance(error, ContactflowError) else f"{type(error).__name__} ({_place_of(error)})"
            if said != self._last:
                self._told(f"{self._what_waits} waits: {said}")
            self._last = said
            return True
        self._last = ""
        return False


def _place_of(error: Exception) -> str:
    """Where in our own code an error came up. Its text may hold personal data, and its name alone helps nobody to find it."""
    frames = [(frame.f_globals.get("__name__", ""), line) for frame, line in walk_tb(error.__traceback__)]
    name, line = next((each for each in reversed(frames) if each[0].partition(".")[0] in _OURS), frames[-1])
    return f"{name}:{line}"


class Loop:
    """A thread that does something every so often, or at once when it is asked to. An error is told, and the work tried again."""

    def __init__(self, name: str, work: Callable[[], object], every_seconds: float, told: Told) -> None:
        self._work, self._every_seconds, self._trouble = work, every_seconds, Trouble("What came back", told)
        self._asked, self._stopping = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Begin, at once."""
        self._thread.start()

    def ask(self) -> None:
        """Do it now."""
        self._asked.set()

    def stop(self) -> None:
        """End after what is being done."""
        self._stopping = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._asked.clear()
            self._trouble.is_in_the_way_of(self._work)
            self._asked.wait(self._every_seconds)


@contextmanager
def listening(ears: Ears, section: ReturnedSection, password: str | None) -> Iterator[None]:
    """Receive and take in, as the settings say, for as long as the block lasts."""
    with ExitStack() as stack:
        taking = Loop("returned", lambda: _take_in(ears), LOOK_SECONDS, ears.told)
        stack.callback(taking.stop)
        taking.start()
        if section.door:
            stack.callback(_listen(ears, section, taking.ask))
        if section.mailbox:
            fetching = Loop("mailbox", _fetcher(ears, section.mailbox, password or "", taking.ask), section.every_minutes * 60, ears.told)
            stack.callback(fetching.stop)
            fetching.start()
        yield


def _take_in(ears: Ears) -> None:
    told = take_in_returned(ears.root, ears.intake, ears.clock.now())
    if told.mails:
        ears.told(in_short(told))
    if told.customers:
        ears.noticed(told.customers)


def _listen(ears: Ears, section: ReturnedSection, ask: Callable[[], object]) -> Callable[[], object]:
    from channels.email.incoming.listener import Door, start_listener

    assert section.door is not None
    host, port = section.door
    door = Door(host, port, section.protocol, frozenset(address.lower() for address in section.also))
    running = start_listener(door, ears.intake.ours.paths, ears.room, ask)
    ears.told(f"Mail that comes back is taken on {host}:{running.port} ({section.protocol.upper()})")
    return running.stop


def _fetcher(ears: Ears, address: str, password: str, ask: Callable[[], object]) -> Callable[[], object]:
    from channels.email.incoming.imap import ImapMailbox, fetch_unseen

    box, room = ImapMailbox.of(address, password), ears.room

    def fetch() -> None:
        if fetch_unseen(box, room.deposit):
            ask()

    return fetch
