"""What the three writers share: the moment of an import, what became of a batch, and how rows are found and changed in bulk."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import FromClause, Table, column, select, table
from sqlmodel import Session

from customers.conditions.vocabulary import AttributeKind
from customers.erasure import anyone_erased, erased_among
from customers.importing.cleaning.cell import KEEP
from customers.importing.problems import MISSING, Problem
from customers.importing.understanding import Cleaned, Loss, Rows
from customers.texts import customer_ids_of, one_of
from customers.vouchers import owners_of
from store.bulk import Ids, insert_rows

NOBODY: Ids = np.empty(0, np.int64)
NO_CUSTOMER = Problem("no customer has this key", "import the customer first, or look for a typing mistake in the key")
OTHERWISE_KNOWN = Problem(
    "the same key is known with other contents",
    "what was recorded once is not changed; give the row a key of its own, if it is another one",
)


@dataclass(frozen=True, slots=True)
class Import:
    """What holds for a whole import."""

    now_micros: int
    file: str  # its name, for the evidence
    erase_empty: bool
    currency: str
    attributes: Mapping[str, AttributeKind]
    seen: "Seen"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of a batch; `touched` are the customers that something was added about."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    losses: Sequence[Loss] = ()
    touched: Ids = field(default_factory=lambda: NOBODY)
    erased: int = 0  # rows about somebody who asked to be erased


class Seen:
    """Remembers the keys of a file in 8 bytes each, to count repeated ones: 80 MB for ten million.

    Two keys that hash alike are counted as one once in 10**5 files of that size. Nothing but the count hangs on it.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []  # sorted, each more than twice as long as the next

    def repeats(self, keys: Sequence[str]) -> list[bool]:
        """Which of `keys`, each given once, came in an earlier batch; and remember them all."""
        hashes = np.fromiter(map(hash, keys), np.int64, len(keys))
        known = np.zeros(len(keys), np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            known |= run[places] == hashes
        self._remember(np.sort(hashes))
        return known.tolist()

    def _remember(self, fresh: NDArray[np.int64]) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(fresh):
            fresh = np.sort(np.concatenate((self._runs.pop(), fresh)))
        if len(fresh):
            self._runs.append(fresh)


def known_rows(
    session: Session, source: Table, names: Sequence[str], keys: Sequence[str], hold: bool = False
) -> dict[str, tuple[Any, ...]]:
    """The columns `names` of the rows that have these keys, by key; `hold` keeps others from changing them meanwhile."""
    columns = [source.c[name] for name in names]
    asked = select(source.c.key, *columns).where(one_of(session, source.c.key, keys))
    if hold:  # in one order, so that two who hold do not wait for each other
        asked = asked.order_by(source.c.id).with_for_update(key_share=True)
    return {row[0]: tuple(row[1:]) for row in session.execute(asked).all()}


def customers_behind(session: Session, rows: Rows) -> tuple[Rows, list[int], list[Loss]]:
    """The rows whose customer is known, their customers, and the loss of the others; of those about whom was erased nothing is told.

    Where a row names nobody, whoever was given its voucher is meant.
    """
    keys: Cleaned = rows.fields["customer"]
    codes: Cleaned = rows.fields.get("voucher", [None] * len(rows))
    ids = customer_ids_of(session, [key for key in dict.fromkeys(keys) if key is not None])
    asked = [code for code in codes if isinstance(code, str)]
    owners = owners_of(session, asked) if asked else {}
    given = {code: owner.customer_id for code, owner in owners.items() if owner}
    meant = [given.get(code) if key is None else ids.get(key) for key, code in zip(keys, codes, strict=True)]
    lost = [(place, key, code) for place, key, code, found in zip(rows.places, keys, codes, meant, strict=True) if found is None]
    known = {key for _, key, _ in lost if key is not None}
    erased = erased_among(session, "key", known) if known and anyone_erased(session) else frozenset()
    strange = [(place, key) for place, key, code in lost if (code not in owners if key is None else key not in erased)]
    losses = [Loss(place, "customer", MISSING if key is None else NO_CUSTOMER, whole_row=True) for place, key in strange]
    return rows.without({place for place, *_ in lost}), [found for found in meant if found is not None], losses


@dataclass(frozen=True, slots=True)
class Sorted:
    """Rows of a batch by what is known of their keys, as indexes."""

    new: list[int]
    unchanged: int
    repeated: int
    losses: list[Loss]


def sort_out(rows: Rows, keys: Sequence[str], contents: Sequence[Any], known: Mapping[str, Any], seen: Seen) -> Sorted:
    """Find what is new among things that never change once they are recorded: purchases and contacts."""
    first: dict[str, int] = {}
    losses, again = [], 0
    for index, key in enumerate(keys):
        of_first = contents[first[key]] if key in first else known.get(key, contents[index])
        if of_first != contents[index]:
            losses.append(Loss(rows.places[index], "key", OTHERWISE_KNOWN, whole_row=True))
        elif key in first:
            again += 1
        else:
            first[key] = index
    repeats = dict(zip(first, seen.repeats(list(first)), strict=True))
    here = [key for key in first if key in known]
    repeated = sum(repeats[key] for key in here)
    return Sorted([index for key, index in first.items() if key not in known], len(here) - repeated, again + repeated, losses)


def key_of(contents: Sequence[Any]) -> str:
    """A stable key for something that has none: the same contents give the same key in any file."""
    return "content-" + hashlib.blake2b("\x1f".join(map(str, contents)).encode(), digest_size=16).hexdigest()


def or_none(values: Cleaned) -> Cleaned:
    """The values to write where nothing was known before."""
    return [None if value is KEEP else value for value in values] if type(KEEP) in set(map(type, values)) else values


def update_rows(session: Session, target: str, key: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set columns of existing rows; each row is the key's value, then those of `names`."""
    values = [tuple(row) for row in rows]
    if not values or not names:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _update_by_copy(session, target, key, names, values)
        return
    settings = ", ".join(f'"{name}" = ?' for name in names)
    turned = [(*row[1:], row[0]) for row in values]
    connection.exec_driver_sql(f'UPDATE "{target}" SET {settings} WHERE "{key}" = ?', turned)  # noqa: S608  # names of our own columns and of declared attributes, never a user's text


def _update_by_copy(session: Session, target: str, key: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    connection = session.connection()
    columns = ", ".join(f'"{name}"' for name in (key, *names))
    empty = f'SELECT {columns} FROM "{target}" WHERE false'  # noqa: S608  # names of our own columns and of declared attributes, never a user's text
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE changed_rows ON COMMIT DROP AS {empty}")
    insert_rows(session, raw_table("changed_rows", (key, *names)), (key, *names), rows)
    settings = ", ".join(f'"{name}" = changed_rows."{name}"' for name in names)
    same = f'"{target}"."{key}" = changed_rows."{key}"'
    connection.exec_driver_sql(f'UPDATE "{target}" SET {settings} FROM changed_rows WHERE {same}')  # noqa: S608  # see above
    connection.exec_driver_sql("DROP TABLE changed_rows")


def raw_table(name: str, columns: Sequence[str]) -> Table:
    """A table whose values come and go as the database has them."""
    made: FromClause = table(name, *(column(each) for each in columns))
    return made  # type: ignore[return-value]  # insert_rows and select look at its name and columns only
