"""What people asked for on pages is carried out, whoever asked first, each in a transaction of its own.

`serve` looks whenever it looks at all, `run` before each wave. A request that nothing can be made of stands in nobody's way.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session

from contactflow.answering import correct_data, erase_data, forget_gathered, gather
from engine.asked import (
    LATER,
    OpenRequest,
    Outcome,
    RequestKind,
    hold_request,
    open_requests,
    refuse,
    settle,
)
from engine.joining import forget_fruitless, forget_unconfirmed, join, unconfirmed
from engine.workspace import Workspace
from landing.drafts import forget_drafts
from store.errors import StorageError
from store.session import reading, writing

FORGET_EVERY = timedelta(hours=1)
LOOK_EVERY = timedelta(seconds=10)  # another process may have shown the page on which something was asked for

Handler = Callable[[Session, Workspace, OpenRequest, datetime], Outcome]
_logger = logging.getLogger(__name__)
# The database is at fault, not the request. N. B. psycopg calls a connection that was cut off meanwhile an error of its interface.
_AWAY = (OperationalError, InterfaceError, PoolTimeoutError, StorageError)


class Requests:
    """Carries out what was asked for in one workspace. `handlers`: who carries out each kind; HANDLERS, when it is not said."""

    def __init__(self, workspace: Workspace, handlers: Mapping[RequestKind, Handler] | None = None) -> None:
        self._workspace, self._handlers = workspace, HANDLERS if handlers is None else handlers
        self._forget_at: datetime | None = None

    def wait(self, told: threading.Event, pause: timedelta, look_every: timedelta = LOOK_EVERY) -> None:
        """Until the event is set, or something is open that another process wrote down; at the longest for `pause`."""
        while pause > timedelta(0):
            part = min(pause, look_every)
            if told.wait(part.total_seconds()) or self._are_waiting():
                return
            pause -= part

    def look(self, now: datetime) -> int:
        """Carry out all that is open; gives how many requests were settled. Repeatable, and safe in several processes."""
        self._forget(now)  # here, because every process that looks after people comes by
        with reading(self._workspace.database) as session:
            waiting = open_requests(session)
        return sum(self._carry_out(request_id, now) for request_id in waiting)

    def _carry_out(self, request_id: int, now: datetime) -> bool:
        try:
            with writing(self._workspace.database) as session:
                asked = hold_request(session, request_id)
                outcome = LATER if asked is None else self._handlers[asked.kind](session, self._workspace, asked, now)
                settle(session, request_id, outcome, now)
        except _AWAY as error:
            _logger.error("Request %d waits: %s.", request_id, type(error).__name__)  # noqa: TRY400  # as below
            return False
        # Refused, not tried again: it would fail at every look, for good, and who asked can ask again.
        except Exception as error:  # noqa: BLE001 - the outermost loop of this work: the next request is to be carried out all the same
            # An error's text may hold what a person typed.
            _logger.error("Request %d could not be carried out, and is refused (%s).", request_id, type(error).__name__)  # noqa: TRY400  # as said
            return self._refuse(request_id, now)
        return outcome.state != "open"

    def _are_waiting(self) -> bool:
        with reading(self._workspace.database) as session:
            return bool(open_requests(session))

    def _refuse(self, request_id: int, now: datetime) -> bool:
        with writing(self._workspace.database) as session:
            return refuse(session, request_id, now)

    def _forget(self, now: datetime) -> None:
        if self._forget_at is None or self._forget_at <= now:
            with reading(self._workspace.database) as session:
                found = unconfirmed(session, now)
            with writing(self._workspace.database) as session:
                forget_unconfirmed(session, found, now)
                forget_fruitless(session, now)
                forget_gathered(session, now)
                forget_drafts(session, now)
            self._forget_at = now + FORGET_EVERY


HANDLERS: Mapping[RequestKind, Handler] = {
    RequestKind.JOIN: join,
    RequestKind.MY_DATA: gather,
    RequestKind.CORRECT: correct_data,
    RequestKind.ERASE: erase_data,
}
