"""The result's own sentences: guardrails, other ways of asking, and what personalising added."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from response.facts import Adjusted, Comparison
from response.sections.result import section
from response.sources import Sources
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict
from tests.response.report_example import a_story
from tests.response.response_story import DONE, HOLDOUT, Story, flow
from tests.response.section_reading import keys, rows, spoken


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    story: Story
    with a_story(tmp_path) as story:
        version = story.runs(flow(HOLDOUT, DONE))
        for member in story.arm(50, "start", "contacted", version)[:20]:
            story.buys(member, 1999)
        story.arm(50, "start", "control", version)
        yield story.sources()


def with_comparisons(sources: Sources, *changed: Comparison) -> Sources:
    return replace(sources, report=replace(sources.report, comparisons=changed))


def first(sources: Sources) -> Comparison:
    return sources.report.comparisons[0]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.BETTER, "Personalising “mail” (personalised) brought something: +40.0 points"),
        (Verdict.WORSE, "Personalising “mail” (personalised) did harm"),
        (Verdict.SAME, "Personalising “mail” (personalised) made no difference that matters"),
        (Verdict.INCONCLUSIVE, "Whether personalising “mail” (personalised) brought anything cannot be said"),
        (Verdict.NOT_VALID, "Whether personalising “mail” (personalised) brought anything cannot be said"),
    ],
)
def test_what_personalising_added_is_said_by_its_verdict(sources: Sources, verdict: Verdict, said: str) -> None:
    beside = replace(
        first(sources), node="mail", kind="personalisation", primary=False, arm="personalised", control="unpersonalised", verdict=verdict
    )
    changed = with_comparisons(sources, first(sources), beside)
    assert said in spoken(section(changed), changed)["en"]
    assert [row["group"] for row in rows(section(changed), "result-mail-personalisation")] == ["personalised"]


def test_a_node_with_variants_and_an_unpersonalised_part_has_a_table_for_each(sources: Sources) -> None:
    variant = replace(first(sources), node="mail", kind="variants", primary=False, arm="warm", control="plain")
    beside = replace(variant, kind="personalisation", arm="plain", control="unpersonalised")
    found = section(with_comparisons(sources, first(sources), variant, beside))
    assert [row["group"] for row in rows(found, "result-mail")] == ["warm"]
    assert [row["group"] for row in rows(found, "result-mail-personalisation")] == ["plain"]


def test_a_guardrail_is_said_to_hold_only_when_the_interval_says_so(sources: Sources) -> None:
    kept = replace(first(sources), metric="opt_out", primary=False, guardrail="kept", guardrail_margin=0.01)
    unsure = replace(kept, guardrail="inconclusive")
    assert "guardrail.kept" in keys(section(with_comparisons(sources, first(sources), kept)))
    assert "guardrail.unsure" in keys(section(with_comparisons(sources, first(sources), kept, unsure)))
    broken = with_comparisons(sources, first(sources), replace(kept, guardrail="broken"))
    assert "guardrail.kept" not in keys(section(broken))
    assert [row["guardrail"] for row in rows(section(broken), "guardrails")] == ["broken"]


def test_other_ways_of_asking_stand_in_rows_of_their_own_with_the_noise_taken_away(sources: Sources) -> None:
    effect = Effect(0.3, 0.2, 0.4)
    changed = with_comparisons(sources, replace(first(sources), cuped=Adjusted(effect, effect, 0.01, 0.25), cace=Effect(0.5, 0.3, 0.7)))
    found = rows(section(changed), "result-ways")
    assert [(row["way"], row["rho_squared"]) for row in found] == [("assigned", None), ("cuped", 0.25), ("reached", None)]
    assert "takes away 25.0% of the noise" in spoken(section(changed), changed)["en"]


def test_without_a_response_in_control_the_relative_difference_is_not_made_up(sources: Sources) -> None:
    assert "result.no_relative" in keys(section(sources))
    assert rows(section(sources), "result")[0]["relative"] == Effect(None, None, None)
