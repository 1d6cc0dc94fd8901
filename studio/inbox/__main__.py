"""The inbox as a process of its own: ``python -m studio.inbox --db inbox.db --port 2525``."""

import argparse
import os
import signal
import sys
from pathlib import Path

from store.errors import ContactflowError
from studio.inbox.server import start_inbox


def main() -> int:
    """Take mail until SIGTERM or Ctrl-C; prints the port first."""
    parser = argparse.ArgumentParser(prog="python -m studio.inbox", description="Take mail on this machine, to be looked at.")
    parser.add_argument("--db", type=Path, required=True, help="the file that keeps the mails")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="a folder in which to announce the port")
    options = parser.parse_args()
    asked_to_stop = _listen_for_signals()
    try:
        inbox = start_inbox(options.db, options.port, options.state)
    except ContactflowError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own output
        return 1
    print(inbox.port, flush=True)  # noqa: T201 - for whoever started it
    os.read(asked_to_stop, 1)
    inbox.stop()
    return 0


def _listen_for_signals() -> int:
    """Where a byte can be read as soon as we are asked to stop, whichever thread gets the signal: NumPy has begun some with its import."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: None)
    return reading


if __name__ == "__main__":
    sys.exit(main())
