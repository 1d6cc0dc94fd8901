"""What personalising adds, as the report has it: the message as it is against the same without anything personal."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.nodes.send import Send
from response.facts import Experiment, Report
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import Sums
from tests.response.response_story import DONE, EVERYONE, Story, flow, telling

VARIANTS = {"warm": {"share": "50%"}, "plain": {"share": "50%"}}


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def mail(**fields: Any) -> Send:
    return Send.model_validate({"id": "mail", "send": "email", "template": "a.txt", "unpersonalised": "20%", **fields})


def tells(story: Story, node: Send, sizes: dict[str, tuple[int, int]]) -> Report:
    """Customers by arm, and how many of them bought."""
    version = story.runs(flow(EVERYONE, node, DONE))
    for arm, (size, bought) in sizes.items():
        for member in story.arm(size, "mail", arm, version)[:bought]:
            story.buys(member, 1000)
    return story.report()


def arms(experiment: Experiment) -> dict[str, tuple[int, float]]:
    return {arm.arm: (arm.assigned, round(arm.expected or 0, 6)) for arm in experiment.arms}


def test_the_message_is_compared_with_itself_without_what_is_personal(story: Story) -> None:
    report = tells(story, mail(), {"personalised": (80, 24), "unpersonalised": (20, 3)})
    [experiment] = report.experiments
    assert (experiment.kind, experiment.control, experiment.primary) == ("personalisation", "unpersonalised", True)
    assert arms(experiment) == {"personalised": (80, 80), "unpersonalised": (20, 20)}
    assert report.headline is not None
    assert (report.headline.arm, report.headline.control) == ("personalised", "unpersonalised")
    assert report.headline.absolute == difference_of_proportions(Sums.of_count(80, 24), Sums.of_count(20, 3))


def test_beside_variants_it_is_a_comparison_of_its_own_with_the_control_variant(story: Story) -> None:
    report = tells(story, mail(variants=VARIANTS), {"warm": (40, 20), "plain": (40, 12), "unpersonalised": (20, 3)})
    variants, personal = report.experiments
    assert (variants.kind, variants.control, variants.primary) == ("variants", "plain", True)
    assert arms(variants) == {"warm": (40, 40), "plain": (40, 40)}
    assert (personal.kind, personal.control, personal.primary) == ("personalisation", "unpersonalised", False)
    assert arms(personal) == {"plain": (40, 40), "unpersonalised": (20, 20)}
    assert not variants.broken
    assert not personal.broken
    pairs = {(each.kind, each.arm, each.control) for each in report.comparisons}
    assert pairs == {("variants", "warm", "plain"), ("personalisation", "plain", "unpersonalised")}


def test_an_arm_that_the_flow_does_not_know_stays_with_the_variants(story: Story) -> None:
    report = tells(story, mail(variants=VARIANTS), {"warm": (4, 2), "plain": (4, 1), "unpersonalised": (2, 1), "old": (3, 1)})
    assert [list(arms(each)) for each in report.experiments] == [["warm", "plain", "old"], ["plain", "unpersonalised"]]


def test_a_draw_that_leaves_too_few_unpersonalised_is_not_believed(story: Story) -> None:
    report = tells(story, mail(variants=VARIANTS), {"warm": (400, 0), "plain": (400, 0), "unpersonalised": (90, 0)})
    variants, personal = report.experiments
    assert not variants.broken
    assert personal.broken


def test_a_version_that_knew_no_unpersonalised_arm_promised_nobody_for_it(story: Story) -> None:
    before = story.runs(flow(EVERYONE, mail(unpersonalised=None, variants=VARIANTS), DONE, learn=None))
    after = story.runs(flow(EVERYONE, mail(variants=VARIANTS), DONE, learn=None))
    for version, sizes in ((before, {"warm": 50, "plain": 50}), (after, {"warm": 40, "plain": 40, "unpersonalised": 20})):
        for arm, size in sizes.items():
            story.arm(size, "mail", arm, version)
    variants, personal = story.report().experiments
    assert arms(variants) == {"warm": (90, 90), "plain": (90, 90)}
    assert arms(personal) == {"plain": (90, 90), "unpersonalised": (20, 20)}
