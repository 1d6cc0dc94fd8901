"""Who stands behind a link: the recipient of one message, and what their page may show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlmodel import Session

from customers.tables import Customer, CustomerId, Voucher, table_of
from engine.header import Header, header_of
from engine.tables import FlowVersion, OutboxMessage
from landing.wording import BUILT_IN, CUSTOMER, VOUCHER

_MESSAGE, _VERSION, _CUSTOMER, _VOUCHER = (table_of(each) for each in (OutboxMessage, FlowVersion, Customer, Voucher))
GONE = "The message behind this link is no longer there."
_SHOWN = [name.removeprefix(CUSTOMER) for name in BUILT_IN]
# Built once: SQLAlchemy takes longer to put a statement together than SQLite to answer it.
COLUMNS = (
    *(_MESSAGE.c[name] for name in ("member_id", "customer_id", "channel", "node", "arm")),
    *(_VERSION.c[name] for name in ("campaign", "version", "source")),
    *(_CUSTOMER.c[name] for name in (*_SHOWN, "erased_at")),
    _VOUCHER.c.code.label("voucher"),
)
SENT = (
    _MESSAGE.join(_VERSION, _VERSION.c.id == _MESSAGE.c.version_id)
    .join(_CUSTOMER, _CUSTOMER.c.id == _MESSAGE.c.customer_id)
    .outerjoin(_VOUCHER, _VOUCHER.c.message_id == _MESSAGE.c.id)
)
_ASKED = select(*COLUMNS).select_from(SENT).where(_MESSAGE.c.id == bindparam("id"))
_PROFILE = text("SELECT * FROM profile WHERE customer_id = :id")
_PERSON = select(*(_CUSTOMER.c[name] for name in _SHOWN)).where(_CUSTOMER.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Recipient:
    """One message's recipient, with the names that every contact-log row carries."""

    message_id: int
    member_id: int
    customer_id: CustomerId
    channel: str
    campaign: str
    version: str
    node: str
    arm: str | None
    header: Header
    attributes: Mapping[str, Any]  # only those with a value
    voucher: str | None = None  # of the message, where it has one
    is_erased: bool = False  # nothing is known of them any more, by their own wish
    page_variant: str | None = None  # of the page that they see, where it has variants

    def values(self, sender: Mapping[str, str]) -> dict[str, Any]:
        """What the texts of the page may show."""
        campaign = {"name": self.campaign, "title": self.header.title}
        return {"customer": self.attributes, "campaign": campaign, "sender": sender, VOUCHER: self.voucher or ""}


def recipient_of(session: Session, message_id: int, *, also_erased: bool = False) -> Recipient | None:
    """The recipient of a message; None when there is no such message any more, or it went to somebody who was erased. Two statements."""
    connection, message = session.connection(), {"id": message_id}
    row = connection.execute(_ASKED, message).mappings().one_or_none()
    if row is None or (row["erased_at"] is not None and not also_erased):
        return None
    profile = connection.execute(_PROFILE, {"id": row["customer_id"]}).mappings().one_or_none()
    return made_of(message_id, dict(row), dict(profile or {}))


def made_of(message_id: int, row: Mapping[str, Any], profile: Mapping[str, Any]) -> Recipient:
    """The recipient that a row of COLUMNS and one of the profile tell of."""
    return Recipient(
        message_id=message_id,
        member_id=row["member_id"],
        customer_id=CustomerId(row["customer_id"]),
        channel=row["channel"],
        campaign=row["campaign"],
        version=row["version"],
        node=row["node"],
        arm=row["arm"],
        header=header_of(row["source"], row["campaign"]),
        attributes=_present({**profile, **{name: row[name] for name in _SHOWN}}),
        voucher=row["voucher"],
        is_erased=row["erased_at"] is not None,
    )


def attributes_of(session: Session, customer_id: int) -> dict[str, Any]:
    """What a page may show of a customer, as far as it is known. Two statements."""
    connection, customer = session.connection(), {"id": customer_id}
    profile = connection.execute(_PROFILE, customer).mappings().one_or_none()
    return _present({**(profile or {}), **connection.execute(_PERSON, customer).mappings().one()})


def message_with_code(session: Session, code: str, now: datetime, valid: timedelta) -> int | None:
    """The message whose letter bears this short code, as long as the code is valid."""
    found = session.execute(select(_MESSAGE.c.id, _MESSAGE.c.queued_at).where(_MESSAGE.c.code == code)).one_or_none()
    return found.id if found and now <= found.queued_at + valid else None


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in attributes.items() if value not in (None, "")}
