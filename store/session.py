"""Opening a database, and the two ways to talk to it: reading and writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from store.errors import StorageError

BUSY_SECONDS = 60
# Our statements are many and short: compiling each to machine code costs more than it saves.
_POSTGRES = "-c jit=off"


def open_database(url: str, busy_seconds: float = BUSY_SECONDS, *, outlives_power_cuts: bool = False) -> Engine:
    """An engine for a SQLite or PostgreSQL address; opens no connection yet.

    `busy_seconds` is how long SQLite's one lock, a connection of PostgreSQL, and a free one of our own are waited for; given less than the
    usual, also a row of PostgreSQL that somebody else is changing. With `outlives_power_cuts` SQLite waits for the disk at each commit
    (PostgreSQL does by itself). Raises StorageError for an address that is neither.
    """
    address = _address(url)
    # Parameters hold personal data: they never stand in an error, and so never in a log.
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, connect_args={"timeout": busy_seconds}, hide_parameters=True, pool_timeout=busy_seconds)
        event.listen(engine, "connect", _prepare_sqlite)
        if outlives_power_cuts:
            event.listen(engine, "connect", _wait_for_the_disk)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(address, pool_pre_ping=True, **_postgres(busy_seconds))


def for_looking(engine: Engine, busy_seconds: float) -> Engine:
    """Another engine on the same database, for single statements that only read; opens no connection yet.

    There is no transaction around them, and a connection is asked nothing before it is used or after: it may have been lost. SQLite
    waits for nobody; `busy_seconds` is as in ``open_database``.
    """
    if engine.dialect.name == "sqlite":
        looking = create_engine(engine.url, connect_args={"timeout": 0}, hide_parameters=True, pool_reset_on_return=None)
        event.listen(looking, "connect", _prepare_looking)
        return looking
    options = f"{_POSTGRES} -c default_transaction_read_only=on"
    return create_engine(engine.url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **_postgres(busy_seconds, options))


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session whose work is committed at the end as one transaction, or not at all.

    On SQLite the write lock is taken at the start, so that what was read cannot change before it is written.
    """
    with Session(_for_writing(engine)) as session:
        yield session
        session.commit()


def begun(engine: Engine) -> Connection:
    """A connection with a transaction for writing, for whoever commits and closes it."""
    connection = _for_writing(engine).connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one consistent state and writes nothing."""
    with Session(engine) as session:
        yield session
        session.rollback()


def _for_writing(engine: Engine) -> Engine:
    return engine.execution_options(contactflow_writing=True)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StorageError("The database address cannot be read. Write sqlite:///file.db or postgresql://host/name.") from error
    if address.get_backend_name() == "sqlite":
        return address
    if address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    raise StorageError(f"A {address.get_backend_name()} database is not supported. Use sqlite:/// or postgresql://.")


def _postgres(busy_seconds: float, options: str = _POSTGRES) -> dict[str, Any]:
    if busy_seconds < BUSY_SECONDS:
        options = f"{options} -c lock_timeout={round(busy_seconds * 1000)}"
    patience = {"connect_timeout": max(2, round(busy_seconds)), "tcp_user_timeout": round(busy_seconds * 1000)}
    return {"hide_parameters": True, "connect_args": {"options": options, **patience}, "pool_timeout": busy_seconds}


def _prepare_looking(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("query_only=ON", "cache_size=-65536", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # None: the driver must not begin transactions by itself; _begin_sqlite does, with the right lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    # NORMAL in WAL survives a kill -9 of ours; only a power cut can take the last commits, never corrupt.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _wait_for_the_disk(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    kind = "IMMEDIATE" if connection.get_execution_options().get("contactflow_writing") else "DEFERRED"
    try:
        connection.exec_driver_sql(f"BEGIN {kind}")
    except OperationalError as error:
        if "locked" not in str(error):
            raise
        raise StorageError(
            "The database has been busy for too long. Is another contactflow at work on it? Try again when it is done."
        ) from error
