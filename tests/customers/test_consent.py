import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, insert, select
from sqlmodel import Session

from customers.consent import (
    EVERYTHING,
    PERSONAL,
    SOURCES,
    ConsentChange,
    Source,
    consent_of,
    reachability,
    record_consent,
    suppress,
)
from customers.tables import Consent, ConsentEvent, Customer, CustomerId, table_of
from store.bulk import Ids
from store.session import reading, writing

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOT_PERSONAL = tuple(source for source in Source if source not in PERSONAL)


class Said(NamedTuple):
    """What a test writes for one piece of evidence."""

    granted: bool
    hour: int
    source: Source
    purpose: str = "offers"
    channel: str = "email"


def add_customers(session: Session, number: int) -> Ids:
    first = session.scalar(select(func.max(table_of(Customer).c.id))) or 0
    keys = [{"key": f"c{first + n}", "created_at": START, "changed_at": START} for n in range(number)]
    session.execute(insert(table_of(Customer)), keys)
    return np.array(session.scalars(select(table_of(Customer).c.id).order_by("id")).all()[-number:], np.int64)


def changes(customer_id: int, said: Iterable[Said]) -> list[ConsentChange]:
    return [
        ConsentChange(CustomerId(customer_id), s.purpose, s.channel, granted=s.granted, at=START + timedelta(hours=s.hour), source=s.source)
        for s in said
    ]


def standing(session: Session, customer_id: int, purpose: str = "offers", channel: str = "email") -> str:
    found = consent_of(session, np.array([customer_id]), purpose, channel)
    return {(True, False): "granted", (False, True): "refused", (False, False): "never"}[bool(found.granted[0]), bool(found.refused[0])]


def read_one_by_one(said: Iterable[Said], purpose: str, channel: str) -> str:
    """The rule told as a story in time: an independent reading to compare with."""
    heard = [s for s in said if s.purpose in (purpose, EVERYTHING) and s.channel in (channel, EVERYTHING)]
    state = "never"
    for one in sorted(heard, key=lambda s: (s.hour, not s.granted)):
        if not one.granted:
            state = "refused"
        elif one.source in PERSONAL or state == "never":
            state = "granted"
    return state


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], "never"),
        ([Said(True, 1, Source.IMPORT)], "granted"),
        ([Said(False, 1, Source.IMPORT)], "refused"),
        ([Said(False, 1, Source.PAGE), Said(True, 2, Source.IMPORT)], "refused"),
        ([Said(False, 1, Source.PAGE), Said(True, 2, Source.FLOW)], "refused"),
        ([Said(False, 1, Source.PAGE), Said(True, 2, Source.PAGE)], "granted"),
        ([Said(False, 1, Source.PAGE), Said(True, 1, Source.PAGE)], "refused"),
        ([Said(False, 2, Source.ONE_CLICK), Said(True, 1, Source.PAGE)], "refused"),
        ([Said(True, 1, Source.IMPORT), Said(False, 2, Source.FLOW)], "refused"),
        ([Said(True, 9, Source.IMPORT), Said(False, 2, Source.PAGE)], "refused"),
        ([Said(False, 1, Source.IMPORT), Said(True, 2, Source.SERVICE)], "granted"),
        ([Said(False, 1, Source.PAGE), Said(True, 2, Source.PAGE), Said(False, 3, Source.IMPORT)], "refused"),
        ([Said(False, 3, Source.PAGE, EVERYTHING)], "refused"),
        ([Said(True, 1, Source.PAGE), Said(False, 3, Source.PAGE, EVERYTHING)], "refused"),
        ([Said(True, 1, Source.PAGE), Said(False, 3, Source.PAGE, EVERYTHING, EVERYTHING)], "refused"),
        ([Said(False, 3, Source.PAGE, EVERYTHING), Said(True, 4, Source.PAGE)], "granted"),
        ([Said(False, 3, Source.PAGE, EVERYTHING), Said(True, 4, Source.IMPORT)], "refused"),
        ([Said(True, 1, Source.PAGE, "service"), Said(True, 1, Source.PAGE, "offers", "sms")], "never"),
        ([Said(False, 1, Source.PAGE, "service"), Said(True, 1, Source.IMPORT)], "granted"),
    ],
)
def test_the_strictest_reading_of_the_evidence_stands(database: Engine, said: list[Said], expected: str) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        record_consent(session, changes(one, said))
        assert standing(session, one) == expected
        assert read_one_by_one(said, "offers", "email") == expected


def test_a_refusal_of_everything_leaves_other_purposes_refused_when_one_is_granted_again(database: Engine) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        record_consent(session, changes(one, [Said(False, 1, Source.ONE_CLICK, EVERYTHING, EVERYTHING)]))
        record_consent(session, changes(one, [Said(True, 2, Source.PAGE)]))
        assert [standing(session, one, *where) for where in (("offers", "email"), ("offers", "sms"), ("news", "email"))] == [
            "granted",
            "refused",
            "refused",
        ]


def test_a_grant_of_everything_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="names one purpose"):
        changes(1, [Said(True, 1, Source.PAGE, EVERYTHING)])


