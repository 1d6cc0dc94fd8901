"""Consent per purpose and channel: dated evidence, its strictest reading, and whether a customer may be written to.

What stands is a function of the evidence alone, whatever order it arrived in:

* Without a refusal, any grant stands.
* A refusal stands until the customer grants again at a *later* moment, in person: PERSONAL names the sources that count.
  An import or a flow never turns a refusal into a grant, whatever its date.
* A refusal of purpose ``*`` or channel ``*`` refuses everything; a grant always names one purpose and one channel.

So the row of one purpose and channel in the table `consent` already counts the refusals of everything: whoever asks
"granted?" reads that row alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from customers.tables import Consent, ConsentEvent, Customer, CustomerId, Suppression, table_of
from customers.texts import one_of
from store.bulk import Ids, among, insert_rows
from store.clock import to_micros
from store.columns import Json

EVERYTHING = "*"  # as purpose, as channel, or as both: only a refusal may use it


class Source(StrEnum):
    """Where a piece of evidence comes from: a closed list; a test holds it together with SOURCES."""

    IMPORT = "import"
    PAGE = "page"
    ONE_CLICK = "one_click"
    PROVIDER = "provider"
    SERVICE = "service"
    FLOW = "flow"


SOURCES: dict[Source, str] = {
    Source.IMPORT: "it came with a file of customers",
    Source.PAGE: "the customer said so on a page behind a personal link",
    Source.ONE_CLICK: "the customer pressed the mail program's own unsubscribe button",
    Source.PROVIDER: "the customer told the provider: a complaint, or an answer such as STOP",
    Source.SERVICE: "the customer told customer service, who wrote it down",
    Source.FLOW: "a campaign wrote it down",
}
# Only these speak for the customer in person, and may grant again after a refusal.
PERSONAL = (Source.PAGE, Source.ONE_CLICK, Source.PROVIDER, Source.SERVICE)


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One dated piece of evidence. `evidence` is a small JSON document that says what was seen, without personal data.

    Raises ValueError for a grant of everything: a grant names its purpose and its channel.
    """

    customer_id: CustomerId
    purpose: str
    channel: str
    granted: bool
    at: datetime
    source: Source
    evidence: Any = None

    def __post_init__(self) -> None:
        if self.granted and EVERYTHING in (self.purpose, self.channel):
            raise ValueError("a grant names one purpose and one channel; only a refusal may be for everything")


