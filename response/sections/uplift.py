"""Whom does it move? Customers ranked by what writing to them is expected to change, and whether that ranking is of any use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from engine.metrics import MetricSpec
from response.charges import extra_cost
from response.features import MOST, Known, known_on_entry
from response.parts import As, Chart, Column, Part, Say, Section, Table, Word, say
from response.sayings import DIFFERENCES, RATES
from response.sides import Sides, money_of, people_of, sides_of
from response.sources import Sources
from response.statistics.policy import PolicyCurve, Randomised, policy_curve
from response.statistics.sums import Effect
from response.statistics.uplift import QiniCurve, Tenth, cross_fitted_scores, qini, tenths

LEAST_CUSTOMERS, LEAST_RESPONSES = 1_000, 50  # on each side: below, a model of each side learns noise
SEED = 1
STEPS = 20


def section(sources: Sources, most: int = MOST) -> Section | None:
    """None without a comparison; one sentence where something is missing that a ranking needs. Made of at most `most` customers."""
    sides = sides_of(sources)
    if sides.control is None or sides.metric.per:
        return None
    if find_spec("sklearn") is None:
        return Section("uplift", (say("uplift.missing"),))
    sizes = people_of(sources, sides)
    if min(sizes) < LEAST_CUSTOMERS:
        return Section("uplift", (_too_few(sizes),))
    money = money_of(sources)
    known = known_on_entry(sources, sides, sides.metric, money, most)
    responses = tuple(int(np.count_nonzero(known.outcome[known.treated == side])) for side in (True, False))
    if min(responses) < LEAST_RESPONSES or not known.names:
        return Section("uplift", (_too_few_responses(responses) if known.names else say("uplift.nothing_known"),))
    return Section("uplift", tuple(_parts(sources, sides, known, money)))


@dataclass(frozen=True, slots=True)
class _Ranking:
    curve: QiniCurve
    tenths: Sequence[Tenth]
    profit: PolicyCurve | None
    cost: float

    @property
    def usable(self) -> bool:
        """Whether the ranking is better than lot: the whole band of the coefficient lies above 0."""
        return self.curve.coefficient.low is not None and self.curve.coefficient.low > 0


def _parts(sources: Sources, sides: Sides, known: Known, money: MetricSpec) -> Iterator[Part]:
    ranking = _rank(sources, sides, known)
    yield _verdict(ranking, sides)
    yield from _made_of(known, sides)
    yield from _qini(ranking.curve, sides)
    yield from _tenths(ranking.tenths, sides)
    if ranking.profit is not None:
        yield from _profit(ranking, ranking.profit, money)


def _rank(sources: Sources, sides: Sides, known: Known) -> _Ranking:
    data = Randomised(known.treated, known.outcome)
    scores = cross_fitted_scores(known.features, data, SEED)
    cost = extra_cost(sources, sides)
    profit = policy_curve(scores, Randomised(known.treated, known.value), cost, SEED, STEPS) if known.value.any() else None
    return _Ranking(qini(scores, data, SEED, STEPS), tenths(scores, data), profit, cost)


def _verdict(ranking: _Ranking, sides: Sides) -> Say:
    """Is there a ranking to use? With the difference between its ends where there is."""
    if not ranking.usable:
        said = say("uplift.unusable", coefficient=As(DIFFERENCES[sides.metric.unit], ranking.curve.coefficient))
    else:
        kind, (first, *_, last) = DIFFERENCES[sides.metric.unit], ranking.tenths
        said = say("uplift.usable", metric=Word("metric", sides.metric.name), first=As(kind, first.effect), last=As(kind, last.effect))
    return said.behind("uplift-tenths", "qini")


def _made_of(known: Known, sides: Sides) -> Iterator[Say]:
    """What the scores were made from, and on whom."""
    arms = Word("arm", sides.arms[0]) if len(sides.arms) == 1 else sides.together
    customers, facts = As("count", len(known.treated)), As("count", len(known.names))
    key = "uplift.sampled" if known.is_sample else "uplift.everyone"
    yield say(key, "soft", customers=customers, facts=facts, arms=arms, control=Word("arm", sides.control or "")).behind(
        define="uplift_facts"
    )
    if known.left_out:
        yield say("uplift.left_out", "soft", attributes=", ".join(known.left_out)).behind(define="uplift_facts")


def _qini(curve: QiniCurve, sides: Sides) -> Iterator[Part]:
    kind = DIFFERENCES[sides.metric.unit]
    share = curve.normalised
    yield say("uplift.coefficient", coefficient=As(kind, curve.coefficient)).behind("uplift-qini", "qini")
    if share is not None:
        yield say("uplift.normalised", "soft", normalised=As("number", share)).behind("uplift-qini", "qini_normalised")
    steps = zip(curve.share.tolist(), curve.gain.tolist(), curve.low.tolist(), curve.high.tolist(), curve.random.tolist(), strict=True)
    rows = [
        row
        for at, gain, low, high, by_lot in steps
        for row in ((at, "ranking", Effect(gain, low, high)), (at, "by_lot", Effect(by_lot, None, None)))
    ]
    columns = (Column("written_to", "share"), Column("order", "text", words="order"), Column("gain", kind, define="qini"))
    table = Table("uplift-qini", columns, tuple(rows), folded=True)
    title = say("uplift.qini_chart", metric=Word("metric", sides.metric.name))
    yield Chart("uplift-qini-chart", "band", title, table, "written_to", "gain", "order", muted="by_lot")


def _tenths(found: Sequence[Tenth], sides: Sides) -> Iterator[Part]:
    unit, metric = sides.metric.unit, sides.metric.name
    columns = (
        Column("tenth", define="tenth"),
        Column("score_most", DIFFERENCES[unit], define="score"),
        Column("score_least", DIFFERENCES[unit], define="score"),
        Column("assigned", define="assigned"),
        Column("rate", RATES[unit], define=metric),
        Column("control_assigned", define="assigned"),
        Column("control_rate", RATES[unit], define=metric),
        Column("absolute", DIFFERENCES[unit], define="tenth"),
    )
    rows = tuple(
        (
            each.place,
            each.score_most,
            each.score_least,
            each.test_n,
            _divided(each.test_total, each.test_n),
            each.control_n,
            _divided(each.control_total, each.control_n),
            each.effect,
        )
        for each in found
    )
    table = Table("uplift-tenths", columns, rows, title=say("uplift.tenths"))
    yield Chart("uplift-tenths-chart", "intervals", say("uplift.tenths_chart", metric=Word("metric", metric)), table, "tenth", "absolute")
    yield table


def _profit(ranking: _Ranking, curve: PolicyCurve, money: MetricSpec) -> Iterator[Part]:
    kind = "margin" if money.of == "margin" else "turnover"
    effects = [
        Effect(*(None if np.isnan(each) else each for each in point))
        for point in zip(curve.profit.tolist(), curve.low.tolist(), curve.high.tolist(), strict=True)
    ]
    best = int(np.nanargmax(curve.profit))
    cost, share = As("money", ranking.cost), As("share", curve.best_share)
    key = f"uplift.profit.{'usable' if ranking.usable else 'unusable'}.{kind}"
    yield say(key, cost=cost, share=share, best=As("money", effects[best]), all=As("money", effects[-1])).behind("uplift-profit", "profit")
    columns = (Column("written_to", "share"), Column("profit", "extra", define="profit"))
    table = Table("uplift-profit", columns, tuple(zip(curve.share.tolist(), effects, strict=True)), folded=True)
    yield Chart("uplift-profit-chart", "band", say(f"uplift.profit_chart.{kind}"), table, "written_to", "profit")


def _too_few(sizes: tuple[int, int]) -> Say:
    test, control = (As("count", each) for each in sizes)
    return say("uplift.too_few", test=test, control=control, least=As("count", LEAST_CUSTOMERS))


def _too_few_responses(responses: tuple[int, ...]) -> Say:
    test, control = (As("count", each) for each in responses)
    return say("uplift.too_few_responses", test=test, control=control, least=As("count", LEAST_RESPONSES))


def _divided(total: float, customers: int) -> float | None:
    return total / customers if customers else None
