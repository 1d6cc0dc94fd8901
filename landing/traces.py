"""Clicks and opens on their way into the contact log: held until it shows who made them, then taken in together.

What follows several links of one mail at once is a machine, which the first click alone cannot show. So a click waits for as long as
such a burst lasts, in memory and in a file (spool.py): a server that is stopped writes down what waits, and what one leaves that is
killed the next one takes in. docs/decisions/0007-clicks-wait-in-a-file.md.
"""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Engine, Row, select
from sqlmodel import Session

from channels.feedback import Feedback, Happening
from customers.contact_log import Kind
from customers.tables import CustomerId, table_of
from engine.feedback import take_in
from engine.outbox import message_key
from engine.tables import FlowVersion, OutboxMessage
from landing.guard import UNAVAILABLE
from landing.responses import CustomerResponse
from landing.spool import Spool
from store.bulk import among
from store.clock import Clock, from_micros, to_micros
from store.session import writing

BURST_SECONDS = 2.0  # nobody follows two links of a mail within it
AT_ONCE = timedelta(seconds=2)  # nobody opens a mail, reads and clicks so soon after it left
LONGEST_SECONDS = 10.0  # a click waits no longer, however long a burst goes on
MOST = 100_000  # that wait while the database is away
BATCH = 1_000
PAUSE_SECONDS = 0.25
AGAIN_SECONDS = 5.0  # after the database was away
PAGE = "page"
T = TypeVar("T")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trace:
    """One fetch of a followed link, or of the picture of openings (without a `number`). `label` is the link without what is personal."""

    message_id: int
    at: datetime
    heard: float  # seconds of the machine's own, also where the clock stands still
    human: bool  # as far as the request itself shows
    number: int | None = None
    label: str = ""

    @property
    def line(self) -> str:
        """How it stands in the file of those that wait."""
        return json.dumps([self.message_id, to_micros(self.at), self.heard, self.human, self.number, self.label])

    @classmethod
    def of(cls, line: str) -> Self:
        """The trace of a line."""
        message_id, at, heard, human, number, label = json.loads(line)
        return cls(message_id, from_micros(at), heard, human, number, label)


def by_people(traces: Sequence[Trace]) -> list[bool]:
    """Of each trace of one message, whether a person left it: nobody follows another link of the mail within BURST_SECONDS."""
    clicks = [each for each in traces if each.number is not None]
    return [
        each.human
        and not any(each.number not in (None, other.number) and abs(each.heard - other.heard) <= BURST_SECONDS for other in clicks)
        for each in traces
    ]


