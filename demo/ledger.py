"""Whether what happened and what was written down is the same: counted on both sides, and person by person."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, and_, func, select

from customers.tables import Contact, Customer, table_of
from demo.days import Town
from demo.households import Household
from demo.truth import life
from engine.nodes.audience import CONTROL
from engine.tables import Exposure, OutboxMessage
from store.session import reading
from studio.inbox.records import read_record

CHANNEL_OF = {"personal": "email", "general": "email", "text": "sms", "letter": "print"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing counted on two sides."""

    what: str
    happened: int
    written: int

    @property
    def holds(self) -> bool:
        """Whether both sides agree."""
        return self.happened == self.written


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who was drawn into which group: every household in the experiment, and the mail of those who are contacted."""

    everyone: Mapping[str, Household]
    mails: Mapping[str, str]


def read_assigned(database: Engine, households: Mapping[str, Household]) -> Assigned:
    """The assignment as it was written down when it happened."""
    exposure, customer = table_of(Exposure), table_of(Customer)
    query = select(customer.c.key, exposure.c.node, exposure.c.arm).join(customer, customer.c.id == exposure.c.customer_id)
    with reading(database) as session:
        rows = session.execute(query).all()
    groups = {key for key, node, _ in rows if node == "lapsed"}
    mails = {key: arm for key, node, arm in rows if node == "mail"}
    return Assigned({key: households[key] for key in sorted(groups)}, mails)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that was lived through."""

    start: datetime
    end: datetime


def checks(database: Engine, inbox: Path, town: Town, assigned: Assigned, span: Span) -> Iterator[Check]:
    """Every count that must be the same on both sides."""
    written, done = _contacts(database), town.done + town.browser.done
    mails = done["personal"] + done["general"]
    yield Check("mails in the inbox, and logged as sent", mails, written["sent", "email"])
    yield Check("texts on the telephone, and logged as sent", done["text"], written["sent", "sms"])
    yield Check("letters read, and logged as sent", done["letter"], written["sent", "print"])
    yield Check("pages opened by people, and logged", done["visits"], written["visited", "web"])
    yield Check("pages opened by machines, and logged apart", done["machines"], written["machine", "web"])
    yield Check("forms sent, and answers logged", done["answers"], written["answered", "web"])
    yield Check("opt-outs asked for, and logged", done["opt-outs"], written["opted_out", "web"])
    yield Check("mails that came twice, by the server's own record", len(read_record(inbox).duplicates), 0)
    yield Check("people who got a message twice", sum(len(set(got)) < len(got) for got in town.got.values()), 0)
    yield Check("people written to without consent or address", _unwanted(town, assigned), 0)
    yield Check("people written to after they opted out", 0, _after_opt_out(database))
    yield Check("people of the control who got anything", _control_contacted(database), 0)
    yield Check("people whose life is not the one foreseen", _surprises(town, assigned, span), 0)


def _contacts(database: Engine) -> Counter[tuple[str, str]]:
    contact = table_of(Contact)
    by = (contact.c.kind, contact.c.channel, contact.c.human)
    query = select(*by, func.count()).group_by(*by)
    with reading(database) as session:
        return Counter({(kind if human else "machine", channel): count for kind, channel, human, count in session.execute(query)})


def _unwanted(town: Town, assigned: Assigned) -> int:
    return sum(CHANNEL_OF[message] not in assigned.everyone[who].reachable for who, messages in town.got.items() for message in messages)


def _after_opt_out(database: Engine) -> int:
    """Messages that left over a channel which their recipient had refused by then."""
    message, contact = table_of(OutboxMessage), table_of(Contact)
    refused = and_(contact.c.customer_id == message.c.customer_id, contact.c.kind == "opted_out", contact.c.at < message.c.settled_at)
    query = select(message.c.channel, contact.c.detail).join(contact, refused).where(message.c.state == "sent")
    with reading(database) as session:
        return sum(detail["channel"] in (channel, "*") for channel, detail in session.execute(query))


def _control_contacted(database: Engine) -> int:
    exposure, contact = table_of(Exposure), table_of(Contact)
    held = and_(exposure.c.customer_id == contact.c.customer_id, exposure.c.node == "lapsed", exposure.c.arm == CONTROL)
    query = select(func.count()).select_from(contact).join(exposure, held).where(contact.c.direction == "out")
    with reading(database) as session:
        return int(session.execute(query).scalar_one())


def _surprises(town: Town, assigned: Assigned, span: Span) -> int:
    """People who got or spent something else than the words of the flow say, which truth.py follows by hand."""
    count = 0
    for who, household in assigned.everyone.items():
        mail = assigned.mails.get(who)
        foreseen = life(household, mail, span.start)  # type: ignore[arg-type]  # the arms are named as the messages are
        spent = sum(each.cents for each in foreseen.bought if each.at < span.end)
        count += (tuple(town.got.get(who, ())), town.spent.get(who, 0)) != (foreseen.messages, spent)
    return count
