"""What a page that is looked at needs to know of its recipient, in one statement."""

from dataclasses import dataclass

from sqlalchemy import bindparam, column, literal_column, select, table

from customers.contact_log import Kind
from customers.tables import Contact, Customer, table_of
from engine.tables import OutboxMessage
from landing.looks import Ask, Question
from landing.recipients import COLUMNS, SENT, Recipient, made_of

_CONTACT, _MESSAGE, _CUSTOMER = table_of(Contact), table_of(OutboxMessage), table_of(Customer)
_PROFILE = table("profile", column("customer_id"))
_ANSWERED = select(1).where(
    _CONTACT.c.customer_id == _MESSAGE.c.customer_id,
    _CONTACT.c.message_id == _MESSAGE.c.id,
    _CONTACT.c.kind == literal_column(f"'{Kind.ANSWERED.value}'"),
)
_LOGGED = select(1).where(_CONTACT.c.key == bindparam("key"))
_OURS = (*COLUMNS, _LOGGED.exists().label("is_logged"), _ANSWERED.exists().label("has_answered"))
# The profile comes last: its columns are the workspace's own, and may have any name.
_ASKED = Question(
    select(*_OURS, literal_column("profile.*"))
    .select_from(SENT.outerjoin(_PROFILE, _PROFILE.c.customer_id == _CUSTOMER.c.id))
    .where(_MESSAGE.c.id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Glance:
    """A recipient, and what the contact log says of them."""

    recipient: Recipient
    is_logged: bool  # whether something has the key that was asked for
    has_answered: bool


def glance_at(ask: Ask, message_id: int, key: str) -> Glance | None:
    """The recipient of a message; None when there is no such message any more, or it went to somebody who was erased."""
    names, rows = ask(_ASKED, {"id": message_id, "key": key})
    if not rows:
        return None
    values, ours = rows[0], len(_OURS)
    row = dict(zip(names[:ours], values[:ours], strict=True))
    if row["erased_at"] is not None:
        return None
    recipient = made_of(message_id, row, dict(zip(names[ours:], values[ours:], strict=True)))
    return Glance(recipient, bool(row["is_logged"]), bool(row["has_answered"]))
