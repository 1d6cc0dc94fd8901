"""Where mail that came back waits: a Maildir, so that what was answered for is on the disk before anything is made of it.

``new`` holds what is still to be taken in, ``cur`` what was. Any mail program can read it, and any mail server can deliver into it.
"""

import mailbox
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from store.disk import sync_folder
from store.errors import StorageError

FOLDER = "returned"  # in the workspace
MOST_READ = 16_000_000  # bytes of one mail
_UNFIT = re.compile(r"[\x00-\x1f\x7f<>]")


class Mailroom:
    """The Maildir at `folder`; made with the first mail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # mailbox.Maildir names its files by a count that threads would share
        self._maildir: mailbox.Maildir | None = None

    def deposit(self, raw: bytes, recipient: str = "", sender: str | None = None) -> None:
        """Keep a mail. When this returns, a kill -9 or a power cut does not lose it. Raises StorageError when it cannot.

        The envelope's addresses, where they are known, are put before the mail as mail servers do.
        """
        returns_to = "" if sender is None else f"Return-Path: <{_UNFIT.sub('', sender)}>\r\n"
        delivered = f"Delivered-To: {_UNFIT.sub('', recipient)}\r\n" if recipient else ""
        try:
            with self._lock:
                self._opened().add((returns_to + delivered).encode("utf-8", "replace") + raw)
                sync_folder(self._folder / "new")
        except (OSError, mailbox.Error) as error:
            raise StorageError(f"Mail cannot be written to {self._folder} ({type(error).__name__}). Make room, or give leave.") from error

    def waiting(self) -> list[str]:
        """The names of the mails that are to be taken in, about in the order in which they came."""
        with suppress(FileNotFoundError):
            return sorted(each.name for each in os.scandir(self._folder / "new") if each.is_file() and not each.name.startswith("."))
        return []

    def read(self, name: str) -> bytes | None:
        """A mail that waits; None when another process put it away in the meantime, nothing when the disk does not give it."""
        try:
            with (self._folder / "new" / name).open("rb") as file:
                return file.read(MOST_READ)
        except FileNotFoundError:
            return None
        except OSError:
            return b""

    def put_away(self, name: str, *, for_a_person: bool = False) -> None:
        """Mark a mail as seen, and flag it when a person should look at it. One that another process put away already is left alone."""
        flags = "FS" if for_a_person else "S"
        with suppress(FileNotFoundError):
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name.partition(':')[0]}:2,{flags}")

    def _opened(self) -> mailbox.Maildir:
        if self._maildir is None or not self._folder.exists():
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._maildir = mailbox.Maildir(self._folder, create=True)
        return self._maildir
