"""Mails in files: one to a file (.eml), many in one (mbox), a Maildir, or a folder of files."""

import mailbox
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from channels.email.incoming.mailroom import MOST_READ
from store.errors import NotFoundError

_MBOX = b"From "


def mails_in(path: Path) -> Iterator[bytes]:
    """Every mail, as it came; one that the disk does not give is empty. Raises NotFoundError when there is nothing at `path`."""
    if path.is_dir():
        files = [each for part in ("cur", "new") for each in (path / part).iterdir()] if _is_maildir(path) else path.rglob("*")
        for file in sorted(files):
            if file.is_file() and not file.name.startswith("."):
                yield from _of_file(file)
    elif path.is_file():
        yield from _of_file(path)
    else:
        raise NotFoundError(f"There is no file or folder {path}. Name a mail (.eml), a file of many (mbox), a Maildir or a folder.")


def _is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() and (path / "new").is_dir()


def _of_file(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_READ)
    except OSError:
        yield b""
        return
    if not raw.startswith(_MBOX):
        yield raw
        return
    with closing(mailbox.mbox(file, create=False)) as box:
        for key in box.iterkeys():
            yield box.get_bytes(key)[:MOST_READ]
