"""Making a workspace from the one that ships.

Its settings, its README and its customers lie in `starter`. Its flow and its wording are those of the source tree's own
workspace, so that there is one of each; the wheel carries a copy of them in `starter` (pyproject.toml, force-include).
"""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from store.errors import InputError

STARTER = Path(__file__).parent / "starter"
SHARED = (
    "flows/winback.yaml",
    "flows/newsletter.yaml",
    "flows/my-data.yaml",
    "templates/winback",
    "templates/newsletter",
    "templates/my-data",
    "templates/brand",
)  # pyproject.toml names the same
ENV = ".env"
KEEP = "# Signs personal links. Keep it secret, and keep it: without it, links that were sent stop working."


def make_workspace(folder: Path) -> list[Path]:
    """Copy the starter into `folder` with a secret key of its own; gives the new files.

    Nothing that is there is touched: whoever runs it again gets what is missing. Raises InputError for a file in the way.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Name a folder, or one that is not there yet.")
    folder.mkdir(parents=True, exist_ok=True)
    made = [target for source, target in _copies(folder) if _copied(source, target)]
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


def starter_files() -> dict[str, Path]:
    """Every file of a new workspace: its place in the workspace, and where it is copied from."""
    files = dict(_below(STARTER, STARTER))
    if not (STARTER / SHARED[0]).exists():  # a source tree
        root = STARTER.parent.parent
        for shared in SHARED:
            files |= dict(_below(root / shared, root))
    return dict(sorted(files.items()))


def _below(path: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(root).as_posix(), file


def _copies(folder: Path) -> Iterator[tuple[Path, Path]]:
    for place, source in starter_files().items():
        yield source, folder / place


def _copied(source: Path, target: Path) -> bool:
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return True
