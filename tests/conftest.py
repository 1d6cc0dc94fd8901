"""Fixtures that every part shares: a moment, and a database of each kind with all tables made."""

import gc
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, Engine, create_engine, inspect, text
from sqlalchemy.util import LRUCache
from sqlmodel import SQLModel

import customers.tables
import engine.tables
import landing.tables
from store.clock import FixedClock
from store.session import open_database

assert customers.tables
assert engine.tables
assert landing.tables
# Dutch rules, so that a comparison of text that leans on the server's own order shows itself.
LOCALE = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=nl-NL")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday


def pytest_collection_finish() -> None:
    """Leave out of every look for garbage what stays to the end: all modules and five thousand tests, a twelfth of the tests' time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the test session, without its database's name."""
    given = os.environ.get("CONTACTFLOW_TEST_POSTGRES")
    if given:
        yield given
        return
    # Not in pytest's own folders: the next pytest of the same user closes those to PostgreSQL's user.
    server = _Server(Path(tempfile.mkdtemp(prefix="contactflow-", dir=_in_memory())))
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _admin(postgres: str) -> Iterator[Engine]:
    """For making and dropping databases on the server of this test session."""
    admin = create_engine(postgres + "postgres", isolation_level="AUTOCOMMIT")
    yield admin
    admin.dispose()


@pytest.fixture(scope="session")
def _made_on_postgres(postgres: str, _admin: Engine) -> Iterator[str]:
    """The name of a database with all tables, to be copied: making them takes five times as long."""
    with _database(_admin) as name:
        _make_tables(postgres.replace("+psycopg", "") + name)
        yield name


@pytest.fixture(scope="session")
def _made_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("made") / "made.db"
    _make_tables(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind: empty, but for whoever asks for `database` as well."""
    is_made = "database" in request.fixturenames
    if request.param == "sqlite":
        if is_made:
            shutil.copyfile(request.getfixturevalue("_made_on_sqlite"), tmp_path / "test.db")
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: str = request.getfixturevalue("postgres")
    with _database(request.getfixturevalue("_admin"), request.getfixturevalue("_made_on_postgres") if is_made else "template1") as name:
        yield server.replace("+psycopg", "") + name


@pytest.fixture
def database(database_url: str, _compiled: "_Compiled") -> Iterator[Engine]:
    """A database of each kind, with all tables made."""
    engine = open_database(database_url)
    _compiled.share(engine)
    if not inspect(engine).has_table("campaign"):  # in a test file that has a `database_url` of its own
        SQLModel.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def _compiled() -> "_Compiled":
    return _Compiled()


class _Compiled:
    """Statements as SQLAlchemy has compiled them, which by itself it keeps for one engine, and so for one test: a quarter of their time."""

    def __init__(self) -> None:
        self._dialects: dict[str, Dialect] = {}
        self._statements: dict[str, LRUCache[Any, Any]] = {}

    def share(self, engine: Engine) -> None:
        """Let an engine use what was compiled for others of its kind."""
        name = engine.dialect.name
        with engine.connect():  # by which its dialect gets to know the database
            pass
        engine.dialect = self._dialects.setdefault(name, engine.dialect)  # a statement is kept together with the dialect that it is in
        engine.update_execution_options(compiled_cache=self._statements.setdefault(name, LRUCache(1_000)))


def _in_memory() -> Path | None:
    """A folder that is in memory, where there is room in it: to copy a database on a disk takes five times the processor's time."""
    folder = Path("/dev/shm")  # Linux' own
    roomy = folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > 4 << 30
    return folder if roomy else None


def _make_tables(url: str) -> None:
    engine = open_database(url)
    SQLModel.metadata.create_all(engine)
    engine.dispose()  # PostgreSQL copies no database that somebody is connected to


@contextmanager
def _database(admin: Engine, template: str = "template1") -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:16]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield name
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def prefect_address(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[str]:
    """A Prefect server of this test session's own: eight seconds of processor time each."""
    for what in ("<socket", "transport"):  # Prefect's threads let go of theirs when they like, and any later test would be blamed for it
        pytestconfig.addinivalue_line("filterwarnings", f"ignore:unclosed {what}:ResourceWarning")
    folder = tmp_path_factory.mktemp("prefect")
    command = [sys.executable, "-m", "tests.prefect_server", str(folder)]
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PREFECT_"))}
    with subprocess.Popen(command, env=outside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture
def prefect_server(prefect_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a Prefect server that a test shares with others, set for it, because how one is started is not its question."""
    assert prefect_address.startswith("http")
    monkeypatch.setenv("PREFECT_API_URL", prefect_address)
    return prefect_address


class _Server:
    """PostgreSQL in a folder of its own, reached over a Unix socket, without the network."""

    def __init__(self, folder: Path, *, lasting: bool = False) -> None:
        self._folder = folder
        self._pace = "on" if lasting else "off"  # whether it waits for the disk
        self._data = folder / "data"
        self._port = _free_port()
        self.address = f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/"

    def start(self) -> None:
        self._data.mkdir()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            for folder in (self._folder, self._data):
                os.chown(folder, owner.pw_uid, owner.pw_gid)
        self._as_owner("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", *LOCALE)
        options = f"-p {self._port} -k {self._folder} -c max_connections=200 -h 127.0.0.1"
        options += f" -c fsync={self._pace} -c synchronous_commit={self._pace} -c max_wal_size=256MB"
        self._as_owner("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._as_owner("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _as_owner(self, program: str, *arguments: str) -> None:
        command = [_postgres_program(program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, cwd="/")


def _postgres_program(name: str) -> str:
    found = shutil.which(name) or next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    if not found:
        pytest.exit(f"{name} of PostgreSQL was not found: the tests run on a real PostgreSQL. Debian: apt-get install postgresql", 3)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
