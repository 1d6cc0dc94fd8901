"""Making a workspace from the one that ships."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from store.errors import InputError

STARTER = Path(__file__).parent / "starter"
ENV = ".env"
KEEP = "# Signs personal links. Keep it secret, and keep it: without it, links that were sent stop working."


def make_workspace(folder: Path) -> list[Path]:
    """Copy the starter into `folder` with a secret key of its own; gives the new files.

    Nothing that is there is touched: whoever runs it again gets what is missing. Raises InputError for a file in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Name a folder, or one that is not there yet.")
    folder.mkdir(parents=True, exist_ok=True)
    made = list(_copy(folder))
    if write_key(folder):
        made.append(folder / ENV)
    return made


def write_key(folder: Path) -> bool:
    """Write a secret key of its own into `.env`, for the owner's eyes only, unless there is an `.env`; whether it did."""
    env = folder / ENV
    if env.exists():
        return False
    env.touch(mode=0o600)
    env.write_text(f"{KEEP}\nCONTACTFLOW_SECRET_KEY={secrets.token_urlsafe(32)}\n", encoding="utf-8")
    return True


def _copy(folder: Path) -> Iterator[Path]:
    for source in sorted(path for path in STARTER.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        target = folder / source.relative_to(STARTER)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            yield target
