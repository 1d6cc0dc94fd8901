"""A database as a campaign leaves it: customers in arms and segments, two messages to each, and a log of what came of them.

Everything is drawn from one seed, so that both databases and a reference hold the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.schema import CreateIndex
from sqlmodel import Session, SQLModel

from customers.tables import ConsentEvent, Contact, Customer, Purchase, table_of
from engine.campaign import CampaignSpec
from engine.graph import FlowGraph, build_graph
from engine.nodes.audience import Audience
from engine.nodes.send import Send
from engine.tables import Campaign, Exposure, FlowVersion, Member, Move, OutboxMessage
from store.bulk import insert_rows
from store.clock import DAY_MICROS, SECOND_MICROS, to_micros

NAME, OTHER = "spring", "autumn"
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MADE_AT = START + timedelta(days=60)
SEGMENTS = ("young", "families", "regulars", "guests", None)
# Of the log's rows beside what was sent and delivered; a machine opens every fifth.
REACTIONS = {"opened": 0.5, "clicked": 0.25, "visited": 0.2, "answered": 0.04, "opted_out": 0.01}
ELSEWHERE = 0.1  # of the log is about another campaign
CHUNK = 500_000

Ints = NDArray[np.int64]
MESSAGE = (
    "id member_id version_id customer_id node entry hop channel arm state reason queued_at due_at stale_at attempts merged address"
    " units cost_millicents"
)


def flow() -> FlowGraph:
    """A hold-out, a mail in two wordings, a text message."""
    nodes = {
        "start": Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "10%"}),
        "mail": Send.model_validate(
            {"id": "mail", "send": "email", "template": "a.txt", "variants": {"warm": {"share": "50%"}, "plain": {"share": "50%"}}}
        ),
        "text": Send.model_validate({"id": "text", "send": "sms", "template": "b.txt"}),
    }
    learn = {"question": "Does it help?", "metric": "purchase", "within": "28 days", "also": ["response", "click"]}
    return build_graph(CampaignSpec.model_validate({"campaign": NAME, "learn": learn, "flow": nodes}))


@dataclass(frozen=True)
class People:
    """Customers 1 to `count`; each array has a place for each of them, and one before."""

    count: int
    seed: int = 1

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        return np.random.default_rng(self.seed).random(self.count + 1) < 0.1

    @cached_property
    def warm(self) -> NDArray[np.bool_]:
        return np.random.default_rng(self.seed + 1).random(self.count + 1) < 0.5

    @cached_property
    def segment(self) -> Ints:
        return np.random.default_rng(self.seed + 2).integers(0, len(SEGMENTS), self.count + 1)

    @cached_property
    def entered(self) -> Ints:
        """They came in over ten days, by the hour."""
        return to_micros(START) + np.random.default_rng(self.seed + 3).integers(0, 240, self.count + 1) * 3600 * SECOND_MICROS

    @cached_property
    def written_to(self) -> Ints:
        """The numbers of all but the held-out."""
        return np.flatnonzero(~self.held)[1:] if not self.held[0] else np.flatnonzero(~self.held)

    def arm(self, customers: Ints) -> Ints:
        """0: held out, 1: warm, 2: plain."""
        return np.where(self.held[customers], 0, np.where(self.warm[customers], 1, 2))


@dataclass(frozen=True)
class Log:
    """The contact log in columns, in order of time. `kind` numbers KINDS; `message` 0: none; `ours` False: of the other campaign."""

    at: Ints
    customer: Ints
    kind: Ints
    message: Ints
    human: NDArray[np.bool_]
    ours: NDArray[np.bool_]


KINDS = ("sent", "delivered", *REACTIONS)


def contact_log(people: People, contacts: int) -> Log:
    """So many rows: every message sent, mail delivered, and the rest drawn among who did something."""
    draw, who = np.random.default_rng(people.seed + 4), people.written_to
    entered, mails = people.entered[who], who[draw.random(len(who)) < 0.98]
    elsewhere = int(contacts * ELSEWHERE)
    rest = max(contacts - elsewhere - 2 * len(who) - len(mails), 0)
    # A quarter of the customers does half of it.
    keen = draw.random(rest) < 0.5
    someone = who[np.where(keen, draw.integers(0, max(len(who) // 4, 1), rest), draw.integers(0, len(who), rest))]
    did = draw.choice(len(REACTIONS), rest, p=list(REACTIONS.values())) + 2
    answered = np.where(draw.random(rest) < 0.02, 0, np.where(draw.random(rest) < 0.8, someone, someone + people.count))
    anybody = draw.integers(1, people.count + 1, elsewhere)
    parts = [
        _part(entered, who, 0, who),
        _part(entered + 7 * DAY_MICROS, who, 0, who + people.count),
        _part(people.entered[mails] + 30 * SECOND_MICROS, mails, 1, mails),
        (people.entered[someone] + (draw.exponential(4, rest) * DAY_MICROS).astype(np.int64), someone, did, answered),
        (to_micros(START) + (draw.integers(-60, 60, elsewhere) * DAY_MICROS), anybody, draw.choice([0, 2, 3], elsewhere), 0 * anybody),
    ]
    at, customer, kind, message = (np.concatenate(each) for each in zip(*parts, strict=True))
    ours = np.arange(len(at)) < len(at) - elsewhere
    human = (kind != 2) | (draw.random(len(at)) < 0.8)
    order = np.argsort(at, kind="stable")

    return Log(at[order], customer[order], kind[order], message[order], human[order], ours[order])


def _part(at: Ints, customer: Ints, kind: int, message: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    return at, customer, np.full(len(at), kind), message


def fill(database: Engine, people: People, log: Log) -> None:
    """Tables, rows and what the database's planner knows after a while."""
    SQLModel.metadata.create_all(database)
    quick = _quick(database)
    for model, columns, count, rows in _tables(people, log):
        _put(quick, model, columns, count, rows)
    with Session(quick) as session:
        session.connection().execute(table_of(Campaign).update().values(version_id=1))
        session.commit()
    quick.dispose()
    if database.dialect.name == "postgresql":
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does by itself


