"""Many rows at once, the fast way of each database."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, FromClause, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

Ids = NDArray[np.int64]


def insert_rows(session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert `rows` (values as the database stores them: micros, cents, text) and give their number.

    One statement on SQLite, one COPY on PostgreSQL; a broken unique key undoes the whole transaction.
    """
    connection = session.connection()
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        driver = connection.connection.driver_connection
        assert driver is not None
        count = 0
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for count, row in enumerate(rows, 1):
                copy.write_row(row)
        return count
    marks = ", ".join("?" * len(columns))
    values = [tuple(row) for row in rows]
    if values:
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', values)
    return len(values)


def id_table(session: Session, ids: Ids, name: str = "given") -> FromClause:
    """A table of one column `id`, to join with: json_each on SQLite, unnest on PostgreSQL; one parameter for any number."""
    if session.connection().dialect.name == "postgresql":
        array = bindparam(None, ids.tolist(), type_=ARRAY(BigInteger), unique=True)
        return func.unnest(array).table_valued(column("id", BigInteger), name=name).render_derived()
    document = bindparam(None, json.dumps(ids.tolist()), unique=True)
    each = func.json_each(document).table_valued(column("value", BigInteger), name=f"{name}_each")
    return select(each.c.value.label("id")).subquery(name)


def among(session: Session, item: ColumnElement[int], ids: Ids) -> ColumnElement[bool]:
    """True where `item` is one of `ids`, with one parameter for any number of them."""
    return item.in_(select(id_table(session, ids).c.id))
