"""Whom to write to: known populations, brute force, simulation, and 64,000 real customers where the file is there."""

import csv
import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from response.statistics.means import difference_of_means
from response.statistics.policy import Randomised, policy_curve
from response.statistics.sums import Effect
from response.statistics.uplift import (
    DEFINITIONS,
    QINI,
    QINI_NORMALISED,
    MissingLearnerError,
    cross_fitted_scores,
    qini,
    tenths,
)
from store.errors import ContactflowError

FILE = Path(__file__).parents[3] / "shared/data/hillstrom/hillstrom.csv.gz"
Numbers = NDArray[np.float64]


def half(generator: np.random.Generator, n: int) -> NDArray[np.bool_]:
    return generator.permutation(np.arange(n) % 2 == 0)


def kinds(generator: np.random.Generator, n: int) -> tuple[Numbers, Randomised]:
    """A fifth respond only if written to (1), a tenth only if not (-1), all others never (0)."""
    kind, treated = generator.choice([1.0, -1.0, 0.0], n, p=[0.2, 0.1, 0.7]), half(generator, n)
    return kind, Randomised(treated, np.where(treated, kind == 1, kind == -1).astype(float))


def moved_by_age(generator: np.random.Generator, n: int) -> tuple[Numbers, Randomised]:
    """Features of which the first says whom writing moves: 20 points above its mean, nothing below."""
    features, treated = generator.normal(size=(n, 3)), half(generator, n)
    chance = 0.1 + 0.2 * treated * (features[:, 0] > 0)
    return features, Randomised(treated, (generator.random(n) < chance).astype(float))


def reach(effect: Effect) -> float:
    assert effect.low is not None
    assert effect.high is not None
    return effect.high - effect.low


def covers(effect: Effect, truth: float) -> bool:
    return effect.low is not None and effect.high is not None and effect.low <= truth <= effect.high


def by_hand(scores: Numbers, data: Randomised, share: float) -> float:
    """Q at a share that lies between two groups of equal scores, straight from the definition."""
    top = np.argsort(-scores, kind="stable")[: round(share * len(scores))]
    treated, y = data.treated[top], data.outcome[top]
    return float((y[treated].sum() - y[~treated].sum() * treated.sum() / (~treated).sum()) / data.treated.sum())


def test_the_qini_curve_is_its_definition() -> None:
    generator = np.random.default_rng(1)
    scores, data = np.repeat(np.arange(20.0), 50), Randomised(half(generator, 1000), generator.gamma(2, 2, 1000))
    curve = qini(scores, data, seed=1, steps=20)
    assert curve.gain[1:] == pytest.approx([by_hand(scores, data, share) for share in curve.share[1:]])
    area = np.mean((curve.gain[1:] + curve.gain[:-1]) / 2) - curve.gain[-1] / 2
    assert curve.coefficient.estimate == pytest.approx(area)
    assert curve.random == pytest.approx(curve.share * curve.gain[-1])
    assert curve.normalised is None  # amounts have no best possible ranking that is known


def test_the_order_of_rows_does_not_break_ties() -> None:
    generator = np.random.default_rng(2)
    data = Randomised(half(generator, 400), (generator.random(400) < 0.3).astype(float))
    curve = qini(np.zeros(400), data, seed=1)
    assert curve.gain == pytest.approx(curve.random)
    assert curve.coefficient.estimate == pytest.approx(0, abs=1e-12)


def test_who_knows_everything_has_all_of_the_best_possible_and_who_knows_nothing_none() -> None:
    generator = np.random.default_rng(3)
    kind, data = kinds(generator, 40_000)
    best, worst, none = (qini(scores, data, seed=1).normalised for scores in (kind, -kind, generator.random(40_000)))
    assert best is not None
    assert worst is not None
    assert none is not None
    assert best.estimate == pytest.approx(1, abs=0.05)
    assert worst.estimate == pytest.approx(-1, abs=0.05)
    assert covers(none, 0)


def test_one_ranking_has_two_coefficients_and_each_has_its_definition() -> None:
    kind, data = kinds(np.random.default_rng(4), 10_000)
    curve = qini(kind, data, seed=1)
    assert curve.normalised is not None
    assert curve.coefficient.estimate is not None
    # p = .2 and d = .1: the best area is (.16 + .09) / 2.
    assert curve.normalised.estimate == pytest.approx(curve.coefficient.estimate / 0.125, rel=0.05)
    assert set(DEFINITIONS) == {QINI, QINI_NORMALISED}


