"""A person is erased from all the tables at once: what the pages keep, what campaigns know, and who it was."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session

from customers.consent import Source
from customers.tables import CustomerId, table_of
from engine.asked import RequestKind
from engine.erasure import erase
from engine.tables import Request
from landing.tables import FormDraft
from store.bulk import insert_new


def erase_everywhere(session: Session, customer_id: CustomerId, now: datetime, source: Source) -> bool:
    """Erase a customer, in the caller's transaction; False when somebody is at work on them, and nothing was changed: try again.

    Doing it twice is doing it once. Numbers stay: docs/how-to/answer-data-requests.md says what goes and what does not.
    """
    if not erase(session, customer_id, now, source):
        return False
    draft = table_of(FormDraft)
    session.execute(delete(draft).where(draft.c.customer_id == customer_id))
    return True


def erase_by_service(session: Session, customer_id: CustomerId, now: datetime) -> bool:
    """The same because customer service was asked to, with a request that says so."""
    if not erase_everywhere(session, customer_id, now, Source.SERVICE):
        return False
    asked = {"key": f"erased-by-service:{customer_id}", "kind": RequestKind.ERASE.value, "customer_id": customer_id}
    insert_new(session, table_of(Request), {**asked, "at": now, "state": "done", "settled_at": now})
    return True
