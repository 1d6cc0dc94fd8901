"""The tables of campaigns that run: versions, goals, members, moves, exposures, decisions, limits, the outbox and what people ask for."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.columns import BigId, Instant, Json


class Campaign(SQLModel, table=True):
    """A campaign that has run at least once. `version_id` is where new members come in."""

    __tablename__: ClassVar[str] = "campaign"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    started_at: datetime = Field(sa_type=Instant)
    version_id: int | None = Field(default=None, foreign_key="flow_version.id")
    entered_at: datetime | None = Field(default=None, sa_type=Instant)  # when the last complete look for new members was


class FlowVersion(SQLModel, table=True):
    """One version of a flow that ran: its hash, its text as written, and the learning goal registered with it."""

    __tablename__: ClassVar[str] = "flow_version"
    __table_args__ = (UniqueConstraint("campaign", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign: str
    version: str  # 12 hexadecimal digits
    stored_at: datetime = Field(sa_type=Instant)
    source: str = Field(sa_type=Text)
    goal_id: int | None = Field(default=None, foreign_key="registered_goal.id")


class RegisteredGoal(SQLModel, table=True):
    """A learning goal as it stood when the first version with it started: written once, never changed."""

    __tablename__: ClassVar[str] = "registered_goal"
    __table_args__ = (UniqueConstraint("campaign", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign: str
    digest: str  # 12 hexadecimal digits over what decides: metric with its definition, window, smallest effect, rule, shares
    registered_at: datetime = Field(sa_type=Instant)
    document: Any = Field(sa_column=Column(Json, nullable=False))


class Decision(SQLModel, table=True):
    """A decision on what was measured, such as a winner that became the routine. Never changed, never removed."""

    __tablename__: ClassVar[str] = "decision"

    id: int | None = Field(default=None, primary_key=True)
    campaign: str = Field(index=True)  # serves: what was decided on this campaign
    at: datetime = Field(sa_type=Instant)
    kind: str  # promoted | kept
    node: str
    arm: str | None = None
    decided_by: str  # person | rule
    version_from: str
    version_to: str | None = None
    evidence: Any = Field(default=None, sa_column=Column(Json))  # the comparison that it stands on


class Intervention(SQLModel, table=True):
    """A person took a campaign in hand. The last one holds; none is changed or removed: engine/interventions.py."""

    __tablename__: ClassVar[str] = "intervention"

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True)  # serves: is this campaign halted?
    at: datetime = Field(sa_type=Instant)
    kind: str  # paused | resumed | stopped


class Bucket(SQLModel, table=True):
    """What may leave now under a limit, as of a moment: engine/limits.py."""

    __tablename__: ClassVar[str] = "bucket"

    name: str = Field(primary_key=True)  # the channel, and for whom: `email`, `email gmail.com`, `email on 2026-03-02`
    tokens: float  # messages that may leave
    at: datetime = Field(sa_type=Instant)
    taken_until: datetime = Field(sa_type=Instant)  # the last moment that somebody was told to come back at


class Programme(SQLModel, table=True):
    """Whether a customer belongs to the global hold-out, which no campaign may write to. Never changed: engine/programme.py."""

    __tablename__: ClassVar[str] = "programme"

    customer_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="customer.id")
    held_out: bool
    share: float  # 0..1: the part that was held out when this was drawn, for a later setting does not change it
    at: datetime = Field(sa_type=Instant)  # when it was assigned


class Member(SQLModel, table=True):
    """A customer inside a campaign. `due_at` is when to look again; without it: sending, or ended (then `ended` says why)."""

    __tablename__: ClassVar[str] = "member"
    __table_args__ = (
        UniqueConstraint("campaign_id", "customer_id", "entry"),
        # serves: who is due? Ended members and those whose message is under way are not in it
        Index("member_due", "version_id", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
        # serves: waking whoever waits when something about a customer comes in
        Index("member_of_customer", "customer_id"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    version_id: int = Field(foreign_key="flow_version.id")
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id")
    entry: int = 1  # the how manieth time that this customer is in this campaign
    entered_at: datetime = Field(sa_type=Instant)
    node: str
    arrived_at: datetime = Field(sa_type=Instant)
    deadline_at: datetime | None = Field(default=None, sa_type=Instant)  # when the rest at this node is over
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    hop: int = 0  # nodes left so far
    fresh: bool = True  # has the node not been stepped yet since the arrival
    segment: str | None = None  # the first named segment that fitted on entry: later changes would be effects, not groups
    ended: str | None = None  # engine/reasons.py
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Move(SQLModel, table=True):
    """A member left a node by an exit. The path of a member is its moves in order of `hop`."""

    __tablename__: ClassVar[str] = "move"

    member_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="member.id")
    hop: int = Field(primary_key=True)
    node: str
    exit: str  # an exit of the node, or the reason why the member ended there
    at: datetime = Field(sa_type=Instant)


class Exposure(SQLModel, table=True):
    """An assignment to an arm, written when it happened and never changed."""

    __tablename__: ClassVar[str] = "exposure"
    __table_args__ = (Index("exposure_of_campaign", "campaign_id", "node", "arm"),)  # serves: who was assigned, for the report

    member_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="member.id")
    node: str = Field(primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id")
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id")
    version: str
    arm: str
    at: datetime = Field(sa_type=Instant)


class StoredWording(SQLModel, table=True):
    """A compiled wording, by the hash of its source: with a message's values it shows what was sent, byte for byte."""

    __tablename__: ClassVar[str] = "wording"

    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(unique=True)  # SHA-256, hexadecimal
    channel: str
    source: bytes


