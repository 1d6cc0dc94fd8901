"""Answers that come at once are written together; each has its own outcome, whatever becomes of the others."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from benchmarks.landing_pages import insert_people
from customers.contact_log import Kind
from customers.tables import Contact
from landing.answers import AnswerDesk, Answered, Answers
from landing.page_files import SHIPPED, load_page
from landing.recipients import Recipient, recipient_of
from landing.seen import Seen
from store.errors import TokenError
from store.session import reading, writing
from store.together import Together
from tests.conftest import NOON


@pytest.fixture
def recipients(database: Engine) -> list[Recipient]:
    """Of three messages, to customers 1, 2 and 3."""
    with writing(database) as session:
        insert_people(session, 3)
    with reading(database) as session:
        return [found for number in (1, 2, 3) if (found := recipient_of(session, number))]


def sent(recipient: Recipient, remark: str) -> Answered:
    seen = Seen(load_page(SHIPPED / "default.yaml"), recipient)
    return Answered(seen, Answers({"remark": remark}, {"remark": "What else?"}), NOON)


def outcomes(as_pages: Engine, answers: Sequence[Answered], told: list[int]) -> list[type]:
    """What each is told who sends an answer, all of them at once."""

    async def all_at_once() -> list[BaseException | None]:
        desk = AnswerDesk(Together(as_pages, 5), lambda recipient: told.append(recipient.message_id))
        return await asyncio.gather(*map(desk.keep, answers), return_exceptions=True)

    return [type(each) for each in asyncio.run(all_at_once())]


def kept(database: Engine) -> list[tuple[int | None, str]]:
    with reading(database) as session:
        rows = session.exec(select(Contact).where(Contact.kind == Kind.ANSWERED.value)).all()
        return sorted((row.message_id, row.detail["answers"]["remark"]) for row in rows)


def test_who_sends_several_at_once_is_kept_in_order_and_who_was_erased_is_not(
    database: Engine, as_pages: Engine, recipients: list[Recipient]
) -> None:
    (anna, ben, gone), told = recipients, list[int]()
    with writing(database) as session:
        session.execute(text("UPDATE customer SET erased_at = 1 WHERE id = 3"))
    answers = [sent(anna, "One"), sent(ben, "Two"), sent(anna, "Three"), sent(gone, "It is me"), sent(anna, "Three")]
    assert outcomes(as_pages, answers, told) == [type(None), type(None), type(None), TokenError, type(None)]
    assert kept(database) == [(1, "One"), (1, "Three"), (2, "Two")]
    assert sorted(told) == [1, 1, 2]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("patience", [0.3])
def test_who_is_being_changed_elsewhere_keeps_nobody_else_from_being_kept(
    database: Engine, as_pages: Engine, recipients: list[Recipient]
) -> None:
    answers = [sent(each, "Nice") for each in recipients]
    with writing(database) as session:
        session.execute(text("SELECT id FROM customer WHERE id = 2 FOR UPDATE"))
        assert outcomes(as_pages, answers, []) == [type(None), OperationalError, type(None)]
    assert kept(database) == [(1, "Nice"), (3, "Nice")]