def record_consent(session: Session, changes: Iterable[ConsentChange]) -> int:
    """Write the evidence down, bring `consent` to what stands now, and give the number of pieces written.

    The number of statements does not grow with the number of changes.
    """
    rows = list(changes)
    if not rows:
        return 0
    ids = np.unique(np.fromiter((change.customer_id for change in rows), np.int64, len(rows)))
    _hold(session, ids)
    insert_rows(session, table_of(ConsentEvent), _EVENT_COLUMNS, _event_rows(rows))
    _restate(session, ids)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for each customer, in the order asked: exactly one of the three is true."""

    granted: NDArray[np.bool_]
    refused: NDArray[np.bool_]

    @property
    def never(self) -> NDArray[np.bool_]:
        """Nothing was ever allowed or refused."""
        return ~(self.granted | self.refused)


def consent_of(session: Session, customer_ids: Ids, purpose: str, channel: str) -> Standing:
    """What stands for these customers, for one purpose and channel; one statement."""
    consent = table_of(Consent).c
    exact = and_(consent.purpose == purpose, consent.channel == channel)
    either = and_(consent.purpose.in_((purpose, EVERYTHING)), consent.channel.in_((channel, EVERYTHING)))
    asked = select(consent.customer_id, and_(exact, consent.granted)).where(either, among(session, consent.customer_id, customer_ids))
    found = np.array([(customer_id, bool(granted)) for customer_id, granted in session.execute(asked)], np.int64).reshape(-1, 2)
    granted = np.isin(customer_ids, found[found[:, 1] == 1, 0])
    return Standing(granted, np.isin(customer_ids, found[:, 0]) & ~granted)


Unreachable = Literal["no_consent", "opted_out", "suppressed_address"]


def reachability(
    session: Session, customer_ids: Ids, purpose: str, channel: str, addresses: Sequence[str | None]
) -> list[Unreachable | None]:
    """Why each customer may not be written to at this moment; None where nothing stands in the way. Two statements.

    `addresses` go with `customer_ids`, in the form that the channel's ``address_of`` gives; a missing address is
    not judged here.
    """
    standing = consent_of(session, customer_ids, purpose, channel)
    suppressed = suppressed_among(session, channel, [address for address in addresses if address is not None])
    verdicts = zip(standing.granted.tolist(), standing.refused.tolist(), addresses, strict=True)
    return [_verdict(granted, refused, address in suppressed) for granted, refused, address in verdicts]


def suppress(session: Session, channel: str, reasons: Mapping[str, str], at: datetime) -> None:
    """Never use these addresses again, whoever they belong to: a reason by address, of which the first stays; one statement."""
    moment = to_micros(at)
    rows = ((channel, address, reason, moment) for address, reason in sorted(reasons.items()))
    insert_rows(session, table_of(Suppression), ("channel", "address", "reason", "since"), rows, keep_existing=True)


def suppressed_among(session: Session, channel: str, addresses: Sequence[str]) -> frozenset[str]:
    """Those of `addresses` that must not be used any more; one statement."""
    suppression = table_of(Suppression).c
    asked = select(suppression.address).where(suppression.channel == channel, one_of(session, suppression.address, addresses))
    return frozenset(session.scalars(asked))


def _verdict(granted: bool, refused: bool, suppressed: bool) -> Unreachable | None:
    if refused:
        return "opted_out"
    if not granted:
        return "no_consent"
    return "suppressed_address" if suppressed else None


_EVENT_COLUMNS = ("customer_id", "purpose", "channel", "granted", "at", "source", "evidence")
_EVIDENCE = Json()


def _event_rows(changes: Sequence[ConsentChange]) -> Iterator[tuple[Any, ...]]:
    documents: dict[int, str | None] = {}  # a million changes may share one piece of evidence, and one moment
    moments: dict[int, int] = {}
    sources = {id(source): source.value for source in Source}  # `value` of an enum is dear
    for change in changes:
        evidence, at = change.evidence, change.at
        if id(evidence) not in documents:
            documents[id(evidence)] = _EVIDENCE.process_bind_param(evidence, None)  # type: ignore[arg-type]  # the dialect is not looked at
        if id(at) not in moments:
            moments[id(at)] = to_micros(at)
        # int(): numpy's own integers would go into SQLite as bytes.
        who = (int(change.customer_id), change.purpose, change.channel, change.granted)
        yield (*who, moments[id(at)], sources[id(change.source)], documents[id(evidence)])


def _hold(session: Session, ids: Ids) -> None:
    # Two writers about one customer go one after the other, or each would read the evidence without the other's.
    # SQLite has one writer at a time anyway.
    if session.connection().dialect.name == "postgresql":
        customer = table_of(Customer).c
        session.execute(select(customer.id).where(among(session, customer.id, ids)).order_by(customer.id).with_for_update(key_share=True))


def _restate(session: Session, ids: Ids) -> None:
    """Bring the rows of these customers to the strictest reading of all their evidence."""
    consent = table_of(Consent)
    fresh = _insert(session)(consent).from_select(["customer_id", "purpose", "channel", "granted", "since"], _reading(session, ids))
    changed = or_(consent.c.granted != fresh.excluded.granted, consent.c.since != fresh.excluded.since)
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["customer_id", "purpose", "channel"],
            set_={"granted": fresh.excluded.granted, "since": fresh.excluded.since},
            where=changed,
        )
    )


def _reading(session: Session, ids: Ids) -> Select[Any]:
    asked = _asked(session, ids)
    event = table_of(ConsentEvent).alias("event")
    in_person = and_(event.c.granted, event.c.source.in_([source.value for source in PERSONAL]))
    refused_at = func.max(case((not_(event.c.granted), event.c.at)))
    again_at = func.max(case((in_person, event.c.at)))
    granted = or_(refused_at.is_(None), func.coalesce(again_at > refused_at, False))
    since = case((refused_at.is_(None), func.min(event.c.at)), (again_at > refused_at, again_at), else_=refused_at)
    about = and_(event.c.customer_id == asked.c.customer_id, _covers(event, asked, "purpose"), _covers(event, asked, "channel"))
    triple = (asked.c.customer_id, asked.c.purpose, asked.c.channel)
    return select(*triple, granted, since).select_from(asked.join(event, about)).group_by(*triple)


def _asked(session: Session, ids: Ids) -> Any:
    event = table_of(ConsentEvent).c
    every = select(event.customer_id, event.purpose, event.channel).where(among(session, event.customer_id, ids))
    return every.distinct().subquery("asked")


def _covers(event: Any, asked: Any, name: str) -> ColumnElement[bool]:
    # A grant of everything does not exist, so what says "*" is a refusal.
    same: ColumnElement[bool] = event.c[name].in_((asked.c[name], EVERYTHING))
    return same


def _insert(session: Session) -> Any:
    return postgresql.insert if session.connection().dialect.name == "postgresql" else sqlite.insert
