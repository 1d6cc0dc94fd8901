"""Whoever stops the work is heard: what is on the wire is finished, nothing more is begun, and the next run goes on from there."""

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from channels.contract import Message, Outcome
from channels.fake import FakeChannel
from contactflow.carrying import Span
from contactflow.carrying import carry_out as carried_out
from contactflow.guard import STOPPED, exit_code
from contactflow.stopping import SIGNALS, TOLD, gently
from engine.counting import standing
from engine.journal import SUFFIX
from tests.conftest import NOON
from tests.contactflow.conftest import Call, sockets_left_to_the_collector
from tests.engine.conftest import Bench

FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt, next: end}
"""
ENDLESS = """
import threading
from contactflow.stopping import gently

def work():
    print("working", flush=True)
    threading.Event().wait()

with gently(threading.Event()) as carry_out:
    carry_out(work)
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_lets_a_piece_of_work_end_and_begins_no_other(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    stopping, before, done = threading.Event(), [signal.getsignal(each) for each in SIGNALS], list[str]()

    def work() -> None:
        os.kill(os.getpid(), number)
        stopping.wait(60)
        done.append("to its end")

    with pytest.raises(KeyboardInterrupt), gently(stopping) as carry_out:
        carry_out(work)
        done.append("more was begun")
    assert done == ["to its end"]
    assert capfd.readouterr().err == TOLD.decode()
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_second_signal_ends_it_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"working\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline() == TOLD
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT


@pytest.mark.parametrize("ended", [KeyboardInterrupt, lambda: SystemExit(130)])
def test_who_stopped_a_command_reads_that_nothing_is_lost(ended: type[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise ended()

    assert exit_code(command) == 130
    assert capsys.readouterr().err == f"{STOPPED}\n"


def test_a_batch_is_sent_to_its_end_and_the_next_process_sends_the_others(tmp_path: Path, database: Engine) -> None:
    def stop_within_the_first_batch(_: Message) -> Outcome:
        if channel.sent == 2:
            bench.workspace.stopping.set()
        return Outcome.ACCEPTED

    channel = FakeChannel("email", max_batch=10, script=stop_within_the_first_batch, record=tmp_path / "record.jsonl")
    bench = Bench(tmp_path, database, [channel])
    bench.people(25)
    versions = bench.start(FLOW)
    bench.carry_out(versions)
    assert len(bench.sent()) == 10
    assert standing(bench.workspace, "test").messages == {("mail", "sent"): 10, ("mail", "queued"): 15}
    bench.workspace.stopping.clear()
    bench.carry_out(versions, claim="the next")
    assert len(bench.sent()) == len(set(bench.sent())) == 25


def test_nobody_is_let_in_or_moved_by_a_process_that_is_to_end(tmp_path: Path, database: Engine) -> None:
    bench = Bench(tmp_path, database)
    bench.people(5)
    versions = bench.start(FLOW)
    bench.workspace.stopping.set()
    bench.carry_out(versions)
    assert standing(bench.workspace, "test").nodes == {}
    bench.workspace.stopping.clear()
    bench.carry_out(versions)
    assert len(bench.sent()) == 5


def test_a_run_that_is_stopped_between_two_waves_is_gone_on_with(call: Call, carry_out: Call, workspace: Path) -> None:
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    waves: list[datetime] = []

    def press(now: datetime, _: object) -> None:
        waves.append(now)
        os.kill(os.getpid(), signal.SIGINT)

    span = Span(NOON, NOON + timedelta(days=10))
    with sockets_left_to_the_collector(), pytest.raises(KeyboardInterrupt):
        carried_out(workspace, "spring", span, press)
    assert waves == [NOON]
    assert list((workspace / ".contactflow").rglob(f"*{SUFFIX}")) == []  # nothing is on the wire
    later = carry_out("spring", "--at", "2026-03-02 13:00", "--until", "2026-03-12", "-w", workspace)
    assert (later.code, "move members" in later.out, "let people in" in later.out) == (0, True, False)
