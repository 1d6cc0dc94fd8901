"""What has to be on the disk before somebody is told that it is there, and files that belong to one process as long as it lives."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def sync_folder(folder: Path) -> None:
    """Put on the disk which files are in a folder, so that a new name survives a power cut. What is in a file is synced by itself."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def open_locked(path: Path) -> BinaryIO:
    """A file to add to, unbuffered and locked until it is closed or this process ends; no other process may have this name."""
    while True:
        file = path.open("ab", buffering=0)
        # Between the two lines somebody who looks for the dead may take the file for a dead one's: wait for them, and if they
        # have cleared it away, begin another.
        fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(file, path):
            return file
        file.close()


def abandoned(folder: Path, pattern: str) -> Iterator[tuple[Path, bytes]]:
    """The files whose owners are dead, with their content. Each is locked until the next is asked for: one process deals with it."""
    for path in sorted(folder.glob(pattern)):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue  # its owner ended well in between
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # alive
            if _is_at(file, path):  # else another process has dealt with it
                yield path, file.read()


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
