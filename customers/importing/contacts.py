"""Writing responses that reached another system first: into the contact log, each once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlmodel import Session

from customers.contact_log import Entry, Kind, log
from customers.importing.cleaning.cell import KEEP
from customers.importing.understanding import Rows
from customers.importing.writing import Import, Outcome, customers_behind, key_of, known_rows, sort_out
from customers.tables import Contact, CustomerId, table_of
from store.clock import from_micros, to_micros

_CONTENTS = ("customer_id", "at", "kind", "campaign", "node", "channel", "detail")


def write_contacts(session: Session, rows: Rows, running: Import) -> Outcome:
    """Write a batch of responses as inbound contacts of people."""
    given = len(rows)
    rows, customer_ids, unknown = customers_behind(session, rows)
    contents = _contents(rows, customer_ids)
    keys = _keys(rows, contents)
    known = known_rows(session, table_of(Contact), _CONTENTS, keys)
    before = {key: (row[0], to_micros(row[1]), *row[2:]) for key, row in known.items()}
    found = sort_out(rows, keys, contents, before, running.seen)
    log(session, (_entry(keys[index], contents[index]) for index in found.new))
    touched = np.unique(np.array([customer_ids[index] for index in found.new], np.int64))
    losses, erased = [*unknown, *found.losses], given - len(rows) - len(unknown)
    return Outcome(len(found.new), 0, found.unchanged, found.repeated, losses, touched, erased)


def _contents(rows: Rows, customer_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    nothing = [None] * len(rows)
    campaign, node, channel, event = (rows.fields.get(name, nothing) for name in ("campaign", "node", "channel", "event"))
    channels = [each or "import" for each in channel]
    details = [_detail(rows, index, kind, name) for index, (kind, name) in enumerate(zip(rows.fields["kind"], event, strict=True))]
    return list(zip(customer_ids, rows.fields["at"], rows.fields["kind"], campaign, node, channels, details, strict=True))


def _detail(rows: Rows, index: int, kind: str, event: str | None) -> dict[str, Any] | None:
    """The details as conditions look for them: `answer FIELD` among the answers, `event NAME` by its name."""
    told = {name: column[index] for name, column in rows.details.items() if column[index] not in (None, KEEP)}
    if kind == Kind.ANSWERED and told:
        return {"answers": told}
    return (told | {"name": event} if event else told) or None


def _keys(rows: Rows, contents: Sequence[tuple[Any, ...]]) -> list[str]:
    given = rows.fields.get("key", [None] * len(rows))
    customers = rows.fields["customer"]
    return [key or key_of((customer, *content[1:])) for key, customer, content in zip(given, customers, contents, strict=True)]


def _entry(key: str, content: Sequence[Any]) -> Entry:
    customer_id, at, kind, campaign, node, channel, detail = content
    return Entry(from_micros(at), CustomerId(customer_id), "in", channel, Kind(kind), campaign, node=node, key=key, detail=detail)
