"""A small workspace with a fake channel for each way to reach people, on both databases."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from channels.contract import Channel
from channels.fake import FakeChannel
from customers.conditions.vocabulary import Vocabulary
from customers.consent import ConsentChange, Source, record_consent
from customers.tables import Customer, CustomerId, table_of
from engine.campaigns import open_versions, start
from engine.dispatch import Desk
from engine.journal import Journal
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.links import Links
from engine.running import Running
from engine.wave import Trouble, carry_out
from engine.workspace import Sender, Workspace
from store.bulk import insert_rows
from store.clock import FixedClock, to_micros
from store.session import writing
from store.tokens import Signer
from tests.conftest import NOON

WORDS = "Dear {{ customer.first_name }}, see {{ links.page }}"


class Bench:
    """A workspace, and the few things that a test of the engine does with it."""

    def __init__(self, root: Path, database: Engine, channels: Sequence[Channel] = ()) -> None:
        self.record = root / "record.jsonl"
        given = {channel.name: channel for channel in channels}
        fakes = {
            "email": FakeChannel("email", ("email",), record=self.record),
            "sms": FakeChannel("sms", ("phone",), record=self.record),
            "print": FakeChannel("print", ("postcode",), record=self.record),
        }
        (root / "templates").mkdir(exist_ok=True)
        (root / "templates" / "words.txt").write_text(WORDS)
        self.clock = FixedClock(NOON)
        self.workspace = Workspace(
            root=root,
            database=database,
            zone=ZoneInfo("Europe/Amsterdam"),
            attributes={},
            segments={},
            purposes=("offers",),
            channels={**fakes, **given},
            links=Links("http://127.0.0.1:1", Signer([b"0123456789abcdef"])),
            sender=Sender("Shop", "Main street 1"),
            costs={"email": 0.1, "sms": 7, "print": 95},
        )

    def people(self, count: int, *, consent: Sequence[str] = ("email", "sms", "print"), first: int = 1) -> None:
        """Customers c1, c2, ... with an address for every channel, who allow offers over `consent`."""
        columns = ("id", "key", "first_name", "email", "phone", "street", "postcode", "city", "country", "created_at", "changed_at")
        moment = to_micros(NOON) - 1
        rows = [
            (n, f"c{n}", f"Name{n}", f"c{n}@example.com", f"+3161234{n:04}", "Street 1", "1234 AB", "Delft", "NL", moment, moment)
            for n in range(first, first + count)
        ]
        with writing(self.workspace.database) as session:
            insert_rows(session, table_of(Customer), columns, rows)
            changes = [
                ConsentChange(CustomerId(n), "offers", channel, granted=True, at=NOON, source=Source.PAGE)
                for n in range(first, first + count)
                for channel in consent
            ]
            record_consent(session, changes)

    def refuse(self, customer_id: int, channel: str, at: datetime = NOON) -> None:
        with writing(self.workspace.database) as session:
            change = ConsentChange(CustomerId(customer_id), "offers", channel, granted=False, at=at, source=Source.PAGE)
            record_consent(session, [change])

    def start(self, flow: str, header: str = "", at: datetime = NOON) -> Sequence[Running]:
        """Check and start a campaign called test from the nodes in `flow`."""
        text = f"campaign: test\npurpose: offers\n{header}\nflow:\n{flow}"
        known = Vocabulary.of_workspace(self.workspace.attributes, self.workspace.segments)
        own = {name: kind.value for name, kind in self.workspace.attributes.items()}
        context = CheckContext(templates=self.workspace.templates, vocabulary=known, own_attributes=own, stated=("said_interest",))
        checked = check_text(text, self.workspace.flows / "test.yaml", context)
        start(self.workspace, checked.require(), text, at)
        return open_versions(self.workspace, "test")

    def carry_out(self, versions: Sequence[Running], now: datetime = NOON, claim: str = "desk") -> list[Trouble]:
        with self.desk(claim) as desk:
            return carry_out(versions, now, desk)

    @contextmanager
    def desk(self, claim: str = "desk") -> Iterator[Desk]:
        journal = Journal.open(self.workspace.state, claim)
        try:
            yield Desk(claim, journal, self.clock)
        finally:
            journal.close()

    def sent(self) -> list[str]:
        """The addresses that the world has seen a message for, in order."""
        if not self.record.exists():
            return []
        return [json.loads(line)["address"] for line in self.record.read_text().splitlines()]


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path, database: Engine) -> MakeBench:
    return lambda *channels: Bench(tmp_path, database, channels)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
