"""What is known about customers, asked with SQL: one statement a question, however many members it is for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import FromClause, select
from sqlmodel import Session

from customers.attributes import attribute_columns, profile_table
from customers.conditions.compile import Scope, compile_condition
from customers.conditions.tree import Condition
from customers.conditions.vocabulary import AttributeKind, Place, Vocabulary
from customers.tables import Customer, table_of
from engine.members import Asked, Int, Mask
from store.bulk import column_table


@dataclass(frozen=True, slots=True)
class Known:
    """What conditions may speak of in one campaign, and when and where now is."""

    vocabulary: Vocabulary
    attributes: Mapping[str, AttributeKind]
    campaign: str
    purpose: str | None
    zone: ZoneInfo
    now: datetime
    read: Callable[[str, Place], Condition]  # what a condition's text says at a place of the flow


class SqlFacts:
    """Facts of engine/members.py, answered by the database."""

    def __init__(self, session: Session, known: Known) -> None:
        self._session = session
        self._known = known
        self._profile = profile_table(known.attributes)

    def holds(self, condition: str, asked: Asked, *, waiting: bool = False) -> Mask:
        meant = self._known.read(condition, Place.WAIT if waiting else Place.FLOW)
        given = self._given(asked)
        query = select(given.c.pos).select_from(self._people(given)).where(compile_condition(meant, self.scope(given)))
        answer = np.zeros(len(asked), np.bool_)
        answer[[row[0] for row in self._session.connection().execute(query)]] = True
        return answer

    def values(self, attribute: str, asked: Asked) -> NDArray[Any]:
        given = self._given(asked)
        columns = attribute_columns([attribute], self.scope(given))
        query = select(given.c.pos, *columns).select_from(self._people(given))
        answer = np.full(len(asked), None, object)
        for pos, value in self._session.connection().execute(query):
            answer[pos] = value
        return answer

    def zones(self, asked: Asked) -> NDArray[Any]:
        zones = self.values("timezone", asked)
        zones[[zone is None for zone in zones]] = self._known.zone.key
        return zones

    def scope(self, given: FromClause | None) -> Scope:
        """Where a condition is asked: about `given` members, or (None) about customers who are not members yet."""
        return Scope(
            customer=table_of(Customer),
            profile=self._profile,
            now=self._known.now,
            zone=self._known.zone,
            purpose=self._known.purpose,
            campaign=self._known.campaign,
            member_id=None if given is None else given.c.member_id,
            entered_at=None if given is None else given.c.entered_at,
            arrived_at=None if given is None else given.c.arrived_at,
        )

    def people(self) -> FromClause:
        """Customers with their profile, for conditions about customers who are not members yet."""
        customer = table_of(Customer)
        return customer.outerjoin(self._profile, self._profile.c.customer_id == customer.c.id)

    def _given(self, asked: Asked) -> FromClause:
        columns: dict[str, Int] = {
            "pos": np.arange(len(asked)),
            "member_id": asked.member_id,
            "customer_id": asked.customer_id,
            "entered_at": asked.entered_at,
            "arrived_at": asked.arrived_at,
        }
        return column_table(self._session, columns)

    def _people(self, given: FromClause) -> FromClause:
        customer = table_of(Customer)
        joined = given.join(customer, customer.c.id == given.c.customer_id)
        return joined.outerjoin(self._profile, self._profile.c.customer_id == customer.c.id)
