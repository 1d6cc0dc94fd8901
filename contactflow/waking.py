"""Whoever did something moves on at once, also while a wave is being carried out: a person does not wait for a machine's rounds.

A wave is for many, and Prefect takes as long to begin one as a person takes to look for the next page. So the few who were woken are
stepped here, by the same transactions; what they get next leaves with the wave that begins then.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import numpy as np
from sqlalchemy import select

from customers.tables import table_of
from engine.advance import advance
from engine.campaigns import open_versions
from engine.feedback import Taken
from engine.tables import Campaign, Member
from engine.workspace import Workspace
from landing.responses import CustomerResponse
from store.bulk import Ids, among
from store.clock import Clock
from store.session import reading

MOST_TOGETHER = 1_000  # customers that are stepped here; more are a wave's work
_logger = logging.getLogger(__name__)


class Waker:
    """Steps the members of customers of whom something came in; `moved` is called behind each round, and when there is nobody to step."""

    def __init__(self, workspace: Workspace, clock: Clock, moved: Callable[[], object]) -> None:
        self._workspace, self._clock, self._moved = workspace, clock, moved
        self._heard: SimpleQueue[frozenset[int] | None] = SimpleQueue()

    def notice(self, about: object = None) -> None:
        """Something came in, about these customers where it says so. For any thread; it waits for nothing."""
        customers = _customers_of(about)
        if customers:
            self._heard.put(customers)
        else:
            self._moved()

    def run(self) -> None:
        """Step whoever is heard of, until stopped."""
        while (customers := self._heard.get()) is not None:
            # All who came meanwhile, together: in a rush each round is longer, and nobody waits for a round of their own.
            together, is_over = self._with_others(customers)
            try:
                self._step(np.array(sorted(together)[:MOST_TOGETHER], np.int64))
            except Exception as error:  # noqa: BLE001 - the outermost loop of this work, and the wave behind it does the same
                _logger.warning("Who was woken waits for the next wave (%s).", type(error).__name__)
            self._moved()
            if is_over:
                return

    def stop(self) -> None:
        """End when all that was heard of is done."""
        self._heard.put(None)

    def _with_others(self, customers: frozenset[int]) -> tuple[frozenset[int], bool]:
        """These, and all that were heard of since; and whether it was stopped."""
        while True:
            try:
                more = self._heard.get_nowait()
            except Empty:
                return customers, False
            if more is None:
                return customers, True
            customers |= more

    def _step(self, customer_ids: Ids) -> None:
        for name in self._campaigns_of(customer_ids):
            for running in open_versions(self._workspace, name):
                # Each is in a campaign once at most, and stepped to where they rest: so many rows, and it is done.
                advance(running, self._clock.now(), len(customer_ids), customer_ids)

    def _campaigns_of(self, customer_ids: Ids) -> list[str]:
        """The campaigns in which one of them is due."""
        campaign, member = table_of(Campaign).c, table_of(Member).c
        with reading(self._workspace.database) as session:
            due = among(session, member.customer_id, customer_ids), member.due_at <= self._clock.now()
            names = select(campaign.name).join(table_of(Member), member.campaign_id == campaign.id).where(*due)
            return list(session.execute(names.distinct().order_by(campaign.name)).scalars())


def _customers_of(about: object) -> frozenset[int]:
    match about:
        case CustomerResponse():
            return frozenset({int(about.customer_id)})
        case Taken():
            return about.customers
        case frozenset():  # of mail that came back
            return about
        case _:
            return frozenset()


@contextmanager
def waking(waker: Waker) -> Iterator[None]:
    """Step whoever is woken, for as long as the block lasts."""
    thread = threading.Thread(target=waker.run, name="waker")
    thread.start()
    try:
        yield
    finally:
        waker.stop()
        thread.join()
