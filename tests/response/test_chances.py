"""Chances: an exact sum in fractions, draws, and millions of customers; and the bandit that goes by them."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import dblquad
from scipy.stats import beta

from response.statistics.bandit import Adaptive, FloorError, after_batches, draw_batch, next_shares
from response.statistics.chances import chance_of_better, chances, chances_to_be_best, expected_loss
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Effect, EmptyArmError, Sums

arms = st.integers(1, 60).flatmap(lambda n: st.builds(Sums.of_count, st.just(n), st.integers(0, n)))


def exact(test: Sums, control: Sums) -> float:
    """Miller 2015: the chance as a finite sum, here in fractions, for whole numbers of responders."""
    a, b, c, d = (int(each) for each in (1 + control.y, 1 + control.n - control.y, 1 + test.y, 1 + test.n - test.y))
    return float(sum(_beta(a + i, b + d) / ((d + i) * _beta(1 + i, d) * _beta(a, b)) for i in range(c)))


def _beta(a: int, b: int) -> Fraction:
    return Fraction(a + b, a * b * comb(a + b, a))


@given(arms, arms)
def test_the_chance_is_that_of_the_exact_sum(test: Sums, control: Sums) -> None:
    assert chance_of_better(test, control) == pytest.approx(exact(test, control), abs=1e-13)


@given(arms, arms)
def test_the_two_losses_differ_by_the_difference_of_the_believed_shares(test: Sums, control: Sums) -> None:
    found = chances(test, control)
    believed = [(1 + arm.y) / (2 + arm.n) for arm in (test, control)]
    assert found.loss_of_control - found.loss_of_test == pytest.approx(believed[0] - believed[1], abs=1e-13)
    assert expected_loss(test, control) == found.loss_of_test


def test_the_expected_loss_is_that_of_the_double_integral() -> None:
    def part(control: float, test: float) -> float:
        return float((control - test) * beta.pdf(control, 21, 81) * beta.pdf(test, 31, 71))

    oracle, _ = dblquad(part, 0, 1, lambda test: test, 1)
    assert expected_loss(Sums.of_count(100, 30), Sums.of_count(100, 20)) == pytest.approx(oracle, rel=1e-6)


def test_nothing_known_is_even_chances() -> None:
    assert chances_to_be_best([Sums(0, 0, 0)] * 4) == pytest.approx([0.25] * 4)
    with pytest.raises(EmptyArmError):
        chance_of_better(Sums(0, 0, 0), Sums.of_count(5, 1))


@pytest.mark.parametrize(
    ("test", "control", "published"),
    [
        (Sums.of_count(5_000_000, 50_000), Sums.of_count(5_000_000, 50_400), 0.10226182268530888),
        (Sums.of_count(10**8, 10**6), Sums.of_count(10**8, 10**6), 0.5),
        (Sums.of_count(10**7, 10**5), Sums.of_count(10, 1), 0.005179861187283071),
    ],
)
def test_millions_of_customers_lose_no_digits(test: Sums, control: Sums, published: float) -> None:
    found = chances(test, control)
    assert found.better == pytest.approx(published, abs=1e-10)  # recorded; the sum's own terms lose 1e-8 here
    assert found.better + chance_of_better(control, test) == pytest.approx(1, abs=1e-10)


def test_a_narrow_belief_is_not_stepped_over_by_a_wide_one() -> None:
    # A known share against Beta(2, 10): the chance is that distribution's own tail.
    assert chance_of_better(Sums.of_count(10, 1), Sums.of_count(10**9, 10**8)) == pytest.approx(beta.sf(0.1, 2, 10), abs=1e-7)


def test_the_chances_to_be_best_are_those_of_draws() -> None:
    groups = [Sums.of_count(400, 40), Sums.of_count(300, 33), Sums.of_count(50, 4), Sums.of_count(20, 3)]
    generator = np.random.default_rng(6)
    drawn = np.column_stack([generator.beta(1 + arm.y, 1 + arm.n - arm.y, 400_000) for arm in groups])
    counted = np.bincount(drawn.argmax(1), minlength=4) / 400_000
    assert chances_to_be_best(groups) == pytest.approx(counted, abs=0.003)


SEEN = {"a": Sums.of_count(1000, 50), "b": Sums.of_count(1000, 80), "none": Sums.of_count(500, 20)}


def test_the_better_variant_gets_more_and_control_keeps_its_share() -> None:
    shares = next_shares(SEEN, "none", control_share=0.1, floor=0.05)
    assert list(shares) == ["a", "b", "none"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["none"] == 0.1
    best = chance_of_better(SEEN["b"], SEEN["a"])
    assert shares["b"] == pytest.approx(0.05 + 0.8 * best)
    assert shares["a"] == pytest.approx(0.05 + 0.8 * (1 - best))


def test_no_arm_falls_below_its_floor_and_no_luck_of_controls_moves_it() -> None:
    hopeless = {"a": Sums.of_count(10**6, 0), "b": Sums.of_count(10**6, 10**5), "none": Sums.of_count(10**6, 9 * 10**5)}
    shares = next_shares(hopeless, "none", control_share=0.2, floor=0.1)
    assert shares == pytest.approx({"a": 0.1, "b": 0.7, "none": 0.2})


def test_one_variant_gets_all_that_control_leaves() -> None:
    assert next_shares({"a": Sums(0, 0, 0)}, "none", 0.1, 0.05) == pytest.approx({"a": 0.9, "none": 0.1})


def test_floors_that_do_not_fit_are_refused_in_words() -> None:
    with pytest.raises(FloorError, match=r"2 arms with at least 50\.0% each and a control of 10\.0%"):
        next_shares(SEEN, "none", 0.1, 0.5)


def test_a_batch_is_the_same_for_the_same_seed() -> None:
    shares = next_shares(SEEN, "none", 0.1, 0.05)
    batch = draw_batch(shares, 1000, seed=8)
    assert batch == draw_batch(shares, 1000, seed=8)
    assert batch != draw_batch(shares, 1000, seed=9)
    assert sum(batch.values()) == 1000


def test_one_batch_is_a_difference_of_means_with_the_normal_quantile() -> None:
    test, control = Sums(50, 100, 400), Sums(40, 60, 200)
    found = after_batches([(test, control)])
    error = np.sqrt(test.variance / 50 + control.variance / 40)
    expected = (0.5, 0.5 - 1.959963984540054 * error, 0.5 + 1.959963984540054 * error)
    assert (found.effect.estimate, found.effect.low, found.effect.high) == pytest.approx(expected)
    assert (found.label, found.batches) == ("adaptive", 1)


def test_batches_that_compare_nothing_count_for_nothing() -> None:
    assert after_batches([(Sums(5, 2, 2), Sums(0, 0, 0))]) == Adaptive(UNDEFINED, 0)
    assert after_batches([(Sums(5, 5, 5), Sums(5, 0, 0)), (Sums(1, 1, 1), Sums(9, 3, 3))]) == Adaptive(Effect(1, None, None), 1)


def run(generator: np.random.Generator) -> list[tuple[Sums, Sums]]:
    """Ten batches of a variant that is a point better, while the base rate falls."""
    so_far = {"a": Sums(0, 0, 0), "b": Sums(0, 0, 0), "none": Sums(0, 0, 0)}
    batches = []
    for rate in np.linspace(0.1, 0.02, 10):
        drawn = draw_batch(next_shares(so_far, "none", 0.1, 0.1), 2000, int(generator.integers(1 << 31)))
        batch = {name: (n, int(generator.binomial(n, rate + 0.01 * (name == "a")))) for name, n in drawn.items()}
        so_far = {name: Sums.of_count(old.n + batch[name][0], int(old.y) + batch[name][1]) for name, old in so_far.items()}
        batches.append((Sums.of_count(*batch["a"]), Sums.of_count(*batch["b"])))
    return batches


def added(parts: list[Sums]) -> Sums:
    return Sums.of_count(sum(part.n for part in parts), int(sum(part.y for part in parts)))


def test_intervals_within_batches_cover_what_pooled_ones_do_not() -> None:
    generator = np.random.default_rng(1933)
    within, pooled = [], []
    for _ in range(150):
        batches = run(generator)
        within.append(after_batches(batches).effect)
        pooled.append(difference_of_proportions(added([test for test, _ in batches]), added([other for _, other in batches])))
    assert covered(within) > 0.9  # 2,500 runs: .950
    assert covered(pooled) < 0.85  # .70: the better arm's customers came when the rate was low


def covered(effects: list[Effect]) -> float:
    return float(np.mean([each.low is not None and each.high is not None and each.low <= 0.01 <= each.high for each in effects]))
