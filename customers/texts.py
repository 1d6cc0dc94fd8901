"""Many texts as one parameter: keys, addresses."""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, any_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session

from customers.tables import Customer, table_of


def one_of(session: Session, item: ColumnElement[str], texts: Sequence[str]) -> ColumnElement[bool]:
    """True where `item` is one of `texts`, with one parameter for any number of them."""
    if session.connection().dialect.name == "postgresql":
        return item == any_(bindparam(None, list(texts), type_=ARRAY(Text), unique=True))
    document: ColumnElement[str] = bindparam(None, json.dumps(list(texts)), unique=True)
    return item.in_(select(func.json_each(document).table_valued(column("value", Text), name="texts_each").c.value))


def customer_ids_of(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """The customer behind each key that is known."""
    customer = table_of(Customer).c
    asked = select(customer.key, customer.id).where(one_of(session, customer.key, keys))
    return dict(session.execute(asked).tuples().all())
