"""A campaign of twelve nodes with as many customers as asked for, and channels that send nothing; what several benchmarks share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import SQLModel

import customers.tables
import engine.tables
from channels.contract import Channel
from channels.fake import FakeChannel
from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind, Vocabulary
from customers.tables import Consent, Customer, table_of
from engine.campaigns import open_versions, start
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.links import Links
from engine.running import Running
from engine.workspace import Sender, Workspace
from store.bulk import insert_rows
from store.clock import to_micros
from store.session import writing
from store.tokens import Signer

assert customers.tables
assert engine.tables
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANNELS = ("email", "sms", "print")
ATTRIBUTES = {"told": AttributeKind.TEXT}
WORDS = "Dear {{ customer.first_name }} in {{ customer.city }}, see {{ links.page }} or say stop: {{ links.opt_out }}"
# One wave takes everybody from the first node to the last: the waits are over, and nobody has to answer.
FLOW = """
campaign: twelve
purpose: offers
exit_when: purchase since entry
flow:
  dutch: {audience: country = 'NL', holdout: 10%}
  group:
    split:
      warm: {share: 50%, next: mail}
      cool: {share: 50%, next: which}
  mail:
    send: email
    variants:
      personal: {share: 50%, template: words.txt, subject: "{{ customer.first_name }}, for you"}
      general: {share: 50%, template: words.txt, subject: For you}
  pause: {wait: until 2026-01-05 09:00}
  seen:
    branch:
      - {when: response to mail, then: won}
      - {otherwise: rest}
  rest: {wait: until 2026-02-02 09:00, next: noted}
  which:
    branch:
      - {when: reachable by sms, then: text}
      - {otherwise: letter}
  text: {send: sms, template: words.txt, next: noted}
  letter: {send: print, template: words.txt}
  noted: {update: {told: "yes"}}
  again: {send: email, subject: Once more, template: words.txt}
  won: {goal: purchase}
"""


@dataclass
class Bench:
    """The workspace of a benchmark, under `root`."""

    root: Path
    database: Engine
    flow: str = FLOW
    others: Mapping[str, Channel] = field(default_factory=dict)

    @cached_property
    def fakes(self) -> dict[str, FakeChannel]:
        """A channel that sends nothing for each way."""
        addresses = {"email": ("email",), "sms": ("phone",), "print": ("street", "postcode", "city")}
        return {name: FakeChannel(name, addresses[name]) for name in CHANNELS}

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The channels, real ones in front."""
        return {**self.fakes, **self.others}

    def __post_init__(self) -> None:
        SQLModel.metadata.create_all(self.database)
        with writing(self.database) as session:
            declare_attributes(session, ATTRIBUTES)
        (self.root / "templates").mkdir(exist_ok=True)
        (self.root / "templates" / "words.txt").write_text(WORDS)

    @property
    def workspace(self) -> Workspace:
        return Workspace(
            root=self.root,
            database=self.database,
            zone=ZoneInfo("Europe/Amsterdam"),
            attributes=ATTRIBUTES,
            segments={},
            purposes=("offers",),
            channels=self.channels,
            links=Links("https://example.com", Signer([b"0123456789abcdef"])),
            sender=Sender("Shop", "Main street 1"),
            costs={"email": 0.1, "sms": 7, "print": 95},
        )

    def people(self, count: int) -> None:
        """Customers who allow every channel, except that every other one refuses SMS."""
        columns = ("id", "key", "first_name", "email", "phone", "street", "postcode", "city", "country", "created_at", "changed_at")
        with writing(self.database) as session:
            for first in range(1, count + 1, 50_000):
                last = min(first + 50_000, count + 1)
                insert_rows(session, table_of(Customer), columns, _people(first, last))
                insert_rows(session, table_of(Consent), ("customer_id", "purpose", "channel", "granted", "since"), _consent(first, last))

    def start(self) -> list[Running]:
        """The campaign, checked and stored."""
        vocabulary = Vocabulary.of_workspace(ATTRIBUTES, {}, CHANNELS)
        context = CheckContext(self.workspace.templates, vocabulary, own_attributes=ATTRIBUTES)
        graph = check_text(self.flow, self.workspace.flows / "twelve.yaml", context).require()
        start(self.workspace, graph, self.flow, NOW)
        return list(open_versions(self.workspace, "twelve"))


def _people(first: int, last: int) -> Iterator[tuple[object, ...]]:
    moment = to_micros(NOW) - 1
    for n in range(first, last):
        where = (f"Street {n % 300}", "1234 AB", f"Town {n % 400}", "NL")
        yield (n, f"c{n}", f"Name{n % 5000}", f"c{n}@example.com", f"+316{n:08}", *where, moment, moment)


def _consent(first: int, last: int) -> Iterator[tuple[object, ...]]:
    moment = to_micros(NOW) - 1
    for n in range(first, last):
        for channel in CHANNELS:
            yield n, "offers", channel, channel != "sms" or n % 2 == 0, moment
