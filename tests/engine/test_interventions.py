"""A campaign is paused, goes on or is stopped while it is being carried out, and nothing is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from channels.contract import Message, Outcome
from channels.fake import FakeChannel
from engine.advance import advance
from engine.agenda import next_due
from engine.counting import standing
from engine.entry import let_in
from engine.explain import explain
from engine.interventions import Deed, let_go, pause, resume, stop
from engine.reasons import Reason
from store.errors import InputError
from store.session import reading
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench

MAIL = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  rest: {wait: 5 days}
  won: {goal: buys}
"""
LATER = MAIL.replace("template: words.txt", "template: words.txt, release: next tuesday 09:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def states(bench: Bench) -> dict[str, int]:
    with reading(bench.workspace.database) as session:
        return dict(session.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).tuples().all())


def batches_of(size: int, bench_channel: FakeChannel) -> FakeChannel:
    bench_channel.max_batch = size
    return bench_channel


def test_a_pause_during_the_sending_takes_hold_after_the_batch_and_the_rest_goes_after_the_resumption(make_bench: MakeBench) -> None:
    sent: list[str] = []

    def script(message: Message) -> Outcome:
        sent.append(message.address)
        if len(sent) == 3:
            pause(bench.workspace, "test", NOON)
        return Outcome.ACCEPTED

    bench = make_bench(batches_of(5, FakeChannel("email", ("email",), script=script)))
    bench.people(20)
    versions = bench.start(MAIL)
    bench.carry_out(versions)
    assert len(sent) == 5
    assert states(bench) == {"sent": 5, "queued": 15}
    bench.carry_out(versions, NOON + HOUR)
    assert (len(sent), next_due(versions)) == (5, None)
    resume(bench.workspace, "test", NOON + 2 * HOUR)
    bench.carry_out(versions, NOON + 2 * HOUR)
    assert sorted(sent) == sorted(f"c{n}@example.com" for n in range(1, 21))
    assert next_due(versions) is not None


def test_while_paused_nobody_comes_in_and_nobody_moves(bench: Bench) -> None:
    bench.people(3)
    versions = bench.start(MAIL)
    pause(bench.workspace, "test", NOON)
    assert let_in(versions[0], NOON) == 0
    resume(bench.workspace, "test", NOON)
    assert let_in(versions[0], NOON) == 3
    pause(bench.workspace, "test", NOON)
    assert advance(versions[0], NOON, 10) == 0
    assert bench.carry_out(versions, NOON + 30 * DAY) == []
    found = standing(bench.workspace, "test")
    assert (found.nodes["in"].at, found.halted and found.halted.deed) == (3, Deed.PAUSED)


def test_a_message_that_is_too_late_after_a_pause_is_not_sent(bench: Bench) -> None:
    bench.people(1)
    versions = bench.start(LATER)
    bench.carry_out(versions)
    pause(bench.workspace, "test", NOON)
    resume(bench.workspace, "test", NOON + 60 * DAY)
    bench.carry_out(versions, NOON + 60 * DAY)
    assert bench.sent() == []
    with reading(bench.workspace.database) as session:
        assert session.execute(text("SELECT reason FROM outbox")).scalar_one() == Reason.TOO_LATE


def test_who_was_in_a_stopped_campaign_leaves_with_the_reason_and_what_waits_is_not_sent(bench: Bench) -> None:
    bench.people(4)
    versions = bench.start(LATER)
    bench.carry_out(versions)
    stop(bench.workspace, "test", NOON + HOUR)
    assert let_go(versions, NOON + HOUR) == 4
    assert let_go(versions, NOON + HOUR) == 0
    bench.carry_out(versions, NOON + 10 * DAY)
    assert bench.sent() == []
    assert states(bench) == {"suppressed": 4}
    assert standing(bench.workspace, "test").ended == {"stopped": 4}
    with reading(bench.workspace.database) as session:
        log = session.execute(text("SELECT kind, count(*) FROM contact WHERE direction = 'out' GROUP BY kind")).tuples().all()
        path = session.execute(text("SELECT node, exit, hop FROM move WHERE member_id = 1 ORDER BY hop")).tuples().all()
    assert [tuple(row) for row in log] == [("suppressed", 4)]
    assert path[-1] == ("mail", "stopped", len(path) - 1)


def test_a_wave_of_a_stopped_campaign_lets_go_whom_the_command_did_not_reach(bench: Bench) -> None:
    bench.people(4)
    versions = bench.start(LATER)
    bench.carry_out(versions)
    stop(bench.workspace, "test", NOON + HOUR)  # and the process dies here
    bench.carry_out(versions, NOON + 2 * HOUR)
    assert standing(bench.workspace, "test").ended == {"stopped": 4}
    assert states(bench) == {"suppressed": 4}


def test_after_a_stop_that_is_taken_back_only_new_people_come_in(bench: Bench) -> None:
    bench.people(2)
    versions = bench.start("  in: {audience: everyone, again: 1 day}\n" + MAIL.split("\n", 2)[2])
    bench.carry_out(versions)
    stop(bench.workspace, "test", NOON)
    let_go(versions, NOON)
    bench.people(1, first=3)
    bench.carry_out(versions, NOON + 2 * DAY)
    assert standing(bench.workspace, "test").members == 2
    assert resume(bench.workspace, "test", NOON + 2 * DAY).deed is Deed.STOPPED
    bench.carry_out(versions, NOON + 2 * DAY)
    assert standing(bench.workspace, "test").members == 3
    assert sorted(bench.sent()) == ["c1@example.com", "c2@example.com", "c3@example.com"]


def test_explain_tells_of_the_pause_and_the_stop(bench: Bench) -> None:
    bench.people(1)
    versions = bench.start(LATER)
    bench.carry_out(versions)
    pause(bench.workspace, "test", NOON + HOUR)
    told = explain(versions[0], "c1", NOON + HOUR)
    assert "the campaign was paused by a person" in told.now.text
    assert "a person paused the campaign" in [finding.text for finding in told.findings]
    stop(bench.workspace, "test", NOON + 2 * HOUR)
    let_go(versions, NOON + 2 * HOUR)
    assert explain(versions[0], "c1", NOON + 2 * HOUR).now.reason is Reason.STOPPED


@pytest.mark.parametrize(
    ("deeds", "said"),
    [
        ([resume], "'test' is at work: nothing has halted it."),
        ([pause, pause], "'test' was paused already"),
        ([stop, pause], "'test' was stopped already"),
        ([pause, stop, stop], "Let it go on with: contactflow resume test"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(bench: Bench, deeds: list[object], said: str) -> None:
    bench.start(MAIL)
    *first, last = deeds
    for deed in first:
        deed(bench.workspace, "test", NOON)  # type: ignore[operator]  # functions of three kinds of answers
    with pytest.raises(InputError, match=said):
        last(bench.workspace, "test", NOON)  # type: ignore[operator]  # the same
