"""Sample ratio, several arms, power, verdicts and guardrails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binomtest, chisquare
from statsmodels.stats.multitest import multipletests

from response.statistics.allocation import MISMATCH_BELOW, sample_ratio_p_value
from response.statistics.guardrails import Guardrail, Harm, judge_guardrail
from response.statistics.power import detectable_difference, detectable_rise, power_of_means, power_of_proportions
from response.statistics.several import benjamini_hochberg, holm
from response.statistics.sums import Effect, Sums
from response.statistics.verdicts import Verdict, judge


@pytest.mark.parametrize("counts", [(21307, 21387, 21306), (5100, 4900), (821588, 815482)])
def test_the_sample_ratio_agrees_with_scipy(counts: tuple[int, ...]) -> None:
    expected = [sum(counts) / len(counts)] * len(counts)
    assert sample_ratio_p_value(counts, expected) == pytest.approx(chisquare(counts, expected).pvalue, rel=1e-9)


def test_the_published_broken_split_is_found() -> None:
    # Fabijan et al. 2019, KDD: 821,588 against 815,482 with even shares is a mismatch.
    p = sample_ratio_p_value((821588, 815482), (818535, 818535))
    assert p is not None
    assert p < MISMATCH_BELOW


@given(st.integers(1, 60), st.data())
def test_few_customers_in_two_arms_are_judged_exactly(trials: int, data: st.DataObject) -> None:
    seen = data.draw(st.integers(0, trials))
    p = sample_ratio_p_value((seen, trials - seen), (trials * 0.1, trials * 0.9))
    assert p == pytest.approx(binomtest(seen, trials, 0.1).pvalue, rel=1e-6)


def test_what_cannot_be_judged_is_not_judged() -> None:
    assert sample_ratio_p_value((3, 1, 2), (2, 2, 2)) is None
    assert sample_ratio_p_value((5,), (5,)) is None
    assert sample_ratio_p_value((0, 0), (0, 0)) is None


def test_a_split_that_works_is_hardly_ever_called_broken() -> None:
    counts = np.random.default_rng(3).multinomial(10_000, [0.1, 0.45, 0.45], 4000).tolist()
    p_values = [sample_ratio_p_value(each, (1000, 4500, 4500)) or 0 for each in counts]
    assert np.mean([p < MISMATCH_BELOW for p in p_values]) < 0.004
    assert 0.035 < np.mean([p < 0.05 for p in p_values]) < 0.065


def test_holm_is_that_of_the_textbook() -> None:
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx((0.05, 0.08, 0.09, 0.09, 0.09))


@pytest.mark.parametrize("p_values", [[0.5], [0.04, 0.01], [0.9, 0.001, 0.3, 0.001, 0.02], [1.0, 0.0, 0.7]])
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_holm_passes_over_what_is_not_defined() -> None:
    assert holm([0.02, None, 0.01]) == (0.02, None, 0.02)
    assert holm([]) == ()


# Benjamini and Hochberg 1995, section 4.1: 15 p-values of a study of heart attacks, four of which hold at .05; Bonferroni's three.
HEART = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]


def test_false_discoveries_are_held_as_in_the_paper() -> None:
    adjusted = benjamini_hochberg(HEART)
    assert sum(p is not None and p <= 0.05 for p in adjusted) == 4
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)
    assert sum(p is not None and p <= 0.05 for p in holm(HEART)) == 3


@pytest.mark.parametrize("p_values", [HEART, [0.5], [0.04, 0.01], [0.9, 0.001, 0.3, 0.001, 0.02], [1.0, 0.0, 0.7]])
def test_benjamini_hochberg_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1], abs=1e-12)


def test_benjamini_hochberg_passes_over_what_is_not_defined() -> None:
    assert benjamini_hochberg([0.02, None, 0.01]) == (0.02, None, 0.02)
    assert benjamini_hochberg([]) == ()


def test_of_the_segments_called_different_at_most_a_twentieth_are_not() -> None:
    generator = np.random.default_rng(1995)
    z = generator.normal(0, 1, (3000, 20)) + np.repeat([0, 3.5], [12, 8])
    false = []
    for row in 2 * (1 - ndtr(np.abs(z))):
        called = [place for place, p in enumerate(benjamini_hochberg(row.tolist())) if p is not None and p <= 0.05]
        false.append(sum(place < 12 for place in called) / max(1, len(called)))
    assert 0.02 < np.mean(false) < 0.035  # .05 times the 12 of 20 without an effect


def test_power_is_that_of_the_published_example() -> None:
    # R's help page of power.prop.test: n = 50, .50 against .75 gives .740; 77 an arm give .90.
    assert power_of_proportions(0.75, 0.5, 50, 50) == pytest.approx(0.740, abs=5e-4)
    assert power_of_proportions(0.75, 0.5, 77, 77) == pytest.approx(0.901, abs=2e-3)


def test_power_is_what_simulation_finds_with_unequal_arms() -> None:
    generator = np.random.default_rng(9)
    test, control = generator.binomial(4000, 0.05, 20_000) / 4000, generator.binomial(1000, 0.03, 20_000) / 1000
    pooled = (test * 4000 + control * 1000) / 5000
    z = (test - control) / np.sqrt(pooled * (1 - pooled) * (1 / 4000 + 1 / 1000))
    assert power_of_proportions(0.05, 0.03, 4000, 1000) == pytest.approx(np.mean(z > 1.959964), abs=0.02)


def test_the_detectable_rise_has_the_power_that_it_names() -> None:
    rise = detectable_rise(0.03, 9000, 1000)
    assert rise is not None
    assert power_of_proportions(0.03 + rise, 0.03, 9000, 1000) == pytest.approx(0.8, abs=1e-9)
    assert detectable_rise(0.5, 2, 2) is None
    assert detectable_rise(0.0, 0, 5) is None


def test_the_detectable_difference_of_means_takes_both_variances() -> None:
    wide, narrow = Sums(100, 0, 99 * 400), Sums(100, 0, 99 * 100)
    found = detectable_difference(wide, narrow)
    assert found is not None
    assert power_of_means(found, 400, 100, 100, 100) == pytest.approx(0.8, abs=1e-9)
    assert found == pytest.approx((1.959964 + 0.841621) * np.sqrt(4 + 1), rel=0.01)  # with the normal quantiles
    assert detectable_difference(Sums(3, 0, 0), Sums(3, 0, 0)) is None


@pytest.mark.parametrize(
    ("effect", "minimum", "adjusted_p", "verdict"),
    [
        (Effect(0.02, 0.01, 0.03), None, None, Verdict.BETTER),
        (Effect(-0.02, -0.03, -0.01), None, None, Verdict.WORSE),
        (Effect(0.02, -0.01, 0.05), None, None, Verdict.INCONCLUSIVE),
        (Effect(0.02, -0.01, 0.05), 0.01, None, Verdict.INCONCLUSIVE),
        (Effect(0.001, -0.004, 0.006), 0.01, None, Verdict.SAME),
        (Effect(0.004, 0.001, 0.007), 0.01, None, Verdict.SAME),
        (Effect(0.004, 0.001, 0.011), 0.01, None, Verdict.BETTER),
        (Effect(0.02, 0.001, 0.04), None, 0.06, Verdict.INCONCLUSIVE),
        (Effect(0.02, 0.001, 0.04), None, 0.04, Verdict.BETTER),
        (Effect(0.0, None, None), 0.01, None, Verdict.INCONCLUSIVE),
    ],
)
def test_the_verdict_goes_by_the_interval_never_by_the_higher_rate(
    effect: Effect, minimum: float | None, adjusted_p: float | None, verdict: Verdict
) -> None:
    assert judge(effect, minimum, adjusted_p) is verdict


@pytest.mark.parametrize(
    ("effect", "harm", "answer"),
    [
        (Effect(0.001, -0.001, 0.003), "rise", Guardrail.KEPT),
        (Effect(0.003, 0.001, 0.0045), "rise", Guardrail.KEPT),  # surely more opt-outs, but surely fewer than the margin
        (Effect(0.004, 0.001, 0.007), "rise", Guardrail.INCONCLUSIVE),
        (Effect(0.008, 0.006, 0.010), "rise", Guardrail.BROKEN),
        (Effect(-0.008, -0.010, -0.006), "rise", Guardrail.KEPT),
        (Effect(-0.008, -0.010, -0.006), "fall", Guardrail.BROKEN),
        (Effect(0.001, -0.006, 0.008), "fall", Guardrail.INCONCLUSIVE),
        (Effect(0.001, -0.004, 0.008), "fall", Guardrail.KEPT),
        (Effect(0.001, None, None), "rise", Guardrail.INCONCLUSIVE),
    ],
)
def test_a_guardrail_is_kept_only_when_the_whole_interval_is(effect: Effect, harm: Harm, answer: Guardrail) -> None:
    assert judge_guardrail(effect, 0.005, harm) is answer


def test_a_guardrail_at_its_margin_is_called_kept_in_one_of_forty() -> None:
    generator = np.random.default_rng(9)
    z = generator.normal(0.005, 0.002, 20_000)
    kept = [judge_guardrail(Effect(each, each - 1.959964 * 0.002, each + 1.959964 * 0.002), 0.005) is Guardrail.KEPT for each in z]
    assert 0.02 < np.mean(kept) < 0.03
