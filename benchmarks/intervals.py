"""The intervals of a whole heat map: 1,000 arms x segments, differences and lifts with p, of shares and of amounts.

    .venv/bin/python -m benchmarks.intervals [ROWS]

Goal: less than a second. The reference is the same figures one at a time, by the scalar functions; both must agree.
"""

import sys
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from benchmarks.figures import Figure, seconds
from response.statistics.means import difference_of_means, means_p_value
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.relative import relative_lift
from response.statistics.sums import Effect, Sums
from response.statistics.vectors import (
    Effects,
    SumsColumns,
    differences_of_means,
    differences_of_proportions,
    relative_means,
    relative_proportions,
)

ROUNDS = 9
GOAL_MS = 1000.0

Pairs = list[tuple[Sums, Sums]]


def main(rows: int) -> None:
    generator = np.random.default_rng(1000)
    counts, amounts = shares(generator, rows), spend(generator, rows)
    agree(at_once_shares(counts), one_by_one_shares(counts))
    agree(at_once_amounts(amounts), one_by_one_amounts(amounts))
    told = "one at a time"
    for what, fast, slow, pairs in (
        ("shares", at_once_shares, one_by_one_shares, counts),
        ("amounts", at_once_amounts, one_by_one_amounts, amounts),
    ):
        took, reference = typical(partial(fast, pairs)), typical(partial(slow, pairs))
        Figure("intervals", f"{rows:,} differences and lifts of {what}", took, "ms", reference, told).show()
        Figure("intervals", "the same", took, "ms", goal=GOAL_MS * rows / 1000).show()


def shares(generator: np.random.Generator, rows: int) -> Pairs:
    """A few hundred to a few ten thousand customers in each cell, 1 to 10 % of whom respond."""
    n = generator.integers(300, 30_000, (2, rows))
    y = generator.binomial(n, generator.uniform(0.01, 0.1, (2, rows)))
    return [(Sums.of_count(*test), Sums.of_count(*control)) for test, control in zip(*np.stack([n, y], 2).tolist(), strict=True)]


def spend(generator: np.random.Generator, rows: int) -> Pairs:
    """The same customers with what they spent, in cents."""
    pairs = shares(generator, rows)
    return [(_amounts(generator, test), _amounts(generator, control)) for test, control in pairs]


def _amounts(generator: np.random.Generator, arm: Sums) -> Sums:
    cents = generator.gamma(2, 3000, int(arm.y)).astype(int)
    return Sums(arm.n, int(cents.sum()), int((cents * cents).sum()), 100)


def at_once_shares(pairs: Pairs) -> list[Effects]:
    y1, n1, y0, n0 = np.array([(test.y, test.n, control.y, control.n) for test, control in pairs]).T
    return [differences_of_proportions(y1, n1, y0, n0), relative_proportions(y1, n1, y0, n0)]


def at_once_amounts(pairs: Pairs) -> list[Effects]:
    test, control = (
        SumsColumns([arm.n for arm in arms], [arm.y for arm in arms], [arm.yy for arm in arms], 100) for arms in zip(*pairs, strict=True)
    )
    return [differences_of_means(test, control), relative_means(test, control)]


def one_by_one_shares(pairs: Pairs) -> list[list[tuple[Effect, float | None]]]:
    p_values = [proportions_p_value(*pair) for pair in pairs]
    differences = [difference_of_proportions(*pair) for pair in pairs]
    lifts = [relative_lift(*pair, proportion=True) for pair in pairs]
    return [list(zip(effects, p_values, strict=True)) for effects in (differences, lifts)]


def one_by_one_amounts(pairs: Pairs) -> list[list[tuple[Effect, float | None]]]:
    p_values = [means_p_value(*pair) for pair in pairs]
    differences = [difference_of_means(*pair) for pair in pairs]
    lifts = [relative_lift(*pair, proportion=False) for pair in pairs]
    return [list(zip(effects, p_values, strict=True)) for effects in (differences, lifts)]


def agree(fast: list[Effects], slow: list[list[tuple[Effect, float | None]]]) -> None:
    for at_once, one_by_one in zip(fast, slow, strict=True):
        expected = np.array([(each.estimate, each.low, each.high, p) for each, p in one_by_one], float)
        found = np.column_stack([at_once.estimate, at_once.low, at_once.high, at_once.p_value])
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def typical(work: Callable[[], object]) -> float:
    return median(seconds(work) for _ in range(ROUNDS)) * 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
