"""Vouchers of messages that are composed: `{{ voucher }}` in a template of any channel."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from random import SystemRandom

from sqlmodel import Session

from customers.vouchers import Issued, codes_for, issue
from engine.recording import Addressee, Names

_RANDOM = SystemRandom()


def vouchers_for(session: Session, addressees: Sequence[Addressee], rehearsed: str) -> list[str]:
    """The voucher of each message: the one that it has from an earlier attempt, or a new one; `rehearsed` for one that is not sent."""
    ids = [addressee.id for addressee in addressees]
    return codes_for(session, ids, _RANDOM) if all(ids) else [rehearsed] * len(ids)


def issue_with(session: Session, names: Names, vouchers: Iterable[tuple[Addressee, str]], now: datetime) -> None:
    """Write down which message gets which voucher, before the wire."""
    given = [
        Issued(code, to.id, to.customer_id, to.member_id, *names, to.node, to.arm)  # in the order of its fields
        for to, code in vouchers
    ]
    if given:
        issue(session, given, now)
