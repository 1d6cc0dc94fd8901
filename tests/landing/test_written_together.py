"""Answers that come at once are written together, in few statements; whoever cannot be written with others keeps nobody waiting."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session, SQLModel, col, select

from benchmarks.landing_pages import insert_people
from customers.contact_log import Kind
from customers.stated import stated_by
from customers.tables import Contact, Customer, CustomerId
from engine.tables import Member
from landing.answers import AnswerDesk, Answered, Answers
from landing.page_files import SHIPPED, load_page
from landing.recipients import Recipient, recipient_of
from landing.responses import PATIENCE_SECONDS
from landing.seen import Seen
from store.errors import TokenError
from store.session import open_database, reading, writing
from store.together import Together
from tests.conftest import NOON

PEOPLE = 9


@pytest.fixture
def pages(database: Engine) -> Iterator[Engine]:
    """A database of people who all have a message, as pages open it."""
    SQLModel.metadata.create_all(database)
    with writing(database) as session:
        insert_people(session, PEOPLE)
    opened = open_database(database.url.render_as_string(hide_password=False), PATIENCE_SECONDS)
    yield opened
    opened.dispose()


def answered(database: Engine, number: int, interest: str = "fresh") -> Answered:
    with reading(database) as session:
        recipient = recipient_of(session, number)
    assert recipient is not None
    return Answered(Seen(load_page(SHIPPED / "default.yaml"), recipient), Answers({"interest": interest}, {"interest": "What?"}), NOON)


def kept(database: Engine, sent: Sequence[Answered]) -> tuple[list[BaseException | None], list[Recipient]]:
    """What becomes of answers that come at once, and who was told of."""
    told: list[Recipient] = []

    async def keep_all() -> list[BaseException | None]:
        desk = AnswerDesk(Together(database, PATIENCE_SECONDS), told.append)
        return await asyncio.gather(*[desk.keep(each) for each in sent], return_exceptions=True)

    return asyncio.run(keep_all()), told


def logged(database: Engine) -> list[tuple[int, str, str | None]]:
    with reading(database) as session:
        rows = session.exec(select(Contact).where(Contact.kind == Kind.ANSWERED.value).order_by(col(Contact.id))).all()
        return [(row.customer_id, row.detail["answers"]["interest"], row.key) for row in rows]


def test_answers_that_come_at_once_are_written_in_one_transaction_with_all_that_belongs_to_them(pages: Engine) -> None:
    sent = [answered(pages, number) for number in range(1, PEOPLE + 1)]
    commits, statements = list[object](), list[str]()
    event.listen(pages, "commit", commits.append)
    event.listen(pages, "before_cursor_execute", lambda _connection, _cursor, statement, *_: statements.append(statement))
    errors, told = kept(pages, sent)
    assert errors == [None] * PEOPLE
    assert len(commits) == 1
    assert len(statements) <= PEOPLE
    assert logged(pages) == [(number, "fresh", f"answered:{number}:1") for number in range(1, PEOPLE + 1)]
    assert [each.message_id for each in told] == list(range(1, PEOPLE + 1))
    with reading(pages) as session:
        assert {each.due_at for each in session.exec(select(Member))} == {NOON}
        assert [each.answer for number in range(1, PEOPLE + 1) for each in stated_by(session, CustomerId(number))] == ["fresh"] * PEOPLE


def test_of_one_customer_the_second_answer_finds_the_first_one_written(pages: Engine) -> None:
    sent = [answered(pages, number, interest) for number, interest in ((1, "fresh"), (2, "fresh"), (1, "fresh"), (1, "cooking"))]
    errors, told = kept(pages, sent)
    assert errors == [None] * 4
    assert logged(pages) == [(1, "fresh", "answered:1:1"), (2, "fresh", "answered:2:1"), (1, "cooking", "answered:1:2")]
    assert [each.message_id for each in told] == [1, 2, 1]
    with reading(pages) as session:
        assert [each.answer for each in stated_by(session, CustomerId(1))] == ["cooking"]


def test_of_somebody_who_was_erased_in_the_meantime_nothing_is_written_and_of_the_others_all(pages: Engine) -> None:
    sent = [answered(pages, number) for number in (1, 2, 3)]
    with writing(pages) as session:
        session.execute(text("UPDATE customer SET erased_at = 1 WHERE id = 2"))
    errors, told = kept(pages, sent)
    assert [type(error) for error in errors] == [type(None), TokenError, type(None)]
    assert [customer for customer, *_ in logged(pages)] == [each.customer_id for each in told] == [1, 3]


def test_an_answer_that_cannot_be_written_is_told_to_whoever_gave_it_and_the_others_are_kept(pages: Engine) -> None:
    sent = [answered(pages, number) for number in (1, 2, 3)]
    sent[1] = replace(sent[1], answers=Answers({"interest": "fresh"}, {}))
    errors, told = kept(pages, sent)
    assert [type(error) for error in errors] == [type(None), KeyError, type(None)]
    assert sorted(customer for customer, *_ in logged(pages)) == sorted(each.customer_id for each in told) == [1, 3]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no locks on rows
def test_whoever_waits_for_a_customer_that_is_being_changed_waits_alone(pages: Engine) -> None:
    sent = [answered(pages, number) for number in (1, 2, 3)]

    async def keep_all() -> None:
        desk = AnswerDesk(Together(pages, PATIENCE_SECONDS), lambda _: None)
        with Session(pages) as other:
            other.execute(select(Customer).where(Customer.id == 2).with_for_update())
            first, second, third = [asyncio.create_task(desk.keep(each)) for each in sent]
            await asyncio.gather(first, third)
            assert not second.done()
            assert {customer for customer, *_ in logged(pages)} == {1, 3}
        await second

    asyncio.run(keep_all())
    assert {customer for customer, *_ in logged(pages)} == {1, 2, 3}
