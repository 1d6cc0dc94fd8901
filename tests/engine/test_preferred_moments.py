"""Messages wait for the part of the day that a customer prefers, in the customer's own zone, and say so."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from customers.choices import FREELY, ChoiceKind, Chosen, record_choices
from customers.consent import EVERYTHING
from customers.preferred import HOURS, PartOfDay, preferred_from, preferred_moments
from customers.tables import CustomerId
from engine.agenda import next_due
from engine.campaigns import not_started, open_versions
from engine.explain import explain
from engine.running import Running
from engine.simulate import simulate
from store.clock import from_micros, to_micros
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HERE = "Europe/Amsterdam"  # where NOON is 13:00
MORNING, AFTERNOON, EVENING = (int(part) for part in list(PartOfDay)[1:])
MINE = 1


def prefer(bench: Bench, part: int, customers: Sequence[int] = (MINE,), at: datetime = NOON) -> None:
    with writing(bench.workspace.database) as session:
        for each in customers:
            record_choices(session, CustomerId(each), [Chosen(ChoiceKind.MOMENT, EVERYTHING, part)], at, {"page": "preferences"})


def live(bench: Bench, zone: str, customer: int) -> None:
    with writing(bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET timezone = :zone WHERE id = :mine"), {"zone": zone, "mine": customer})


def left_at(bench: Bench, flow: str = MAIL, address: str = "c1@example.com", header: str = "") -> datetime | None:
    """Carry out whatever is due until nothing is; gives when the message to the address left."""
    versions, now = bench.start(flow, header), NOON
    for _ in range(10):
        bench.carry_out(versions, now)
        if address in bench.sent():
            return now
        due = next_due(versions)
        if due is None:
            return None
        assert due > now
        now = due
    raise AssertionError("it never ends")


# Part of the day, zone, and in how many hours from NOON the mail leaves; a case each customer.
WINDOWS = [
    (AFTERNOON, HERE, 0),
    (EVENING, HERE, 5),  # 18:00 is 17:00 UTC
    (MORNING, HERE, 19),  # tomorrow
    (MORNING, "America/New_York", 1),  # it is 7:00 there
    (EVENING, "Asia/Tokyo", 0),  # it is 21:00 there
    (MORNING, "Asia/Tokyo", 11),
    (int(PartOfDay.ANY), "Asia/Tokyo", 0),
    (99, "Asia/Tokyo", 0),  # of a later version of contactflow
]


def test_mails_leave_in_the_part_of_the_day_that_each_customer_prefers_in_their_own_zone(bench: Bench) -> None:
    bench.people(len(WINDOWS))
    for customer, (part, zone, _) in enumerate(WINDOWS, 1):
        live(bench, zone, customer)
        prefer(bench, part, [customer])
    versions, now, left = bench.start(MAIL), NOON, dict[str, float]()
    for _ in WINDOWS:
        bench.carry_out(versions, now)
        left |= {address: (now - NOON) / HOUR for address in bench.sent() if address not in left}
        now = next_due(versions) or now
    assert left == {f"c{customer}@example.com": hours for customer, (*_, hours) in enumerate(WINDOWS, 1)}
    assert len(bench.sent()) == len(WINDOWS), "each once"


def test_the_newest_choice_counts_and_any_time_ends_the_waiting(bench: Bench) -> None:
    bench.people(1)
    prefer(bench, EVENING, at=NOON - DAY)
    prefer(bench, FREELY, at=NOON - HOUR)
    assert left_at(bench) == NOON


@pytest.mark.parametrize(
    ("node", "address", "waits"),
    [
        ("send: email, subject: Hi, template: words.txt", "c1@example.com", True),
        ("send: sms, template: words.txt", "+31612340001", True),
        ("send: print, template: words.txt", "1234 AB", False),
        ("send: email, subject: Hi, template: words.txt, fresh_for: 4 hours", "c1@example.com", False),
        ("send: email, subject: Hi, template: words.txt, fresh_for: 5 hours", "c1@example.com", True),
    ],
)
def test_a_letter_and_what_would_be_too_late_by_then_do_not_wait(bench: Bench, node: str, address: str, waits: bool) -> None:
    bench.people(1)
    prefer(bench, EVENING)
    flow = f"\n  in: {{audience: everyone}}\n  note: {{{node}}}\n  won: {{goal: buys}}\n"
    assert left_at(bench, flow, address) == (NOON + 5 * HOUR if waits else NOON)


def test_a_release_comes_first_and_the_preferred_part_of_the_day_after_it(bench: Bench) -> None:
    bench.people(1)
    prefer(bench, MORNING)
    flow = MAIL.replace("words.txt", 'words.txt, release: "tuesday 13:00"')
    assert left_at(bench, flow) == datetime(2026, 3, 4, 7, tzinfo=UTC)


def test_consent_that_is_taken_back_while_a_message_waits_stops_it(bench: Bench) -> None:
    bench.people(1)
    prefer(bench, EVENING)
    versions = bench.start(MAIL)
    bench.carry_out(versions, NOON)
    bench.refuse(MINE, "email", NOON + HOUR)
    bench.carry_out(versions, NOON + 5 * HOUR)
    assert bench.sent() == []
    assert "opted_out" in told(bench)


def test_explain_says_that_a_message_waits_and_why(bench: Bench) -> None:
    bench.people(1)
    prefer(bench, EVENING)
    versions = bench.start(MAIL)
    bench.carry_out(versions, NOON)
    waiting = [finding for finding in explain(versions[0], "c1", NOON).findings if finding.reason]
    assert [(finding.reason, finding.at) for finding in waiting] == [("preferred_moment", NOON + 5 * HOUR)]
    assert "likes to be written to" in waiting[0].text
    bench.carry_out(versions, NOON + 5 * HOUR)
    assert told(bench) == ["goal_reached"]
    with reading(bench.workspace.database) as session:
        assert session.execute(text("SELECT state, reason, attempts FROM outbox")).one() == ("sent", None, 1)


@pytest.mark.parametrize("number", [10, 300])
def test_waiting_takes_the_same_statements_for_any_number(bench: Bench, number: int) -> None:
    bench.people(number)
    prefer(bench, EVENING, range(1, number, 2))
    versions = bench.start(MAIL)
    seen: list[str] = []
    event.listen(bench.workspace.database, "before_cursor_execute", lambda *given: seen.append(given[2]))
    bench.carry_out(versions, NOON)
    assert len(bench.sent()) == number - number // 2 == number / 2
    assert len([each for each in seen if "choice" in each]) == 1
    # On SQLite every row of a handful is updated by itself, in one statement.
    assert len([each for each in seen if each.startswith("UPDATE") and "outbox" in each and "reason" in each]) <= 2


@settings(max_examples=200, deadline=None)
@given(
    part=st.sampled_from(sorted(HOURS)),
    zone=st.sampled_from(sorted(available_timezones())),
    micros=st.integers(to_micros(datetime(2000, 1, 1, tzinfo=UTC)), to_micros(datetime(2040, 1, 1, tzinfo=UTC))),
)
def test_the_moment_is_the_next_of_its_part_of_the_day_also_when_the_clock_changes(part: int, zone: str, micros: int) -> None:
    here, asked = ZoneInfo(zone), from_micros(micros)
    found = preferred_from(part, asked, here)
    begins, ends = HOURS[part]
    assert begins <= found.astimezone(here).time() < ends
    assert asked <= found <= asked + 2 * DAY
    if found > asked:
        assert found.astimezone(here).time() == begins
        just_before = (found - timedelta(minutes=1)).astimezone(here)
        assert not begins <= just_before.time() < ends
    column = preferred_moments(np.array([part, FREELY]), np.array([micros, micros]), [zone, zone])
    assert column.tolist() == [to_micros(found), micros]


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_the_evening_begins_at_six_after_the_night_in_which_the_clock_changed(hour: int) -> None:
    night = datetime(2026, 3, 29, hour, 30, tzinfo=ZoneInfo(HERE))
    assert preferred_from(EVENING, night.astimezone(UTC), ZoneInfo(HERE)) == datetime(2026, 3, 29, 16, tzinfo=UTC)


def foreseen(bench: Bench, running: Running) -> tuple[dict[str, int], dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """Messages by day, who gets none and why, and who waits."""
    found = simulate(not_started(bench.workspace, running.graph), NOON, {})
    assert sum(found.sent.values()) == sum(found.volumes.values())
    return {str(day): count for (day, _), count in found.volumes.items()}, dict(found.left_out), dict(found.waits)


def wish(bench: Bench, customer: int, kind: ChoiceKind, value: int) -> None:
    with writing(bench.workspace.database) as session:
        record_choices(session, CustomerId(customer), [Chosen(kind, "offers", value)], NOON, None)


TWICE = """
  in: {audience: everyone}
  first: {send: email, subject: Hi, template: words.txt}
  a_while: {wait: 3 days}
  second: {send: email, subject: Hi, template: words.txt}
  done: {goal: buys}
