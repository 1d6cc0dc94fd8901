"""Whom to write to, made again: scores by scikit-learn on customers that no model saw, and the curves by counting down the ranking.

The folds and the resampled customers are drawn as the report says it draws them (seed 1), for another draw gives another band.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from tests.response.recomputed_facts import UNDEFINED, Facts, Mask, Numbers, Recomputed, Row, Three, difference, sides

SEED, FOLDS, STEPS, DRAWS = 1, 5, 20, 200


@dataclass(frozen=True, eq=False)
class Ranked:
    """Everybody of the arms and the control, by falling score."""

    score: Numbers
    test: Mask
    y: Numbers
    money: Numbers
    cost: float


@cache
def ranked(facts: Facts) -> Ranked:
    test, control = sides(facts)
    y, money = facts.outcome(facts.told.metrics[0]), facts.outcome("spend")
    table = np.column_stack(list(facts.features.values()))
    with threadpool_limits(1):
        score = _scores(table, test, y)
    order = np.argsort(-score, kind="stable")
    paid = float(facts.messages["millicents"].sum()) / 100_000 / int(test.sum())
    assert (test | control).all()
    return Ranked(score[order], test[order], y[order], money[order], paid)


def _scores(table: Numbers, test: Mask, y: Numbers) -> Numbers:
    generator, fold, score = np.random.default_rng(SEED), np.empty(len(y), int), np.empty(len(y))
    for side in (True, False):
        rows = np.flatnonzero(test == side)
        fold[generator.permutation(rows)] = np.arange(len(rows)) % FOLDS
    for out in (fold == each for each in range(FOLDS)):
        score[out] = np.subtract(*(_foretold(table, y, (test == side) & ~out, out) for side in (True, False)))
    return score


def _foretold(table: Numbers, y: Numbers, train: Mask, wanted: Mask) -> Numbers:
    scaler = StandardScaler().fit(table[train])
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(table[train]), y[train])
    found: Numbers = model.predict_proba(scaler.transform(table[wanted]))[:, 1]
    return found


def tenths(facts: Facts) -> Iterator[Row]:
    known = ranked(facts)
    for place, rows in enumerate(np.array_split(np.arange(len(known.score)), 10), 1):
        test, control = known.y[rows][known.test[rows]], known.y[rows][~known.test[rows]]
        sizes = {"assigned": len(test), "rate": test.mean(), "control_assigned": len(control), "control_rate": control.mean()}
        scores = {"score_most": known.score[rows[0]], "score_least": known.score[rows[-1]]}
        yield {"tenth": place, **scores, **sizes, "absolute": difference(test, control, money=False)}


def qini(facts: Facts) -> Iterator[Row]:
    gains, _, _ = _curves(facts)
    share = np.linspace(0, 1, STEPS + 1)
    for at, gain, low, high in zip(share, *gains, strict=True):
        yield {"written_to": at, "order": "ranking", "gain": (gain, low, high)}
        yield {"written_to": at, "order": "by_lot", "gain": (at * gains[0][-1], None, None)}


def profit(facts: Facts) -> Iterator[Row]:
    _, profits, _ = _curves(facts)
    for at, gain, low, high in zip(np.linspace(0, 1, STEPS + 1), *profits, strict=True):
        yield {"written_to": at, "profit": UNDEFINED if np.isnan(gain) else (gain, low, high)}


def coefficients(facts: Facts) -> Mapping[str, Three]:
    """The Qini coefficient, and as a share of the best that the rates allow."""
    _, _, areas = _curves(facts)
    return {"coefficient": _three(areas[0]), "normalised": _three(areas[1])}


def _three(row: Numbers) -> Three:
    return float(row[0]), float(row[1]), float(row[2])


@cache
def _curves(facts: Facts) -> tuple[Numbers, Numbers, Numbers]:
    """Gain, profit and the two coefficients: the figure itself and its percentiles, a row for each of the three."""
    known = ranked(facts)
    everyone = np.ones(len(known.score))
    first = _gain(known, everyone), _profit(known, everyone)
    drawn: list[tuple[Numbers, Numbers]] = []
    for which in (_gain, _profit):
        generator = np.random.default_rng(SEED)
        draws = (np.bincount(generator.integers(len(everyone), size=len(everyone)), minlength=len(everyone)) for _ in range(DRAWS))
        rows = np.array([which(known, weight.astype(float)) for weight in draws])
        drawn.append(tuple(np.nanquantile(rows, (0.025, 0.975), axis=0)))
    gain, profit_ = (np.vstack([here, *band]) for here, band in zip(first, drawn, strict=True))
    return gain[:, :-2], profit_, gain[:, -2:].T


def _down(known: Ranked, weight: Numbers, value: Numbers) -> tuple[Numbers, ...]:
    """Customers and what they came to on both sides, by how many of the highest scores are taken; equal scores at once."""
    last = np.append(np.flatnonzero(np.diff(known.score)), len(known.score) - 1)
    parts = (weight * known.test, weight * ~known.test, weight * known.test * value, weight * ~known.test * value)
    return tuple(np.concatenate([[0.0], np.cumsum(part)[last]]) for part in parts)


def _gain(known: Ranked, weight: Numbers) -> Numbers:
    """Q at each share, then its area above the straight line, plain and by the most that the rates allow."""
    n_test, n_control, y_test, y_control = _down(known, weight, known.y)
    share = (n_test + n_control) / (n_test[-1] + n_control[-1])
    alike = np.divide(n_test, n_control, out=n_test.copy(), where=n_control > 0)
    q = (y_test - y_control * alike) / n_test[-1]
    area = float(((q - share * q[-1])[1:] + (q - share * q[-1])[:-1]) @ np.diff(share) / 2)
    rates = y_test[-1] / n_test[-1], y_control[-1] / n_control[-1]
    moved = min(rates[0], 1 - rates[1])
    put_off = moved - rates[0] + rates[1]
    best = (moved * (1 - moved) + put_off * (1 - put_off)) / 2
    return np.concatenate([np.interp(np.linspace(0, 1, STEPS + 1), share, q), [area, area / best]])


def _profit(known: Ranked, weight: Numbers) -> Numbers:
    columns = _down(known, weight, known.money)
    share = (columns[0] + columns[1]) / (columns[0][-1] + columns[1][-1])
    at = np.linspace(0, 1, STEPS + 1)
    n_test, n_control, of_test, of_control = (np.interp(at, share, column) for column in columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Numbers = at * (of_test / n_test - of_control / n_control - known.cost)
    return np.where(at > 0, found, 0.0)


UPLIFT: Mapping[str, Recomputed] = {"uplift-tenths": tenths, "uplift-qini": qini, "uplift-profit": profit}
