"""What update nodes write down: attributes, and refusals of consent."""

from datetime import datetime
from typing import Any

import numpy as np
from sqlmodel import Session

from customers.attributes import set_attributes
from customers.consent import ConsentChange, Source, record_consent
from customers.tables import CustomerId
from engine.progress import Noted, Progress
from engine.running import Running

CONSENT = "consent"  # the key of an update node that is not an attribute


def write_notes(session: Session, running: Running, progress: Progress, now: datetime) -> None:
    """Write what a chunk's members had to have written down."""
    for noted in progress.notes:
        customer_ids = progress.members.customer_id[noted.rows]
        attributes = noted.update.new_values(running.workspace.attributes)
        if attributes:
            set_attributes(session, customer_ids, attributes, running.workspace.attributes)
        record_consent(session, _refusals(running, noted, customer_ids, now))


def _refusals(running: Running, noted: Noted, customer_ids: np.ndarray[Any, np.dtype[np.int64]], now: datetime) -> list[ConsentChange]:
    channels = noted.update.update.get(CONSENT)
    purpose = running.graph.campaign.purpose
    if not isinstance(channels, dict) or purpose is None:
        return []
    evidence = {"campaign": running.graph.campaign.campaign, "version": running.graph.version, "node": noted.node}
    return [
        ConsentChange(CustomerId(customer_id), purpose, channel, granted=False, at=now, source=Source.FLOW, evidence=evidence)
        for customer_id in customer_ids.tolist()
        for channel, allowed in channels.items()
        if not allowed
    ]
