"""A phone in a folder: every text that was sent is a line of sandbox/sms.jsonl."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

from channels.contract import MessageKey, Outcome, Receipt, Wire
from channels.sms.transport import Sms
from store.errors import DeliveryError


class SandboxPhone:
    """Takes every text, writes it down for good, and never takes the same key twice: sending a batch again adds nothing.

    Safe for several processes at once, and for a process that dies while it writes: half a line is cut off by the next one.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "sms.jsonl"
        self._known: set[MessageKey] = set()
        self._read_to = 0

    def send(self, batch: Sequence[Sms], wire: Wire) -> Iterator[Receipt]:
        if not batch:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            file = self.file.open("a+b", buffering=0)
        except OSError as error:
            raise self._cannot_write(error) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._catch_up(file)
            wire.start([sms.key for sms in batch])
            receipts = self._write(file, batch)
        for receipt in receipts:
            wire.done(receipt)
            yield receipt

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, file: FileIO, batch: Sequence[Sms]) -> list[Receipt]:
        new = {sms.key: sms for sms in batch if sms.key not in self._known}
        try:
            _write_all(file, b"".join(_line(sms) for sms in new.values()))
            os.fsync(file.fileno())
        except OSError as error:
            return self._take_back(file, batch, error)
        self._known.update(new)
        self._read_to = file.seek(0, os.SEEK_END)
        return [Receipt(sms.key, Outcome.ACCEPTED, code="sandbox", provider_id=f"sandbox:{sms.key}") for sms in batch]

    def _take_back(self, file: FileIO, batch: Sequence[Sms], error: OSError) -> list[Receipt]:
        """Nobody has seen the texts of a batch that could not be written whole."""
        os.ftruncate(file.fileno(), self._read_to)
        detail = f"the sandbox phone could not write ({error.strerror})"
        return [
            Receipt(sms.key, Outcome.ACCEPTED if sms.key in self._known else Outcome.TEMPORARY, code="sandbox", detail=detail)
            for sms in batch
        ]

    def _catch_up(self, file: FileIO) -> None:
        """Learn what other processes have written since, and cut off what one of them could not finish."""
        end = file.seek(0, os.SEEK_END)
        if end < self._read_to:  # somebody emptied the sandbox
            self._known, self._read_to = set(), 0
        file.seek(self._read_to)
        for line in file.readall().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                os.ftruncate(file.fileno(), self._read_to)
                break
            self._known.add(json.loads(line)["key"])
            self._read_to += len(line)

    def _cannot_write(self, error: OSError) -> DeliveryError:
        return DeliveryError(
            f"The sandbox phone cannot write {self.file.name} in {self.file.parent}: {error.strerror}.\n"
            "    Make room, or give yourself the right to write there."
        )


def _write_all(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _line(sms: Sms) -> bytes:
    row = {"key": sms.key, "to": sms.to, "text": sms.text, "segments": sms.segments}
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
