"""Group commit: what several threads write at the same time goes to the disk together, and each goes on when its own is there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from store.errors import StorageError
from store.session import begun, writing

MOST_TOGETHER = 200  # so that whoever came first is not kept waiting for ever by those who come after


@dataclass
class _Batch:
    """An open transaction, and what became of it for those who wrote in it."""

    connection: Connection
    size: int = 0
    over: Event = field(default_factory=Event)
    failure: Exception | None = None


class Together:
    """Writes of many threads in few transactions.

    SQLite has one writer at a time, who waits for the disk at each commit. So threads take turns in one open transaction, each behind a
    savepoint of its own, and the last in the row commits for all. PostgreSQL lets them write side by side, and puts their commits together
    itself. `patience_seconds` bounds how long a thread waits for those before it while the database is held by another process.
    """

    def __init__(self, database: Engine, patience_seconds: float) -> None:
        self.database = database
        self._patience_seconds = patience_seconds
        self._takes_turns = database.dialect.name == "sqlite"
        self._turn = Lock()
        self._counting = Lock()
        self.coming = 0  # who writes, or waits for the turn
        self._open: _Batch | None = None

    @contextmanager
    def writing(self, row_seconds: float | None = None) -> Iterator[Session]:
        """A session whose work is committed when the block has been left, or undone: an error inside undoes its own work only.

        `row_seconds` is how long a row of PostgreSQL that somebody else is changing is waited for, where that is not as usual.
        Raises StorageError when the transaction that the work stood in could not be committed, or never began.
        """
        if not self._takes_turns:
            with writing(self.database) as session:
                if row_seconds is not None:
                    session.connection().exec_driver_sql(f"SET LOCAL lock_timeout = {round(row_seconds * 1000)}")
                yield session
            return
        with self._a_turn() as batch, Session(batch.connection, join_transaction_mode="create_savepoint") as session:
            yield session
            session.commit()  # gives back the savepoint; the transaction stays open
        batch.over.wait()
        if batch.failure:
            raise StorageError("What was written together with others could not be committed. Nothing of it is kept.") from batch.failure

    @contextmanager
    def _a_turn(self) -> Iterator[_Batch]:
        came, batch = time.monotonic(), None
        with self._counting:
            self.coming += 1
        with self._turn:
            try:
                batch = self._joined(came)
                yield batch
            finally:
                with self._counting:
                    self.coming -= 1
                    is_last = not self.coming
                if batch and (is_last or batch.size == MOST_TOGETHER or _is_broken(batch)):
                    self._finish(batch)

    def _joined(self, came: float) -> _Batch:
        """The open transaction, or a new one."""
        if self._open is None:
            if time.monotonic() - came > self._patience_seconds:
                # Those before us have waited in vain already: one after the other would keep a visitor for minutes.
                raise StorageError("The database has been busy for too long. Try again in a minute.")
            self._open = _Batch(begun(self.database))
        self._open.size += 1
        return self._open

    def _finish(self, batch: _Batch) -> None:
        self._open = None
        try:
            _commit(batch)
        except Exception as error:  # noqa: BLE001 - each who wrote in it is to be told, in a thread of its own
            batch.failure = error
            batch.connection.invalidate()  # it may still be inside the transaction; closed, it is undone
        finally:
            with suppress(SQLAlchemyError):
                batch.connection.close()
            batch.over.set()


def _commit(batch: _Batch) -> None:
    if _is_broken(batch):  # the driver would call it committed: there is nothing left to commit
        raise StorageError("The database has undone it, as it does when the disk is full. Make room, and try again.")
    batch.connection.commit()


def _is_broken(batch: _Batch) -> bool:
    """Whether SQLite has undone everything by itself, as it does when the disk is full; what is written then stands alone."""
    driver = batch.connection.connection.driver_connection
    return driver is None or not driver.in_transaction
