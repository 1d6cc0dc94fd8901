"""Showing a customer's message without sending it, and sending it to colleagues as a test that counts nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from channels.contract import CompositionFault, Content, MessageKey, Receipt
from channels.email.channel import EmailChannel
from channels.email.pictures import shown_alone
from channels.email.wording import EmailWording
from contactflow.bootstrap import inbox_at_hand, open_workspace
from contactflow.checking import check_context, check_one, flow_file
from engine.campaigns import not_started
from engine.preview import Preview, preview
from store.errors import InputError

MARK = "[Test] "
NOBODY = "somebody@example.com"  # in the file of whoever has no address
ENDINGS = (".html", ".eml", ".txt")


@dataclass(frozen=True)
class Asked:
    """Whose message: the flow and node, the customer, the variant (None: the one that the lot gives), and the moment."""

    flow: str
    node: str
    customer: str
    variant: str | None
    now: datetime


@dataclass
class _Listening:
    """A Wire that only remembers: a test is in no journal, because nothing of ours waits for it."""

    receipts: list[Receipt] = field(default_factory=list)

    def start(self, keys: Iterable[MessageKey]) -> None:
        """Nothing is written down."""

    def done(self, receipt: Receipt) -> None:
        """Keep the answer."""
        self.receipts.append(receipt)


def preview_of(root: Path, asked: Asked) -> Preview:
    """The message as this customer would get it. Raises what check_one and engine.preview raise."""
    graph = check_one(flow_file(root, asked.flow), check_context(root)).require()
    with open_workspace(root) as workspace:
        return preview(not_started(workspace, graph), asked.node, asked.customer, asked.now, asked.variant)


def write_preview(shown: Preview, target: Path) -> None:
    """Write the message as a page, as a whole mail, or as its text. Raises InputError for another ending, or a part it has not."""
    parts = shown.content.parts
    if target.suffix == ".eml" and isinstance(shown.channel, EmailChannel):
        target.write_bytes(shown.channel.written_out(shown.message("preview", shown.letterhead.addressee.address or NOBODY), shown.batch))
    elif target.suffix == ".html" and "html" in parts:
        target.write_text(shown_alone(shown.content), encoding="utf-8")
    elif target.suffix == ".txt" and "text" in parts:
        target.write_text(parts["text"], encoding="utf-8")
    else:
        raise InputError(f"{target} cannot hold this message. It has {', '.join(parts)}; a file may end in {', '.join(ENDINGS)}.")


def send_test(root: Path, asked: Asked, addresses: Iterable[str]) -> list[tuple[str, Receipt]]:
    """Send the message to these addresses, marked as a test; the answer for each. Nothing is stored, and it counts nowhere.

    Raises InputError for an address that cannot be one, and for a node that sends no e-mail.
    """
    graph = check_one(flow_file(root, asked.flow), check_context(root)).require()
    with inbox_at_hand(root), open_workspace(root) as workspace:
        shown = preview(not_started(workspace, graph), asked.node, asked.customer, asked.now, asked.variant)
        if not isinstance(shown.channel, EmailChannel):
            raise InputError(f"Node '{asked.node}' sends no e-mail. Look at its message with `contactflow preview` instead.")
        content, test = _marked(shown), f"test-{uuid4().hex[:12]}"
        messages = [shown.message(f"{test}.{n}", _address(shown.channel, each), content) for n, each in enumerate(addresses, 1)]
        wire = _Listening()
        for _ in shown.channel.deliver(messages, shown.batch, wire):
            pass
        receipts = {receipt.key: receipt for receipt in wire.receipts}
        return [(message.address, receipts[message.key]) for message in messages if message.key in receipts]


def _address(channel: EmailChannel, text: str) -> str:
    address = channel.address_of({"email": text})
    if address is None:
        raise InputError(f"'{text}' is not an e-mail address. Write one such as you@example.com.")
    return address


def _marked(shown: Preview) -> Content:
    """The message with a subject that says what it is."""
    wording = shown.letterhead.wording
    assert isinstance(wording, EmailWording)
    content = replace(wording, subject=MARK + wording.subject).compose(shown.letterhead.values)
    assert not isinstance(content, CompositionFault), content.reason  # it has been composed once from the same values
    return content
