"""Writing down what became of messages: outbox, contact log, suppressed addresses, and members that go on."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from channels.contract import Outcome, Receipt
from customers.consent import suppress
from customers.contact_log import Entry, Kind, log
from customers.tables import CustomerId
from engine.outbox import ATTEMPTS, BACKOFF, Settlement, State, answer_of, settle
from engine.reasons import Reason

KINDS = {State.SENT: Kind.SENT, State.SUPPRESSED: Kind.SUPPRESSED, State.FAILED: Kind.FAILED, State.UNKNOWN: Kind.UNKNOWN}


Names = tuple[str, str]  # campaign, flow version


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom an outbox row is for, and what it costs."""

    id: int
    member_id: int
    customer_id: int
    node: str
    channel: str
    arm: str | None
    attempts: int
    address: str | None
    units: int = 1

    @classmethod
    def of(cls, row: Row[Any], address: str | None, units: int = 1) -> "Addressee":
        """From a row of the outbox, with the address and units that it goes out with."""
        return cls(row.id, row.member_id, row.customer_id, row.node, row.channel, row.arm, row.attempts, address, units)


def settlement_of(receipt: Receipt, addressee: Addressee, now: datetime, cost_cents: float) -> Settlement:
    """What a receipt means for its message: final, or another attempt after a while."""
    answer, cost = answer_of(receipt), round(cost_cents * 1000) * addressee.units
    match receipt.outcome:
        case Outcome.ACCEPTED:
            return Settlement(addressee.id, State.SENT, None, answer, receipt.provider_id, cost_millicents=cost)
        case Outcome.UNKNOWN:
            return Settlement(addressee.id, State.UNKNOWN, Reason.MAYBE_SENT, answer, receipt.provider_id, cost_millicents=cost)
        case Outcome.PERMANENT:
            return Settlement(addressee.id, State.FAILED, Reason.REFUSED, answer)
        case Outcome.TEMPORARY:
            return later(addressee, answer, now, receipt.retry_after_seconds)


def later(addressee: Addressee, answer: str, now: datetime, retry_after_seconds: int | None = None) -> Settlement:
    """Another attempt after a while, or the end of the attempts. `attempts` counts the one that failed now."""
    if addressee.attempts >= ATTEMPTS:
        return Settlement(addressee.id, State.FAILED, Reason.GAVE_UP, answer)
    pause = max(BACKOFF[addressee.attempts - 1], timedelta(seconds=retry_after_seconds or 0)) * _spread(addressee)
    return Settlement(addressee.id, State.QUEUED, None, answer, due_at=now + pause)


def _spread(addressee: Addressee) -> float:
    """1 to 1.22, in eight steps: who was put off together comes back in groups, and the same message always at the same moment."""
    return 1 + zlib.crc32(f"{addressee.id} {addressee.attempts}".encode()) % 8 / 32


def maybe_sent(addressee: Addressee, cost_cents: float) -> Settlement:
    """Its sender died while it was on the wire."""
    return Settlement(addressee.id, State.UNKNOWN, Reason.MAYBE_SENT, cost_millicents=round(cost_cents * 1000) * addressee.units)


def record(session: Session, names: Names, addressees: Mapping[int, Addressee], settlements: Sequence[Settlement], now: datetime) -> None:
    """Write settlements to the outbox and the contact log, in the caller's transaction."""
    if settlements:
        settle(session, settlements, {each.id: addressees[each.id].member_id for each in settlements}, now)
    log(session, (_entry(addressees[each.id], each, names, now) for each in settlements if each.state in KINDS))


def suppress_bad_addresses(session: Session, addressees: Mapping[int, Addressee], receipts: Mapping[int, Receipt], now: datetime) -> None:
    """An address that does not exist is not used again, whoever it belongs to."""
    bad: dict[str, dict[str, str]] = {}
    for message_id, receipt in receipts.items():
        addressee = addressees[message_id]
        if receipt.bad_address and addressee.address:
            bad.setdefault(addressee.channel, {})[addressee.address] = answer_of(receipt)
    for channel, reasons in bad.items():
        suppress(session, channel, reasons, now)


def _entry(addressee: Addressee, settlement: Settlement, names: Names, now: datetime) -> Entry:
    detail = {"reason": settlement.reason.value} if settlement.reason else None
    return Entry(
        now,
        CustomerId(addressee.customer_id),
        "out",
        addressee.channel,
        KINDS[settlement.state],
        *names,
        addressee.node,
        addressee.arm,
        addressee.id,
        addressee.member_id,
        detail=detail,
    )
