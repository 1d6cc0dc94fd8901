"""Who looks at twenty figures finds one by chance: what does not answer the question is judged among all that does not."""

from dataclasses import replace

import numpy as np

from engine.metrics import BUILT_IN
from response.comparisons import Measured, compare
from response.facts import Comparison, Experiment
from response.statistics.moments import Moments
from response.statistics.verdicts import Verdict
from tests.response.test_early_decision import GOAL, SIZE, experiment, moments

DECIDED = (Verdict.BETTER, Verdict.WORSE)


def judged(totals: list[tuple[int, int]], split: Experiment | None = None) -> list[Comparison]:
    """The first is of the question; the others stand beside it."""
    metrics = []
    for place, (arm, control) in enumerate(totals):
        sums = {("start", "contacted"): moments(arm), ("start", "control"): moments(control)}
        metrics.append(Measured(replace(BUILT_IN["purchase"], name=f"metric-{place}"), sums))
    return list(compare([split or experiment("contacted")], metrics, GOAL))


def test_one_that_looks_good_among_many_is_no_finding_and_the_question_does_not_pay_for_the_others() -> None:
    barely = (1100, 1000)  # p = .026
    question, *beside = judged([barely, barely, *[(1000 + n, 1000) for n in range(8)]])
    assert (question.verdict, question.q_value) == (Verdict.BETTER, None)
    assert beside[0].p_value == question.p_value
    assert (beside[0].verdict, beside[0].why) == (Verdict.INCONCLUSIVE, "several_comparisons")
    assert beside[0].absolute == question.absolute


def test_alone_beside_the_question_it_counts() -> None:
    _, beside = judged([(1000, 1000), (1100, 1000)])
    assert (beside.verdict, beside.q_value) == (Verdict.BETTER, beside.p_value)


def test_what_is_strong_stays_found_among_many() -> None:
    _, strong, *_ = judged([(1000, 1000), (1300, 1000), *[(1000, 1000)] * 20])
    assert strong.verdict is Verdict.BETTER


def test_a_comparison_that_is_not_valid_does_not_count() -> None:
    alone = judged([(1000, 1000), (1100, 1000)])[1]
    nobody = Measured(BUILT_IN["visit"], {("start", "contacted"): moments(5), ("start", "control"): Moments(0, 0, 0, 0, 0, 0)})
    metric = Measured(BUILT_IN["purchase"], {("start", "contacted"): moments(1000), ("start", "control"): moments(1000)})
    other = Measured(BUILT_IN["response"], {("start", "contacted"): moments(1100), ("start", "control"): moments(1000)})
    found = {each.metric: each for each in compare([experiment("contacted")], [metric, other, nobody], GOAL)}
    assert (found["visit"].verdict, found["visit"].q_value) == (Verdict.NOT_VALID, None)
    assert found["response"].q_value == alone.q_value


def test_where_nothing_is_there_a_report_finds_something_at_most_once_in_twenty() -> None:
    """Ten metrics that are all noise, 800 reports: any false finding beside the question."""
    generator = np.random.default_rng(8)
    reports = generator.binomial(SIZE, 0.05, (800, 11, 2)).tolist()
    false = sum(any(each.verdict in DECIDED for each in judged(totals)[1:]) for totals in reports)
    naive = sum(any(each.p_value is not None and each.p_value < 0.05 for each in judged(totals)[1:]) for totals in reports)
    assert false <= 800 * 0.05 + 3 * (800 * 0.05 * 0.95) ** 0.5
    assert naive > 800 * 0.3  # what the correction is for
