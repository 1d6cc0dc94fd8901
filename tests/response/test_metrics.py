"""Declared metrics against sums that are done by hand, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from engine.metrics import BUILT_IN, MetricSpec
from response.building import build_report
from response.facts import Note, Report
from response.metrics import ArmKey, arm_sums, caps, daily_totals, segment_sums
from response.population import Population
from response.statistics.cuped import cuped
from response.statistics.moments import Moments
from response.statistics.ratios import difference_of_ratios
from response.statistics.sums import Effect
from response.statistics.verdicts import Verdict
from store.clock import to_micros
from tests.response.response_story import AMSTERDAM, DONE, HOLDOUT, LEARN, NOON, Story, flow, pick, telling

DAY = 86_400
ARM = ("start", "contacted")


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def population(story: Story, days: float | None = 28, at: float = 60) -> Population:
    within = None if days is None else round(days * DAY * 1_000_000)
    return Population(story.campaign_id, "spring", to_micros(NOON + timedelta(days=at)), within)


def counted(story: Story, spec: MetricSpec, days: float | None = 28) -> dict[ArmKey, Moments]:
    return arm_sums(story.session, population(story, days), spec, "EUR")


def report_of(story: Story, *specs: MetricSpec, days: float = 60) -> Report:
    metrics = {**BUILT_IN, **{spec.name: spec for spec in specs}}
    at = NOON + timedelta(days=days)
    return build_report(story.session, "spring", at, AMSTERDAM, "EUR", lambda row: story.flows[row.version], metrics)


def test_a_metric_and_the_same_before_the_entry_come_from_one_look(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    one, two, three, _ = story.arm(4, "start", "contacted", version)
    for member, before, after in ((one, 300, 500), (two, 200, 0), (three, 0, 700)):
        story.buys(member, before, days=-1) if before else None
        story.buys(member, after, days=1) if after else None
    story.buys(one, 100_000, days=-28.001)  # before the window of the same length
    story.buys(one, 50, days=-28)
    story.buys(two, 60, days=-0.001)
    found = counted(story, BUILT_IN["spend"])[ARM]
    x, y = [350, 260, 0, 0], [500, 0, 700, 0]
    assert found == Moments(4, 1200, 740_000, 610, 350**2 + 260**2, sum(a * b for a, b in zip(x, y, strict=True)), 100, 100)
    assert counted(story, BUILT_IN["orders"])[ARM] == Moments(4, 2, 2, 4, 8, 2)
    assert counted(story, BUILT_IN["purchase"])[ARM] == Moments(4, 2, 2, 2, 2, 1)
    assert counted(story, BUILT_IN["orders"], None)[ARM].x == 5  # without a window, everything before counts


def test_the_products_of_large_amounts_are_exact(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    amounts = [(3_000_000_007, 2_999_999_999), (-3_000_000_001, 3_000_000_001), (2_999_999_993, 17)]
    for member, (before, after) in zip(story.arm(3, "start", "contacted", version), amounts, strict=True):
        story.buys(member, before, days=-1)
        story.buys(member, after)
    found = counted(story, BUILT_IN["spend"])[ARM]
    assert found.xx == sum(x * x for x, _ in amounts)
    assert found.xy == sum(x * y for x, y in amounts)


def test_reactions_before_the_entry_are_to_any_campaign(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    one, two, three = story.arm(3, "start", "contacted", version)
    story.contact(one, "visited", days=-3, campaign="autumn")
    story.contact(two, "visited", days=-3, campaign=None)
    story.contact(three, "visited", days=-3, human=False)
    story.contact(one, "visited")
    story.contact(two, "visited", campaign="autumn")
    assert counted(story, BUILT_IN["visit"])[ARM] == Moments(3, 1, 1, 2, 2, 1)


def test_a_refusal_counts_whatever_message_it_answers(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    one, two, three = story.arm(3, "start", "contacted", version)
    story.contact(one, "opted_out")
    story.contact(two, "opted_out", campaign="autumn")
    story.contact(three, "complained", campaign=None)
    assert counted(story, BUILT_IN["opt_out"])[ARM].y == 2
    assert counted(story, BUILT_IN["complaint"])[ARM].y == 1


def test_a_margin_is_the_purchases_own_else_the_declared_share_in_whole_cents(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    members = story.arm(5, "start", "contacted", version)
    for member, (cents, margin) in zip(members, [(1000, 400), (1001, None), (-1001, None), (10, None), (990, -50)], strict=True):
        story.buys(member, cents, margin=margin)
    shared = counted(story, MetricSpec("margin", "margin", margin_share=0.35))[ARM]
    assert shared.y == 400 + 350 - 350 + 4 - 50  # 350.35, -350.35 and 3.5: half a cent goes away from zero
    assert shared.yy == 400**2 + 350**2 + 350**2 + 4**2 + 50**2
    assert counted(story, MetricSpec("margin", "margin"))[ARM].y == 350


def test_a_metric_has_a_window_of_its_own(story: Story) -> None:
    spec = MetricSpec("late", "purchase", within_seconds=40 * DAY)
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "also": ["late"]}))
    (member,) = story.arm(1, "start", "contacted", version)
    story.arm(1, "start", "control", version)
    story.buys(member, 100, days=39)
    report = report_of(story, spec, days=39.5)
    late, soon = pick(report, "late", "contacted"), pick(report, "purchase", "contacted")
    assert (late.arm_total, soon.arm_total) == (1, 0)
    assert (late.why, late.open_customers, late.closes_at) == ("window_open", 2, NOON + timedelta(days=40))
    assert (soon.open_customers, soon.why) == (0, "interval")
    assert pick(report_of(story, spec, days=40), "late", "contacted").why != "window_open"


@pytest.mark.parametrize("share", [0.5, 0.75, 0.9, 0.99, 0.999])
def test_what_lies_above_the_quantile_of_all_assigned_counts_as_that_quantile(story: Story, share: float) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    amounts = np.random.default_rng(5).lognormal(7, 1.5, 60).astype(int).tolist() + [0] * 30 + [-400, 250, 250]
    members = story.arm(60, "start", "contacted", version) + story.arm(33, "start", "control", version)
    for member, amount in zip(members, amounts, strict=True):
        if amount:
            story.buys(member, amount)
            story.buys(member, 2 * amount, days=-2)
    spec = MetricSpec("cut", "spend", winsorise=share)
    cap = int(np.quantile(amounts, share, method="inverted_cdf"))  # the definition in words: the smallest that so many do not exceed
    assert caps(story.session, population(story), spec, "EUR") == ({"start": cap} if cap > 0 else {})
    found = counted(story, spec)
    for arm, part in (("contacted", amounts[:60]), ("control", amounts[60:])):
        y, x = np.minimum(part, cap), np.minimum(2 * np.array(part), cap)
        assert found["start", arm] == Moments(
            len(part), int(y.sum()), int((y * y).sum()), int(x.sum()), int((x * x).sum()), int((x * y).sum()), 100, 100
        )


def test_an_amount_that_hardly_anybody_has_is_not_cut_off_and_that_is_said(story: Story) -> None:
    spec = MetricSpec("cut", "spend", winsorise=0.9)
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "also": ["cut"]}))
    members = story.arm(20, "start", "contacted", version)
    story.arm(20, "start", "control", version)
    for member in members[:3]:
        story.buys(member, 1000)
    report = report_of(story, spec)
    assert pick(report, "cut", "contacted").arm_total == 30
    assert Note("not_winsorised", (("metric", "cut"),)) in report.notes


def test_a_ratio_is_of_two_totals(story: Story) -> None:
    spec = MetricSpec("basket", "spend", per="orders")
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "basket", "minimum_lift": "0.50"}))
    contacted, control = story.arm(6, "start", "contacted", version), story.arm(6, "start", "control", version)
    for member, baskets in ((contacted[0], (1000, 2000)), (contacted[1], (500,)), (control[0], (1000,)), (control[1], (900, 800, 100))):
        for cents in baskets:
            story.buys(member, cents)
    story.buys(control[2], 777, currency="USD")  # neither above nor below the line
    report = report_of(story, spec)
    found = pick(report, "basket", "contacted")
    test = Moments(6, 3500, 3000**2 + 500**2, 3, 5, 6500, 100)
    assert found.absolute == difference_of_ratios(test, Moments(6, 2800, 1000**2 + 1800**2, 4, 10, 1000 + 3 * 1800, 100))
    assert found.arm_rate == pytest.approx(35 / 3)
    assert found.control_rate == 7
    assert (found.unit, found.arm_base, found.control_base, found.cuped) == ("money", 3, 4, None)


def test_segments_add_up_to_the_arm(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    for arm in ("contacted", "control"):
        for segment, count in (("families", 3), (None, 2)):
            members = story.enters(count, version, segment=segment)
            story.assigns(members, "start", arm, version)
            story.buys(members[0], 100 * count)
            story.buys(members[1], 77, days=-1)
    spec = BUILT_IN["spend"]
    found = segment_sums(story.session, population(story), spec, "EUR", "start")
    assert set(found) == {("families", "contacted"), (None, "contacted"), ("families", "control"), (None, "control")}
    assert found["families", "contacted"] == Moments(3, 300, 90_000, 77, 5929, 0, 100, 100)
    assert found["families", "contacted"] + found[None, "contacted"] == counted(story, spec)[ARM]


def test_orders_by_day_add_up(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    for days in (0.5, 0.6, 3.2):
        story.buys(member, 100, days=days)
    assert daily_totals(story.session, population(story), BUILT_IN["orders"], "EUR", "start") == {"contacted": {0: 2, 3: 1}}


def test_what_was_known_before_takes_noise_away(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "spend", "minimum_lift": "0.50"}))
    random = np.random.default_rng(11)
    for arm in ("contacted", "control"):
        for member, usual in zip(story.arm(40, "start", arm, version), random.integers(100, 9000, 40).tolist(), strict=True):
            story.buys(member, usual, days=-3)
            story.buys(member, usual + int(random.integers(0, 500)) + 400 * (arm == "contacted"))
    found = pick(report_of(story), "spend", "contacted")
    sums = counted(story, BUILT_IN["spend"])
    assert found.cuped is not None
    expected = cuped(sums[ARM], sums["start", "control"])
    assert (found.cuped.absolute, found.cuped.p_value, found.cuped.rho_squared) == (expected.effect, expected.p_value, expected.rho_squared)
    assert found.cuped.rho_squared > 0.9
    assert width(found.cuped.absolute) < width(found.absolute) / 3
    assert pick(report_of(story), "purchase", "contacted").cuped is None  # not registered: not asked


def width(effect: Effect) -> float:
    assert effect.low is not None
    assert effect.high is not None
    return effect.high - effect.low


def guarded(story: Story, opted: tuple[int, int], margin: float, days: float = 60) -> Report:
    spec = MetricSpec("opt_outs", "opt_out", better="less", guardrail=margin)
    version = story.runs(flow(HOLDOUT, DONE))
    for arm, count in (("contacted", opted[0]), ("control", opted[1])):
        for member in story.arm(500, "start", arm, version)[:count]:
            story.contact(member, "opted_out")
    return report_of(story, spec, days=days)


@pytest.mark.parametrize(
    ("opted", "margin", "days", "result", "verdict"),
    [
        ((50, 10), 0.03, 60, "broken", Verdict.WORSE),
        ((50, 10), 0.03, 5, "broken", Verdict.INCONCLUSIVE),  # harm is told at once
        ((20, 18), 0.05, 60, "kept", Verdict.INCONCLUSIVE),
        ((20, 18), 0.05, 5, "inconclusive", Verdict.INCONCLUSIVE),  # that it was kept, in the end
        ((20, 18), 0.01, 60, "inconclusive", Verdict.INCONCLUSIVE),
        ((5, 40), 0.01, 60, "kept", Verdict.BETTER),
    ],
)
def test_less_can_be_better_and_a_guardrail_is_kept_broken_or_open(
    story: Story, opted: tuple[int, int], margin: float, days: float, result: str, verdict: Verdict
) -> None:
    report = guarded(story, opted, margin, days)
    found = pick(report, "opt_outs", "contacted")
    assert (found.guardrail, found.guardrail_margin, found.verdict, found.better) == (result, margin, verdict, "less")
    assert found.absolute.estimate == pytest.approx((opted[0] - opted[1]) / 500)  # the figure keeps its own sign
    assert report.broken_guardrails == ((found,) if result == "broken" else ())
    assert report.metrics == ("purchase", "opt_outs", "spend", "visit")


def test_the_effect_on_those_reached_is_larger_by_the_part_that_was(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    contacted = story.arm(40, "start", "contacted", version)
    story.arm(40, "start", "control", version)
    for member in contacted[:10]:
        story.buys(member, 100)
    for member in contacted[:20]:
        story.contact(member, "delivered", direction="out")
    found = pick(report_of(story), "purchase", "contacted")
    assert found.cace is not None
    assert found.cace.estimate == pytest.approx(2 * (found.absolute.estimate or 0))
    assert (found.cace.low, found.cace.high) == pytest.approx((2 * (found.absolute.low or 0), 2 * (found.absolute.high or 0)))


def test_purchases_without_a_margin_are_said_when_no_share_is_declared(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "also": ["margin"]}))
    one, two = story.arm(2, "start", "contacted", version)
    story.arm(2, "start", "control", version)
    story.buys(one, 1000, margin=300)
    story.buys(two, 1000)
    report = report_of(story, MetricSpec("margin", "margin"))
    assert Note("without_margin", (("count", "1"), ("metric", "margin"))) in report.notes
    shared = report_of(story, MetricSpec("margin", "margin", margin_share=0.5))
    assert "without_margin" not in {note.code for note in shared.notes}
    assert pick(shared, "margin", "contacted").arm_total == 8
