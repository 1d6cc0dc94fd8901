"""The commands that a user would type, run in this process so that each does not start Python and Prefect again."""

import io
import os
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import datetime
from pathlib import Path
from shlex import quote

from contactflow.commands import app
from contactflow.guard import exit_code
from contactflow.present import NOW
from demo.public import HERE


class CommandFailedError(Exception):
    """A command of the demo did not succeed."""


class Terminal:
    """A shell whose folder is a workspace. `told` hears commands and their output when they are shown."""

    def __init__(self, root: Path, told: Callable[[str], None]) -> None:
        self.root = root
        self._told = told

    def at(self, moment: datetime) -> None:
        """From now on it is this moment."""
        os.environ[NOW] = f"{moment.astimezone(HERE):%Y-%m-%d %H:%M}"

    def run(self, *words: str) -> str:
        """Run a contactflow command and give its output. Raises CommandFailedError when it does not succeed."""
        output = io.StringIO()
        with chdir(self.root), redirect_stdout(output), redirect_stderr(output):
            code = exit_code(lambda: app(list(words)))
        if code:
            raise CommandFailedError(f"$ contactflow {' '.join(map(quote, words))}\n{output.getvalue()}\nexit code {code}")
        return output.getvalue().rstrip()

    def show(self, *words: str, most: int = 12) -> str:
        """Run a command for everybody to see; gives its output."""
        output = self.run(*words)
        self._told(f"  $ contactflow {' '.join(map(quote, words))}")
        lines = output.splitlines() if most else []
        for line in lines[:most]:
            self._told(f"    {line}")
        if len(lines) > most:
            self._told(f"    ... {len(lines) - most} more lines")
        return output
