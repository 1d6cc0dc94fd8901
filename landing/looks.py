"""Reading for a page: one statement, over a connection that is open already, and where that is a mere call without a thread for it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Engine, Select
from sqlalchemy.engine import Dialect
from starlette.concurrency import run_in_threadpool

from store.session import for_looking, reading

T = TypeVar("T")


class Found(NamedTuple):
    """The rows that a question found, as the driver gives them, and the names of their columns."""

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Question:
    """A statement that is put together once: SQLAlchemy takes longer for it each time than SQLite to answer.

    What is asked with is given as the driver takes it: whole numbers and texts.
    """

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._spelled: dict[str, tuple[str, Mapping[str, Any], Sequence[str] | None]] = {}

    def spelled(self, dialect: Dialect, given: Mapping[str, int | str]) -> tuple[str, Any]:
        """The SQL, and its parameters."""
        if dialect.name not in self._spelled:
            made = self._statement.compile(dialect=dialect)
            self._spelled[dialect.name] = (str(made), made.params, made.positiontup if made.positional else None)
        sql, constants, order = self._spelled[dialect.name]
        values = {**constants, **given}
        return sql, values if order is None else tuple([values[name] for name in order])


Ask = Callable[[Question, Mapping[str, int | str]], Found]


class _MissedError(Exception):
    """The connection at hand did not answer."""


class Looks:
    """Answers questions for pages. Nothing is asked twice in one transaction: each question sees what is committed."""

    def __init__(self, database: Engine, patience_seconds: float) -> None:
        self._database, self._patience_seconds = database, patience_seconds
        self._is_a_call = database.dialect.name == "sqlite"

    async def found(self, work: Callable[[Ask], T]) -> T:
        """What `work` makes of what it asks for; it may be begun a second time."""
        if self._is_a_call:
            # Waiting for a thread takes longer than reading a few rows; whatever is not to be had at once is waited for in one.
            with suppress(_MissedError):
                return work(self._at_once)
        return await run_in_threadpool(work, self.ask)

    def ask(self, question: Question, given: Mapping[str, int | str]) -> Found:
        """What a question finds, for whoever may wait. Raises what a database that is away raises."""
        with suppress(_MissedError):
            return self._at_once(question, given)
        with reading(self._database) as session:
            result = session.connection().exec_driver_sql(*question.spelled(self._database.dialect, given))
            return Found([column[0] for column in result.cursor.description], [tuple(row) for row in result])

    def close(self) -> None:
        """Let go of the connections."""
        self._quick.dispose()

    @cached_property
    def _quick(self) -> Engine:
        return for_looking(self._database, self._patience_seconds)

    def _at_once(self, question: Question, given: Mapping[str, int | str]) -> Found:
        """Over a connection that may have been lost in the meantime, and without waiting for anybody who holds the database."""
        connection = None
        try:
            connection = self._quick.raw_connection()
            cursor = connection.cursor()
            cursor.execute(*question.spelled(self._quick.dialect, given))
            found = Found([column[0] for column in cursor.description], cursor.fetchall())
        except self._quick.dialect.loaded_dbapi.Error as error:
            if connection:
                connection.invalidate()
            raise _MissedError from error
        connection.close()
        return found
