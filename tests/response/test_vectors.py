"""A table of intervals at once gives the figures of one at a time."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from response.statistics.means import difference_of_means, means_p_value
from response.statistics.proportions import difference_of_proportions, proportions_p_value
from response.statistics.relative import relative_lift
from response.statistics.sums import UNDEFINED, Effect, Sums
from response.statistics.vectors import (
    Effects,
    SumsColumns,
    differences_of_means,
    differences_of_proportions,
    relative_means,
    relative_proportions,
)

groups = st.integers(1, 100_000).flatmap(lambda n: st.builds(Sums.of_count, st.just(n), st.integers(0, n)))
spend = st.lists(st.integers(-5_000, 10**9), min_size=1, max_size=6)
tables = st.lists(st.tuples(groups, groups), min_size=1, max_size=8)


def money(values: Sequence[int]) -> Sums:
    return Sums(len(values), sum(values), sum(each * each for each in values), unit=100)


def columns(arms: Sequence[Sums]) -> SumsColumns:
    return SumsColumns([arm.n for arm in arms], [arm.y for arm in arms], np.array([arm.yy for arm in arms], object), arms[0].unit)


def numbers(effect: Effect) -> tuple[float, ...]:
    """None as NaN, which pytest can compare."""
    return tuple(np.nan if each is None else each for each in (effect.estimate, effect.low, effect.high))


def same(found: Effects, effects: Sequence[Effect], p_values: Sequence[float | None], near: float = 1e-12) -> None:
    for row, p, effect, p_value in zip(found.rows(), found.p_value, effects, p_values, strict=True):
        assert numbers(row) == pytest.approx(numbers(effect), rel=1e-9, abs=near, nan_ok=True)
        assert float(p) == pytest.approx(np.nan if p_value is None else p_value, rel=1e-8, abs=1e-300, nan_ok=True)


@given(tables)
def test_differences_of_proportions_are_those_of_one_at_a_time(pairs: list[tuple[Sums, Sums]]) -> None:
    p_values = [proportions_p_value(*pair) for pair in pairs]
    test, control = ([arm.y for arm in side] for side in zip(*pairs, strict=True))
    sizes = [[arm.n for arm in side] for side in zip(*pairs, strict=True)]
    same(differences_of_proportions(test, sizes[0], control, sizes[1]), [difference_of_proportions(*pair) for pair in pairs], p_values)
    lifts = relative_proportions(test, sizes[0], control, sizes[1], level=0.9)
    same(lifts, [relative_lift(*pair, proportion=True, level=0.9) for pair in pairs], p_values)


@given(st.lists(st.tuples(spend.map(money), spend.map(money)), min_size=1, max_size=6))
def test_differences_of_means_are_those_of_one_at_a_time(pairs: list[tuple[Sums, Sums]]) -> None:
    test, control = (columns(side) for side in zip(*pairs, strict=True))
    p_values = [means_p_value(*pair) for pair in pairs]
    same(differences_of_means(test, control), [difference_of_means(*pair) for pair in pairs], p_values)
    same(relative_means(test, control), [relative_lift(*pair, proportion=False) for pair in pairs], p_values, near=1e-9)


def test_large_sums_of_cents_do_not_overflow() -> None:
    arm = money([3_000_000_000, 3_000_000_001, 3_000_000_004] * 2)
    table = SumsColumns(np.array([arm.n]), np.array([arm.y]), np.array([arm.yy], object), 100)
    assert table.variance_of_mean[0] == pytest.approx(arm.variance / arm.n, rel=1e-12)


def test_one_control_serves_all_arms() -> None:
    found = differences_of_proportions([12, 15, 9], [1000, 1000, 900], 10, 1000)
    second = difference_of_proportions(Sums.of_count(1000, 15), Sums.of_count(1000, 10))
    assert numbers(found.rows()[1]) == pytest.approx(numbers(second))
    assert len(found.p_value) == 3


def test_an_arm_without_customers_does_not_stop_the_table() -> None:
    found = differences_of_proportions([5, 5], [10, 10], [0, 4], [0, 10])
    assert found.rows()[0] == UNDEFINED
    assert found.rows()[1].low is not None
    assert np.isnan(found.p_value[0])
    empty = SumsColumns([0, 3], [0, 6], [0, 14])
    some = SumsColumns([3, 3], [3, 5], [5, 9])
    assert differences_of_means(empty, some).rows()[0] == UNDEFINED
    assert relative_means(empty, some).rows()[0] == UNDEFINED
