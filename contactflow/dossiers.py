"""A dossier: everything that is kept of one customer, as a JSON document with plain names."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from customers.dossier import Telling, person, suppressed
from customers.tables import CustomerId, table_of
from engine.dossier import addresses_of, campaigns
from landing.tables import FormDraft

MOST = 10_000  # rows of a kind in what a page shows and offers to be saved; `contactflow person` tells them all


def dossier_of(session: Session, customer_id: CustomerId, zone: ZoneInfo, now: datetime, most: int | None = None) -> dict[str, Any]:
    """Everything that is kept of a customer; of each kind at most so many rows, the newest, beside how many there are.

    A constant number of statements. Instants are ISO 8601 in the organisation's time zone. ``{"made_at": ..., "customer": {...},
    "own_attributes": {...}, SECTION: {"number": N, "rows": [...]}, ...}``
    """
    telling, draft = Telling(session, zone, most), table_of(FormDraft)
    known = person(telling, customer_id)
    own = {known["customer"].get(name) for name in ("email", "phone")} - {None}
    return {
        "made_at": telling.plain(now),
        **known,
        "unfinished_forms": telling.section(
            draft, draft.c.customer_id == customer_id, draft.c.changed_at, lambda row: {"changed_at": row.changed_at, "given": row.given}
        ),
        **campaigns(telling, customer_id),
        "addresses_not_used_any_more": suppressed(telling, own | addresses_of(session, customer_id)),
    }
