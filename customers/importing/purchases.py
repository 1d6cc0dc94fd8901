"""Writing purchases: each once, for a customer who is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlmodel import Session

from customers.importing.understanding import Rows
from customers.importing.writing import Import, Outcome, customers_behind, key_of, known_rows, sort_out
from customers.tables import Purchase, table_of
from store.bulk import insert_rows
from store.clock import to_micros

_CONTENTS = ("customer_id", "purchased_at", "amount_cents", "currency", "product")


def write_purchases(session: Session, rows: Rows, running: Import) -> Outcome:
    """Write a batch of purchases. A purchase without a key gets one from its contents."""
    rows, customer_ids, unknown = customers_behind(session, rows)
    contents = _contents(rows, customer_ids, running)
    keys = _keys(rows, contents)
    known = known_rows(session, table_of(Purchase), _CONTENTS, keys)
    before = {key: (row[0], to_micros(row[1]), *row[2:]) for key, row in known.items()}
    found = sort_out(rows, keys, contents, before, running.seen)
    insert_rows(session, table_of(Purchase), ("key", *_CONTENTS), ((keys[index], *contents[index]) for index in found.new))
    touched = np.unique(np.array([customer_ids[index] for index in found.new], np.int64))
    return Outcome(len(found.new), 0, found.unchanged, found.repeated, [*unknown, *found.losses], touched)


def _contents(rows: Rows, customer_ids: Sequence[int], running: Import) -> list[tuple[Any, ...]]:
    nothing = [None] * len(rows)
    currencies = [currency or running.currency for currency in rows.fields.get("currency", nothing)]
    products = [product if isinstance(product, str) else None for product in rows.fields.get("product", nothing)]
    return list(zip(customer_ids, rows.fields["purchased_at"], rows.fields["amount"], currencies, products, strict=True))


def _keys(rows: Rows, contents: Sequence[tuple[Any, ...]]) -> list[str]:
    given = rows.fields.get("key", [None] * len(rows))
    customers = rows.fields["customer"]
    # With the customer's key instead of our number, so that the key is the same in every database.
    return [key or key_of((customer, *content[1:])) for key, customer, content in zip(given, customers, contents, strict=True)]
