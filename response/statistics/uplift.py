"""Whom does writing move? Scores by a two-model learner, and how well they rank: Qini curve, coefficient and tenths.

The learner needs the extra `analysis` (scikit-learn); the curve, the coefficient and the tenths need numpy only.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from response.statistics.means import difference_of_means
from response.statistics.policy import DRAWS, Column, Cumulative, Randomised, Ranked, percentile_band
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Effect
from store.errors import InputError

FOLDS = 5
TENTHS = 10
TREES = {"max_depth": 3, "max_iter": 100, "learning_rate": 0.05, "min_samples_leaf": 200}  # shallow: uplift is a small signal
QINI = "qini per treated customer"
QINI_NORMALISED = "qini as a share of the best possible"
DEFINITIONS = {
    QINI: (
        "Area between the Qini curve and the straight line to its end, over the share of customers written to (0 to 1). "
        "The curve is Q(q) = (Y_t(q) - Y_c(q)·N_t(q)/N_c(q)) / N_t: extra outcome in the top q per customer of the whole test arm. "
        "Radcliffe 2007, Using control groups to target on predicted lift."
    ),
    QINI_NORMALISED: (
        "The same area divided by the largest that these response rates allow, (p(1 - p) + d(1 - d)) / 2: first the p = min(r_t, 1 - r_c) "
        "who respond only if written to, last the d = p - (r_t - r_c) who respond only if not. After Radcliffe 2007 (optimum curve)."
    ),
}

Learner = Literal["linear", "trees"]


class MissingLearnerError(InputError):
    """scikit-learn is not installed."""


@dataclass(frozen=True, slots=True)
class QiniCurve:
    """Q at each share (0 to 1) of customers written to, best scores first, with bootstrap percentiles at each share by itself.

    `coefficient` is the area between the curve and `random`, its straight line; `normalised` that area as a share of the best possible
    (None unless outcomes are 0 and 1). What they mean stands in DEFINITIONS, and belongs beside them: the same ranking has
    another coefficient by each.
    """

    share: Column
    gain: Column
    low: Column
    high: Column
    random: Column
    coefficient: Effect
    normalised: Effect | None


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the customers by score, place 1 the highest. Totals are of the outcome; the effect is per customer assigned.

    Newcombe's interval when all outcomes are 0 or 1, else Welch's.
    """

    place: int
    score_most: float
    score_least: float
    test_n: int
    control_n: int
    test_total: float
    control_total: float
    effect: Effect


def cross_fitted_scores(features: NDArray[np.float64], data: Randomised, seed: int, learner: Learner = "linear") -> Column:
    """Each customer's expected uplift (outcome if written to minus outcome if not), by models that never saw this customer.

    `features` has a row per customer and numbers only, all known before the assignment. Two models, one per arm, are fitted on four fifths
    of the customers and score the last fifth, `FOLDS` times over; folds keep the arms' shares. "linear" is a (logistic) regression
    on standardised features, "trees" gradient-boosted trees. The same for the same seed. Raises MissingLearnerError.
    Source: Hansotia and Rukstales 2002, Journal of Interactive Marketing 16:35; Chernozhukov et al. 2018 (cross-fitting).
    """
    folds = _folds(data.treated, seed)
    scores = np.empty(len(data.outcome))
    with _one_thread():
        for fold in range(FOLDS):
            out = folds == fold
            test, control = (_predict(features, data, (data.treated == arm) & ~out, out, _Kind(seed, learner)) for arm in (True, False))
            scores[out] = test - control
    return scores


def qini(scores: Column, data: Randomised, seed: int, steps: int = 100, level: float = 0.95) -> QiniCurve:
    """The Qini curve of a ranking, and its coefficient by two definitions, each with a bootstrap band; see DEFINITIONS.

    Customers with the same score stand or fall together. The areas are of the whole curve, not of the `steps` shown. The bootstrap
    resamples customers, policy.DRAWS times, with this seed; scores stay as they are, so the error of the models is not in the band.
    """
    share = np.linspace(0, 1, steps + 1)
    ranked, binary = Ranked.of(scores, data), _is_binary(data.outcome)
    generator = np.random.default_rng(seed)
    drawn = [_measured(ranked.resampled(generator), share, binary) for _ in range(DRAWS)]
    here = _measured(ranked, share, binary)
    low, high = percentile_band(np.array([each.gain for each in drawn]), level)
    return QiniCurve(
        share,
        here.gain,
        low,
        high,
        share * here.gain[-1],
        _with_band(here.area, [each.area for each in drawn], level),
        _with_band(here.normalised, [each.normalised for each in drawn], level) if binary else None,
    )


