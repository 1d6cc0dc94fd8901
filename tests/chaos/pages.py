# ruff: noqa: T201 - a program of its own, that says which child is at it
"""Landing pages that are served again as soon as they were killed; a process of its own.

python -m tests.chaos.pages DATABASE PORT TEMPLATES WAITING

It listens, and forks a child that answers: after a kill the next one is there at once. Prints the number of each child.
Ends when its input is closed.
"""

import os
import select
import socket
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from landing.app import landing_app, landing_server
from landing.responses import PATIENCE_SECONDS
from landing.settings import LandingSettings
from store.clock import SystemClock
from store.session import open_database

KEY = b"a key for nothing but kills"


def main(address: str, port: int, templates: Path, waiting: Path) -> None:
    """Keep a child at it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(100)
        while True:
            child = os.fork()
            if not child:
                serve(listener, address, templates, waiting)
                return
            print(child, flush=True)
            os.waitpid(child, 0)
            if select.select([sys.stdin], [], [], 0)[0]:
                return


def serve(listener: socket.socket, address: str, templates: Path, waiting: Path) -> None:
    """The pages as `contactflow serve` opens them, but for the rates of forms: all come from one network here."""
    most = sys.maxsize
    settings = LandingSettings(
        "http://pages.test", templates, (KEY,), ZoneInfo("UTC"), forms_a_link=most, forms_a_network=most, waiting=waiting
    )
    database = open_database(address, PATIENCE_SECONDS, outlives_power_cuts=True)
    app = landing_app(database, settings, SystemClock(), lambda _: None)
    landing_server(app, "127.0.0.1", 0).run([listener])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