def test_the_band_of_the_coefficient_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    found = []
    for _ in range(200):
        features, data = moved_by_age(generator, 1500)
        found.append(covers(qini((features[:, 0] > 0).astype(float), data, seed=int(generator.integers(1000))).coefficient, 0.025))
    # Half are moved by .2: the curve rises to .1 at one half and stays; its area is .075, less .05 of the straight line.
    assert 0.9 <= np.mean(found) <= 0.985


def test_scores_find_who_is_moved() -> None:
    features, data = moved_by_age(np.random.default_rng(6), 6000)
    scores = cross_fitted_scores(features, data, seed=1)
    assert np.corrcoef(scores, features[:, 0] > 0)[0, 1] > 0.6
    first, last = tenths(scores, data)[0], tenths(scores, data)[-1]
    assert first.effect.low is not None
    assert last.effect.high is not None
    assert first.effect.low > 0.05 > last.effect.high
    assert not covers(qini(scores, data, seed=1).coefficient, 0)


def test_trees_find_what_no_straight_line_shows() -> None:
    generator = np.random.default_rng(7)
    features, treated = generator.normal(size=(6000, 2)), half(generator, 6000)
    data = Randomised(treated, (generator.random(6000) < 0.1 + 0.3 * treated * (np.abs(features[:, 0]) < 0.6)).astype(float))
    straight, trees = (qini(cross_fitted_scores(features, data, 1, learner), data, seed=1).coefficient for learner in ("linear", "trees"))
    assert covers(straight, 0)
    assert not covers(trees, 0)


@pytest.mark.parametrize("learner", ["linear", "trees"])
def test_scores_of_noise_rank_nothing_because_no_model_saw_its_own_customer(learner: str) -> None:
    generator = np.random.default_rng(8)
    features, data = generator.normal(size=(1000, 30)), Randomised(half(generator, 1000), generator.gamma(1, 5, 1000))
    scores = cross_fitted_scores(features, data, 1, "trees" if learner == "trees" else "linear")
    assert covers(qini(scores, data, seed=1).coefficient, 0)
    own = np.where(data.treated, 1, -1) * data.outcome  # what a model that learned its customers by heart would say
    assert not covers(qini(own, data, seed=1).coefficient, 0)


def test_the_same_seed_gives_the_same_scores_and_bands() -> None:
    features, data = moved_by_age(np.random.default_rng(9), 800)
    scores = cross_fitted_scores(features, data, seed=4)
    assert (scores == cross_fitted_scores(features, data, seed=4)).all()
    assert (scores != cross_fitted_scores(features, data, seed=5)).any()
    assert qini(scores, data, seed=2).coefficient == qini(scores, data, seed=2).coefficient
    assert qini(scores, data, seed=2).coefficient != qini(scores, data, seed=3).coefficient


def test_an_arm_in_which_nobody_responds_is_scored_as_such() -> None:
    features, data = moved_by_age(np.random.default_rng(10), 400)
    silent = Randomised(data.treated, data.outcome * data.treated)
    scores = cross_fitted_scores(features, silent, seed=1)
    assert (scores > 0).all()


def test_tenths_are_of_one_size_and_add_up_to_everybody() -> None:
    features, data = moved_by_age(np.random.default_rng(11), 1003)
    rows = tenths(features[:, 0], data)
    assert [row.place for row in rows] == list(range(1, 11))
    assert {row.test_n + row.control_n for row in rows} == {100, 101}
    assert sum(row.test_n for row in rows) == data.treated.sum()
    assert sum(row.test_total + row.control_total for row in rows) == data.outcome.sum()
    assert all(above.score_least >= below.score_most for above, below in pairwise(rows))


def test_writing_to_everybody_earns_the_difference_less_the_cost() -> None:
    generator = np.random.default_rng(12)
    scores, data = generator.random(4000), Randomised(half(generator, 4000), generator.gamma(0.5, 20, 4000))
    curve = policy_curve(scores, data, contact_cost=0.5, seed=1)
    whole = difference_of_means(data.sums(arm=True), data.sums(arm=False))
    assert whole.estimate is not None
    assert curve.profit[-1] == pytest.approx(whole.estimate - 0.5)
    assert curve.high[-1] - curve.low[-1] == pytest.approx(reach(whole), rel=0.2)
    assert (curve.share[0], curve.profit[0], curve.low[0], curve.high[0]) == (0, 0, 0, 0)


