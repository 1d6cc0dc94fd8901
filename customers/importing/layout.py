"""How a file is laid out: its compression, its encoding and its delimiter, found before anything is written."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from store.errors import InputError, NotFoundError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_BLOCK_BYTES = 1 << 20
_SAMPLE_LETTERS = 1 << 16
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_IN_CP1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
# What people hand over instead of a CSV file, by its first bytes.
_NOT_CSV = {
    b"PK\x03\x04": "an Excel workbook or a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a SQLite database",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file. `notes` are sentences for the user about what was found."""

    path: Path
    encoding: str
    delimiter: str
    skip_lines: int = 0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scan:
    """What was counted in one pass over the bytes."""

    size: int = 0
    letters: int = 0  # beyond ASCII and well-formed UTF-8
    broken: int = 0  # not UTF-8
    undefined: int = 0  # bytes that cp1252 does not have
    nuls: int = 0


def layout_of(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Layout:
    """Find how `path` is laid out; what is given is not guessed.

    Raises NotFoundError when it is not there and InputError when it is empty, damaged, or no text at all.
    """
    first = _first_bytes(path)
    if encoding is None:
        encoding, notes = _encoding(path, first)
    else:
        notes = ()
    head = _head(path, encoding)
    if not head.strip("\ufeff \r\n\t"):
        raise InputError(f"{path} is empty. Export it again, with the column names in the first line.")
    line, _, rest = head.lstrip("\ufeff").partition("\n")
    if line.lower().startswith("sep=") and len(line.strip()) == 5:  # written by Excel, for Excel
        return Layout(path, encoding, line[4], 1, notes)
    return Layout(path, encoding, delimiter or _delimiter(line + "\n" + rest), 0, notes)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[IO[bytes], BinaryIO]]:
    """The file's bytes, unpacked, and the raw file below them, whose position tells the progress.

    Raises InputError when a packed file turns out to be damaged.
    """
    with path.open("rb") as raw, ExitStack() as stack:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            yield cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw), raw
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path} is damaged: it cannot be unpacked to its end. Copy or download it again.") from error


def _first_bytes(path: Path) -> bytes:
    if not path.exists():
        raise NotFoundError(f"There is no file {path}. Look at the name and the folder.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name one CSV file in it.")
    try:
        with open_bytes(path) as (file, _):
            first = file.read(16)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Ask who owns it for the right to read it.") from error
    kind = next((words for mark, words in _NOT_CSV.items() if first.startswith(mark)), None)
    if kind:
        raise InputError(f"{path} is {kind}, not a CSV file. Open it and save it as 'CSV UTF-8', then import that file.")
    return first


def _encoding(path: Path, first: bytes) -> tuple[str, tuple[str, ...]]:
    if first.startswith(_UTF16_MARKS):
        return "utf-16", ("The file is in UTF-16.",)
    scan = _scan(path)
    if scan.nuls * 5 > scan.size:
        raise InputError(
            f"{path} has a NUL byte at every other place. Save it as 'CSV UTF-8', or write `encoding: utf-16-le` in the mapping."
        )
    notes = (f"{scan.nuls} NUL bytes were left out.",) if scan.nuls else ()
    if not scan.broken:
        return "utf-8-sig", notes
    if scan.letters > scan.broken:
        return "utf-8-sig", (
            *notes,
            f"The file is in UTF-8 with {scan.broken} unreadable letters; the cells that they stand in are rejected.",
        )
    if scan.undefined:
        raise InputError(f"{path} is neither in UTF-8 nor in Windows-1252. Save it as 'CSV UTF-8', or write `encoding:` in the mapping.")
    return "cp1252", (*notes, "The file is not in UTF-8; it was read as Windows-1252. Look whether names with accents are right.")


def _scan(path: Path) -> _Scan:
    scan = _Scan()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with open_bytes(path) as (file, _):
        while block := file.read(_BLOCK_BYTES):
            scan.size += len(block)
            scan.nuls += block.count(0)
            _count_letters(scan, block, decoder.decode(block))
    scan.broken += len(decoder.decode(b"", final=True))
    return scan


def _count_letters(scan: _Scan, block: bytes, text: str) -> None:
    if block.isascii() and text.isascii():
        return
    broken = text.count("\ufffd")
    scan.broken += broken
    scan.letters += len(text) - len(text.encode("ascii", "ignore")) - broken
    scan.undefined += len(block) - len(block.translate(None, _NOT_IN_CP1252))


def _head(path: Path, encoding: str) -> str:
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    except LookupError as error:
        raise InputError(f"There is no encoding called {encoding!r}. Use utf-8, cp1252, iso-8859-15 or utf-16.") from error
    with open_bytes(path) as (file, _):
        return decoder.decode(file.read(_SAMPLE_LETTERS)).lstrip("\r\n")


def _delimiter(head: str) -> str:
    """The delimiter that occurs most in the first line, outside quotation marks; a comma if none does."""
    quoted = False
    counts = dict.fromkeys(DELIMITERS, 0)
    for letter in head:
        if letter == '"':
            quoted = not quoted
        elif letter in "\r\n" and not quoted:
            break
        elif letter in counts and not quoted:
            counts[letter] += 1
    return max(counts, key=lambda delimiter: counts[delimiter])
