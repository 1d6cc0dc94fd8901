"""The voucher of a message on its recipient's page: the one that the message has, or one that the page gives when it is first opened."""

from dataclasses import replace
from datetime import datetime
from random import SystemRandom

from sqlmodel import Session

from customers.vouchers import Issued, codes_for, issue
from landing.recipients import Recipient
from landing.responses import hold

_RANDOM = SystemRandom()


def with_voucher(session: Session, recipient: Recipient, now: datetime) -> Recipient:
    """The recipient with a voucher. Two who open the page at once are given the same."""
    hold(session, recipient.customer_id)
    (code,) = codes_for(session, [recipient.message_id], _RANDOM)
    names = (recipient.campaign, recipient.version, recipient.node, recipient.arm)
    issue(session, [Issued(code, recipient.message_id, recipient.customer_id, recipient.member_id, *names)], now)
    return replace(recipient, voucher=code)
