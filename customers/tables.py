"""The tables about people. Names are the glossary's; instants are micros UTC; money is integer cents."""

from datetime import date, datetime
from typing import Any, ClassVar, NewType

from sqlalchemy import Column, Index, Table, text
from sqlmodel import Field, SQLModel

from store.columns import BigId, Instant, Json

REFUSED = "kind IN ('opted_out', 'complained')"  # in the contact log; said so, a partial index of these rows is used

CustomerId = NewType("CustomerId", int)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for set-based statements."""
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not annotate it
    assert isinstance(table, Table)
    return table


class Customer(SQLModel, table=True):
    """A person (or prospect). `key` is the name that the source system gives this person."""

    __tablename__: ClassVar[str] = "customer"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    key: str = Field(unique=True)
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = Field(default=None, index=True)  # serves: which customer is this address?
    phone: str | None = None  # E.164
    street: str | None = None  # with the house number, as printed on an envelope
    postcode: str | None = None
    city: str | None = None
    country: str | None = None  # ISO 3166-1 alpha-2
    language: str | None = None  # ISO 639-1
    timezone: str | None = None  # IANA name
    birth_date: date | None = None
    created_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)  # nothing of the person is left since then: customers/erasure.py


class Profile(SQLModel, table=True):
    """The workspace's own attributes, a column each, added when they are declared (customers/attributes.py)."""

    __tablename__: ClassVar[str] = "profile"

    customer_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="customer.id")


class ConsentEvent(SQLModel, table=True):
    """One dated piece of evidence that a customer allowed or refused something. Never changed, never removed."""

    __tablename__: ClassVar[str] = "consent_event"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id", index=True)  # serves: one customer's evidence
    purpose: str
    channel: str
    granted: bool
    at: datetime = Field(sa_type=Instant)
    source: str  # closed list in customers/consent.py
    evidence: Any = Field(default=None, sa_column=Column(Json))


class Consent(SQLModel, table=True):
    """What stands now, per purpose and channel: the strictest reading of the evidence. No row: nothing was allowed."""

    __tablename__: ClassVar[str] = "consent"

    customer_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="customer.id")
    purpose: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    granted: bool
    since: datetime = Field(sa_type=Instant)


class Choice(SQLModel, table=True):
    """One dated choice of a customer's about how to be written to. Never changed; of one kind and subject the newest counts."""

    __tablename__: ClassVar[str] = "choice"

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id", index=True)  # serves: what these customers chose, at sending
    kind: str  # closed list in customers/choices.py
    about: str  # a purpose or a topic
    value: int = Field(sa_type=BigId)  # what it means stands beside the kind
    at: datetime = Field(sa_type=Instant)
    evidence: Any = Field(default=None, sa_column=Column(Json))


class StatedPreference(SQLModel, table=True):
    """What a customer said last in answer to a question of a form. What was said before stands in the contact log."""

    __tablename__: ClassVar[str] = "stated_preference"
    __table_args__ = (
        # serves: how many gave which answer in a campaign, without a look at the rows themselves
        Index("stated_of_campaign", "campaign", "name", "answer"),
    )

    customer_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="customer.id")
    name: str = Field(primary_key=True)  # the question's short name in the form
    question: str  # as it was shown
    answer: str  # as conditions see it: the option's name, the number, true or false, or what was typed
    at: datetime = Field(sa_type=Instant)
    campaign: str
    message_id: int = Field(sa_type=BigId)


class Suppression(SQLModel, table=True):
    """An address that must not be used again (hard bounce, complaint), whoever it belongs to."""

    __tablename__: ClassVar[str] = "suppression"

    channel: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    reason: str
    since: datetime = Field(sa_type=Instant)


class ErasedMark(SQLModel, table=True):
    """A digest of what somebody was known by who was erased, so that a file does not bring them back: customers/erasure.py."""

    __tablename__: ClassVar[str] = "erased_mark"

    digest: str = Field(primary_key=True)  # hexadecimal, over what it is of and the text
    at: datetime = Field(sa_type=Instant)


class Purchase(SQLModel, table=True):
    """One purchase. `key` is the source system's name for it, so that a second import adds nothing."""

    __tablename__: ClassVar[str] = "purchase"
    __table_args__ = (
        # serves: days_since_purchase, purchase since entry, spend in a window, each for one customer
        Index("purchase_of_customer", "customer_id", "purchased_at"),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    key: str = Field(unique=True)
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id")
    purchased_at: datetime = Field(sa_type=Instant)
    amount_cents: int = Field(sa_type=BigId)
    margin_cents: int | None = Field(default=None, sa_type=BigId)  # where the source knows it; the metric says a share otherwise
    currency: str = "EUR"
    product: str | None = None


class Voucher(SQLModel, table=True):
    """A code that one message's recipient may use in a shop, once or more; with a purchase it comes back and names the message."""

    __tablename__: ClassVar[str] = "voucher"

    code: str = Field(primary_key=True)  # as store/tokens.py writes it
    message_id: int = Field(sa_type=BigId, unique=True)
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id", index=True)  # serves: what was given to one customer
    member_id: int = Field(sa_type=BigId)
    campaign: str
    version: str
    node: str
    arm: str | None = None
    issued_at: datetime = Field(sa_type=Instant)


class Contact(SQLModel, table=True):
    """One touch in either direction: a row of the central contact log. Only ever added to."""

    __tablename__: ClassVar[str] = "contact"
    __table_args__ = (
        # serves: what did this customer get or do (explain, pressure, waits, a report's window before the entry), newest last
        Index("contact_of_customer", "customer_id", "at", "kind", "human"),
        # serves: the report's passes over a campaign, without a look at the rows themselves
        Index("contact_of_campaign", "campaign", "kind", "customer_id", "message_id", "at", "human"),
        # serves: who refused anything after any message, a very small part of the log
        Index("contact_refused", "kind", "customer_id", "at", sqlite_where=text(REFUSED), postgresql_where=text(REFUSED)),
    )

    id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    at: datetime = Field(sa_type=Instant)
    customer_id: int = Field(sa_type=BigId, foreign_key="customer.id")
    direction: str  # out | in
    channel: str  # email | sms | print | web | import
    kind: str  # closed list in customers/contact_log.py
    campaign: str | None = None
    version: str | None = None  # the flow version's hash
    node: str | None = None
    arm: str | None = None
    message_id: int | None = Field(default=None, sa_type=BigId)
    member_id: int | None = Field(default=None, sa_type=BigId)
    key: str | None = Field(default=None, unique=True)  # the source's name for it: arriving twice is one row
    human: bool = True  # False: a machine opened or fetched it
    detail: Any = Field(default=None, sa_column=Column(Json))
