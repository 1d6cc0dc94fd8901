"""One wave of a million members through a campaign of twelve nodes: members a second, Prefect's share, and peak memory.

    .venv/bin/python -m benchmarks.wave [MEMBERS] [--plain-only]

Everybody goes from the first node to the last in one wave: an audience with a hold-out, a split, four sends over channels that send
nothing, waits that are over, branches, an update and a goal (benchmarks/twelve_nodes.py). The reference is the same wave in a plain
loop, engine.wave.carry_out; ours is engine.runner.carry_out_wave with a real Prefect server on this machine. Each runs in a process
of its own, so that each has a peak memory of its own. Prefect's share is also counted directly: the wall time of the wave outside
the stages' own work, which does not depend on what else the machine does meanwhile.

Goals: Prefect's share below 5 %; peak memory below 1,500 MB, for any number of members.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Figure, seconds
from benchmarks.twelve_nodes import NOW, Bench
from engine import wave
from engine.dispatch import Desk
from engine.journal import Journal
from engine.opened import Opened
from engine.prefect_server import prefect_at_hand
from engine.wave import Stage, carry_out
from store.clock import SystemClock
from store.session import open_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--plain-only", action="store_true", help="Without Prefect: for memory at larger numbers.")
    parser.add_argument("--carry-out", choices=("plain", "prefect"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.carry_out:
        print(json.dumps(carried_out(options.members, with_prefect=options.carry_out == "prefect")))
        return
    plain = measured(options.members, "plain")
    size = f"{options.members:,} members"
    Figure("wave", f"{size}, plain loop", plain["wall"], "s").show()
    Figure("wave", f"{size}, plain loop: a member", plain["wall"] / options.members * 1e6, "us").show()
    Figure("wave", f"{size}, plain loop: a member", plain["cpu"] / options.members * 1e6, "us of processor").show()
    Figure("wave", f"{size}, plain loop: messages a second", plain["messages"] / plain["sending"], "/s").show()
    Figure("wave", f"{size}, plain loop: peak memory", plain["peak_mb"], "MB", goal=1500).show()
    if not options.plain_only:
        prefect = measured(options.members, "prefect")
        Figure("wave", f"{size}, by Prefect", prefect["wall"], "s", plain["wall"], "the plain loop").show()
        Figure("wave", f"{size}, by Prefect: outside the stages", 100 * (1 - prefect["working"] / prefect["wall"]), "%", goal=5).show()
        Figure("wave", f"{size}, by Prefect: peak memory", prefect["peak_mb"], "MB", goal=1500).show()


def measured(members: int, how: str) -> dict[str, float]:
    """The figures of one wave in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.wave", str(members), "--carry-out", how]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def carried_out(members: int, *, with_prefect: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bench = Bench(root, open_database(f"sqlite:///{root}/contactflow.db"))
        bench.people(members)
        journal = Journal.open(root, "benchmark")
        opened = Opened(bench.start(), Desk("benchmark", journal, SystemClock()), SystemClock())
        spent = watch_stages()
        began = time.process_time()
        wall = by_prefect(opened, root) if with_prefect else seconds(lambda: carry_out(opened.versions, NOW, opened.desk))
        cpu = time.process_time() - began
        journal.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sent = sum(channel.sent for channel in bench.fakes.values())
        sending = sum(took for title, took in spent.items() if title.startswith("send "))
        return {"wall": wall, "cpu": cpu, "working": sum(spent.values()), "sending": sending, "messages": sent, "peak_mb": peak}


def watch_stages() -> dict[str, float]:
    """The seconds of each stage's own work, as they will be spent."""
    spent: dict[str, float] = {}
    make = wave.Stage

    def timed(title: str, work: Callable[[], int]) -> Stage:
        def counted() -> int:
            began = time.perf_counter()
            try:
                return work()
            finally:
                spent[title] = spent.get(title, 0) + time.perf_counter() - began

        return make(title, counted)

    wave.Stage = timed  # type: ignore[assignment, misc]  # stages() makes them by this name
    return spent


def by_prefect(opened: Opened, root: Path) -> float:
    with prefect_at_hand(root):
        from engine.runner import carry_out_wave  # noqa: PLC0415 - Prefect reads its environment when it is imported

        return seconds(lambda: carry_out_wave(opened, NOW))


if __name__ == "__main__":
    main()