def test_the_profit_curve_is_that_of_the_customers_at_the_top() -> None:
    generator = np.random.default_rng(13)
    scores, data = np.repeat(np.arange(10.0), 60), Randomised(half(generator, 600), generator.gamma(0.5, 20, 600))
    curve = policy_curve(scores, data, contact_cost=2.0, seed=1, steps=10)
    for share, profit in zip(curve.share[1:], curve.profit[1:], strict=True):
        top = scores >= 10 - round(10 * share)
        means = [data.outcome[top & (data.treated == arm)].mean() for arm in (True, False)]
        assert profit == pytest.approx(share * (means[0] - means[1] - 2))


def test_the_best_policy_writes_to_those_who_are_worth_it() -> None:
    generator = np.random.default_rng(14)
    score, treated = generator.random(30_000), half(generator, 30_000)
    value = generator.gamma(1, 5, 30_000) + treated * 4 * score  # worth 4 for the best, nothing for the last
    curve = policy_curve(score, Randomised(treated, value), contact_cost=2.0, seed=1)
    assert curve.best_share == pytest.approx(0.5, abs=0.15)  # where 4·(1 - q) meets the cost of 2
    truth = 2 * curve.share * (2 - curve.share) - 2 * curve.share
    assert np.mean((curve.low <= truth) & (truth <= curve.high)) > 0.85
    assert curve.profit == pytest.approx(truth, abs=0.15)


def test_a_top_without_control_has_no_profit_that_can_be_known() -> None:
    data = Randomised(np.array([True, True, False, False]), np.array([5.0, 3.0, 1.0, 2.0]))
    curve = policy_curve(np.array([4.0, 3.0, 2.0, 1.0]), data, contact_cost=0.0, seed=1, steps=4)
    assert np.isnan(curve.profit[1:3]).all()
    assert curve.profit[4] == pytest.approx(4 - 1.5)


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    features, data = moved_by_age(np.random.default_rng(15), 100)
    with pytest.raises(MissingLearnerError, match=r"pip install 'contactflow\[analysis\]'") as raised:
        cross_fitted_scores(features, data, seed=1)
    assert isinstance(raised.value, ContactflowError)


def test_curves_and_tenths_do_without_the_extra() -> None:
    code = "import sys, response.statistics.uplift; print([each for each in ('sklearn', 'scipy.stats') if each in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.fixture(scope="module")
def hillstrom() -> dict[str, NDArray[np.str_]]:
    if not FILE.exists():
        pytest.skip(f"the Hillstrom file is not there: {FILE.name} under ../shared/data/hillstrom")
    with gzip.open(FILE, "rt", newline="") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, np.array(rows).T, strict=True))


def known_before(people: dict[str, NDArray[np.str_]]) -> Numbers:
    numbers = [people[name].astype(float) for name in ("recency", "mens", "womens", "newbie")]
    codes = [people[name] == code for name in ("zip_code", "channel") for code in sorted(set(people[name].tolist()))[1:]]
    return np.column_stack([*numbers, np.log1p(people["history"].astype(float)), *codes])


@pytest.mark.parametrize(("arm", "coefficient", "ranks"), [("Womens E-Mail", 0.0667, True), ("Mens E-Mail", 0.011, False)])
def test_the_womens_mail_moves_some_hillstrom_customers_more_and_the_mens_all_alike(
    hillstrom: dict[str, NDArray[np.str_]], arm: str, coefficient: float, ranks: bool
) -> None:
    rows = np.isin(hillstrom["segment"], [arm, "No E-Mail"])
    data = Randomised(hillstrom["segment"][rows] == arm, hillstrom["visit"][rows].astype(float))
    found = qini(cross_fitted_scores(known_before(hillstrom)[rows], data, seed=1), data, seed=1)
    assert found.normalised is not None
    assert found.normalised.estimate == pytest.approx(coefficient, abs=0.004)  # recorded
    assert covers(found.coefficient, 0) is not ranks
