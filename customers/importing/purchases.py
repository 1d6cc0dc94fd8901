"""Writing purchases: each once, for a customer who is known. A margin may come later than the purchase, once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from sqlmodel import Session

from customers.importing.understanding import Loss, Rows
from customers.importing.writing import OTHERWISE_KNOWN, Import, Outcome, customers_behind, key_of, known_rows, sort_out, update_rows
from customers.tables import Purchase, table_of
from customers.vouchers import Redemption, owners_of, redeem
from store.bulk import insert_rows
from store.clock import from_micros, to_micros

_MARGIN = "margin_cents"
_CONTENTS = ("customer_id", "purchased_at", "amount_cents", "currency", "product")


def write_purchases(session: Session, rows: Rows, running: Import) -> Outcome:
    """Write a batch of purchases. A purchase without a key gets one from its contents."""
    given = len(rows)
    rows, customer_ids, unknown = customers_behind(session, rows)
    contents = _contents(rows, customer_ids, running)
    keys = _keys(rows, contents)
    known = known_rows(session, table_of(Purchase), (*_CONTENTS, _MARGIN), keys)
    before = {key: (row[0], to_micros(row[1]), *row[2:-1]) for key, row in known.items()}
    found = sort_out(rows, keys, contents, before, running.seen)
    margins = [margin if isinstance(margin, int) else None for margin in rows.fields.get("margin", [None] * len(rows))]
    written = ((keys[index], *contents[index], margins[index]) for index in found.new)
    insert_rows(session, table_of(Purchase), ("key", *_CONTENTS, _MARGIN), written)
    same = [index for index, key in enumerate(keys) if margins[index] is not None and before.get(key) == contents[index]]
    told, otherwise = _margins(rows, keys, margins, same, {key: row[-1] for key, row in known.items()})
    update_rows(session, "purchase", "key", (_MARGIN,), told.items())
    _redeem(session, rows, keys, {loss.row for loss in found.losses})
    touched = np.unique(np.array([customer_ids[index] for index in found.new], np.int64))
    losses = [*unknown, *found.losses, *otherwise]
    erased = given - len(rows) - len(unknown)
    return Outcome(len(found.new), len(told), found.unchanged - len(told), found.repeated, losses, touched, erased)


def _redeem(session: Session, rows: Rows, keys: Sequence[str], lost: Collection[int]) -> None:
    """Log the vouchers that came back, also with a purchase that was known without."""
    codes = rows.fields.get("voucher", [])
    owners = owners_of(session, [code for code in codes if isinstance(code, str)]) if any(codes) else {}
    used = zip(rows.places, codes, keys, rows.fields["purchased_at"], strict=False)  # a file may have no vouchers at all
    kept = ((owners.get(code), key, at) for place, code, key, at in used if place not in lost)
    redeem(session, [Redemption(owner, key, from_micros(at)) for owner, key, at in kept if owner])


def _margins(
    rows: Rows, keys: Sequence[str], margins: Sequence[int | None], same: Sequence[int], known: Mapping[str, int | None]
) -> tuple[dict[str, int], list[Loss]]:
    """The margins of known purchases that had none, by key, and the loss of those that have another one already."""
    told: dict[str, int] = {}
    losses = []
    for index in same:
        key, margin = keys[index], margins[index]
        stands = told.get(key, known[key])
        if stands is None and margin is not None:
            told[key] = margin
        elif stands != margin:
            losses.append(Loss(rows.places[index], "margin", OTHERWISE_KNOWN, whole_row=False))
    return told, losses


def _contents(rows: Rows, customer_ids: Sequence[int], running: Import) -> list[tuple[Any, ...]]:
    nothing = [None] * len(rows)
    currencies = [currency or running.currency for currency in rows.fields.get("currency", nothing)]
    products = [product if isinstance(product, str) else None for product in rows.fields.get("product", nothing)]
    return list(zip(customer_ids, rows.fields["purchased_at"], rows.fields["amount"], currencies, products, strict=True))


def _keys(rows: Rows, contents: Sequence[tuple[Any, ...]]) -> list[str]:
    given = rows.fields.get("key", [None] * len(rows))
    customers = rows.fields["customer"]
    codes = rows.fields.get("voucher", [None] * len(rows))
    # With the customer's key instead of our number, so that the key is the same in every database.
    return [
        key or key_of((customer or code, *content[1:]))
        for key, customer, code, content in zip(given, customers, codes, contents, strict=True)
    ]
