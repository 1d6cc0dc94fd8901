"""The inbox as a process of its own: ``python -m studio.inbox --db inbox.db --port 2525``."""

import argparse
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
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before the thread starts, so that it does not get them
    try:
        inbox = start_inbox(options.db, options.port, options.state)
    except ContactflowError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own output
        return 1
    print(inbox.port, flush=True)  # noqa: T201 - for whoever started it
    signal.sigwait(signals)
    inbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
