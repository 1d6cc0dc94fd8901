"""Many rows at once, the fast way of each database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import BigInteger, BindParameter, ColumnElement, Connection, FromClause, Table, bindparam, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

Ids = NDArray[np.int64]


def insert_rows(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, keep_existing: bool = False
) -> int:
    """Insert `rows` (values as the database stores them: micros, cents, text) and give the number of rows given.

    One statement on SQLite, one COPY on PostgreSQL. A broken unique key undoes the whole transaction, unless
    `keep_existing`: then the row that was there first stands.
    """
    if keep_existing:
        return _insert_new_rows(session, table, columns, rows)
    connection = session.connection()
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        return _copy(connection, f'COPY "{table.name}" ({names}) FROM STDIN', rows)
    marks = ", ".join("?" * len(columns))
    values = [tuple(row) for row in rows]
    if values:
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


def update_rows(session: Session, table: Table, key: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Give each row its own new values; a row of `rows` is the values of `columns`, then that of `key`.

    One statement: executemany on SQLite, a join with arrays on PostgreSQL.
    """
    values = [tuple(row) for row in rows]
    if not values:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        types = [table.c[name].type.compile(connection.dialect) for name in (*columns, key)]
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
    """True where `item` is one of `ids`, with one parameter for any number of them."""
    return item.in_(select(id_table(session, ids).c.id))
