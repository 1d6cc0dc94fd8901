"""Group commit: everybody's work is committed when they go on, in few transactions, and nobody's error undoes another's work."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from store.errors import StorageError
from store.session import open_database, writing
from store.together import Together

WRITERS = 24


@pytest.fixture
def together(database_url: str) -> Iterator[Together]:
    database = open_database(database_url, busy_seconds=0.2)
    with writing(database) as session:
        session.execute(text("CREATE TABLE note (number BIGINT PRIMARY KEY)"))
    yield Together(database, patience_seconds=0.2)
    database.dispose()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Together]:
    database = open_database(f"sqlite:///{tmp_path / 'test.db'}", busy_seconds=0.2, outlives_power_cuts=True)
    with writing(database) as session:
        session.execute(text("CREATE TABLE note (number BIGINT PRIMARY KEY)"))
    yield Together(database, patience_seconds=0.2)
    database.dispose()


def note(together: Together, number: int) -> None:
    with together.writing() as session:
        session.execute(text("INSERT INTO note VALUES (:number)"), {"number": number})


def noted(database: Engine) -> list[int]:
    """What a connection of its own sees: what is committed, and nothing else."""
    with writing(database) as session:
        return list(session.execute(text("SELECT number FROM note ORDER BY number")).scalars())


def at_once(together: Together, numbers: list[int]) -> list[BaseException | None]:
    """Note all numbers while the first writer holds the others up; gives each one's error."""
    ready = Barrier(len(numbers))

    def write(number: int) -> None:
        ready.wait()
        note(together, number)

    with ThreadPoolExecutor(len(numbers)) as pool:
        return [each.exception() for each in [pool.submit(write, number) for number in numbers]]


def test_what_was_left_is_committed(together: Together) -> None:
    note(together, 1)
    assert noted(together.database) == [1]


def test_many_writers_all_have_theirs_committed_when_they_go_on(together: Together) -> None:
    def write(number: int) -> bool:
        note(together, number)
        return number in noted(together.database)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(write, range(WRITERS)))


def test_an_error_undoes_its_own_work_only(together: Together) -> None:
    errors = at_once(together, [0, *range(WRITERS), 5])
    assert [type(error) for error in errors if error] == [IntegrityError, IntegrityError]
    assert noted(together.database) == list(range(WRITERS))


def test_those_who_come_while_one_is_writing_are_committed_with_it(on_sqlite: Together) -> None:
    commits = []
    event.listen(on_sqlite.database, "commit", lambda _: commits.append(1))
    with ThreadPoolExecutor(WRITERS) as pool:
        with on_sqlite.writing() as session:
            session.execute(text("INSERT INTO note VALUES (-1)"))
            others = [pool.submit(note, on_sqlite, number) for number in range(WRITERS)]
            while on_sqlite.coming < 1 + WRITERS:
                Event().wait(0.005)
        assert all(other.exception() is None for other in others)
    assert len(commits) == 1
    assert noted(on_sqlite.database) == [-1, *range(WRITERS)]


def test_nobody_goes_on_when_the_common_commit_fails(on_sqlite: Together) -> None:
    def fail(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(on_sqlite.database, "commit", fail)
    errors = at_once(on_sqlite, list(range(WRITERS)))
    assert {type(error) for error in errors} == {StorageError}
    event.remove(on_sqlite.database, "commit", fail)
    assert noted(on_sqlite.database) == []
    note(on_sqlite, 1)
    assert noted(on_sqlite.database) == [1]


def test_a_transaction_that_sqlite_undid_by_itself_is_nobodys(on_sqlite: Together) -> None:
    with pytest.raises((StorageError, OperationalError)), on_sqlite.writing() as session:
        session.execute(text("INSERT INTO note VALUES (1)"))
        session.connection().exec_driver_sql("ROLLBACK")
    assert noted(on_sqlite.database) == []
    note(on_sqlite, 2)
    assert noted(on_sqlite.database) == [2]


def test_while_another_process_holds_the_database_all_are_told_soon_and_it_goes_on_afterwards(on_sqlite: Together) -> None:
    with closing(sqlite3.connect(str(on_sqlite.database.url.database))) as other:
        other.execute("BEGIN IMMEDIATE")
        errors = at_once(on_sqlite, list(range(WRITERS)))
    assert {type(error) for error in errors} == {StorageError}
    note(on_sqlite, 1)
    assert noted(on_sqlite.database) == [1]


def test_a_full_disk_is_told_and_what_was_stored_before_stays(on_sqlite: Together) -> None:
    note(on_sqlite, 1)
    with on_sqlite.database.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    event.listen(on_sqlite.database, "checkout", lambda driver, *_: driver.execute(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(OperationalError, match="full"), on_sqlite.writing() as session:
        session.execute(text("CREATE TABLE large (text TEXT)"))
        session.execute(text("INSERT INTO large VALUES (:text)"), {"text": "x" * 100_000})
    assert noted(on_sqlite.database) == [1]
    note(on_sqlite, 2)
    assert noted(on_sqlite.database) == [1, 2]


def test_those_whose_work_went_down_with_anothers_are_told(on_sqlite: Together) -> None:
    with writing(on_sqlite.database) as session:
        session.execute(text("CREATE TABLE large (text TEXT)"))
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
    event.listen(on_sqlite.database, "checkout", lambda driver, *_: driver.execute(f"PRAGMA max_page_count = {pages}"))

    def write_too_much() -> None:
        with on_sqlite.writing() as session:  # a full disk undoes the whole transaction, not only this statement
            session.execute(text("INSERT INTO large VALUES (:text)"), {"text": "x" * 100_000})

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(StorageError, match="Nothing of it is kept"), on_sqlite.writing() as session:
            session.execute(text("INSERT INTO note VALUES (1)"))
            other = pool.submit(write_too_much)
            while on_sqlite.coming < 2:
                Event().wait(0.005)
        assert isinstance(other.exception(), OperationalError)
    assert noted(on_sqlite.database) == []


def test_an_answer_waits_for_the_disk(tmp_path: Path) -> None:
    for lasting, level in ((True, 2), (False, 1)):
        database = open_database(f"sqlite:///{tmp_path / 'test.db'}", outlives_power_cuts=lasting)
        with writing(database) as session:
            assert session.execute(text("PRAGMA synchronous")).scalar_one() == level
        database.dispose()