class Traces:
    """Takes traces in, in a thread of its own that begins with the first. `told` hears of people's clicks and opens, once stored."""

    def __init__(
        self, database: Engine, clock: Clock, zone: ZoneInfo, told: Callable[[CustomerResponse], None], spool_folder: Path | None = None
    ) -> None:
        self._database, self._clock, self._zone, self._told = database, clock, zone, told
        self._spool_folder = spool_folder
        self._spool: Spool | None = None
        self._waiting: list[Trace] = []
        self._something = Condition()
        self._writing = Lock()
        self._thread: Thread | None = None
        self._stopping = False

    def begin(self) -> None:
        """Go on with what is left of those who were killed."""
        with self._something:
            self._waiting += _readable(self._on_disk(self._taken_over) or [])
            # The seconds of the dead may be those of a machine that was down since: the last was heard just now.
            later = time.monotonic() - max((trace.heard for trace in self._waiting), default=0)
            self._waiting = [replace(trace, heard=trace.heard + later) for trace in self._waiting]
            self._go_on()

    def note(self, message_id: int, *, human: bool, number: int | None = None, label: str = "") -> None:
        """Note a fetch of now."""
        trace = Trace(message_id, self._clock.now(), time.monotonic(), human, number, label)
        with self._something:
            if len(self._waiting) >= MOST:
                del self._waiting[: MOST // 10]
                self._keep()
                _logger.error("%d clicks and opens were dropped: the database has been away for too long.", MOST // 10)
            self._waiting.append(trace)
            if self._spool:
                self._on_disk(partial(self._spool.add, trace.line))
            self._go_on()

    def settle(self) -> None:
        """Write down all that waits, at once."""
        self._write(lambda _: True)

    def stop(self) -> None:
        """Write down what waits, and end."""
        with self._something:
            self._stopping = True
            self._something.notify()
        if self._thread:
            self._thread.join()
        self._try(lambda _: True)
        if self._spool:
            self._spool.close(is_done=not self._waiting)
        if self._waiting:
            fate = "wait for the next server" if self._spool else "are lost"
            _logger.error("%d clicks and opens %s: the database was away when the server stopped.", len(self._waiting), fate)

    def _taken_over(self) -> list[str]:
        if self._spool_folder is None:
            return []
        self._spool = Spool(self._spool_folder)
        return self._spool.taken_over()

    def _keep(self) -> None:
        """Let only what waits stand in the file."""
        if self._spool:
            self._on_disk(partial(self._spool.keep, len(self._waiting), (trace.line for trace in self._waiting)))

    def _on_disk(self, work: Callable[[], T]) -> T | None:
        """Without a place on the disk it goes on in memory: a visitor is led on whatever becomes of the count."""
        try:
            return work()
        except OSError as error:
            _logger.error("Clicks wait in memory only from now on: %s.", error.strerror)  # noqa: TRY400  # no fault of ours
            if self._spool:
                with suppress(OSError):  # a disk elsewhere may tell only now what it did not take
                    self._spool.close(is_done=False)
            self._spool = None
            return None

    def _go_on(self) -> None:
        if self._waiting and self._thread is None:
            self._thread = Thread(target=self._run, name="traces", daemon=True)
            self._thread.start()
        self._something.notify()

    def _run(self) -> None:
        while True:
            with self._something:
                self._something.wait_for(lambda: self._waiting or self._stopping)
                self._something.wait_for(lambda: self._stopping, PAUSE_SECONDS)
                if self._stopping:
                    return
            self._try(_is_over)

    def _try(self, is_ripe: Callable[[Sequence[Trace]], bool]) -> None:
        try:
            self._write(is_ripe)
        except UNAVAILABLE as error:
            _report("%d clicks and opens wait to be written down (%s).", len(self._waiting), error)
            with self._something:
                self._something.wait_for(lambda: self._stopping, AGAIN_SECONDS)

    def _write(self, is_ripe: Callable[[Sequence[Trace]], bool]) -> None:
        with self._writing:
            for batch in self._taken(is_ripe):
                try:
                    self._take_in(batch)
                except UNAVAILABLE:
                    raise
                except Exception as error:  # noqa: BLE001 - the outermost loop of this work: later clicks are to be written down all the same
                    _report("%d messages' clicks and opens could not be written down (%s).", len(batch), error)
                done = {id(trace) for _, traces in batch for trace in traces}
                with self._something:
                    self._waiting = [trace for trace in self._waiting if id(trace) not in done]
                    self._keep()

    def _taken(self, is_ripe: Callable[[Sequence[Trace]], bool]) -> Iterator[list[tuple[int, list[Trace]]]]:
        """Messages with their traces, in batches; they wait on until they are written down."""
        with self._something:
            waiting = list(self._waiting)
        by_message: defaultdict[int, list[Trace]] = defaultdict(list)
        for trace in waiting:
            by_message[trace.message_id].append(trace)
        ripe = [(message_id, traces) for message_id, traces in by_message.items() if is_ripe(traces)]
        for begin in range(0, len(ripe), BATCH):
            yield ripe[begin : begin + BATCH]

    def _take_in(self, batch: Sequence[tuple[int, list[Trace]]]) -> None:
        with writing(self._database) as session:
            messages = _messages(session, [message_id for message_id, _ in batch])
            pieces = [
                piece
                for message_id, traces in batch
                if message_id in messages
                for piece in _feedback(messages[message_id], traces, self._zone)
            ]
            customers = take_in(session, pieces, self._clock.now()).customers
        people = {piece.key: piece for piece in pieces if piece.human}
        for row in messages.values():
            piece = people.get(message_key(row.version, row.id))
            if piece and row.customer_id in customers:
                kind = Kind.CLICKED if piece.happening is Happening.CLICKED else Kind.OPENED
                self._told(CustomerResponse(CustomerId(row.customer_id), row.id, row.campaign, kind, piece.at))


def _readable(lines: Iterable[str]) -> Iterator[Trace]:
    """The traces of lines; what a power cut or another release has made of a line keeps no server from starting."""
    unread = 0
    for line in lines:
        try:
            yield Trace.of(line)
        except (ValueError, TypeError):
            unread += 1
    if unread:
        _logger.error("%d clicks and opens that waited in a file cannot be read, and are lost.", unread)


def _report(message: str, count: int, error: Exception) -> None:
    _logger.error(message, count, type(error).__name__)  # an error's text may hold what a person typed or followed


def _is_over(traces: Sequence[Trace]) -> bool:
    """Whether nothing more can show who left these traces of one message."""
    now = time.monotonic()
    return all(each.number is None for each in traces) or (
        now - traces[-1].heard > BURST_SECONDS or now - traces[0].heard > LONGEST_SECONDS
    )


def _messages(session: Session, ids: Iterable[int]) -> dict[int, Row[Any]]:
    outbox, version = table_of(OutboxMessage).c, table_of(FlowVersion).c
    query = select(outbox.id, outbox.customer_id, outbox.settled_at, version.version, version.campaign)
    query = query.select_from(table_of(OutboxMessage).join(table_of(FlowVersion), version.id == outbox.version_id))
    rows = session.connection().execute(query.where(among(session, outbox.id, np.array(list(ids), np.int64))))
    return {row.id: row for row in rows}


def _feedback(message: Row[Any], traces: Sequence[Trace], zone: ZoneInfo) -> Iterator[Feedback]:
    """What the traces of a message say; of one link and day, a person's first and a machine's first are kept."""
    key = message_key(message.version, message.id)
    for trace, is_person in zip(traces, by_people(traces), strict=True):
        # A clock that stands, as in a rehearsal, says nothing about how soon.
        at_once = message.settled_at is not None and timedelta(0) < trace.at - message.settled_at < AT_ONCE
        human = is_person and not at_once
        what = "opened" if trace.number is None else f"clicked:{trace.number}"
        name = f"{what}:{message.id}:{trace.at.astimezone(zone).date().isoformat()}" + ("" if human else ":machine")
        happening = Happening.OPENED if trace.number is None else Happening.CLICKED
        code = "" if trace.number is None else f"link {trace.number}"
        yield Feedback(happening, PAGE, name, trace.at, key, human=human, code=code, detail=trace.label)
