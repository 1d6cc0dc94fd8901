"""Proportions: Newcombe's own tables, statsmodels and scipy as oracles, and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from response.statistics.proportions import difference_of_proportions, proportions_p_value, wilson
from response.statistics.sums import EmptyArmError, Sums

# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
PUBLISHED_DIFFERENCES = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]
# Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
PUBLISHED_SHARES = [((81, 263), (0.2553, 0.3662)), ((15, 148), (0.0624, 0.1605)), ((0, 20), (0.0, 0.1611)), ((1, 29), (0.0061, 0.1718))]

arms = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def count(arm: tuple[int, int]) -> Sums:
    return Sums.of_count(arm[1], arm[0])


@pytest.mark.parametrize(("test", "control", "interval"), PUBLISHED_DIFFERENCES)
def test_the_hybrid_score_interval_is_that_of_the_paper(
    test: tuple[int, int], control: tuple[int, int], interval: tuple[float, float]
) -> None:
    effect = difference_of_proportions(count(test), count(control))
    assert (effect.low, effect.high) == pytest.approx(interval, abs=5e-5)


@pytest.mark.parametrize(("arm", "interval"), PUBLISHED_SHARES)
def test_the_score_interval_is_that_of_the_paper(arm: tuple[int, int], interval: tuple[float, float]) -> None:
    assert wilson(count(arm)) == pytest.approx(interval, abs=5e-5)


@given(arms, arms)
def test_the_interval_agrees_with_statsmodels(test: tuple[int, int], control: tuple[int, int]) -> None:
    effect = difference_of_proportions(count(test), count(control))
    oracle = confint_proportions_2indep(*test, *control, compare="diff", method="newcomb")
    assert (effect.low, effect.high) == pytest.approx(oracle, abs=1e-9)
    assert wilson(count(test)) == pytest.approx(proportion_confint(*test, method="wilson"), abs=1e-9)


@given(arms, arms)
def test_the_interval_holds_its_estimate_and_turns_round_with_the_arms(test: tuple[int, int], control: tuple[int, int]) -> None:
    effect = difference_of_proportions(count(test), count(control))
    turned = difference_of_proportions(count(control), count(test))
    assert effect.estimate is not None
    assert effect.low is not None
    assert effect.high is not None
    assert -1 - 1e-12 <= effect.low <= effect.estimate <= effect.high <= 1 + 1e-12
    assert turned.low == pytest.approx(-effect.high, abs=1e-12)


@pytest.mark.parametrize(("test", "control"), [((56, 70), (48, 80)), ((5, 56), (0, 29)), ((3894, 21307), (2262, 21306))])
def test_the_p_value_agrees_with_statsmodels_and_with_pearson(test: tuple[int, int], control: tuple[int, int]) -> None:
    p = proportions_p_value(count(test), count(control))
    assert p == pytest.approx(proportions_ztest([test[0], control[0]], [test[1], control[1]])[1], rel=1e-9)
    table = [[test[0], test[1] - test[0]], [control[0], control[1] - control[0]]]
    assert p == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)


def test_the_p_value_of_the_physicians_health_study_is_that_of_the_textbook() -> None:
    # Agresti 2013, Categorical Data Analysis: X² = 25.01 with one degree of freedom.
    assert proportions_p_value(Sums.of_count(11034, 189), Sums.of_count(11037, 104)) == pytest.approx(5.7e-7, rel=0.01)


def test_nobody_and_everybody_give_no_evidence() -> None:
    assert proportions_p_value(Sums.of_count(10, 0), Sums.of_count(20, 0)) == 1
    assert proportions_p_value(Sums.of_count(10, 10), Sums.of_count(20, 20)) == 1


def test_an_empty_arm_is_refused_in_words() -> None:
    with pytest.raises(EmptyArmError, match="0 customers"):
        difference_of_proportions(Sums.of_count(0, 0), Sums.of_count(5, 1))
    with pytest.raises(EmptyArmError):
        proportions_p_value(Sums.of_count(5, 1), Sums.of_count(0, 0))


@pytest.mark.parametrize(("test_n", "control_n", "test_rate", "control_rate"), [(500, 4500, 0.02, 0.01), (2000, 200, 0.05, 0.05)])
def test_intervals_cover_the_truth_as_often_as_they_say(test_n: int, control_n: int, test_rate: float, control_rate: float) -> None:
    generator = np.random.default_rng(1998)
    draws = zip(
        generator.binomial(test_n, test_rate, 4000).tolist(), generator.binomial(control_n, control_rate, 4000).tolist(), strict=True
    )
    effects = [difference_of_proportions(Sums.of_count(test_n, a), Sums.of_count(control_n, b)) for a, b in draws]
    truth = test_rate - control_rate
    covered = np.mean([effect.low is not None and effect.high is not None and effect.low <= truth <= effect.high for effect in effects])
    assert 0.94 < covered < 0.97
