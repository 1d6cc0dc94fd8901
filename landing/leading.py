"""The way from an opt-out to the preferences of the same recipient."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select
from sqlmodel import Session

from customers.tables import table_of
from engine.links import LINK_LIFE, Links
from engine.tables import OutboxMessage
from landing.recipients import Recipient

OPEN_FOR = timedelta(days=1)
_MESSAGE = table_of(OutboxMessage).c
_QUEUED_AT = select(_MESSAGE.queued_at).where(_MESSAGE.id == bindparam("id"))


def way_to_choices(session: Session, links: Links, recipient: Recipient, now: datetime) -> str | None:
    """The path of a link to the preferences, of use for a day; None when the message's own link there would have ended.

    The link to stop never ends, and an old mail that was forwarded should not tell for ever what its recipient chooses today.
    """
    queued_at = session.connection().execute(_QUEUED_AT, {"id": recipient.message_id}).scalar_one()
    if recipient.is_erased or now > queued_at + LINK_LIFE:
        return None
    return urlsplit(links.link("preferences", recipient.message_id, now + OPEN_FOR)).path
