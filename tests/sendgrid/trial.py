"""A batch of mails, a fake SendGrid that holds each request against the provider's own description, and what was told about it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from channels.contract import BatchInfo, Content, Message, MessageKey, Receipt
from channels.email.sendgrid import SendGridSettings, SendGridTransport
from channels.email.sendgrid.fake import FakeSendGrid, Reply
from channels.email.wording import EmailWording

DESCRIPTION = Path(__file__).parent / "openapi" / "sendgrid_mail_v3.json"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BATCH = BatchInfo("winback-1", "winback", "0123456789ab", "mail", "Win back", NOON)
FEW_WORDS = EmailWording(
    "{{ name }}, news", "Dear {{ name }},\n\nlook: {{ link }}\n", "<p>Dear {{ name }},</p>\n<p><a href='{{ link }}'>look</a></p>\n"
)


class RecordingWire:
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def start(self, keys: Iterable[MessageKey]) -> None:
        self.events += [("start", key) for key in keys]

    def done(self, receipt: Receipt) -> None:
        self.events.append(("done", receipt.key))

    @property
    def started(self) -> set[str]:
        return {key for event, key in self.events if event == "start"}


def described() -> Draft202012Validator:
    """SendGrid's own description of the body of a request; the version of OpenAPI that it is in uses JSON Schema 2020-12."""
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    schema = {"$ref": "#/components/requestBodies/PostMailSend/content/application~1json/schema", "components": description["components"]}
    return Draft202012Validator(schema)


@contextmanager
def sendgrid(script: Callable[[int], Reply | None] = lambda _: None) -> Iterator[FakeSendGrid]:
    """A fake whose requests all keep to SendGrid's description, or the test fails."""
    validator = described()
    wrong: list[str] = []
    with FakeSendGrid(script, inspect=lambda request: wrong.extend(error.message for error in validator.iter_errors(request))) as fake:
        yield fake
    assert wrong == []


def transport_to(fake: FakeSendGrid, **settings: Any) -> SendGridTransport:
    own = {
        "key": fake.key,
        "address": fake.address,
        "sender_address": "news@shop.example",
        "sender_name": "Huis & Haard",
        "timeout_seconds": 5,
    }
    return SendGridTransport(SendGridSettings(**{**own, **settings}))


def mail(number: int, values: Mapping[str, Any] | None = None, wording: EmailWording = FEW_WORDS, address: str | None = None) -> Message:
    content = wording.compose(values or {"name": f"Anna{number}", "link": f"https://shop.example/p/{number}"})
    assert isinstance(content, Content), content
    links = {"one_click": f"https://shop.example/u/{number}"}
    return Message(MessageKey(f"0123456789ab.{number}"), address or f"customer{number}@example.com", content, links)


def deliver(transport: SendGridTransport, messages: Sequence[Message], wire: RecordingWire | None = None) -> dict[str, Receipt]:
    """The receipts by key; each message has one at the most."""
    receipts = list(transport.deliver(messages, BATCH, wire or RecordingWire()))
    assert len({receipt.key for receipt in receipts}) == len(receipts)
    return {receipt.key: receipt for receipt in receipts}