def _quick(database: Engine) -> Engine:
    """The same database without what keeps SQLite safe: nothing is lost when filling fails."""
    if database.dialect.name == "postgresql":
        return database
    database.dispose()
    quick = create_engine(database.url)
    event.listen(quick, "connect", lambda connection, _: [connection.execute(f"PRAGMA {each}") for each in _UNSAFE])
    return quick


_UNSAFE = ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000", "temp_store=MEMORY")


def is_filled(database: Engine) -> bool:
    """Whether an earlier run left its database."""
    return inspect(database).has_table("contact")


Rows = Iterator[Sequence[Any]]


def _put(database: Engine, model: type[SQLModel], columns: str, count: int, rows: Rows) -> None:
    """In parts, and the secondary indexes at the end, as a restored backup has them."""
    table = table_of(model)
    with Session(database) as session:
        for index in table.indexes:
            index.drop(session.connection())
        for first in range(0, count, CHUNK):
            insert_rows(session, table, columns.split(), islice(rows, min(CHUNK, count - first)))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            session.connection().execute(CreateIndex(index))
        session.commit()


def _tables(people: People, log: Log) -> Iterator[tuple[type[SQLModel], str, int, Rows]]:
    graph, at = flow(), to_micros(START)
    everybody = np.arange(1, people.count + 1)
    yield Customer, "id key created_at changed_at", people.count, ((n, f"k{n}", at, at) for n in range(1, people.count + 1))
    yield Campaign, "id name started_at", 1, iter([(1, NAME, at)])
    yield FlowVersion, "id campaign version stored_at source", 1, iter([(1, NAME, graph.version, at, "")])
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh segment ended"
    yield Member, columns, people.count, _members(people)
    written = people.written_to
    columns = "member_id node campaign_id customer_id version arm at"
    yield Exposure, columns, people.count + len(written), _exposures(people, graph.version)
    yield Move, "member_id hop node exit at", people.count + 2 * len(written), _moves(people)
    yield OutboxMessage, MESSAGE, 2 * len(written), _messages(people)
    columns = "at customer_id direction channel kind campaign version node arm message_id member_id human"
    yield Contact, columns, len(log.at), _contacts(people, log, graph.version)
    draw = np.random.default_rng(people.seed + 5)
    buyers = draw.integers(1, people.count + 1, people.count // 2).tolist()
    days = draw.integers(-80, 28, len(buyers)).tolist()
    columns = "key customer_id purchased_at amount_cents currency"
    yield (
        Purchase,
        columns,
        len(buyers),
        ((f"p{place}", n, at + day * DAY_MICROS, 100 + n % 9000, "EUR") for place, (n, day) in enumerate(zip(buyers, days, strict=True))),
    )
    columns = "customer_id purpose channel granted at source"
    yield ConsentEvent, columns, people.count, ((n, "offers", "email", n % 5 > 0, at - n, "import") for n in everybody.tolist())


def _members(people: People) -> Rows:
    for n, entered, held, segment in zip(
        range(people.count + 1), people.entered.tolist(), people.held.tolist(), people.segment.tolist(), strict=True
    ):
        if n:
            node, hop = ("start", 1) if held else ("text", 3)
            yield n, 1, 1, n, entered, node, entered, 1, hop, False, SEGMENTS[segment], "held_out" if held else "flow_ended"


def _exposures(people: People, version: str) -> Rows:
    for n, entered, held, warm in zip(
        range(people.count + 1), people.entered.tolist(), people.held.tolist(), people.warm.tolist(), strict=True
    ):
        if n:
            yield n, "start", 1, n, version, "control" if held else "contacted", entered
            if not held:
                yield n, "mail", 1, n, version, "warm" if warm else "plain", entered


def _moves(people: People) -> Rows:
    for n, entered, held in zip(range(people.count + 1), people.entered.tolist(), people.held.tolist(), strict=True):
        if n:
            yield n, 0, "start", "held_out" if held else "next", entered
            if not held:
                yield n, 1, "mail", "next", entered
                yield n, 2, "text", "flow_ended", entered + 7 * DAY_MICROS


def _messages(people: People) -> Rows:
    for place, (node, channel, cost) in enumerate((("mail", "email", 100), ("text", "sms", 7000))):
        for n in people.written_to.tolist():
            at = int(people.entered[n]) + 7 * place * DAY_MICROS
            arm = None if place else "warm" if people.warm[n] else "plain"
            words = f'{{"customer.first_name":"Name{n}","links.page":"https://example.com/{n:012}"}}'
            yield (
                *(n + place * people.count, n, 1, n, node, 1, place + 1, channel, arm, "sent", None),
                *(at, at, at + DAY_MICROS, 1, words, f"customer{n}@example.com", 1, cost),
            )


def _contacts(people: People, log: Log, version: str) -> Rows:
    for first in range(0, len(log.at), CHUNK):
        some = slice(first, first + CHUNK)
        arms = people.arm(log.customer[some])
        columns = (log.at[some], log.customer[some], log.kind[some], log.message[some], log.human[some], log.ours[some], arms)
        for at, customer, kind, message, human, ours, arm in zip(*(each.tolist() for each in columns), strict=True):
            direction = "out" if kind == 0 else "in"
            if not ours:
                yield at, customer, direction, "email", KINDS[kind], OTHER, None, None, None, None, None, human
            elif not message:
                yield at, customer, direction, "web", KINDS[kind], NAME, version, None, None, None, None, human
            else:
                second = message > people.count
                where = ("text", None) if second else ("mail", (None, "warm", "plain")[arm])
                yield at, customer, direction, "sms" if second else "email", KINDS[kind], NAME, version, *where, message, customer, human


def frames(people: People, log: Log) -> Mapping[str, Any]:
    """The same rows as Polars has them best: the log in the order of time, and a row a customer."""
    import polars as pl  # noqa: PLC0415 - only where it is the reference

    kinds = pl.Series([KINDS[kind] for kind in range(len(KINDS))])
    arms = pl.Series(["control", "warm", "plain"])
    everybody = np.arange(1, people.count + 1)
    contacts = {
        "at": log.at,
        "customer_id": log.customer,
        "kind": kinds.gather(log.kind).cast(pl.Categorical),
        "campaign": pl.Series([OTHER, NAME]).gather(log.ours.astype(np.int64)).cast(pl.Categorical),
        "human": log.human,
    }
    members = {
        "customer_id": everybody,
        "arm": arms.gather(people.arm(everybody)).cast(pl.Categorical),
        "segment": pl.Series(SEGMENTS).gather(people.segment[1:]).cast(pl.Categorical),
    }
    return {"contact": pl.DataFrame(contacts), "member": pl.DataFrame(members)}
