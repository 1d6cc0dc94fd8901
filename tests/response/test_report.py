"""A report's figures against what can be counted by hand, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from engine.tables import Intervention
from response.building import build_report
from response.facts import Note, Report
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import Effect, Sums
from response.statistics.verdicts import Verdict
from store.errors import InputError, NotFoundError
from store.session import reading
from tests.response.response_story import AMSTERDAM, DONE, EVERYONE, HOLDOUT, LEARN, MAIL, NOON, TEST, Story, flow, pick, split, telling


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def codes(report: Report) -> set[str]:
    return {note.code for note in report.notes}


def test_a_holdout_is_measured_on_everyone_assigned(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, control = story.arm(40, "start", "contacted", version), story.arm(40, "start", "control", version)
    for member in contacted[:12]:
        story.buys(member, 1000)
    story.buys(contacted[0], 2550, days=2)
    for member in control[:5]:
        story.buys(member, 1000)
    for member in contacted[:30]:
        story.message(member, "mail", "sent")
    for member in contacted[30:]:
        story.message(member, "mail", "suppressed", reason="no_consent")
    report = story.report()
    found = pick(report, "purchase", "contacted")
    assert (found.arm_assigned, found.control_assigned, found.arm_total, found.control_total) == (40, 40, 12, 5)
    assert found.primary
    assert found.absolute == difference_of_proportions(Sums.of_count(40, 12), Sums.of_count(40, 5))
    spend = pick(report, "spend", "contacted")
    assert (spend.arm_total, spend.control_total) == (145.5, 50.0)
    assert spend.absolute.estimate == pytest.approx(95.5 / 40)
    assert spend.arm_rate == pytest.approx(145.5 / 40)
    assert not spend.primary
    (experiment,) = report.experiments
    assert [(arm.arm, arm.assigned, arm.expected, arm.sent, arm.suppressed) for arm in experiment.arms] == [
        ("contacted", 40, 40, 30, 10),
        ("control", 40, 40, 0, 0),
    ]
    assert not experiment.broken


@pytest.mark.parametrize(
    ("days", "counts"), [(-0.001, False), (0, True), (27.999, True), (28, False)], ids=["before", "at entry", "last moment", "too late"]
)
def test_only_what_falls_within_the_window_counts(story: Story, days: float, counts: bool) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    story.arm(1, "start", "control", version)
    story.buys(member, 700, days=days)
    story.contact(member, "visited", days=days)
    report = story.report()
    assert pick(report, "purchase", "contacted").arm_total == counts
    assert pick(report, "spend", "contacted").arm_total == 7 * counts
    assert pick(report, "visit", "contacted").arm_total == counts


def test_the_window_runs_from_each_customers_own_entry(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    early, late = story.arm(1, "start", "contacted", version), story.arm(1, "start", "contacted", version, NOON + timedelta(days=20))
    story.arm(2, "start", "control", version)
    story.buys(early[0], 700, days=30)
    story.buys(late[0], 700, days=10)  # the same moment
    assert pick(story.report(), "purchase", "contacted").arm_total == 1


def test_reactions_are_of_humans_on_this_campaign_and_counted_once_a_customer(story: Story) -> None:
    learn = {**LEARN, "metric": "response", "also": ["click", "answer", "visit"]}
    version = story.runs(flow(HOLDOUT, DONE, learn=learn))
    first, second, third, fourth = story.arm(4, "start", "contacted", version)
    story.arm(4, "start", "control", version)
    story.contact(first, "visited")
    story.contact(first, "visited", days=2)
    story.contact(first, "answered", days=2)
    story.contact(second, "clicked", human=False)
    story.contact(second, "opened")
    story.contact(third, "clicked")
    story.contact(fourth, "visited", campaign="autumn")
    report = story.report()
    totals = {metric: pick(report, metric, "contacted").arm_total for metric in ("response", "click", "answer", "visit")}
    assert totals == {"response": 2, "click": 1, "answer": 1, "visit": 1}
    assert report.metrics == ("response", "click", "answer", "visit", "purchase", "spend")
    assert Note("control_has_no_message", (("metric", "click"),)) in report.notes


def test_visits_of_a_control_without_messages_count(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE, learn={**LEARN, "metric": "visit"}))
    story.arm(5, "start", "contacted", version)
    for member in story.arm(5, "start", "control", version)[:2]:
        story.contact(member, "visited", channel="import")
    report = story.report()
    assert pick(report, "visit", "contacted").control_total == 2
    assert "control_has_no_message" not in codes(report)


def test_spend_is_summed_to_the_cent_and_its_squares_exactly(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    rich = story.arm(4, "start", "contacted", version)
    story.arm(2, "start", "control", version)
    amounts = [3_000_000_000, 2_999_999_999, -250, 1]  # the sum of their squares does not fit 64 bits
    for member, amount in zip(rich, amounts, strict=True):
        story.buys(member, amount)
    spend = pick(story.report(), "spend", "contacted")
    variance = Sums(4, sum(amounts), sum(amount**2 for amount in amounts), 100).variance
    assert spend.arm_total == sum(amounts) / 100
    assert spend.absolute.high is not None
    assert spend.absolute.estimate is not None
    # Welch with a control of no spread: 3 degrees of freedom, whose 97.5 % quantile is 3.182446305284263.
    assert spend.absolute.high - spend.absolute.estimate == pytest.approx(3.182446305284263 * (variance / 4) ** 0.5, rel=1e-12)


def test_an_impossible_amount_is_told_not_computed_with(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    story.buys(member, 10**15)
    with pytest.raises(InputError, match="wrong amount"):
        story.report()


def test_purchases_in_another_currency_are_left_out_and_said(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    members = story.arm(3, "start", "contacted", version)
    story.arm(1, "start", "control", version)
    story.buys(members[0], 500)
    story.buys(members[1], 900, currency="USD")
    report = story.report()
    assert pick(report, "spend", "contacted").arm_total == 5
    assert pick(report, "purchase", "contacted").arm_total == 2
    assert Note("other_currencies", (("count", "1"),)) in report.notes


def test_purchases_that_are_all_in_one_currency_are_reported_in_it(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    story.buys(member, 900, currency="USD")
    report = story.report(currency="EUR")
    assert report.currency == "USD"
    assert pick(report, "spend", "contacted").arm_total == 9
    assert Note("costs_in", (("currency", "EUR"), ("used", "USD"))) in report.notes
    assert not any(note.code == "costs_in" for note in story.report(currency="USD").notes)


def test_a_split_compares_each_arm_with_its_control_and_corrects_for_several(story: Story) -> None:
    arms = {"a": {"share": "40%"}, "b": {"share": "40%"}, "none": {"share": "20%", "control": True}}
    version = story.runs(flow(EVERYONE, split(arms), DONE))
    groups = {name: story.arm(count, "arms", name, version) for name, count in (("a", 40), ("b", 40), ("none", 20))}
    for name, buyers in (("a", 25), ("b", 10), ("none", 5)):
        for member in groups[name][:buyers]:
            story.buys(member, 100)
    report = story.report()
    a, b = pick(report, "purchase", "a"), pick(report, "purchase", "b")
    assert (a.kind, a.control, a.primary, b.primary) == ("split", "none", True, True)
    assert a.p_value is not None
    assert a.adjusted_p_value == pytest.approx(2 * a.p_value)
    assert b.adjusted_p_value == b.p_value == 1.0
    assert (a.verdict, b.verdict) == (Verdict.BETTER, Verdict.INCONCLUSIVE)
    assert report.headline is a


def test_variants_are_compared_beside_the_holdout_which_stays_primary(story: Story) -> None:
    version = story.runs(flow(TEST, HOLDOUT, DONE))
    contacted = story.arm(20, "start", "contacted", version)
    story.arm(20, "start", "control", version)
    story.assigns(contacted[:10], "test", "warm", version)
    story.assigns(contacted[10:], "test", "plain", version)
    for member in contacted[:10]:
        story.message(member, "test", "sent", arm="warm")
    for member in contacted[10:16]:
        story.message(member, "test", "sent", arm="plain")
    report = story.report()
    assert [(each.node, each.kind, each.primary) for each in report.experiments] == [
        ("start", "holdout", True),
        ("test", "variants", False),
    ]
    assert pick(report, "purchase", "warm").control == "plain"
    assert [(arm.arm, arm.sent) for arm in report.experiments[1].arms] == [("warm", 10), ("plain", 6)]
    assert report.experiments[1].sent_ratio_p == pytest.approx(0.454, abs=1e-3)  # binomial, 10 of 16


def test_a_broken_split_is_not_valid(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    for member in story.arm(100, "start", "contacted", version)[:80]:
        story.buys(member, 100)
    story.arm(40, "start", "control", version)
    found = pick(story.report(), "purchase", "contacted")
    assert (found.verdict, found.why) == (Verdict.NOT_VALID, "split_broken")


def test_shares_that_changed_between_versions_are_checked_version_by_version(story: Story) -> None:
    """Without a learning goal; with one, other shares are another goal."""
    first = story.runs(flow(HOLDOUT, DONE, learn=None))
    fewer = HOLDOUT.model_copy(update={"holdout": type(HOLDOUT.holdout).parse("10%")}) if HOLDOUT.holdout else HOLDOUT
    second = story.runs(flow(fewer, DONE, learn=None), NOON + timedelta(days=1))
    story.arm(50, "start", "contacted", first)
    story.arm(50, "start", "control", first)
    story.arm(90, "start", "contacted", second)
    story.arm(10, "start", "control", second)
    report = story.report()
    assert [arm.expected for arm in report.experiments[0].arms] == pytest.approx([140, 60])
    assert report.experiments[0].sample_ratio_p == pytest.approx(1)
    assert [run.customers for run in report.versions] == [100, 100]
    assert "several_versions" in codes(report)
    assert "earlier_goals" not in codes(report)


def test_arms_by_the_data_have_no_written_shares(story: Story) -> None:
    arms = {"mens": {"is": "m"}, "none": {"is": "n", "control": True}}
    version = story.runs(flow(EVERYONE, split(arms, by="segment"), DONE))
    story.arm(9, "arms", "mens", version)
    story.arm(1, "arms", "none", version)
    report = story.report()
    assert report.experiments[0].sample_ratio_p is None
    assert Note("shares_by_data", (("node", "arms"),)) in report.notes


def test_a_split_without_a_control_says_which_arm_it_took(story: Story) -> None:
    version = story.runs(flow(EVERYONE, split({"a": {"share": "50%"}, "b": {"share": "50%"}}), DONE))
    story.arm(3, "arms", "a", version)
    story.arm(3, "arms", "b", version)
    report = story.report()
    assert pick(report, "purchase", "a").control == "b"
    assert Note("no_control_named", (("node", "arms"), ("control", "b"))) in report.notes


def test_while_a_window_is_open_only_the_goal_may_have_a_winner(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    for place, member in enumerate(story.arm(50, "start", "contacted", version)):
        story.buys(member, 100 + place)
    story.arm(50, "start", "control", version)
    early, done = story.report(days=27.9), story.report(days=28)
    assert (pick(early, "purchase", "contacted").verdict, early.window.open_customers) == (Verdict.BETTER, 100)
    assert pick(early, "purchase", "contacted").why == "early"
    assert (pick(early, "spend", "contacted").verdict, pick(early, "spend", "contacted").why) == (Verdict.INCONCLUSIVE, "window_open")
    assert early.window.closes_at == NOON + timedelta(days=28)
    assert pick(done, "spend", "contacted").verdict is Verdict.BETTER
    assert (pick(done, "purchase", "contacted").verdict, done.window.open_customers) == (Verdict.BETTER, 0)


def test_an_empty_control_is_not_valid(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(3, "start", "contacted", version)
    found = pick(story.report(), "purchase", "contacted")
    assert (found.verdict, found.why, found.absolute) == (Verdict.NOT_VALID, "nobody_in_control", Effect(None, None, None))
    assert found.control_rate is None


def test_an_empty_arm_is_not_valid(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(3, "start", "control", version)
    found = pick(story.report(), "purchase", "contacted")
    assert (found.verdict, found.why, found.arm_assigned) == (Verdict.NOT_VALID, "nobody_in_arm", 0)


def test_no_response_at_all_is_inconclusive_not_equal(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(30, "start", "contacted", version)
    story.arm(30, "start", "control", version)
    report = story.report()
    purchase, spend = pick(report, "purchase", "contacted"), pick(report, "spend", "contacted")
    assert (purchase.verdict, purchase.p_value, purchase.relative.estimate) == (Verdict.INCONCLUSIVE, 1.0, None)
    assert (spend.verdict, spend.why, spend.absolute) == (Verdict.INCONCLUSIVE, "no_spread", Effect(0.0, None, None))


def test_many_customers_without_an_effect_are_no_meaningful_difference(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(800, "start", "contacted", version)
    story.arm(800, "start", "control", version)
    found = pick(story.report(), "purchase", "contacted")
    assert (found.verdict, found.why) == (Verdict.SAME, "within_minimum")


def test_a_customer_who_comes_back_counts_once_with_the_first_entry(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    first = story.arm(3, "start", "contacted", version)
    story.arm(3, "start", "control", version)
    later = story.again([member.customer_id for member in first], version, NOON + timedelta(days=90), entry=2)
    story.assigns(later, "start", "contacted", version)
    story.buys(later[0], 100)
    report = story.report(days=200)
    found = pick(report, "purchase", "contacted")
    assert (found.arm_assigned, found.arm_total) == (3, 0)
    assert report.window.customers == 6
    assert "returning" in codes(report)


def test_a_campaign_without_arms_is_described_not_judged(story: Story) -> None:
    version = story.runs(flow(EVERYONE, MAIL, DONE, learn=None))
    story.buys(story.enters(4, version)[0], 1234)
    report = story.report()
    assert len(report.comparisons) == 0
    assert dict(report.overall) == {"purchase": 1, "spend": 12.34, "visit": 0}
    assert {"no_experiment", "no_goal"} <= codes(report)


def test_nobody_in_is_an_answer(story: Story) -> None:
    story.runs(flow(HOLDOUT, DONE))
    report = story.report()
    assert (report.comparisons, report.window.customers) == ((), 0)
    assert codes(report) == {"nobody_in"}


def test_entries_after_the_reports_moment_are_said_not_counted(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(2, "start", "contacted", version, NOON + timedelta(days=100))
    report = story.report(days=60)
    assert report.window.customers == 0
    assert Note("later_entries", (("customers", "2"),)) in report.notes


def test_an_unknown_campaign_is_answered_in_words(story: Story) -> None:
    def ask(name: str) -> Report:
        return build_report(story.session, name, NOON, AMSTERDAM, "EUR", lambda row: story.flows[row.version])

    with pytest.raises(NotFoundError, match="Did you mean 'spring'"):
        ask("sprong")
    with pytest.raises(NotFoundError, match="Campaigns that have run: spring"):
        ask("x")


def test_contacts_by_other_campaigns_are_counted_per_arm(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(2, "start", "contacted", version)
    control = story.arm(2, "start", "control", version)
    story.contact(control[0], "sent", campaign="autumn", direction="out")
    story.contact(control[0], "sent", campaign="autumn", direction="out", days=2)
    story.contact(control[1], "sent", campaign="autumn", direction="out", days=40)
    assert [arm.elsewhere for arm in story.report().experiments[0].arms] == [0, 1]


def test_a_reading_session_is_enough(database: Engine, story: Story) -> None:
    story.runs(flow(HOLDOUT, DONE))
    story.session.commit()
    with reading(database) as session:
        report = build_report(session, "spring", datetime(2026, 5, 1, tzinfo=UTC), AMSTERDAM, "EUR", lambda row: story.flows[row.version])
    assert report.title == "Spring <offer>"


def test_a_report_says_that_a_person_paused_the_campaign(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    story.arm(4, "start", "contacted", version)
    assert "halted" not in codes(story.report())
    story.session.add(Intervention(campaign_id=story.campaign_id, at=NOON, kind="paused"))
    story.session.add(Intervention(campaign_id=story.campaign_id, at=NOON, kind="resumed"))
    story.session.flush()
    [note] = [each for each in story.report().notes if each.code == "halted"]
    assert dict(note.values) == {"count": "1", "first": f"{NOON.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}"}
