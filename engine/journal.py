"""The wire journal: what a dispatching process was about to send, on disk before it is sent.

A line is written (not fsynced) before a message can become irrevocable, and another with its receipt. What was written
survives a kill -9 of the process. The owner holds a lock on the file as long as it lives, so that another process can tell
a dead owner from a slow one. After a power cut the last lines may be missing, so each file begins with the boot that it was
written under: of one from an earlier boot, everything that was being sent is *unknown*.
docs/decisions/0003-wire-journal.md.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from channels.contract import MessageKey, Outcome, Receipt
from store.disk import abandoned, open_locked

BOOT = Path("/proc/sys/kernel/random/boot_id")
FOLDER = "wire"
SUFFIX = ".journal"


class Journal:
    """The Wire of one dispatching process: a file of its own, emptied after each batch that has been recorded."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._head = f"B {_boot()}\n".encode()
        self._file.write(self._head)
        self.path = path
        self.started: set[MessageKey] = set()
        self.receipts: list[Receipt] = []

    @classmethod
    def open(cls, state: Path, claim: str) -> Self:
        """The journal of `claim`, locked for as long as this process lives. No other process may have this claim."""
        folder = state / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (claim + SUFFIX)
        return cls(open_locked(path), path)

    def start(self, keys: Iterable[MessageKey]) -> None:
        """Write that these may be sent from now on."""
        keys = list(keys)
        self.started.update(keys)
        self._file.write("".join(f"S {key}\n" for key in keys).encode())

    def done(self, receipt: Receipt) -> None:
        """Write and keep a message's answer."""
        self.receipts.append(receipt)
        self._file.write(f"R {_written(receipt)}\n".encode())

    def recorded(self) -> None:
        """Forget the batch: its receipts are in the database."""
        self.started.clear()
        self.receipts.clear()
        os.ftruncate(self._file.fileno(), len(self._head))

    def close(self) -> None:
        """Let go of the file and remove it. Only after `recorded`: what is not recorded is for the next process to find."""
        self.path.unlink(missing_ok=True)
        self._file.close()


@dataclass(frozen=True, slots=True)
class Remains:
    """What a dead process left on the wire. `whole`: no line can have been lost, because the machine has not been down since."""

    claim: str
    path: Path
    whole: bool = True
    started: frozenset[MessageKey] = frozenset()
    receipts: tuple[Receipt, ...] = field(default=())


def orphans(state: Path) -> Iterator[Remains]:
    """The journals whose owners are dead. Each is locked until the next is asked for, so that one process deals with it."""
    for path, content in abandoned(state / FOLDER, f"*{SUFFIX}"):
        yield _remains(path, content)


def _remains(path: Path, content: bytes) -> Remains:
    started, receipts, whole = set(), [], False
    # A line without its end was being written when the process died: what it announces had not begun.
    for line in content[: content.rfind(b"\n") + 1].decode().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "B":
            whole = rest == _boot()
        elif kind == "S":
            started.add(MessageKey(rest))
        else:
            receipts.append(_read(rest))
    return Remains(path.name.removesuffix(SUFFIX), path, whole, frozenset(started), tuple(receipts))


def _boot() -> str:
    """The name of this run of the machine, from the kernel."""
    return BOOT.read_text().strip()


def _written(receipt: Receipt) -> str:
    values = (receipt.key, receipt.outcome.value, receipt.code, receipt.detail, receipt.provider_id, receipt.retry_after_seconds)
    return json.dumps([*values, receipt.bad_address])


def _read(line: str) -> Receipt:
    key, outcome, code, detail, provider_id, retry_after, bad_address = json.loads(line)
    return Receipt(MessageKey(key), Outcome(outcome), code, detail, provider_id, retry_after, bad_address)