def tenths(scores: Column, data: Randomised, level: float = 0.95) -> tuple[Tenth, ...]:
    """Customers in ten groups of equal size by score, highest first, with what writing changed in each.

    Equal scores are cut in the order of the rows, so that sizes differ by one customer at most.
    """
    groups = np.array_split(np.argsort(-scores, kind="stable"), TENTHS)
    return tuple(_tenth(place, scores[rows], _part(data, rows), level) for place, rows in enumerate(groups, 1) if len(rows))


@dataclass(frozen=True, slots=True)
class _Measured:
    gain: Column
    area: float
    normalised: float


def _measured(ranked: Ranked, share: Column, binary: bool) -> _Measured:
    top = ranked.cumulative()
    everyone = (top.test_n + top.control_n) / (top.test_n[-1] + top.control_n[-1])
    gain = _gain(top)
    area = float(np.trapezoid(gain - everyone * gain[-1], everyone))
    best = _best_area(top.test_value[-1] / top.test_n[-1], top.control_value[-1] / top.control_n[-1]) if binary else 0.0
    return _Measured(np.interp(share, everyone, gain), area, area / best if best > 0 else float("nan"))


def _gain(top: Cumulative) -> Column:
    """Extra outcome in the top per customer of the whole test arm; while control has nobody yet, the test arm's own."""
    scale = top.test_n / np.where(top.control_n > 0, top.control_n, 1)
    gain: Column = (top.test_value - top.control_value * scale) / top.test_n[-1]
    return gain


def _best_area(test_rate: float, control_rate: float) -> float:
    """The area of a ranking that knows who responds only if written to, and who only if not, as far as the rates allow."""
    moved = min(test_rate, 1 - control_rate)
    put_off = moved - (test_rate - control_rate)
    return (moved * (1 - moved) + put_off * (1 - put_off)) / 2


def _with_band(here: float, drawn: list[float], level: float) -> Effect:
    """A figure with its bootstrap percentiles."""
    low, high = percentile_band(np.array(drawn)[:, None], level)
    return Effect(*(None if np.isnan(each) else float(each) for each in (here, low[0], high[0])))


def _folds(treated: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """Which fold each customer is in: a fifth of each arm, by chance."""
    generator = np.random.default_rng(seed)
    folds = np.empty(len(treated), np.int64)
    for arm in (True, False):
        rows = np.flatnonzero(treated == arm)
        folds[generator.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return folds


@dataclass(frozen=True, slots=True)
class _Kind:
    """Which model to fit."""

    seed: int
    learner: Learner

    def unfitted(self, *, binary: bool) -> Any:
        from sklearn import ensemble, linear_model, pipeline, preprocessing  # noqa: PLC0415 - an extra, and heavy

        if self.learner == "trees":
            kind = ensemble.HistGradientBoostingClassifier if binary else ensemble.HistGradientBoostingRegressor
            return kind(random_state=self.seed, **TREES)
        regression = linear_model.LogisticRegression(max_iter=1000) if binary else linear_model.Ridge()
        return pipeline.make_pipeline(preprocessing.StandardScaler(), regression)


def _predict(features: NDArray[np.float64], data: Randomised, train: NDArray[np.bool_], wanted: NDArray[np.bool_], kind: _Kind) -> Column:
    """Expected outcome of the wanted rows, by a model fitted on the training rows."""
    outcome = data.outcome[train]
    if len(np.unique(outcome)) < 2:
        return np.full(wanted.sum(), outcome[0] if len(outcome) else 0.0)
    binary = _is_binary(outcome)
    model = kind.unfitted(binary=binary).fit(features[train], outcome)
    return np.asarray(model.predict_proba(features[wanted])[:, 1] if binary else model.predict(features[wanted]))


def _one_thread() -> AbstractContextManager[object]:
    """Models this small lose more than they win by several threads: on a busy machine a hundred times the time."""
    try:
        from sklearn import __version__  # noqa: F401, PLC0415 - an extra, and heavy: here it is seen whether it is there
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with it
    except ImportError as missing:
        raise _missing() from missing
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _missing() -> MissingLearnerError:
    return MissingLearnerError(
        "Whom to write to (uplift) is computed with scikit-learn, which is not installed here. Install it with contactflow's extra: "
        "pip install 'contactflow[analysis]'"
    )


def _part(data: Randomised, rows: NDArray[np.int64]) -> Randomised:
    return Randomised(data.treated[rows], data.outcome[rows])


def _tenth(place: int, scores: Column, data: Randomised, level: float) -> Tenth:
    test, control = data.sums(arm=True), data.sums(arm=False)
    compare = difference_of_proportions if _is_binary(data.outcome) else difference_of_means
    effect = compare(test, control, level) if test.n and control.n else UNDEFINED
    return Tenth(place, float(scores.max()), float(scores.min()), test.n, control.n, test.y, control.y, effect)


def _is_binary(outcome: Column) -> bool:
    return bool(np.isin(outcome, (0, 1)).all())
