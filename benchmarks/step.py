"""A step of a million members in memory: who rests at a wait that is over goes on, and who has just come in is assigned.

    .venv/bin/python -m benchmarks.step [MEMBERS]

Goal: a move of a million in less than 100 ms. The reference does the same move on bare columns, without a flow, and forgets the way.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, seconds
from engine.graph import FlowGraph
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.members import NEVER, Asked, Mask, Members, new_arrivals
from engine.step import step
from store.clock import DAY_MICROS

ROUNDS = 9
NOW = 1_772_452_800_000_000
FLOW = """
campaign: step
purpose: offers
flow:
  dutch: {audience: everyone, holdout: 10%}
  group: {split: {warm: {share: 50%, next: pause}, cool: {share: 50%, next: rest}}}
  pause: {wait: 5 days}
  rest: {wait: 5 days}
  won: {goal: purchase}
"""


class NoFacts:
    """Nobody asks."""

    def holds(self, condition: str, asked: Asked, *, waiting: bool = False) -> Mask:
        raise NotImplementedError

    def values(self, attribute: str, asked: Asked) -> NDArray[Any]:
        raise NotImplementedError

    def zones(self, asked: Asked) -> NDArray[Any]:
        raise NotImplementedError


def main(size: int) -> None:
    graph = check_text(FLOW, Path("step.yaml"), CheckContext(Path())).require()
    ids = np.arange(1, size + 1)
    arriving = new_arrivals(ids, ids, graph.place["dutch"], NOW)
    node, before = np.full(size, graph.place["pause"]), np.full(size, NOW - 5 * DAY_MICROS)
    resting = replace(arriving, node=node, arrived_at=before, deadline_at=np.full(size, NOW), fresh=np.zeros(size, np.bool_))
    bare = typical(partial(bare_move, resting, graph.place["rest"]))
    told = "the same on bare columns"
    Figure("step", f"a move of {size:,} in memory", typical(partial(ours, graph, resting)), "ms", bare, told).show()
    Figure("step", "the same", typical(partial(ours, graph, resting)), "ms", goal=100 * size / 1e6).show()
    Figure("step", f"{size:,} come in, hold-out, split, wait", typical(partial(ours, graph, arriving)), "ms", bare, told).show()


def ours(graph: FlowGraph, members: Members) -> None:
    step(graph, members, NoFacts(), NOW)


def bare_move(members: Members, target: int) -> None:
    due = members.deadline_at <= NOW
    node, arrived_at, deadline_at, hop = (each.copy() for each in (members.node, members.arrived_at, members.deadline_at, members.hop))
    node[due], arrived_at[due], deadline_at[due] = target, NOW, NOW + 5 * DAY_MICROS
    hop[due] += 1
    assert deadline_at.max() < NEVER


def typical(work: Callable[[], None]) -> float:
    return median(seconds(work) for _ in range(ROUNDS)) * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="?", type=int, default=1_000_000)
    main(parser.parse_args().members)