class OutboxMessage(SQLModel, table=True):
    """One message to one customer, from the moment that a flow decided it. States: engine/outbox.py."""

    __tablename__: ClassVar[str] = "outbox"
    __table_args__ = (
        # Invariant 1: nobody is written to twice
        UniqueConstraint("version_id", "node", "customer_id", "entry", "hop"),
        # serves: what of this node can be claimed now? Only what is queued is in it
        Index(
            "outbox_queued",
            "version_id",
            "node",
            "due_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        # serves: what did a dead process leave behind?
        Index("outbox_claimed", "claim", sqlite_where=text("claim IS NOT NULL"), postgresql_where=text("claim IS NOT NULL")),
        # serves: what became of this member's message
        Index("outbox_of_member", "member_id", "node"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    member_id: int = Field(sa_type=BigId, foreign_key="member.id")
    version_id: int = Field(foreign_key="flow_version.id")
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id")
    node: str
    entry: int
    hop: int
    channel: str
    arm: str | None = None
    state: str = "queued"  # queued claimed sending | sent suppressed failed unknown
    reason: str | None = None  # engine/reasons.py
    queued_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)  # release, or the next attempt
    stale_at: datetime = Field(sa_type=Instant)  # not sent any more after this
    attempts: int = 0
    claim: str | None = None  # who works on it
    claimed_until: datetime | None = Field(default=None, sa_type=Instant)  # of the machine's clock, also in a virtual run
    code: str | None = Field(default=None, unique=True)  # the short code on a letter
    wording_id: int | None = Field(default=None, foreign_key="wording.id")
    values: Any = Field(default=None, sa_column=Column("merged", Json))  # what the wording was merged with
    address: str | None = None
    provider_id: str | None = None
    answer: str | None = None  # the provider's last code and sentence
    units: int = 0  # billable
    cost_millicents: int = 0
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class Request(SQLModel, table=True):
    """Something that a person asked for on a page: to join, to see their data, to correct or to erase it. The pages only write it down."""

    __tablename__: ClassVar[str] = "request"
    __table_args__ = (
        # serves: what is still to be carried out? Only that is in it
        Index("request_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        # serves: what did this customer ask for?
        Index("request_of_customer", "customer_id"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    key: str = Field(unique=True)  # what is asked twice, by a second press or a retry, is one request
    kind: str  # join | my_data | correct | erase
    at: datetime = Field(sa_type=Instant)
    campaign: str | None = None  # whose form was filled in, of a join
    customer_id: int | None = Field(default=None, sa_type=BigId, foreign_key="customer.id")  # of a join only once it is carried out
    message_id: int | None = Field(default=None, sa_type=BigId)  # behind whose link it was asked
    state: str = "open"  # open | done | refused
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    member_id: int | None = Field(default=None, sa_type=BigId)  # who came into a campaign by it
    given: Any = Field(default=None, sa_column=Column(Json))  # what was filled in; emptied once it is carried out
    document: Any = Field(default=None, sa_column=Column(Json))  # what was gathered to be seen; emptied after a while
