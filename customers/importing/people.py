"""Writing customers: new ones, what changed of known ones, their attributes and their consent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import repeat
from typing import Any

import numpy as np
from sqlalchemy import select, text
from sqlmodel import Session

from customers.consent import ConsentChange, Source, consent_of, record_consent
from customers.erasure import anyone_erased, erased_among
from customers.importing.cleaning.cell import KEEP
from customers.importing.understanding import Cleaned, ConsentColumn, Rows
from customers.importing.writing import Import, Outcome, known_rows, or_none, raw_table, update_rows
from customers.tables import ConsentEvent, Customer, CustomerId, Profile, table_of
from customers.texts import customer_ids_of
from store.bulk import among, insert_rows
from store.clock import from_micros, to_micros


def write_customers(session: Session, rows: Rows, running: Import) -> Outcome:
    """Write a batch of customers. A key that is known changes that customer, and only in the columns that are given."""
    given = len(rows)
    rows = _without_erased(session, rows)
    single = _last_wins(rows, running.erase_empty)
    keys: list[str] = single.fields["key"]
    columns = {name: values for name, values in single.fields.items() if name != "key"}
    known = known_rows(session, table_of(Customer), ("id", *columns), keys, hold=True)
    fresh = [index for index, key in enumerate(keys) if key not in known]
    old = [index for index, key in enumerate(keys) if key in known]
    fresh_ids = _new_ids(session, len(fresh))
    _insert(session, {"id": fresh_ids, "key": [keys[index] for index in fresh]}, columns, fresh, running.now_micros)
    ids = {key: row[0] for key, row in known.items()} | {keys[index]: each for index, each in zip(fresh, fresh_ids, strict=True)}
    before = [known[keys[index]] for index in old]
    updates = _updates(old, columns, before, running.erase_empty, running.now_micros)
    update_rows(session, Customer.__tablename__, "id", (*columns, "changed_at"), updates)
    changed = {row[0] for row in updates} | _write_profiles(session, single, [ids[key] for key in keys], running)
    changed |= _write_consent(session, rows, ids, {row[0] for row in known.values()}, running)
    outcome = _outcome(len(rows), keys, ids, {keys[index] for index in fresh}, changed, running)
    return replace(outcome, erased=given - len(rows))


def _without_erased(session: Session, rows: Rows) -> Rows:
    """The rows but for those of people who asked to be erased: by their key or, under another key, by their address."""
    if not anyone_erased(session):
        return rows
    keys: list[str] = rows.fields["key"]
    addresses = [each if isinstance(each, str) else "" for each in rows.fields.get("email", [""] * len(rows))]
    gone = erased_among(session, "email", {address for address in addresses if address})
    theirs = {key for key, address in zip(keys, addresses, strict=True) if address in gone}
    # Somebody who is known may share the address of somebody who was erased.
    left_out = erased_among(session, "key", set(keys)) | (theirs - customer_ids_of(session, sorted(theirs)).keys())
    return rows.without({place for place, key in zip(rows.places, keys, strict=True) if key in left_out})


def _outcome(read: int, keys: Sequence[str], ids: Mapping[str, int], fresh: set[str], changed: set[int], running: Import) -> Outcome:
    repeats = {key for key, again in zip(keys, running.seen.repeats(keys), strict=True) if again}
    once = [key for key in keys if key not in repeats and key not in fresh]
    changed_once = sum(ids[key] in changed for key in once)
    touched = np.fromiter((ids[key] for key in keys if key in fresh or ids[key] in changed), np.int64)
    return Outcome(len(fresh), changed_once, len(once) - changed_once, read - len(fresh) - len(once), (), touched)


def _last_wins(rows: Rows, erase_empty: bool) -> Rows:
    """Each key once: the last row of it, with what an earlier one says where that is silent."""
    keys: list[str] = rows.fields["key"]
    last = {key: index for index, key in enumerate(keys)}
    if len(last) == len(keys):
        return rows
    earlier: dict[int, list[int]] = {}
    for index, key in enumerate(keys):
        if last[key] != index:
            earlier.setdefault(last[key], []).insert(0, index)
    for column in (*rows.fields.values(), *rows.attributes.values()):
        for index, others in earlier.items():
            column[index] = next((column[each] for each in (index, *others) if _says(column[each], erase_empty)), column[index])
    return rows.only(sorted(last.values()))


def _says(value: Any, erase_empty: bool) -> bool:
    return value is not KEEP and (value is not None or erase_empty)


def _new_ids(session: Session, number: int) -> list[int]:
    """Numbers for new customers, taken beforehand: finding them by their keys afterwards costs a tenth of the import."""
    if session.connection().dialect.name == "postgresql":
        taken = text("SELECT nextval(pg_get_serial_sequence('customer', 'id')) FROM generate_series(1, :number)")
        return list(session.scalars(taken, {"number": number}))
    last = session.scalar(text("SELECT max(id) FROM customer")) or 0  # we hold the one write lock
    return list(range(last + 1, last + 1 + number))


def _insert(session: Session, own: Mapping[str, Cleaned], columns: Mapping[str, Cleaned], fresh: Sequence[int], now_micros: int) -> None:
    values = list(map(or_none, columns.values()))
    if values and len(fresh) < len(values[0]):
        values = [[column[index] for index in fresh] for column in values]
    rows = zip(*own.values(), *values, repeat(now_micros, len(fresh)), repeat(now_micros, len(fresh)), strict=True)
    if fresh:
        insert_rows(session, table_of(Customer), (*own, *columns, "created_at", "changed_at"), rows)


def _updates(
    indexes: Sequence[int], columns: Mapping[str, Cleaned], before: Sequence[Sequence[Any]], erase_empty: bool, now_micros: int
) -> list[tuple[Any, ...]]:
    """A row for each customer that changes: id, the columns' new values, and the moment. `before`: id, then the old values."""
    if not before or not columns:
        return []
    ids, *old = zip(*before, strict=True)
    stood = [_as_stored(column) for column in old]
    new = [_new([column[index] for index in indexes], was, erase_empty) for column, was in zip(columns.values(), stood, strict=True)]
    rows = zip(ids, zip(*new, strict=True), zip(*stood, strict=True), strict=True)
    return [(customer_id, *now, now_micros) for customer_id, now, then in rows if now != then]


