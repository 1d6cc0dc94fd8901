"""What customers asked for themselves, kept at the moment of sending: a pause, and one message in so many days.

A message that is held back is not sent later either: a customer who reads one mail a week does not want last month's pile.
Two messages to one customer that leave two processes in the same second are not seen by each other.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlmodel import Session

from customers.choices import wishes_of, written_too_lately
from customers.tables import table_of
from engine.header import header_of
from engine.reasons import Reason
from engine.tables import FlowVersion
from store.bulk import Ids


def objections(session: Session, customer_ids: Ids, purpose: str | None, zone: ZoneInfo, now: datetime) -> list[Reason | None]:
    """Why a message of this purpose would go against each customer's wishes; None where it would not. At most three statements."""
    reasons: list[Reason | None] = [None] * len(customer_ids)
    if not purpose or not len(customer_ids):
        return reasons
    wishes = wishes_of(session, customer_ids, purpose, now)
    sparing = np.flatnonzero(~wishes.paused & (wishes.rhythm_days > 0))
    if len(sparing):
        campaigns = campaigns_for(session, purpose)
        lately = written_too_lately(session, customer_ids[sparing], wishes.rhythm_days[sparing], campaigns, zone, now)
        for place in sparing[lately].tolist():
            reasons[place] = Reason.OFTEN_ENOUGH
    for place in np.flatnonzero(wishes.paused).tolist():
        reasons[place] = Reason.ASKED_FOR_A_PAUSE
    return reasons


def campaigns_for(session: Session, purpose: str) -> frozenset[str]:
    """The campaigns of which any version has this purpose."""
    version = table_of(FlowVersion).c
    stored = session.execute(select(version.campaign, version.source))
    return frozenset(campaign for campaign, source in stored if header_of(source, campaign).purpose == purpose)