"""


def test_a_simulation_keeps_to_pauses_rhythms_and_preferred_moments(bench: Bench) -> None:
    bench.people(6)
    wish(bench, 1, ChoiceKind.PAUSE, to_micros(NOON + 2 * DAY))
    wish(bench, 2, ChoiceKind.RHYTHM, 7)
    prefer(bench, MORNING, [3, 4])
    running = bench.start(TWICE)[0]
    volumes, left_out, waits = foreseen(bench, running)
    assert left_out == {("first", "asked_for_a_pause"): 1, ("second", "often_enough"): 1}
    # The second mail is due three days after the first left, which is a morning for those who prefer one.
    assert waits == {("first", "preferred_moment"): 2}
    assert volumes == {"2026-03-02": 3, "2026-03-03": 2, "2026-03-05": 3, "2026-03-06": 2}


def test_a_simulation_promises_what_is_then_carried_out(bench: Bench) -> None:
    bench.people(30)
    for customer in range(1, 6):
        wish(bench, customer, ChoiceKind.PAUSE, to_micros(NOON + customer * DAY))
        wish(bench, 5 + customer, ChoiceKind.RHYTHM, customer)
    for part in HOURS:
        prefer(bench, part, [10 + part, 20 + part])
    running = bench.start(TWICE)[0]
    volumes, left_out, _ = foreseen(bench, running)
    versions, now = open_versions(bench.workspace, "test"), NOON
    for _ in range(40):
        bench.carry_out(versions, now)
        due = next_due(versions)
        if due is None:
            break
        now = due
    zone = bench.workspace.zone
    with reading(bench.workspace.database) as session:
        rows = session.execute(text("SELECT node, reason, settled_at, state FROM outbox")).all()
    sent = [str(from_micros(row.settled_at).astimezone(zone).date()) for row in rows if row.state == "sent"]
    assert {day: sent.count(day) for day in sent} == volumes
    refused = [(row.node, row.reason) for row in rows if row.state == "suppressed"]
    assert {each: refused.count(each) for each in refused} == left_out


def told(bench: Bench) -> list[str]:
    found = explain(open_versions(bench.workspace, "test")[0], "c1", NOON).findings
    return [finding.reason.value for finding in found if finding.reason]
