"""The segment that a recipient sees the campaign's page as, settled when the message is composed: the pages could not work it out."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlmodel import col, select

from engine.tables import OutboxMessage
from store.session import reading
from tests.engine.conftest import Bench

MAIL = "  in: {audience: everyone}\n  mail: {send: email, subject: Hi, template: words.txt, next: end}\n"
SEGMENTS = {"first": "key = 'c1'", "early": "key in ('c1', 'c2')", "all": "first_name is not null"}
LEADING = "See {{ links.page }}"


def started(bench: Bench, words: str, named: Sequence[str], flow: str = MAIL) -> list[str | None]:
    """The segment that is kept with each message, in the order of customers."""
    bench.workspace = replace(bench.workspace, segments=SEGMENTS, page_segments=lambda _: named)
    (bench.workspace.templates / "words.txt").write_text(words)
    bench.people(3)
    bench.carry_out(bench.start(flow))
    with reading(bench.workspace.database) as session:
        rows = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.customer_id))).all()
        return [(row.values or {}).get("page_segment") for row in rows]


def test_the_first_segment_that_fits_among_those_that_the_page_names_is_kept_with_the_message(bench: Bench) -> None:
    assert started(bench, LEADING, ("all", "early")) == ["early", "early", "all"]


@pytest.mark.parametrize(("words", "named"), [(LEADING, ()), ("Hello", ("all",)), (LEADING, ("gone",))])
def test_nothing_is_kept_where_nobody_would_see_anything_else(bench: Bench, words: str, named: Sequence[str]) -> None:
    assert started(bench, words, named) == [None, None, None]


def test_whoever_gets_the_message_without_anything_personal_sees_the_page_as_nobody_in_particular(bench: Bench) -> None:
    flow = MAIL.replace("template: words.txt", "template: words.txt, unpersonalised: 99.999%")
    assert started(bench, "{{ customer.first_name or 'Hi' }} " + LEADING, ("all",), flow) == [None, None, None]
