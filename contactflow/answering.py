"""What people ask about their own data, carried out: gathered to be seen, corrected, erased."""

from datetime import datetime, timedelta

from sqlalchemy import null, select, update
from sqlmodel import Session

from contactflow.dossiers import MOST, dossier_of
from contactflow.erasing import erase_everywhere
from customers.consent import Source
from customers.corrections import correct, corrected, terms_of
from customers.tables import Customer, CustomerId, table_of
from engine.asked import LATER, REFUSED, OpenRequest, Outcome, RequestKind, campaign_for, come_in, is_paused
from engine.nodes.request import MY_DATA
from engine.tables import Request
from engine.wake import wake
from engine.workspace import Workspace

KEPT = timedelta(days=2)  # how long what was gathered can be seen; its link works for one day
_REQUEST = table_of(Request)


def gather(session: Session, workspace: Workspace, asked: OpenRequest, now: datetime) -> Outcome:
    """Let the customer into the campaign that sends the link to their data, and gather what the link shows."""
    running, customer_id = campaign_for(session, workspace, MY_DATA), _whom(session, asked)
    if running is None or customer_id is None:
        return REFUSED
    if is_paused(session, running):
        return LATER
    member_id = come_in(session, running, MY_DATA, customer_id, now)
    if member_id is None:
        return REFUSED
    return Outcome(member_id=member_id, document=dossier_of(session, customer_id, workspace.zone, now, MOST))


def correct_data(session: Session, workspace: Workspace, asked: OpenRequest, now: datetime) -> Outcome:
    """Write what a customer corrected, wake whoever waits for it, and gather anew what they may look at."""
    given, customer_id = asked.given if isinstance(asked.given, dict) else {}, _whom(session, asked)
    if customer_id is None or not all(isinstance(value, str | None) for value in given.values()):
        return REFUSED
    country = session.execute(select(table_of(Customer).c.country).where(table_of(Customer).c.id == customer_id)).scalar()
    typed = {name: value or "" for name, value in given.items()}
    # Cleaned as the page cleaned it, once more: the pages' role may write what it likes.
    correct(session, customer_id, corrected(typed, country, terms_of(workspace.zone, now)).values, now)
    wake(session, [customer_id], now)
    _gather_anew(session, workspace, customer_id, now)
    return Outcome()


def erase_data(session: Session, _: Workspace, asked: OpenRequest, now: datetime) -> Outcome:
    """Erase a customer, or wait for whoever has them in their hands."""
    if asked.customer_id is None:
        return REFUSED
    return Outcome() if erase_everywhere(session, asked.customer_id, now, Source.PAGE) else LATER


def forget_gathered(session: Session, now: datetime) -> None:
    """Put away what was gathered and has been there to be seen for long enough; one statement."""
    old = update(_REQUEST).where(_REQUEST.c.kind == RequestKind.MY_DATA.value, _REQUEST.c.document.is_not(None))
    session.connection().execute(old.where(_REQUEST.c.settled_at <= now - KEPT).values(document=null()))


def _whom(session: Session, asked: OpenRequest) -> CustomerId | None:
    """Who asks, unless they have been erased meanwhile."""
    customer = table_of(Customer).c
    found = select(customer.id).where(customer.id == asked.customer_id, customer.erased_at.is_(None))
    return None if session.connection().execute(found).first() is None else asked.customer_id


def _gather_anew(session: Session, workspace: Workspace, customer_id: CustomerId, now: datetime) -> None:
    shown = select(_REQUEST.c.id).where(_REQUEST.c.customer_id == customer_id, _REQUEST.c.kind == RequestKind.MY_DATA.value)
    ids = session.connection().execute(shown.where(_REQUEST.c.document.is_not(None))).scalars().all()
    if ids:
        document = dossier_of(session, customer_id, workspace.zone, now, MOST)
        session.connection().execute(update(_REQUEST).where(_REQUEST.c.id.in_(ids)).values(document=document))