SAID = st.builds(
    Said,
    st.booleans(),
    st.integers(0, 6),
    st.sampled_from(Source),
    st.sampled_from(["offers", "service"]),
    st.sampled_from(["email", "sms"]),
) | st.builds(
    Said,
    st.just(False),
    st.integers(0, 6),
    st.sampled_from(Source),
    st.sampled_from(["offers", EVERYTHING]),
    st.sampled_from(["email", EVERYTHING]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(SAID, max_size=4), max_size=4))
def test_any_evidence_in_any_order_reads_as_the_story_does(database: Engine, batches: list[list[Said]]) -> None:
    told: list[Said] = []
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        for batch in batches:
            record_consent(session, changes(one, batch))
            told += batch
            for purpose in ("offers", "service"):
                for channel in ("email", "sms"):
                    assert standing(session, one, purpose, channel) == read_one_by_one(told, purpose, channel)
                    assert stored_grant(session, one, purpose, channel) == (standing(session, one, purpose, channel) == "granted")


def stored_grant(session: Session, customer_id: int, purpose: str, channel: str) -> bool:
    """What whoever reads the exact row alone believes."""
    return bool(session.scalar(select(table_of(Consent).c.granted).where(*_is(customer_id, purpose, channel))))


def _is(customer_id: int, purpose: str, channel: str) -> list[Any]:
    consent = table_of(Consent).c
    return [consent.customer_id == customer_id, consent.purpose == purpose, consent.channel == channel]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(SAID, max_size=6), hour=st.integers(-50, 50), source=st.sampled_from(NOT_PERSONAL))
def test_no_import_and_no_flow_ever_enables_again(database: Engine, before: list[Said], hour: int, source: Source) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        record_consent(session, changes(one, before))
        was = standing(session, one)
        record_consent(session, changes(one, [Said(True, hour, source)]))
        assert standing(session, one) == ("granted" if was == "never" else was)


def test_since_tells_when_what_stands_began(database: Engine) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        for said, hour in (
            (Said(True, 5, Source.IMPORT), 5),
            (Said(True, 3, Source.IMPORT), 3),
            (Said(False, 7, Source.PAGE), 7),
            (Said(True, 9, Source.PAGE), 9),
        ):
            record_consent(session, changes(one, [said]))
            assert session.scalar(select(table_of(Consent).c.since).where(*_is(one, "offers", "email"))) == START + timedelta(hours=hour)


def test_each_obstacle_has_its_reason_in_the_order_asked(database: Engine) -> None:
    with writing(database) as session:
        fine, silent, gone, bounced, homeless = add_customers(session, 5).tolist()
        record_consent(session, [change for one in (fine, bounced, homeless) for change in changes(one, [Said(True, 1, Source.PAGE)])])
        record_consent(session, changes(gone, [Said(False, 1, Source.PAGE, EVERYTHING)]))
        suppress(session, "email", {"bounced@example.com": "hard_bounce"}, START)
        suppress(session, "email", {"bounced@example.com": "complaint"}, START)
        suppress(session, "sms", {"fine@example.com": "hard_bounce"}, START)
        ids = np.array([gone, fine, bounced, homeless, silent, fine])
        addresses = ["gone@example.com", "fine@example.com", "bounced@example.com", None, "silent@example.com", "fine@example.com"]
        verdicts = reachability(session, ids, "offers", "email", addresses)
        assert verdicts == ["opted_out", None, "suppressed_address", None, "no_consent", None]
        assert reachability(session, ids[:0], "offers", "email", []) == []


@pytest.mark.parametrize("number", [10, 1_000])
def test_the_number_of_statements_does_not_grow_with_the_customers(database: Engine, number: int) -> None:
    statements: list[str] = []
    with writing(database) as session:
        ids = add_customers(session, number)
        event.listen(database, "before_cursor_execute", lambda *given: statements.append(given[2]))
        record_consent(session, [change for one in ids.tolist() for change in changes(one, [Said(True, 1, Source.IMPORT)])])
        reachability(session, ids, "offers", "email", [f"{one}@example.com" for one in ids.tolist()])
        assert session.scalar(select(func.count()).select_from(Consent)) == number
    assert len(statements) <= 6


def test_evidence_is_only_added_to(database: Engine) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
        for hour in range(3):
            record_consent(session, changes(one, [Said(bool(hour % 2), hour, Source.PAGE)]))
    with reading(database) as session:
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == 3


def test_every_source_has_its_sentence() -> None:
    assert set(SOURCES) == set(Source)


def test_an_import_that_comes_while_a_refusal_is_being_written_does_not_outrun_it(database: Engine) -> None:
    with writing(database) as session:
        (one,) = add_customers(session, 1).tolist()
    refused = threading.Event()

    def refuse() -> None:
        with writing(database) as session:
            record_consent(session, changes(one, [Said(False, 1, Source.PAGE)]))
            refused.set()
            time.sleep(0.3)  # the import begins meanwhile, and has to wait

    page = threading.Thread(target=refuse)
    page.start()
    assert refused.wait(10)
    with writing(database) as session:
        record_consent(session, changes(one, [Said(True, 2, Source.IMPORT)]))
    page.join(10)
    with reading(database) as session:
        assert standing(session, one) == "refused"
