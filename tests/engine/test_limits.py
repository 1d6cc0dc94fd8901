"""Messages leave no faster than the limits allow, in any process, and nobody is lost for it."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from contactflow.limiting import LimitSection, read_pace
from customers.tables import table_of
from engine.agenda import next_due
from engine.campaigns import open_versions
from engine.counting import standing
from engine.dispatch import Desk
from engine.journal import Journal
from engine.limits import Turnstile
from engine.pace import Limits, Pace
from engine.reasons import Reason
from engine.recording import Addressee, later
from engine.tables import Bucket
from engine.wave import carry_out
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def limited(bench: Bench, limits: Limits) -> Bench:
    bench.workspace = replace(bench.workspace, limits={"email": limits})
    return bench


def until_done(bench: Bench, most: int = 60) -> list[tuple[datetime, int]]:
    """How many mails left at each moment at which something was due."""
    versions, now = open_versions(bench.workspace, "test"), NOON
    left: list[tuple[datetime, int]] = []
    for _ in range(most):
        before = len(bench.sent())
        bench.carry_out(versions, now)
        left.append((now, len(bench.sent()) - before))
        due = next_due(versions)
        if due is None:
            return left
        now = due
    raise AssertionError("it never ends")


def scalar(bench: Bench, query: str) -> int:
    with reading(bench.workspace.database) as session:
        return int(session.execute(text(query)).scalar_one())


def test_a_pace_is_kept_and_everybody_gets_the_message_once(bench: Bench) -> None:
    limited(bench, Limits(Pace(10, 60))).people(45)
    bench.start(MAIL)
    left = until_done(bench)
    assert left[0] == (NOON, 10)
    for end, _ in left:
        assert sum(count for moment, count in left if moment <= end) <= 10 + (end - NOON) / MINUTE * 10
    assert Counter(bench.sent()) == Counter(f"c{n}@example.com" for n in range(1, 46))
    assert left[-1][0] - NOON <= 5 * MINUTE
    assert scalar(bench, "SELECT max(attempts) FROM outbox") == 1


def test_a_slow_receiver_does_not_hold_up_the_others(bench: Bench) -> None:
    limited(bench, Limits(receivers={"slow.example": Pace(2, 60)})).people(12)
    with writing(bench.workspace.database) as session:
        session.execute(text("UPDATE customer SET email = 'c' || id || '@slow.example' WHERE id <= 6"))
    bench.start(MAIL)
    left = until_done(bench)
    assert left[0] == (NOON, 6 + 2)
    assert sum(count for _, count in left) == 12


def test_a_star_is_for_each_of_the_other_receivers_by_itself(database: Engine) -> None:
    limits = Limits(receivers={"*": Pace(1, 60), "free.example": Pace(5, 60)})
    with writing(database) as session:
        turns = Turnstile(session, "email", limits, NOON, AMSTERDAM).turns(["a.example", "b.example", "a.example", *["free.example"] * 3])
    assert [turn is None for turn in turns] == [True, True, False, True, True, True]


def test_a_warm_up_grows_day_by_day_and_then_the_daily_limit_holds(bench: Bench) -> None:
    first = NOON.astimezone(AMSTERDAM).date()
    limited(bench, Limits(daily=8, warm_up=(2, 5), warm_up_from=first)).people(20)
    bench.start(MAIL)
    left = until_done(bench)
    assert left == [(NOON, 2), (NOON + DAY, 5), (NOON + 2 * DAY, 8), (NOON + 3 * DAY, 5)]


def test_two_senders_at_once_share_one_limit(bench: Bench) -> None:
    limited(bench, Limits(Pace(15, 60))).people(60)
    versions = bench.start(MAIL)

    def send(name: str) -> None:
        journal = Journal.open(bench.workspace.state, name)
        carry_out(versions, NOON, Desk(name, journal, bench.clock))
        journal.close()

    threads = [threading.Thread(target=send, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.sent()) == len(set(bench.sent())) == 15
    assert scalar(bench, "SELECT count(*) FROM outbox WHERE state = 'queued' AND attempts = 0") == 45


def test_who_may_not_be_written_to_takes_no_turn(bench: Bench) -> None:
    limited(bench, Limits(Pace(3, 60))).people(6)
    for customer in (1, 2, 3):
        bench.refuse(customer, "email")
    bench.carry_out(bench.start(MAIL))
    assert len(bench.sent()) == 3


def test_without_limits_no_bucket_is_kept(bench: Bench) -> None:
    bench.people(2)
    bench.carry_out(bench.start(MAIL))
    assert scalar(bench, "SELECT count(*) FROM bucket") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # emptied each time
@given(
    pace=st.builds(Pace, st.integers(1, 500), st.sampled_from([1, 60, 3600])),
    asked=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 200)), min_size=1, max_size=12),
)
def test_never_more_leave_than_a_full_bucket_and_what_time_gives(database: Engine, pace: Pace, asked: list[tuple[int, int]]) -> None:
    now, through = NOON, 0
    with writing(database) as session:
        session.execute(table_of(Bucket).delete())
        for seconds, count in asked:
            now += timedelta(seconds=seconds)
            turns = Turnstile(session, "email", Limits(pace), now, AMSTERDAM).turns([""] * count)
            through += turns.count(None)
            assert through <= pace.room + pace.gained((now - NOON).total_seconds()) + 1e-6
            later = [turn for turn in turns if turn]
            assert later == sorted(later)
            assert all(turn > now for turn in later)


def test_a_pace_is_read_as_people_write_it() -> None:
    assert read_pace("600 per minute") == read_pace("600/minute") == read_pace("600 a Minute") == Pace(600, 60)
    assert read_pace("5.000 per hour") == Pace(5000, 3600)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"pace": "fast"}, "Write how many in how long: 10 per second"),
        ({"pace": "2.5 per second"}, "'2.5 per second' is not a pace"),
        ({"pace": "0 per minute"}, "is not a pace"),
        ({"receivers": {"Gmail": "5 per minute"}}, "is not a domain in small letters"),
        ({"receivers": {"gmail.com": "5"}}, "'5' is not a pace"),
        ({"warm_up": (1, 2)}, "a warm-up needs both"),
        ({"warm_up_from": date(2026, 3, 1)}, "a warm-up needs both"),
    ],
)
def test_a_limit_that_makes_no_sense_is_told(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LimitSection.model_validate(section)


def test_who_is_put_off_comes_back_later_and_not_all_at_once() -> None:
    def pause(message: int, attempts: int) -> timedelta:
        settlement = later(Addressee(message, 1, 1, "mail", "email", None, attempts, "a@example.com"), "451", NOON)
        assert settlement.due_at
        return settlement.due_at - NOON

    for attempts, least in ((1, timedelta(minutes=5)), (5, timedelta(days=1))):
        pauses = [pause(message, attempts) for message in range(200)]
        assert set(pauses) == {least * (1 + step / 32) for step in range(8)}
    assert pause(7, 2) == pause(7, 2)
    assert later(Addressee(7, 1, 1, "mail", "email", None, 6, "a@example.com"), "451", NOON).reason is Reason.GAVE_UP


def test_the_standing_tells_of_messages_that_wait_for_their_turn(bench: Bench) -> None:
    limited(bench, Limits(Pace(10, 60))).people(45)
    versions = bench.start(MAIL)
    bench.carry_out(versions)
    assert standing(bench.workspace, "test").next_due == next_due(versions)
    assert next_due(versions) == NOON + timedelta(seconds=30)
