"""Where everybody is: members by node, and messages by state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlmodel import Session

from customers.contact_log import Kind
from customers.tables import Contact, Customer, table_of
from engine.campaigns import stored_graph
from engine.feedback import KINDS
from engine.interventions import Deed, Intervened, interventions
from engine.outbox import State
from engine.promote import Decided, decisions
from engine.reasons import CODES
from engine.tables import Campaign, FlowVersion, Member, Move, OutboxMessage
from engine.workspace import Workspace
from store.session import reading

SHOWN = 10_000  # messages whose fate is unknown; more are counted, not listed


@dataclass(frozen=True, slots=True)
class NodeCounts:
    """How many members stand `at` a node now, went `through` it to a next one, and `left` the campaign there."""

    at: int
    through: int
    left: int


@dataclass(frozen=True)
class Standing:
    """A campaign's counts: members `at` each node, through each exit and out for each reason; messages by node and state."""

    campaign: str
    versions: tuple[str, ...]
    nodes: Mapping[str, NodeCounts]
    exits: Mapping[tuple[str, str], int]
    ended: Mapping[str, int]
    messages: Mapping[tuple[str, str], int]
    next_due: datetime | None
    unknown: Sequence[tuple[int, str, str]]  # message, node, the customer's key: may have been sent; a person decides
    came_back: Mapping[tuple[str, bool], int] = field(default_factory=dict)  # messages by what came back, and whether by a person
    decisions: Sequence[Decided] = ()  # on what was measured, the oldest first
    interventions: Sequence[Intervened] = ()  # pauses and the like, the oldest first

    @property
    def halted(self) -> Intervened | None:
        """The pause or stop that holds now."""
        last = self.interventions[-1] if self.interventions else None
        return None if last is None or last.deed is Deed.RESUMED else last

    @property
    def members(self) -> int:
        """Everybody who ever came in."""
        return sum(counts.at for counts in self.nodes.values()) + sum(self.ended.values())


def standing(workspace: Workspace, campaign: str) -> Standing:
    """The counts of a campaign over all its versions; a constant number of statements."""
    member, move, outbox, version, customer = (table_of(model) for model in (Member, Move, OutboxMessage, FlowVersion, Customer))
    mine = select(version.c.id).where(version.c.campaign == campaign)
    here, out = member.c.ended.is_(None), member.c.ended.is_not(None)
    at_node = select(member.c.node, func.count()).where(member.c.version_id.in_(mine), here).group_by(member.c.node)
    ended = select(member.c.ended, func.count()).where(member.c.version_id.in_(mine), out).group_by(member.c.ended)
    moves = select(move.c.node, move.c.exit, func.count()).join(member, member.c.id == move.c.member_id)
    moves = moves.where(member.c.version_id.in_(mine)).group_by(move.c.node, move.c.exit)
    messages = select(outbox.c.node, outbox.c.state, func.count()).where(outbox.c.version_id.in_(mine))
    lost = select(outbox.c.id, outbox.c.node, customer.c.key).join(customer, customer.c.id == outbox.c.customer_id)
    lost = lost.where(outbox.c.version_id.in_(mine), outbox.c.state == State.UNKNOWN)
    newest = select(FlowVersion).where(version.c.campaign == campaign).order_by(version.c.id.desc()).limit(1)
    with reading(workspace.database) as session:
        order = [name for row in session.execute(newest).scalars() for name in stored_graph(row).nodes]
        through = {(node, exit_name): count for node, exit_name, count in session.execute(moves)}
        return Standing(
            campaign,
            tuple(session.execute(select(version.c.version).where(version.c.campaign == campaign).order_by(version.c.id)).scalars()),
            _nodes(order, dict(session.execute(at_node).tuples().all()), through),
            {key: count for key, count in through.items() if key[1] not in CODES},
            dict(session.execute(ended).tuples().all()),
            {(node, state): count for node, state, count in session.execute(messages.group_by(outbox.c.node, outbox.c.state))},
            _next_due(session, mine),
            tuple(session.execute(lost.order_by(outbox.c.id).limit(SHOWN)).tuples()),
            _came_back(session, campaign),
            decisions(session, campaign),
            _interventions(session, campaign),
        )


def _came_back(session: Session, campaign: str) -> Mapping[tuple[str, bool], int]:
    """In the order of the vocabulary; read from the log's index alone."""
    contact = table_of(Contact).c
    kinds = {*KINDS.values(), Kind.VISITED, Kind.FORM_STARTED, Kind.ANSWERED, Kind.REDEEMED}
    counted = select(contact.kind, contact.human, func.count(contact.message_id.distinct()))
    counted = counted.where(contact.campaign == campaign, contact.kind.in_([kind.value for kind in kinds]), contact.message_id.is_not(None))
    found = {(kind, bool(human)): count for kind, human, count in session.execute(counted.group_by(contact.kind, contact.human))}
    return {(kind.value, human): found[kind, human] for kind in Kind for human in (True, False) if (kind, human) in found}


def _next_due(session: Session, versions: Select[tuple[int | None]]) -> datetime | None:
    """When somebody, or a message that waits for its turn or another attempt, is due next."""
    member, outbox = table_of(Member), table_of(OutboxMessage)
    people = select(func.min(member.c.due_at)).where(member.c.version_id.in_(versions), member.c.due_at.is_not(None))
    messages = select(func.min(outbox.c.due_at)).where(outbox.c.version_id.in_(versions), outbox.c.state == State.QUEUED)
    moments = (session.execute(query).scalar() for query in (people, messages))
    return min((moment for moment in moments if moment is not None), default=None)


def _interventions(session: Session, campaign: str) -> Sequence[Intervened]:
    campaigns = table_of(Campaign)
    found = session.execute(select(campaigns.c.id).where(campaigns.c.name == campaign)).scalar()
    return interventions(session, found) if found is not None else ()


def _nodes(order: Sequence[str], at: Mapping[str, int], through: Mapping[tuple[str, str], int]) -> dict[str, NodeCounts]:
    """In reading order; nodes of older versions that are gone stand behind, by name."""
    counted = {*at, *(node for node, _ in through)}
    names = [name for name in dict.fromkeys([*order, *sorted(counted)]) if name in counted]
    return {name: NodeCounts(at.get(name, 0), _passed(through, name), _left(through, name)) for name in names}


def _passed(through: Mapping[tuple[str, str], int], name: str) -> int:
    return sum(count for (node, exit_name), count in through.items() if node == name and exit_name not in CODES)


def _left(through: Mapping[tuple[str, str], int], name: str) -> int:
    return sum(count for (node, exit_name), count in through.items() if node == name and exit_name in CODES)
