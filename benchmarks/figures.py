"""How figures are told: a line for people with the reference beside it, and one for machines."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, create_engine, text

from store.session import open_database


@dataclass(frozen=True)
class Figure:
    """What was measured, and against what; `goal` is the largest ratio (or, without a reference, value) that is good."""

    benchmark: str
    what: str
    value: float
    unit: str
    reference: float | None = None
    reference_is: str = ""
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the reference."""
        return None if self.reference is None else self.value / self.reference

    def show(self) -> None:
        """Print it."""
        measured = self.value if self.ratio is None else self.ratio
        beside = "" if self.ratio is None else f"  {self.ratio:6.3f} x {self.reference_is} ({self.reference:,.2f} {self.unit})"
        verdict = "" if self.goal is None else f"  goal <= {self.goal:g}: {'met' if measured <= self.goal else 'MISSED'}"
        print(f"{self.what:44}{self.value:12,.2f} {self.unit}{beside}{verdict}")
        print(json.dumps({**asdict(self), "ratio": self.ratio}), flush=True)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def database_of(kind: str, *, lasting: bool = False) -> Iterator[tuple[Path, Engine]]:
    """An empty folder and an empty database, `sqlite` or `postgresql`: a server of its own on this machine.

    With `lasting` PostgreSQL waits for the disk.
    """
    with TemporaryDirectory() as folder:
        root = Path(folder)
        if kind == "sqlite":
            database = open_database(f"sqlite:///{root}/contactflow.db")
            yield root, database
            database.dispose()
        else:
            with _server(lasting=lasting) as address:
                database = open_database(address)
                yield root, database
                database.dispose()


@contextmanager
def _server(*, lasting: bool) -> Iterator[str]:
    from tests.conftest import _Server  # noqa: PLC0415 - the tests' own way to a server, only when one is asked for

    with TemporaryDirectory(prefix="contactflow-", ignore_cleanup_errors=True) as folder:
        server = _Server(Path(folder), lasting=lasting)
        server.start()
        admin = create_engine(server.address + "postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE benchmark"))
        admin.dispose()
        try:
            yield server.address.replace("+psycopg", "") + "benchmark"
        finally:
            server.stop()
