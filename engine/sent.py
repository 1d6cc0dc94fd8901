"""What was sent, shown again: the stored wording merged with the stored values gives the same message, byte for byte."""

from dataclasses import dataclass

from sqlalchemy import select

from channels.contract import CompositionFault, Content
from customers.tables import table_of
from engine.tables import OutboxMessage, StoredWording
from engine.workspace import Workspace
from store.errors import NotFoundError
from store.session import reading


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it was, or would have been, sent."""

    id: int
    node: str
    channel: str
    state: str
    content: Content


def sent_message(workspace: Workspace, message_id: int) -> SentMessage:
    """A message by its number (contactflow explain shows it). Raises NotFoundError for one that was never composed."""
    outbox, wording = table_of(OutboxMessage), table_of(StoredWording)
    query = select(outbox, wording.c.source).join(wording, wording.c.id == outbox.c.wording_id).where(outbox.c.id == message_id)
    with reading(workspace.database) as session:
        row = session.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"Message {message_id} was never composed, or is not there. Its number stands in `contactflow explain`.")
    content = workspace.channels[row.channel].restore(row.source).compose(row.merged)
    # What was sent has been composed once from the very same wording and values.
    assert not isinstance(content, CompositionFault), content.reason
    return SentMessage(row.id, row.node, row.channel, row.state, content)
