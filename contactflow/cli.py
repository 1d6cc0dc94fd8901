"""The command line. Commands import what they need when they run, so that `check` starts in a blink."""

import gc
import os
import sys


def main() -> None:
    """Run the command line; the only place where an error becomes an exit code.

    0: done. 1: the input is at fault (the text says where and what to do). 2: the command was typed wrongly.
    """
    _start_lightly()
    from contactflow import guard
    from contactflow.commands import app

    guard.own_packages()
    sys.exit(guard.exit_code(app))


def _start_lightly() -> None:
    """Spare every command a seventh of its start: what is imported stays, and pydantic has no plugins to look for among the packages."""
    gc.set_threshold(50_000, 10, 10)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


if __name__ == "__main__":
    main()
