"""Named segments: the first that fits."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, event, insert

from customers.attributes import declare_attributes, write_profiles
from customers.conditions.faults import SegmentsError
from customers.conditions.vocabulary import AttributeKind, Vocabulary
from customers.segments import segment_of
from customers.tables import Customer, table_of
from store.session import reading, writing
from tests.customers.test_attributes import NOW, Known

OWN = {"children": AttributeKind.INTEGER}
SEGMENTS = {"large": "in segment families and children > 2", "families": "children > 0", "young 'n' free": "children = 0"}
KNOWN = Known(Vocabulary.of_workspace(OWN, SEGMENTS), OWN)


@pytest.fixture
def filled(database: Engine) -> Engine:
    with writing(database) as session:
        declare_attributes(session, OWN)
        people = [{"id": n, "key": f"k{n}", "created_at": NOW, "changed_at": NOW} for n in range(1, 2001)]
        session.execute(insert(table_of(Customer)), people)
        write_profiles(session, ["children"], [(n, [n - 1]) for n in range(1, 6)], OWN)
    return database


def test_the_first_segment_that_fits_wins(filled: Engine) -> None:
    with reading(filled) as session:
        found = segment_of(session, np.array([4, 1, 6, 2, 99, 4]), SEGMENTS, KNOWN)
    assert found == ["large", "young 'n' free", None, "families", None, "large"]


def test_only_the_segments_asked_for_are_tried(filled: Engine) -> None:
    with reading(filled) as session:
        assert segment_of(session, np.array([4, 1]), {"families": SEGMENTS["families"]}, KNOWN) == ["families", None]
        assert segment_of(session, np.array([4, 1]), {}, KNOWN) == [None, None]


def test_segments_take_one_statement_for_any_number_of_customers(filled: Engine) -> None:
    statements: list[str] = []
    with reading(filled) as session:
        session.connection()
        event.listen(filled, "before_cursor_execute", lambda *given: statements.append(given[2]))
        found = segment_of(session, np.arange(1, 2001), SEGMENTS, KNOWN)
    assert len(statements) == 1
    assert found[:6] == ["young 'n' free", "families", "families", "large", "large", None]


def test_a_circle_of_segments_is_told(filled: Engine) -> None:
    segments = {"a": "in segment b", "b": "in segment a"}
    circle = replace(KNOWN, vocabulary=Vocabulary.of_workspace(OWN, segments))
    with reading(filled) as session, pytest.raises(SegmentsError, match="leads back to itself: a, b, a"):
        segment_of(session, np.array([1]), segments, circle)


def test_a_segment_knows_what_day_it_is_in_the_workspace(filled: Engine) -> None:
    late = datetime.fromisoformat("2026-03-29T23:30:00+00:00")
    new = {"new": "created_on = today"}
    with reading(filled) as session:
        for zone, fits in (("Etc/UTC", "new"), ("Pacific/Auckland", "new"), ("Europe/Amsterdam", "new"), ("Asia/Kolkata", "new")):
            there = replace(KNOWN, vocabulary=Vocabulary.of_workspace(OWN, new), now=late, zone=ZoneInfo(zone))
            assert segment_of(session, np.array([1]), new, there) == [fits]
        tomorrow = replace(KNOWN, vocabulary=Vocabulary.of_workspace(OWN, new), now=late.replace(day=31), zone=ZoneInfo("Etc/UTC"))
        assert segment_of(session, np.array([1]), new, tomorrow) == [None]
