"""The command line. Commands import what they need when they run, so that `check` starts in a blink."""

import sys

from contactflow import guard
from contactflow.commands import app


def main() -> None:
    """Run the command line; the only place where an error becomes an exit code.

    0: done. 1: the input is at fault (the text says where and what to do). 2: the command was typed wrongly.
    """
    guard.own_packages()
    sys.exit(guard.exit_code(app))


if __name__ == "__main__":
    main()
