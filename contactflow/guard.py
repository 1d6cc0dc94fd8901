"""From errors to words and exit codes, and the check that our packages are ours."""

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from store.errors import ContactflowError

INPUT_AT_FAULT = 1
INTERRUPTED = 130
STOPPED = "Stopped. Nothing is lost: run it again to go on."


def exit_code(command: Callable[[], object]) -> int:
    """Run a command and give its exit code; whatever the user did wrong is told in words."""
    try:
        command()
    except SystemExit as end:
        if end.code == INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            return _told(STOPPED, INTERRUPTED)
        return end.code if isinstance(end.code, int) else INPUT_AT_FAULT if end.code else 0
    except KeyboardInterrupt:
        return _told(STOPPED, INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); python must not complain about it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # noqa: BLE001  # the outermost loop: nobody is shown a traceback
        return _told(_words(error) or _defect(error))
    return 0


def _words(error: Exception) -> str | None:
    """What an error says to the user; None for one that is a defect of ours."""
    if isinstance(error, ContactflowError):
        return str(error)
    return _system_words(error) if isinstance(error, OSError) else _database_words(error)


def _defect(error: Exception) -> str:
    """A defect of ours: the user is told where its details are, and the terminal is spared them."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="contactflow-defect-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    kind = type(error).__name__
    return f"Something is wrong inside contactflow ({kind}); not your doing. Give {file.name} to whoever looks after contactflow here."


def own_packages() -> None:
    """Stop when `channels` is Django Channels' and not ours: the two cannot live in one environment."""
    spec = importlib.util.find_spec("channels")
    if spec is None or spec.origin is None or Path(spec.origin).parent.parent != Path(__file__).resolve().parent.parent:
        where = spec.origin if spec else "nowhere"
        sys.exit(f"The package 'channels' found here is not contactflow's ({where}). Install contactflow in an environment of its own.")


def _told(text: str, code: int = INPUT_AT_FAULT) -> int:
    print(text, file=sys.stderr)  # noqa: T201  # the command line speaks
    return code


def _system_words(error: OSError) -> str:
    what = error.strerror or error.__class__.__name__
    return f"{error.filename}: {what}." if error.filename else f"{what}."


def _database_words(error: Exception) -> str | None:
    """What a database's complaint means to its user; None when it is not one that they can act on."""
    if error.__class__.__module__.partition(".")[0] != "sqlalchemy":
        return None
    cause = str(getattr(error, "orig", error)).splitlines()[0]
    if "disk" in cause or "full" in cause:
        return f"The disk is full, or the database cannot be written: {cause}. Make room and run it again; nothing is lost."
    if "readonly" in cause or "unable to open" in cause or "not a database" in cause or "connection" in cause:
        return f"The database cannot be opened: {cause}. Look at [database] url in contactflow.toml."
    return None
