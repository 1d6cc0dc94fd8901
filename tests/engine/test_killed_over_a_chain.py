"""A process that dies after its first provider has failed and while its second is at work."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from store.session import reading
from tests.email.naughty_servers import Behaviour, server
from tests.engine.conftest import Bench

ROOT = Path(__file__).resolve().parent.parent.parent
FLOW = """
  in: {audience: everyone}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""
MESSAGES = 300


def sender(bench: Bench, database_url: str, claim: str, *ports: int) -> "subprocess.Popen[bytes]":
    arguments = [str(bench.workspace.root), database_url, claim, "0", *map(str, ports)]
    return subprocess.Popen([sys.executable, "-m", "tests.chaos.sender", *arguments], cwd=ROOT)


def test_who_dies_between_two_providers_loses_nobody_and_writes_to_nobody_twice(bench: Bench, database_url: str) -> None:
    bench.people(MESSAGES, consent=["email"])
    bench.start(FLOW)
    victims: list[int] = []

    def kill_at(count: int) -> bool:
        if count == 60 and victims:
            os.kill(victims.pop(), signal.SIGKILL)
        return False

    with (
        server(Behaviour("mail", "550 5.7.1 Enough", when=lambda count: count > 100)) as first,
        server(Behaviour("dot", when=kill_at)) as second,
    ):
        dead = sender(bench, database_url, "dead", first.port, second.port)
        victims.append(dead.pid)
        assert dead.wait() == -9
        assert 90 <= len(first.kept) <= 100  # less those whose envelope had been taken when another was refused
        assert sender(bench, database_url, "alive", first.port, second.port).wait() == 0
    kept = first.kept + second.kept
    with reading(bench.workspace.database) as session:
        states = Counter(dict(session.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).tuples().all()))
    assert set(kept.values()) == {1}
    assert set(states) <= {"sent", "unknown"}
    assert states.total() == MESSAGES
    assert 1 <= states["unknown"] <= 8  # as many as there are connections
    assert states["sent"] <= len(kept) <= states["sent"] + states["unknown"]
