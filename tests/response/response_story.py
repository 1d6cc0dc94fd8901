"""A campaign as it lies in the database after it ran, put there row by row, so that every figure can be done by hand."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import Session

from customers.tables import Contact, Customer, Purchase
from engine.campaign import CampaignSpec
from engine.goals import goal_of, register
from engine.graph import FlowGraph, build_graph
from engine.metrics import Metrics
from engine.nodes import Node
from engine.nodes.audience import Audience
from engine.nodes.goal import Goal
from engine.nodes.send import Send
from engine.nodes.split import Split
from engine.tables import Campaign, Exposure, FlowVersion, Member, OutboxMessage
from response.building import build_report, sources
from response.facts import Comparison, Report
from response.sources import Sources
from store.session import writing

NOON = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LEARN = {"question": "Does a letter help?", "metric": "purchase", "within": "28 days", "minimum_lift": "1 point"}
HOLDOUT = Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "50%"})
EVERYONE = Audience.model_validate({"id": "start", "audience": "everyone"})
MAIL = Send.model_validate({"id": "mail", "send": "email", "template": "a.txt"})
TEST = Send.model_validate(
    {"id": "test", "send": "email", "template": "a.txt", "variants": {"warm": {"share": "50%"}, "plain": {"share": "50%"}}}
)
DONE = Goal.model_validate({"id": "done", "goal": "bought"})


def split(arms: Mapping[str, Any], by: str | None = None) -> Split:
    return Split.model_validate({"id": "arms", "split": {name: {"next": "done", **arm} for name, arm in arms.items()}, "by": by})


def flow(*nodes: Node, learn: Mapping[str, Any] | None = LEARN, **header: Any) -> FlowGraph:
    document = {"campaign": "spring", "title": "Spring <offer>", "learn": learn, "flow": {node.id: node for node in nodes}, **header}
    return build_graph(CampaignSpec.model_validate(document))


@dataclass
class Story:
    """Writes what happened; every method gives the ids that it made."""

    _session: Session
    campaign_id: int
    flows: dict[str, FlowGraph] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    customers: int = 0
    _rows: int = 0

    @property
    def session(self) -> Session:
        """The story's transaction, with all that was told until now written."""
        self._session.flush()
        return self._session

    def runs(self, graph: FlowGraph, at: datetime = NOON, metrics: Metrics | None = None) -> str:
        """A version that started at `at`; with `metrics`, its learning goal is registered with their definitions."""
        learn = graph.campaign.learn
        goal_id = register(self.session, "spring", goal_of(learn, metrics, graph.nodes.values()), at) if learn and metrics else None
        row = FlowVersion(campaign="spring", version=graph.version, stored_at=at, source="", goal_id=goal_id)
        self._add([row])
        assert row.id is not None
        self.flows[graph.version], self.versions[graph.version] = graph, row.id
        return graph.version

    def enters(self, count: int, version: str, at: datetime = NOON, entry: int = 1, **values: Any) -> list[Member]:
        """`count` new customers come in."""
        people = [Customer(key=f"person-{self.customers + n}", created_at=at, changed_at=at) for n in range(count)]
        self._add(people)
        self.customers += count
        return self.again([person.id or 0 for person in people], version, at, entry, **values)

    def again(self, people: Sequence[int], version: str, at: datetime, entry: int, **values: Any) -> list[Member]:
        members = [
            Member(
                campaign_id=self.campaign_id,
                version_id=self.versions[version],
                customer_id=person,
                entered_at=at,
                node="done",
                arrived_at=at,
                entry=entry,
                **values,
            )
            for person in people
        ]
        self._add(members)
        return members

    def assigns(self, members: Sequence[Member], node: str, arm: str, version: str) -> None:
        self._add(
            [
                Exposure(
                    member_id=member.id or 0,
                    node=node,
                    campaign_id=self.campaign_id,
                    customer_id=member.customer_id,
                    version=version,
                    arm=arm,
                    at=member.entered_at,
                )
                for member in members
            ]
        )

    def arm(self, count: int, node: str, arm: str, version: str, at: datetime = NOON) -> list[Member]:
        members = self.enters(count, version, at)
        self.assigns(members, node, arm, version)
        return members

    def buys(self, member: Member, cents: int, days: float = 1, currency: str = "EUR", margin: int | None = None) -> None:
        self._rows += 1
        key, at = f"p{self._rows}", member.entered_at + timedelta(days=days)
        bought = Purchase(
            key=key, customer_id=member.customer_id, purchased_at=at, amount_cents=cents, margin_cents=margin, currency=currency
        )
        self._session.add(bought)  # not flushed one by one, which is what most of a test's time would go to

    def contact(self, member: Member, kind: str, days: float = 1, **values: Any) -> None:
        row = {"campaign": "spring", "channel": "web", "direction": "in", **values}
        self._session.add(Contact(at=member.entered_at + timedelta(days=days), customer_id=member.customer_id, kind=kind, **row))

    def message(self, member: Member, node: str, state: str, hop: int = 1, **values: Any) -> int:
        at = member.entered_at
        row = OutboxMessage(
            member_id=member.id or 0,
            version_id=member.version_id,
            customer_id=member.customer_id,
            node=node,
            entry=member.entry,
            hop=hop,
            state=state,
            queued_at=at,
            due_at=at,
            stale_at=at,
            **{"channel": "email", **values},
        )
        self._add([row])
        return row.id or 0

    def report(self, days: float = 60, currency: str = "EUR") -> Report:
        return build_report(self.session, "spring", NOON + timedelta(days=days), AMSTERDAM, currency, lambda row: self.flows[row.version])

    def sources(self, days: float = 60, currency: str = "EUR") -> Sources:
        at = NOON + timedelta(days=days)
        return sources(self.session, "spring", at, AMSTERDAM, currency, lambda row: self.flows[row.version])

    def _add(self, rows: Sequence[Any]) -> None:
        self._session.add_all(rows)
        self._session.flush()


@contextmanager
def telling(database: Engine) -> Iterator[Story]:
    """A story in a transaction that is committed at the end."""
    with writing(database) as session:
        campaign = Campaign(name="spring", started_at=NOON)
        session.add(campaign)
        session.flush()
        yield Story(session, campaign.id or 0)


def pick(report: Report, metric: str, arm: str) -> Comparison:
    """The one comparison of an arm on a metric."""
    (found,) = [each for each in report.comparisons if (each.metric, each.arm) == (metric, arm)]
    return found
