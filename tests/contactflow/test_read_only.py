"""Pages whose files can not be written to, and whose disk is full: in a file system of the test's own, which the kernel makes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from contactflow.migrations import bring_up_to_date
from contactflow.pages_role import role_sql
from customers.tables import Contact
from store.clock import FixedClock
from store.session import open_database, reading, writing
from tests.contactflow.conftest import make_workspace
from tests.contactflow.test_pages_role import as_role, run
from tests.contactflow.test_serve import free_port, wait_for
from tests.landing.landing_pages import CHOICE, CODE, KEY, NOON, PAGE, add_people

UNSHARE = ("unshare", "--mount") if os.getuid() == 0 else ("unshare", "--mount", "--map-root-user")
# Everything is read-only, but for a small disk of the database's own where one is named; then the pages are served.
ENTER = """set -e
if [ -n "$DISK" ]; then mount -t tmpfs -o size=2m none "$DISK"; cp "$DISK".seed/* "$DISK"; fi
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -o remount,bind,ro /
if touch "$ROOT/x" 2>/dev/null; then echo 'it can be written to' >&2; exit 1; fi
exec "$@"
"""
MAY_MOUNT = shutil.which("unshare") and subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0
pytestmark = pytest.mark.skipif(not MAY_MOUNT, reason="this machine lets nobody mount file systems of their own")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose campaign has a page with a form."""
    root = make_workspace(tmp_path / "shop")
    (root / "templates/winback").mkdir()
    (root / "templates/winback/page.yaml").write_text(PAGE)
    return root


@contextmanager
def serving(root: Path, url: str, disk: Path | None = None) -> Iterator[tuple[httpx.Client, Path]]:
    """`contactflow serve --pages-only` in such a file system; gives a browser, and where that file system is reached."""
    port = free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = outside | {
        "CONTACTFLOW_DATABASE_URL": url, "CONTACTFLOW_SECRET_KEY": KEY.decode(), "CONTACTFLOW_NOW": f"{NOON:%Y-%m-%d %H:%M}",
        "ROOT": str(root), "DISK": str(disk or ""),
    }  # fmt: skip
    serve = [sys.executable, "-m", "contactflow.cli", "serve", "--pages-only", "--port", str(port), "-w", str(root)]
    command = [*UNSHARE, "sh", "-c", ENTER, "sh", *serve]
    with (
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser,
    ):
        try:
            wait_for(lambda: server.poll() is not None or is_there(browser), "the pages")
            assert server.poll() is None, server.communicate()
            yield browser, Path(f"/proc/{server.pid}/root")
        finally:
            server.terminate()
            _, said = server.communicate(timeout=60)
    assert "Traceback" not in said
    assert CODE not in said


def is_there(browser: httpx.Client) -> bool:
    try:
        return browser.get("/").status_code == 200
    except httpx.TransportError:
        return False


def page_of(browser: httpx.Client) -> httpx.Response:
    """The page behind the code of a letter."""
    return browser.post("/c", data={"code": CODE})


def filled(url: str, clock: FixedClock) -> Engine:
    database = open_database(url)
    bring_up_to_date(database)
    with writing(database) as session:
        add_people(session, clock)
    return database


def test_pages_over_postgresql_need_no_file_that_can_be_written_to(root: Path, postgres: str, clock: FixedClock) -> None:
    name, role = f"t{uuid4().hex[:16]}", f"pages_{uuid4().hex[:8]}"
    owner = open_database(postgres + "postgres")
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    database = filled(postgres + name, clock)
    run(database, role_sql(role, []))
    with serving(root, as_role(postgres + name, role)) as (browser, _):
        shown = page_of(browser)
        assert shown.status_code == 200
        assert browser.post(shown.url.path, data=CHOICE).url.path.endswith("/thanks")
    assert kinds(database) == ["visited", "answered"]
    run(database, f"DROP OWNED BY {role}; DROP ROLE {role};")
    database.dispose()
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    owner.dispose()


def test_pages_over_sqlite_need_its_folder_only_and_say_when_its_disk_is_full(root: Path, tmp_path: Path, clock: FixedClock) -> None:
    disk, seed = tmp_path / "disk", tmp_path / "disk.seed"
    disk.mkdir()
    seed.mkdir()
    filled(f"sqlite:///{seed / 'pages.db'}", clock).dispose()
    with serving(root, f"sqlite:///{disk / 'pages.db'}", disk) as (browser, there):
        path = page_of(browser).url.path
        filler = fill(there / str(disk).lstrip("/"))
        answer = browser.post(path, data=CHOICE | {"remark": "x" * 2_000})
        assert (answer.status_code, "nothing has been stored" in answer.text, "retry-after" in answer.headers) == (503, True, True)
        filler.unlink()
        assert browser.post(path, data=CHOICE | {"remark": "x" * 2_000}).url.path.endswith("/thanks")
        for file in (there / str(disk).lstrip("/")).glob("pages.db*"):  # as after a kill
            shutil.copy(file, seed / file.name)
    database = open_database(f"sqlite:///{seed / 'pages.db'}")
    assert kinds(database) == ["visited", "answered"]
    database.dispose()


def fill(folder: Path) -> Path:
    """Take all that is left of a disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4_096)
        except OSError:
            return filler


def kinds(database: Engine) -> list[str]:
    with reading(database) as session:
        return list(session.exec(select(Contact.kind).order_by(col(Contact.id))))
