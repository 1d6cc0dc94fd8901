"""Processes that die, and processes side by side: nobody is lost, nobody is written to twice."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.counting import standing
from store.session import reading
from studio.inbox.records import read_record
from studio.inbox.server import start_inbox
from tests.engine.conftest import Bench

ROOT = Path(__file__).resolve().parent.parent.parent
MAIL = """
  in: {audience: everyone, holdout: 10%}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""


def process(bench: Bench, database_url: str, claim: str, dies_at: int = 0, port: int = 0) -> subprocess.Popen[bytes]:
    arguments = [str(bench.workspace.root), database_url, claim, str(dies_at), str(port)]
    return subprocess.Popen([sys.executable, "-m", "tests.engine.sender", *arguments], cwd=ROOT)


def states(bench: Bench) -> Counter[str]:
    with reading(bench.workspace.database) as session:
        return Counter(dict(session.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).tuples().all()))


@pytest.mark.parametrize("dies_at", [1, 500, 777])
def test_a_killed_sender_loses_nobody_and_writes_to_nobody_twice(bench: Bench, database_url: str, dies_at: int) -> None:
    bench.people(1_500)
    versions = bench.start(MAIL)
    dead = process(bench, database_url, "dead", dies_at)
    assert dead.wait() == -9
    bench.carry_out(versions, claim="alive")
    seen = Counter(bench.sent())
    counted = states(bench)
    assert set(seen.values()) == {1}
    assert counted["unknown"] == 1  # the one that was on the wire
    assert counted["sent"] + counted["unknown"] == len(seen)
    assert set(counted) == {"sent", "unknown"}
    assert standing(bench.workspace, "test").members == 1_500


def test_after_a_power_cut_a_journal_is_not_believed_to_be_whole(bench: Bench, database_url: str) -> None:
    bench.people(60)
    versions = bench.start(MAIL)
    assert process(bench, database_url, "dead", dies_at=5).wait() == -9
    journal = bench.workspace.state / "wire" / "dead.journal"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("B another-boot\n" + "".join(lines[1:5]))  # what reached the disk: two messages with their receipts
    bench.carry_out(versions, claim="alive")
    counted = states(bench)
    assert set(Counter(bench.sent()).values()) == {1}
    assert counted == {"sent": 2, "unknown": 60 - 2 - standing(bench.workspace, "test").ended["held_out"]}


def test_two_processes_never_share_a_member_or_a_message(bench: Bench, database_url: str) -> None:
    bench.people(4_000)
    bench.start(MAIL)
    both = [process(bench, database_url, f"sender-{number}") for number in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    held = standing(bench.workspace, "test").ended["held_out"]
    seen = Counter(bench.sent())
    assert set(seen.values()) == {1}
    assert len(seen) == 4_000 - held
    assert standing(bench.workspace, "test").ended == {"held_out": held, "goal_reached": 4_000 - held}
    with reading(bench.workspace.database) as session:
        moves = session.execute(text("SELECT count(*), count(DISTINCT member_id) FROM move WHERE hop = 0")).one()
    assert tuple(moves) == (4_000, 4_000)


def test_mail_over_smtp_survives_kills_at_random_moments(bench: Bench, database_url: str) -> None:
    bench.people(2_000)
    bench.start(MAIL)
    inbox = start_inbox(bench.workspace.root / "inbox.db")
    try:
        chance = random.Random(7)
        for number in range(4):
            sender = process(bench, database_url, f"sender-{number}", port=inbox.port)
            time.sleep(1.2 + chance.random())
            sender.kill()
            sender.wait()
        last = process(bench, database_url, "last", port=inbox.port)
        assert last.wait() == 0
    finally:
        inbox.stop()
    record = read_record(bench.workspace.root / "inbox.db")
    counted = states(bench)
    assert not record.duplicates
    assert counted["sent"] <= record.keys <= counted["sent"] + counted["unknown"]
    assert set(counted) <= {"sent", "unknown"}
    assert sum(counted.values()) == 2_000 - standing(bench.workspace, "test").ended["held_out"]