def _as_stored(column: Sequence[Any]) -> Sequence[Any]:
    return [value and value.isoformat() for value in column] if date in set(map(type, column)) else column


def _new(column: Cleaned, was: Sequence[Any], erase_empty: bool) -> Cleaned:
    kinds = set(map(type, column))
    if type(KEEP) not in kinds and (erase_empty or type(None) not in kinds):
        return column
    return [value if _says(value, erase_empty) else old for value, old in zip(column, was, strict=True)]


def _write_profiles(session: Session, rows: Rows, ids: Sequence[int], running: Import) -> set[int]:
    """Write the workspace's own attributes, and give the customers for whom something changed."""
    names = list(rows.attributes)
    if not names:
        return set()
    profile = raw_table(Profile.__tablename__, ("customer_id", *names))
    asked = select(profile).where(among(session, profile.c.customer_id, np.array(ids, np.int64)))
    known = {row[0]: tuple(row) for row in session.execute(asked).all()}
    fresh = [index for index, customer_id in enumerate(ids) if customer_id not in known]
    columns = [[ids[index] for index in fresh]]
    columns += [[column[index] for index in fresh] for column in map(or_none, rows.attributes.values())]
    if fresh:
        insert_rows(session, table_of(Profile), ("customer_id", *names), zip(*columns, strict=True))
    old = [index for index, customer_id in enumerate(ids) if customer_id in known]
    updates = _updates(old, rows.attributes, [known[ids[index]] for index in old], running.erase_empty, running.now_micros)
    update_rows(session, Profile.__tablename__, "customer_id", names, (row[:-1] for row in updates))
    return {row[0] for row in updates}


def _write_consent(session: Session, rows: Rows, ids: Mapping[str, int], known: set[int], running: Import) -> set[int]:
    """Record what the consent columns say, unless it was recorded before; give the customers of whom something was."""
    told = [change for column in rows.consents for change in _changes(column, rows, ids, running)]
    fresh = _unheard(session, told, known, rows.consents)
    record_consent(session, fresh)
    return {change.customer_id for change in fresh}


def _changes(column: ConsentColumn, rows: Rows, ids: Mapping[str, int], running: Import) -> list[ConsentChange]:
    now = from_micros(running.now_micros)
    moments: dict[Any, datetime] = {}
    file = {"file": running.file} | ({} if column.plan.says.column is None else {"column": column.plan.says.label})
    documents: dict[Any, dict[str, Any]] = {None: file}  # shared, so that each is written out once
    where = (column.plan.purpose, column.plan.channel)
    changes = []
    for index, (key, said) in enumerate(zip(rows.fields["key"], column.says, strict=True)):
        if said is None or said is KEEP:
            continue
        when = column.at[index] if column.at else None
        if isinstance(when, int) and when not in moments:
            moments[when] = from_micros(when)
        seen = column.evidence[index] if column.evidence else None
        if seen not in documents:
            documents[seen] = {**file, "says": seen}
        evidence = documents[seen]
        at = moments.get(when, now)
        changes.append(ConsentChange(CustomerId(ids[key]), *where, granted=said, at=at, source=Source.IMPORT, evidence=evidence))
    return changes


def _unheard(session: Session, told: list[ConsentChange], known: set[int], columns: Sequence[ConsentColumn]) -> list[ConsentChange]:
    """Leave out what a known customer's evidence says already, so that importing a file twice adds nothing.

    With a date, that is the same word of the same moment. Without one, it is a word that changes nothing: what it says
    stands already, or it is a grant that an earlier import has brought (and a refusal has outweighed).
    """
    ids = np.array(sorted({change.customer_id for change in told} & known), np.int64)
    if not len(ids):
        return told
    event = table_of(ConsentEvent).c
    asked = select(event.customer_id, event.purpose, event.channel, event.granted, event.at).where(
        among(session, event.customer_id, ids), event.source == Source.IMPORT.value
    )
    heard = {(*row[:3], bool(row[3]), to_micros(row[4])) for row in session.execute(asked).all()}
    stands = {word for column in columns for word in _standing(session, ids, column)} | {word[:4] for word in heard if word[3]}
    dated = {(column.plan.purpose, column.plan.channel) for column in columns if column.plan.date}
    return [change for change in told if not _is_heard(change, heard, stands, (change.purpose, change.channel) in dated)]


def _standing(session: Session, ids: np.ndarray[Any, np.dtype[np.int64]], column: ConsentColumn) -> set[tuple[int, str, str, bool]]:
    where = (column.plan.purpose, column.plan.channel)
    found = consent_of(session, ids, *where)
    return {(customer_id, *where, True) for customer_id in ids[found.granted].tolist()} | {
        (customer_id, *where, False) for customer_id in ids[found.refused].tolist()
    }


def _is_heard(change: ConsentChange, heard: set[Any], stands: set[Any], dated: bool) -> bool:
    word = (change.customer_id, change.purpose, change.channel, change.granted)
    return (*word, to_micros(change.at)) in heard if dated else word in stands
