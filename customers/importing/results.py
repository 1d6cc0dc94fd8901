"""What an import is given, and what it tells afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from customers.conditions.vocabulary import AttributeKind
from customers.importing.layout import Layout
from customers.importing.plan import Use
from customers.importing.reader import BATCH_ROWS
from store.bulk import Ids


@dataclass(frozen=True, slots=True)
class House:
    """What an import needs to know of the workspace. Without a country, it is that of the time zone."""

    zone: ZoneInfo
    currency: str = "EUR"
    attributes: Mapping[str, AttributeKind] = field(default_factory=dict)
    purposes: tuple[str, ...] = ()
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported. `rejected` says where rejected rows go; otherwise they go beside the file.

    `rows_per_batch` is the size of a transaction.
    """

    subject: str
    file: Path
    mapping: Path | None = None
    rejected: Path | None = None
    rows_per_batch: int = BATCH_ROWS


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told during an import.

    `after_insert` runs in the transaction that wrote something about these customers (to wake those who wait for it);
    `progress` gets the share of the file that is done.
    """

    after_insert: Callable[[Session, Ids], object] = lambda _, __: None
    progress: Callable[[float], object] = lambda _: None


@dataclass(frozen=True, slots=True)
class Reason:
    """How often something was lost for one reason. `whole_rows`: the row itself was not taken over."""

    column: str
    reason: str
    times: int
    whole_rows: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file. read = new + changed + unchanged + repeated + skipped + erased + rejected.

    `skipped` rows are those that `only_when` leaves out; `repeated` ones have a key that came earlier in the file; `erased` ones are about
    people who asked to be erased (customers/erasure.py).
    """

    subject: str
    read: int
    new: int
    changed: int
    unchanged: int
    repeated: int
    skipped: int
    erased: int
    rejected: int
    reasons: tuple[Reason, ...]  # most frequent first
    notes: tuple[str, ...]
    rejected_path: Path | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do: how each column was understood, the first rows as they would be written, and what would be lost."""

    subject: str
    layout: Layout
    uses: tuple[Use, ...]
    sample: tuple[Mapping[str, Any], ...]
    read: int
    usable: int
    skipped: int
    rejected: int
    reasons: tuple[Reason, ...]
