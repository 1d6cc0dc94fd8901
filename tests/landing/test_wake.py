"""Waking whoever waits: nobody later, nobody who has left, and never lost to a runner at work."""

from datetime import timedelta
from threading import Thread

from sqlalchemy import Engine
from sqlmodel import Session, col, select, update

from customers.tables import CustomerId
from engine.tables import Member
from engine.wake import wake
from store.session import writing
from tests.landing.landing_pages import NOON, People

DAY = timedelta(days=1)


def test_only_members_who_rest_longer_are_brought_forward(database: Engine, people: People) -> None:
    for due_at, woken in ((NOON + DAY, NOON), (NOON - DAY, NOON - DAY), (NOON, NOON), (None, None)):
        with writing(database) as session:
            member = session.exec(select(Member)).one()
            member.due_at = due_at
            session.flush()
            wake(session, [CustomerId(people.customer_id)], NOON)
            session.refresh(member)
            assert member.due_at == woken


def test_other_customers_sleep_on(database: Engine, people: People) -> None:
    with writing(database) as session:
        assert wake(session, [CustomerId(people.customer_id + 1)], NOON) == 0
        assert wake(session, [], NOON) == 0
        assert wake(session, [CustomerId(people.customer_id)], NOON) == 1


def test_a_wake_while_a_runner_has_the_member_in_hand_is_not_lost(database: Engine, people: People) -> None:
    """The runner saw no answer and puts the member to rest; the answer that comes meanwhile must have the last word."""
    with writing(database) as session:
        session.execute(update(Member).values(due_at=NOON))

    def answer() -> None:
        with writing(database) as session:
            wake(session, [CustomerId(people.customer_id)], NOON)

    thread = Thread(target=answer)
    with Session(database.execution_options(contactflow_writing=True)) as runner:
        member = runner.exec(select(Member).where(col(Member.id) == people.member_id).with_for_update()).one()
        thread.start()
        thread.join(0.3)  # waits for the runner's lock, or it would be over by now
        assert thread.is_alive()
        member.due_at = NOON + DAY
        runner.commit()
    thread.join()
    with Session(database) as session:
        assert session.exec(select(Member)).one().due_at == NOON
