"""Lines that wait to be worked on, in a file too, so that a server that is killed loses none of them.

A line is written before the visitor is answered, and not synced: a kill -9 takes nothing of what was written, a power cut may take the
last moments. Each process has a file of its own, locked as long as it lives, and takes over at its start what the dead have left.
"""

import os
from collections.abc import Iterable
from errno import ENOSPC
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from store.disk import abandoned, open_locked

SUFFIX = ".waiting"
LARGEST = 4_000_000  # bytes, then what is done with is left out as soon as it is half of the file


class Spool:
    """What waits, of one process. For one thread at a time. Raises OSError where the folder cannot be written to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._count = folder, 0
        self._path, self._file = self._new()

    def taken_over(self) -> list[str]:
        """The lines that others left when they died; from now on they wait here."""
        lines = []
        for path, content in abandoned(self._folder, f"*{SUFFIX}"):
            # What stands behind the last end of a line was being written when the process died.
            left = content[: content.rfind(b"\n") + 1]
            _write(self._file, left)
            lines += left.decode(errors="replace").splitlines()  # after a power cut anything may stand there
            path.unlink()
        self._count += len(lines)
        return lines

    def add(self, line: str) -> None:
        """One more waits."""
        _write(self._file, f"{line}\n".encode())
        self._count += 1

    def keep(self, count: int, lines: Iterable[str]) -> None:
        """Only these, so many, still wait; others may stay in the file for a while, so that work must bear being done twice.

        The lines are gone through only where the file is written anew: when much waits, that is not to be done after each piece of work.
        """
        if not count:
            os.ftruncate(self._file.fileno(), 0)
            self._count = 0
        elif 2 * count <= self._count and os.fstat(self._file.fileno()).st_size > LARGEST:
            self._begin_anew(lines)
            self._count = count

    def close(self, *, is_done: bool) -> None:
        """Let go; what still waits is left for the next process."""
        if is_done:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _begin_anew(self, lines: Iterable[str]) -> None:
        path, file = self._new()
        try:
            _write(file, "".join(f"{line}\n" for line in lines).encode())
        except OSError:
            path.unlink()
            file.close()
            raise
        self._path.unlink()
        self._file.close()
        self._path, self._file = path, file

    def _new(self) -> tuple[Path, BinaryIO]:
        path = self._folder / f"{uuid4().hex}{SUFFIX}"
        return path, open_locked(path)


def _write(file: BinaryIO, content: bytes) -> None:
    # A disk that fills up takes what fits and calls it done; only the next write would be refused.
    if file.write(content) < len(content):
        raise OSError(ENOSPC, os.strerror(ENOSPC))
