"""Can it be trusted? Sizes of groups at every stage, what was known before the start, and what else the control got."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import Engine, event

from customers.tables import ConsentEvent
from engine.nodes.split import Split
from engine.tables import Member
from response.parts import Section
from response.sections.trust import section
from response.statistics.balance import chance_of_unlike, standardised_difference
from response.statistics.sums import UNDEFINED, Sums
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, MAIL, NOON, TEST, Story, flow, pick, split, telling
from tests.response.section_reading import keys, opening, rows, said, spoken


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def trust(story: Story, days: float = 60) -> Section:
    return section(story.sources(days))


def held_out(story: Story, contacted: int = 60, control: int = 60) -> tuple[list[Member], list[Member]]:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    return story.arm(contacted, "start", "contacted", version), story.arm(control, "start", "control", version)


def test_what_became_of_everybody_assigned_adds_up(story: Story) -> None:
    contacted, control = held_out(story, 40, 44)
    for place, state in enumerate(["sent", "sent", "suppressed", "suppressed", "failed", "unknown", "queued"]):
        story.message(contacted[place], "test", state, reason=[None, None, "opted_out", "no_address", "refused", None, None][place])
    story.contact(contacted[0], "delivered", node="test")
    story.contact(control[0], "sent", campaign="other", direction="out")
    story.contact(control[1], "sent", days=40, campaign="other", direction="out")  # after the window
    found = trust(story)
    contacted_row, control_row = rows(found, "trust")
    for row in (contacted_row, control_row):
        assert row["assigned"] == sum(row[name] for name in ("sent", "suppressed", "failed", "unknown", "open", "unwritten"))
    assert {name: contacted_row[name] for name in ("sent", "suppressed", "failed", "unknown", "open", "unwritten", "delivered")} == {
        "sent": 2,
        "suppressed": 2,
        "failed": 1,
        "unknown": 1,
        "open": 1,
        "unwritten": 33,
        "delivered": 1,
    }
    assert (control_row["unwritten"], control_row["elsewhere"]) == (44, 1)
    assert [(row["reason"], row["customers"], row["of_assigned"]) for row in rows(found, "held-back")] == [
        ("no_address", 1, 1 / 40),
        ("opted_out", 1, 1 / 40),
    ]
    assert said(found, "trust.elsewhere.some") == {"control": "control", "customers": 1, "share": 1 / 44, "others": 0}


def test_a_message_of_before_the_split_says_nothing_about_its_arms(story: Story) -> None:
    arms = split({"a": {"share": "50%"}, "b": {"share": "50%"}})
    version = story.runs(flow(EVERYONE, arms, DONE))
    [member] = story.enters(1, version)
    story.message(member, "mail", "sent")
    story.contact(member, "delivered", days=0)
    member.entered_at = NOON + timedelta(days=1)  # the exposure is dated by it
    story.assigns([member], "arms", "a", version)
    found = trust(story)
    assert [(row["group"], row["sent"], row["unwritten"]) for row in rows(found, "trust")] == [("a", 0, 1), ("b", 0, 0)]


def test_the_effect_on_those_reached_and_the_page_count_the_same_customers_as_reached(story: Story) -> None:
    arms = split({"a": {"share": "50%"}, "b": {"share": "50%"}})
    version = story.runs(flow(EVERYONE, MAIL, arms, DONE))
    a, b = story.enters(40, version), story.enters(40, version)
    for member in (*a, *b):
        story.message(member, "mail", "sent")  # everybody, before the arms were assigned
        member.entered_at = NOON + timedelta(days=1)  # the exposure is dated by it
    story.assigns(a, "arms", "a", version)
    story.assigns(b, "arms", "b", version)
    for member in a[:10]:
        story.message(member, "mail", "sent", hop=2)  # as one of an arm
    for member in (*a[:8], *b[:2]):
        story.buys(member, 100)
    report, found = story.report(), rows(trust(story), "trust")
    assert [(arm.arm, arm.sent) for arm in report.experiments[0].arms] == [("a", 10), ("b", 0)]
    assert [(row["group"], row["sent"]) for row in found] == [("a", 10), ("b", 0)]
    effect = pick(report, "purchase", "a")
    assert effect.absolute.estimate == pytest.approx(6 / 40)
    assert effect.cace is not None
    assert effect.cace.estimate == pytest.approx((6 / 40) / (10 / 40))


def test_a_broken_split_is_the_first_thing_said(story: Story) -> None:
    held_out(story, 300, 180)
    found = trust(story)
    assert (opening(found).key, opening(found).tone) == ("trust.open.broken", "alarm")
    assert said(found, "trust.sizes.bad")["p"] == pytest.approx(stats.chisquare([300, 180]).pvalue)


def test_a_split_as_written_is_checked_again_among_those_sent_and_those_delivered(story: Story) -> None:
    version = story.runs(flow(EVERYONE, TEST, DONE))
    for arm, sent, delivered in (("warm", 200, 190), ("plain", 199, 90)):
        members = story.arm(205, "test", arm, version)
        for place, member in enumerate(members):
            story.message(member, "test", "sent" if place < sent else "suppressed", arm=arm)
        for member in members[:delivered]:
            story.contact(member, "delivered", node="test")
    found = trust(story)
    assert keys(found)[:4] == ["trust.open.uneven", "trust.sizes.good", "trust.sent.good", "trust.delivered.bad.same"]
    _, left, arrived = rows(found, "split-checks")
    assert (left["finding"], arrived["finding"]) == ("good", "bad")
    assert left["p"] == pytest.approx(stats.chisquare([200, 199]).pvalue)
    assert left["even_p"] == pytest.approx(stats.chi2_contingency([[200, 5], [199, 6]], correction=False).pvalue)
    assert arrived["p"] == pytest.approx(stats.chisquare([190, 90]).pvalue)
    assert arrived["even_p"] == pytest.approx(stats.chi2_contingency([[190, 10], [90, 109]], correction=False).pvalue)


def test_holding_back_unevenly_is_seen_where_the_proportions_alone_would_hide_it(story: Story) -> None:
    version = story.runs(flow(EVERYONE, TEST, DONE))
    for arm, sent in (("warm", 200), ("plain", 160)):
        for place, member in enumerate(story.arm(205, "test", arm, version)):
            story.message(member, "test", "sent" if place < sent else "suppressed", arm=arm)
    found = trust(story)
    assert stats.chisquare([200, 160]).pvalue > 0.001
    assert "trust.sent.bad.same" in keys(found)


def test_every_split_is_checked_and_a_broken_one_does_not_hide_behind_the_main_one(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    contacted = story.arm(240, "start", "contacted", version)
    story.arm(240, "start", "control", version)
    story.assigns(contacted[:180], "test", "warm", version)
    story.assigns(contacted[180:], "test", "plain", version)
    found = trust(story)
    assert opening(found).key == "trust.open.broken_elsewhere"
    assert [row["assigned_at"] for row in rows(found, "split-checks")] == ["start", "start", "test", "test"]


def test_a_group_that_only_one_side_writes_to_is_not_called_broken(story: Story) -> None:
    contacted, _ = held_out(story)
    for member in contacted:
        story.message(member, "test", "sent")
    assert keys(trust(story))[1:3] == ["trust.sizes.good", "trust.sent.alone"]


def test_a_control_that_got_this_campaigns_message_is_told(story: Story) -> None:
    _, control = held_out(story)
    story.message(control[0], "test", "sent")
    found = trust(story)
    assert opening(found).key == "trust.open.leaked"
    assert said(found, "trust.leaked")["customers"] == 1


@pytest.mark.parametrize(
    ("state", "alarming"), [("failed", True), ("suppressed", True), ("sent", False), ("unknown", False), ("queued", False)]
)
def test_a_campaign_of_which_nothing_left_says_so_first(story: Story, state: str, alarming: bool) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, _ = (story.arm(100, "start", arm, version) for arm in ("contacted", "control"))
    for member in contacted[:2]:
        story.message(member, "mail", "failed", reason="refused")
    story.message(contacted[2], "mail", state, reason="refused")
    found = trust(story)
    assert (opening(found).key == "trust.open.unsent") is alarming
    assert not alarming or said(found, "trust.open.unsent")["customers"] == 3


def test_arms_that_the_data_chose_cannot_be_checked(story: Story) -> None:
    by = Split.model_validate({"id": "arms", "split": {"a": {"next": "done"}, "b": {"next": "done"}}, "by": "city"})
    version = story.runs(flow(EVERYONE, by, DONE))
    story.arm(20, "arms", "a", version)
    story.arm(5, "arms", "b", version)
    assert opening(trust(story)).key == "trust.open.data"


def test_balance_counts_what_is_dated_before_the_entry_and_nothing_after(story: Story) -> None:
    contacted, control = held_out(story, 3, 3)
    story.buys(contacted[0], 1000, days=-1)
    story.buys(contacted[0], 500, days=-30)  # longer ago than the window lasts
    story.buys(contacted[1], 2500, days=-10)
    story.buys(contacted[1], 9900, days=0)  # at the entry: after it
    story.buys(control[0], 4000, days=-27, currency="USD")
    story.contact(control[0], "sent", days=-2, campaign="other")
    story.contact(control[0], "sent", days=-29, campaign="other")
    story.contact(control[0], "clicked", days=-2)
    consent(story, contacted[0], "email", granted=True, days=-5)
    consent(story, contacted[0], "sms", granted=True, days=-5)
    consent(story, contacted[0], "sms", granted=False, days=-4)
    consent(story, contacted[1], "email", granted=True, days=1)
    consent(story, control[2], "email", granted=True, days=-3)
    found = {row["known"]: row for row in rows(trust(story), "balance")}
    averages = {name: (row["mean"], row["control_mean"]) for name, row in found.items()}
    assert averages == {
        "bought_before": (2 / 3, 1 / 3),
        "purchases": (2 / 3, 1 / 3),
        "spend": (pytest.approx(35 / 3), 0),
        "contacts": (0, 1 / 3),
        "opt_ins": (1 / 3, 1 / 3),
    }
    # One buyer in the control: no spread of days to judge by.
    assert found["opt_ins"]["smd"].estimate == 0


def test_days_since_the_last_purchase_are_averaged_over_those_who_had_bought(story: Story) -> None:
    contacted, control = held_out(story, 3, 3)
    for member, days in zip([*contacted[:2], *control[:2]], [-10, -20, -100, -200.5], strict=True):
        story.buys(member, 100, days=days)
    (row,) = [each for each in rows(trust(story), "balance") if each["known"] == "days_since_purchase"]
    assert (row["mean"], row["control_mean"]) == (15, 150)


def test_groups_that_differed_from_the_start_are_told_with_what_they_differ_in(story: Story) -> None:
    contacted, _ = held_out(story)
    for member in contacted[:40]:
        story.buys(member, 1000, days=-3)
    found = trust(story)
    assert (opening(found).key, opening(found).tone) == ("trust.open.unlike", "alarm")
    assert "balance.unlike" in keys(found)
    assert said_facts(found) == {"bought_before", "purchases", "spend"}


def test_differences_that_chance_explains_are_told_as_such(story: Story) -> None:
    contacted, control = held_out(story)
    for place, member in enumerate([*contacted[:8], *control[:5]]):
        story.buys(member, 1000, days=-3 - place % 7)
    found = trust(story)
    assert opening(found).key == "trust.open.good_by_chance"
    figures = said(found, "balance.chance")
    assert (figures["facts"], figures["far"]) == (4, 4)
    each = [2 * stats.norm.cdf(-0.1 / np.sqrt(1 / one + 1 / other)) for one, other in [(60, 60)] * 3 + [(8, 5)]]
    assert figures["chance"] == pytest.approx(1 - np.prod([1 - chance for chance in each]))


def test_every_sentence_can_be_said_in_every_language(story: Story) -> None:
    contacted, control = held_out(story)
    for member in contacted[:40]:
        story.buys(member, 1000, days=-3)
        story.message(member, "test", "suppressed", reason="opted_out")
    story.message(control[0], "test", "sent")
    sources = story.sources()
    texts = spoken(section(sources), sources)
    assert "Can it be trusted?" in texts["en"]
    assert "Is het te vertrouwen?" in texts["nl"]


def test_a_thousand_customers_take_as_many_statements_as_ten(database: Engine, story: Story) -> None:
    version = story.runs(flow(HOLDOUT, TEST, DONE))
    counts = []
    for size in (10, 1000):
        story.arm(size, "start", "contacted", version)
        story.arm(size, "start", "control", version)
        sources = story.sources()
        statements: list[str] = []
        listen = lambda *details, seen=statements: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        event.listen(database, "before_cursor_execute", listen)
        section(sources)
        event.remove(database, "before_cursor_execute", listen)
        counts.append(len(statements))
    assert counts == [3, 3]


def test_a_standardised_difference_of_shares_is_austins_formula() -> None:
    """Austin 2009: (p1 - p0) / sqrt((p1(1 - p1) + p0(1 - p0)) / 2), here by hand .05 / sqrt((.2275 + .21) / 2)."""
    test, control = Sums.of_count(100_000, 35_000), Sums.of_count(100_000, 30_000)
    assert standardised_difference(test, control).estimate == pytest.approx(0.05 / 0.21875**0.5, rel=1e-4)


def test_the_interval_of_a_standardised_difference_covers_what_it_says() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(1500):
        test, control = generator.normal(0.3, 1, 80), generator.normal(0, 1, 120)
        found = standardised_difference(sums(test), sums(control))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.3 <= found.high
    assert 0.935 <= covered / 1500 <= 0.965


def test_alike_groups_differ_by_a_tenth_as_often_as_is_said() -> None:
    generator = np.random.default_rng(7)
    test, control = generator.normal(size=(4000, 150)).mean(1), generator.normal(size=(4000, 250)).mean(1)
    assert chance_of_unlike(150, 250) == pytest.approx((abs(test - control) >= 0.1).mean(), abs=0.025)


def test_without_any_spread_there_is_no_standardised_difference() -> None:
    assert standardised_difference(Sums(5, 0, 0), Sums(5, 0, 0)) == UNDEFINED
    assert standardised_difference(Sums(1, 1, 1), Sums(5, 1, 1)) == UNDEFINED


def sums(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Sums:
    return Sums(len(values), float(values.sum()), float((values**2).sum()))


def said_facts(found: Section) -> set[str]:
    return {row["known"] for row in rows(found, "balance") if row["finding"] in ("odd", "unlike")}


def consent(story: Story, member: Member, channel: str, *, granted: bool, days: float) -> None:
    at = member.entered_at + timedelta(days=days)
    event_ = ConsentEvent(customer_id=member.customer_id, purpose="offers", channel=channel, granted=granted, at=at, source="page")
    story.session.add(event_)
    story.session.flush()
