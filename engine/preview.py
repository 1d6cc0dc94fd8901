"""The very message that one customer would get at a node now: composed as when it leaves, and neither sent nor stored."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from channels.contract import BatchInfo, Channel, CompositionFault, Content, Message, MessageKey
from customers.texts import customer_ids_of
from engine.composition import Composer, Letterhead
from engine.language.faults import did_you_mean, listed
from engine.nodes.send import Send
from engine.reasons import REASONS
from engine.running import Running
from store.errors import InputError, NotFoundError
from store.session import reading


@dataclass(frozen=True)
class Preview:
    """A message as it would be. `refusal` says why it would not be sent, when the customer may not be written to."""

    letterhead: Letterhead
    content: Content
    channel: Channel
    batch: BatchInfo
    refusal: str | None

    def message(self, key: str, address: str, content: Content | None = None) -> Message:
        """The message as the channel takes it, for another address; `content` instead of its own."""
        return Message(MessageKey(key), address, content or self.content, self.letterhead.values["links"])


def preview(running: Running, node_id: str, customer_key: str, now: datetime, arm: str | None = None) -> Preview:
    """What this customer would get from this node at `now`, in the arm that the lot gives or in another.

    Raises NotFoundError for a node, arm or customer that is not there, InputError when the message cannot be made for this customer.
    """
    node = _send_node(running, node_id)
    if arm is not None and arm not in node.shares:
        arms = f"Its arms: {listed(node.shares, 'and')}." if node.shares else "It has no variants."
        raise NotFoundError(f"Node '{node_id}' has no variant '{arm}'. {arms}")
    with reading(running.workspace.database) as session:
        customer_id = customer_ids_of(session, [customer_key]).get(customer_key)
        if customer_id is None:
            raise NotFoundError(f"There is no customer '{customer_key}'. Write the key that the source system uses.")
        # Whoever looks at it follows its links, and is none of its recipients.
        composer = Composer(running, node_id, following=False)
        (letterhead,) = composer.rehearse(session, np.array([customer_id], np.int64), now, arm)
    merged = composer.merged(letterhead)
    if isinstance(merged, CompositionFault):
        raise InputError(f"Node '{node_id}' would send nothing to '{customer_key}': {merged.reason}.")
    campaign = running.graph.campaign
    batch = BatchInfo("test", campaign.campaign, running.graph.version, node_id, campaign.title or campaign.campaign, now)
    return Preview(merged.letterhead, merged.content, composer.channel, batch, REASONS[letterhead.refusal] if letterhead.refusal else None)


def _send_node(running: Running, node_id: str) -> Send:
    node = running.graph.nodes.get(node_id)
    if isinstance(node, Send):
        return node
    sending = [name for name, each in running.graph.nodes.items() if isinstance(each, Send)]
    what = "sends nothing" if node else "is not in the flow"
    raise NotFoundError(f"Node '{node_id}' {what}.{did_you_mean(node_id, sending)} Nodes that send: {listed(sending, 'and')}.")
