"""A print run: a folder for the mail house that is there whole, or not at all."""

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from channels.contract import BatchInfo, Message, MessageKey
from channels.merging import packed
from store.disk import sync_folder

COLUMNS = ("sequence", "key", "code", "pages", "postcode", "country", "sha256")


@dataclass(frozen=True, slots=True)
class Row:
    """A letter's line in manifest.csv. `sha256` is content_digest's."""

    sequence: int
    key: MessageKey
    code: str
    pages: int
    postcode: str
    country: str
    sha256: str


def content_digest(message: Message) -> str:
    """What was printed, as 64 hexadecimal digits: SHA-256 of the canonical JSON of the address and all parts.

    Composing the stored values again gives the same digest, which proves what a letter said.
    """
    return hashlib.sha256(packed({"address": message.address, "parts": dict(message.content.parts)})).hexdigest()


def manifest_file(rows: Sequence[Row]) -> bytes:
    """The bytes of manifest.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    return text.getvalue().encode()


def batch_file(batch: BatchInfo, rows: Sequence[Row], pdf: bytes) -> bytes:
    """The bytes of batch.json."""
    document = {
        "batch": batch.key,
        "campaign": batch.campaign,
        "version": batch.version,
        "node": batch.node,
        "title": batch.title,
        "at": batch.at.isoformat(),
        "letters": len(rows),
        "pages": sum(row.pages for row in rows),
        "sha256": hashlib.sha256(pdf).hexdigest(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def run_name(key: str) -> str:
    """A folder name that stands for a batch key: the key itself where a file system allows it."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", key).lstrip(".")[:80]
    return safe if safe == key else f"{safe}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def printed_in(folder: Path, name: str) -> dict[MessageKey, str]:
    """Where each letter of a batch was printed (run and sequence), from the manifests of its runs."""
    return {
        MessageKey(row["key"]): f"{run.name}#{row['sequence']}"
        for run in _runs(folder, name)
        for row in csv.DictReader(io.StringIO((run / "manifest.csv").read_text(encoding="utf-8")))
    }


def unfinished(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write a run's files beside its place, down to the disk. Half a run of an earlier try is cleared away."""
    place = folder / f".unfinished-{name}"
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.mkdir()
        for file_name, data in files.items():
            _write(place / file_name, data)
        sync_folder(place)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place


def publish(place: Path, folder: Path, name: str) -> Path:
    """Put a run where the mail house finds it: the one moment that cannot be taken back."""
    number = len(list(_runs(folder, name))) + 1
    target = folder / (name if number == 1 else f"{name}.{number}")
    place.rename(target)
    sync_folder(folder)
    return target


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """No other process of ours prints into this folder at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _runs(folder: Path, name: str) -> Iterator[Path]:
    """The runs of a batch: the first, and those for letters that came later under the same key."""
    run, number = folder / name, 1
    while run.is_dir():
        yield run
        number += 1
        run = folder / f"{name}.{number}"


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
