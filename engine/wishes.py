"""What customers asked for themselves, kept at the moment of sending: a pause, one message in so many days, a part of the day.

A message that a pause or a rhythm holds back is not sent later either: a customer who reads one mail a week does not want last month's
pile. A preferred part of the day is waited for, unless the message would be too late by then: who prefers the evening did not ask to
miss what is of use in the morning. Two messages to one customer that leave two processes in the same second are not seen by each other.
"""

from collections.abc import Sequence
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlmodel import Session

from customers.choices import Wishes, counts_from, last_written, wishes_of
from customers.preferred import preferred_moments
from customers.tables import table_of
from engine.header import header_of
from engine.members import Int
from engine.reasons import Reason
from engine.tables import FlowVersion
from store.bulk import Ids
from store.clock import from_micros, to_micros


class Wishing:
    """The wishes of customers for one purpose. A campaign without a purpose is not what they chose about: then there are none."""

    def __init__(self, session: Session, purpose: str | None, zone: ZoneInfo) -> None:
        self._session, self._purpose, self._zone = session, purpose, zone

    def of(self, customer_ids: Ids) -> Wishes:
        """What stands for these customers; at most one statement."""
        if not self._purpose or not len(customer_ids):
            return Wishes.none(len(customer_ids))
        return wishes_of(self._session, customer_ids, self._purpose)

    def objections(self, customer_ids: Ids, wishes: Wishes, moments: Int, written_at: Int | None = None) -> list[Reason | None]:
        """Why a message at its moment (microseconds since 1970) would go against each customer's wishes; None where it would not.

        `written_at` is when each was last written to, as far as the contact log does not know; -1 for never. At most two statements.
        """
        reasons: list[Reason | None] = [None] * len(customer_ids)
        paused = wishes.paused_until > moments
        sparing = np.flatnonzero(~paused & (wishes.rhythm_days > 0))
        if len(sparing):
            since = self._since(wishes.rhythm_days[sparing], moments[sparing])
            last = last_written(self._session, customer_ids[sparing], self._campaigns, from_micros(since.min()))
            if written_at is not None:
                last = np.maximum(last, written_at[sparing])
            for place in sparing[last >= since].tolist():
                reasons[place] = Reason.OFTEN_ENOUGH
        for place in np.flatnonzero(paused).tolist():
            reasons[place] = Reason.ASKED_FOR_A_PAUSE
        return reasons

    def _since(self, rhythm_days: Int, moments: Int) -> Int:
        """From when on a message counts, for each; the same for all of one day."""
        cases = set(zip(rhythm_days.tolist(), moments.tolist(), strict=True))
        found = {(days, moment): to_micros(counts_from(days, self._zone, from_micros(moment))) for days, moment in cases}
        return np.array([found[case] for case in zip(rhythm_days.tolist(), moments.tolist(), strict=True)], np.int64)

    @cached_property
    def _campaigns(self) -> frozenset[str]:
        return campaigns_for(self._session, self._purpose or "")


def leaving_at(wishes: Wishes, moments: Int, stale_at: Int, zones: Sequence[str]) -> Int:
    """When messages leave that could leave at these moments: in the part of the day that each customer prefers, in their zone.

    At once where a message would be too late by then. Everything in microseconds since 1970.
    """
    preferred = preferred_moments(wishes.part, moments, zones)
    return np.where(preferred <= stale_at, preferred, moments)


def campaigns_for(session: Session, purpose: str) -> frozenset[str]:
    """The campaigns of which any version has this purpose."""
    version = table_of(FlowVersion).c
    stored = session.execute(select(version.campaign, version.source))
    return frozenset(campaign for campaign, source in stored if header_of(source, campaign).purpose == purpose)
