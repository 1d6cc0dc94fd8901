"""A Prefect server in the workspace, started on demand; or the one that PREFECT_API_URL names."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import ContactflowError

START_SECONDS = 120
ADDRESS = "PREFECT_API_URL"
POOL = "contactflow"  # the work pool whose workers carry out deployed campaigns
# Nothing leaves this machine, and nothing is shown that is not the campaign's.
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_UI_API_URL": "/api",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
}


class PrefectServerError(ContactflowError):
    """Prefect's server cannot be started or reached."""


@contextmanager
def prefect_at_hand(state: Path) -> Iterator[str]:
    """The address of a Prefect API, set in this process's environment while the block lasts.

    PREFECT_API_URL where it is set; otherwise the workspace's own server, which is started here unless another process
    has it running, and stopped at the end by whoever started it. Raises PrefectServerError.
    """
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    if ADDRESS in os.environ:
        yield os.environ[ADDRESS]
        return
    home = state / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(home))
    with _server(home) as address:
        os.environ[ADDRESS] = address
        try:
            yield address
        finally:
            del os.environ[ADDRESS]


@contextmanager
def _server(home: Path) -> Iterator[str]:
    with (home / "server.lock").open("w") as lock:  # one process starts it, the others wait and use it
        fcntl.flock(lock, fcntl.LOCK_EX)
        address = _running_address(home)
        process = None if address else _start(home)
        if process is not None:
            address = _wait_until_healthy(home, process)
    assert address is not None
    try:
        yield address
    finally:
        if process is not None:
            _stop(home, process)


def _running_address(home: Path) -> str | None:
    try:
        address: str = json.loads((home / "server.json").read_text())["address"]
    except (OSError, ValueError, KeyError):
        return None
    return address if _is_healthy(address) else None


def _start(home: Path) -> subprocess.Popen[bytes]:
    port = _free_port()
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_API_PORT": str(port)}
    environment.pop(ADDRESS, None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("ab") as output:
        # A session of its own: Ctrl-C stops our work first, and then the server.
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)  # noqa: S603  # no user's words in it
    (home / "server.json").write_text(json.dumps({"address": f"http://127.0.0.1:{port}/api", "pid": process.pid}))
    return process


def _wait_until_healthy(home: Path, process: subprocess.Popen[bytes]) -> str:
    address: str = json.loads((home / "server.json").read_text())["address"]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _is_healthy(address):
            return address
        time.sleep(0.1)
    _stop(home, process)
    raise PrefectServerError(f"Prefect's server did not start. Its last words are in {home / 'server.log'}.")


def _stop(home: Path, process: subprocess.Popen[bytes]) -> None:
    (home / "server.json").unlink(missing_ok=True)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310  # our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
