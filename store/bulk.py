"""Many rows at once, the fast way of each database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

Ids = NDArray[np.int64]
FEW = 32  # different values that rows may have to be updated together, a statement for each


def insert_rows(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, keep_existing: bool = False
) -> int:
    """Insert `rows` (values as the database stores them: micros, cents, text) and give the number of rows given.

    One statement on SQLite; on PostgreSQL one too, a COPY where there are several. A broken unique key undoes the whole transaction, unless
    `keep_existing`: then the row that was there first stands.
    """
    if keep_existing:
        return _insert_new_rows(session, table, columns, rows)
    connection = session.connection()
    names = ", ".join(f'"{name}"' for name in columns)
    given, mark = iter(rows), "?"
    if connection.dialect.name == "postgresql":
        mark, first = "%s", list(islice(given, 2))
        if len(first) > 1:
            return _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', chain(first, given))
        given = iter(first)  # a COPY takes more messages back and forth than an INSERT
    values = [tuple(row) for row in given]
    if values:
        marks = ", ".join([mark] * len(columns))
        # Names are our own tables' and columns', never a user's words.
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', values)
    return len(values)


def _copy(connection: Connection, statement: str, rows: Iterable[Sequence[Any]]) -> int:
    driver = connection.connection.driver_connection
    assert driver is not None
    count = 0
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
    except psycopg.Error as error:
        # Past SQLAlchemy's own statements nobody else gives the driver's errors SQLAlchemy's names.
        raise DBAPIError.instance(statement, None, error, psycopg.Error, hide_parameters=True) from error
    return count


def _insert_new_rows(session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    connection = session.connection()
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join([mark] * len(columns))
    values = [tuple(row) for row in rows]
    if values:
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING', values)
    return len(values)


def insert_new(session: Session, table: Table, row: Mapping[str, Any]) -> None:
    """Insert one row, unless a unique key of it is there: of two that insert it at once, the second finds it."""
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    session.connection().execute(dialect.insert(table).values(row).on_conflict_do_nothing())


def insert_alike(session: Session, table: Table, key: str, ids: Ids, same: Mapping[str, Any]) -> None:
    """Insert a row for each of `ids` (its value of `key`) with the other values in common, as the database stores them.

    One statement, several times faster than `insert_rows`: nothing is bound row by row.
    """
    connection = session.connection()
    names = ", ".join(f'"{name}"' for name in (key, *same))
    if connection.dialect.name == "postgresql":
        source = f"SELECT unnest(%s::bigint[]), {', '.join(_typed_marks(connection, table, same))}"
        values = (ids.tolist(), *same.values())
    else:
        source = f"SELECT each.value, {', '.join('?' * len(same))} FROM json_each(?) AS each"
        values = (*same.values(), json.dumps(ids.tolist()))
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) {source}', values)


def update_alike(session: Session, table: Table, key: str, keys: Sequence[Any], same: Mapping[str, Any]) -> None:
    """Give the rows of `keys` the same new values, as the database stores them; one statement."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        marks, ours = _typed_marks(connection, table, same), f"= ANY(%s::{_stored_as(connection, table, key)}[])"
        given: Any = list(keys)
    else:
        marks, ours = ["?"] * len(same), "IN (SELECT each.value FROM json_each(?) AS each)"
        given = json.dumps(list(keys))
    settings = ", ".join(f'"{name}" = {mark}' for name, mark in zip(same, marks, strict=True))
    connection.exec_driver_sql(f'UPDATE "{table.name}" SET {settings} WHERE "{key}" {ours}', (*same.values(), given))


def update_rows(session: Session, table: Table, key: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Give each row its own new values; a row of `rows` is the values of `columns`, then that of `key`.

    Rows with the same new values are updated together while there are few different ones; otherwise one statement:
    executemany on SQLite, a join with arrays on PostgreSQL.
    """
    values = [tuple(row) for row in rows]
    if not values:
        return
    if (groups := _few_groups(values)) is not None:
        for same, keys in groups.items():
            update_alike(session, table, key, keys, dict(zip(columns, same, strict=True)))
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        types = [_stored_as(connection, table, name) for name in (*columns, key)]
        arrays = ", ".join(f"%s::{kind}[]" for kind in types)
        names = ", ".join(f'"{name}"' for name in (*columns, key))
        settings = ", ".join(f'"{name}" = given."{name}"' for name in columns)
        statement = (
            f'UPDATE "{table.name}" SET {settings} FROM unnest({arrays}) AS given({names}) WHERE "{table.name}"."{key}" = given."{key}"'
        )
        connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*values, strict=True)))
    else:
        settings = ", ".join(f'"{name}" = ?' for name in columns)
        connection.exec_driver_sql(f'UPDATE "{table.name}" SET {settings} WHERE "{key}" = ?', values)


def _few_groups(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Any]] | None:
    """The keys (last) of rows with the same values; None when a statement for each group would not pay."""
    most = min(FEW, len(rows) // 10 + 1)
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault(row[:-1], []).append(row[-1])
        if len(groups) > most:
            return None
    return groups


def _typed_marks(connection: Connection, table: Table, names: Iterable[str]) -> list[str]:
    return [f"%s::{_stored_as(connection, table, name)}" for name in names]


def _stored_as(connection: Connection, table: Table, name: str) -> str:
    kind: str = table.c[name].type.compile(connection.dialect)
    return kind


def column_table(session: Session, columns: Mapping[str, Ids], name: str = "given") -> FromClause:
    """A table of integer columns of one length, to join with; two parameters at the most for any number of rows."""
    if session.connection().dialect.name == "postgresql":
        arrays = [bindparam(None, values.tolist(), type_=ARRAY(BigInteger), unique=True) for values in columns.values()]
        return func.unnest(*arrays).table_valued(*[column(each, BigInteger) for each in columns], name=name).render_derived()
    document = json.dumps(np.column_stack(list(columns.values())).tolist())
    each = func.json_each(bindparam(None, document, unique=True)).table_valued(column("value"), name=f"{name}_each")
    picked = [cast(func.json_extract(each.c.value, f"$[{number}]"), BigInteger).label(label) for number, label in enumerate(columns)]
    return select(*picked).subquery(name)


def id_table(session: Session, ids: Ids, name: str = "given") -> FromClause:
    """A table of one column `id`, to join with; one parameter for any number of ids."""
    if session.connection().dialect.name == "postgresql":
        return column_table(session, {"id": ids}, name)
    document: BindParameter[str] = bindparam(None, json.dumps(ids.tolist()), unique=True)
    each = func.json_each(document).table_valued(column("value", BigInteger), name=f"{name}_each")
    return select(each.c.value.label("id")).subquery(name)


def among(session: Session, item: ColumnElement[int], ids: Ids) -> ColumnElement[bool]:
    """True where `item` is one of `ids`, with one parameter for any number of them.

    On PostgreSQL an array, which an index is asked for: a join with it is planned from statistics that a young table has not.
    """
    if session.connection().dialect.name == "postgresql":
        return item == any_(bindparam(None, ids.tolist(), type_=ARRAY(BigInteger), unique=True))
    return item.in_(select(id_table(session, ids).c.id))


def chosen(session: Session, item: ColumnElement[int], ids: Select[tuple[int]]) -> ColumnElement[bool]:
    """True where `item` is one of the few ids that a query gives: the query first, then each row by its key.

    Left to itself, PostgreSQL reads the whole table to find a thousand rows in it.
    """
    if session.connection().dialect.name == "postgresql":
        return item == any_(func.array(ids.scalar_subquery()))
    return item.in_(ids)
