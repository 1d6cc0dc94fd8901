"""Costs and what they brought, against what can be done by hand, on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from customers.tables import Purchase
from engine.metrics import MetricSpec
from response.sections.money import section
from response.statistics.means import difference_of_means
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Effect, Sums
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, MAIL, NOON, Story, flow, split, telling
from tests.response.section_reading import keys, spoken
from tests.response.section_tables import assert_it_adds_up, table_rows


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def won(story: Story, letters: int = 10) -> None:
    """100 contacted, 40 buy for 20.00; 100 in control, 10 buy. 80 get a mail of 1 cent, the first ten also a letter of 95 cents."""
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, control = (story.arm(100, "start", name, version) for name in ("contacted", "control"))
    for member in [*contacted[:40], *control[:10]]:
        story.buys(member, 2000)
    for member in contacted[:80]:
        story.message(member, "mail", "sent", units=1, cost_millicents=1000)
    for member in contacted[80:]:
        story.message(member, "mail", "suppressed", reason="no_consent")
    for member in contacted[:letters]:
        story.message(member, "mail", "sent", hop=2, units=2, cost_millicents=95_000)


def test_costs_by_channel_and_by_group_are_those_of_the_messages_that_left(story: Story) -> None:
    won(story)
    found = section(story.sources())
    (mail, total) = table_rows(found, "money-channels")
    assert mail == {"channel": "email", "messages": 90, "units": 100, "cost": pytest.approx(10.3), "cost_each": pytest.approx(10.3 / 90)}
    assert total == {**mail, "channel": "sum"}
    contacted, control, _ = table_rows(found, "money-groups")
    assert (contacted["assigned"], contacted["cost"], contacted["cost_head"]) == (100, pytest.approx(10.3), pytest.approx(0.103))
    assert (control["messages"], control["cost"], control["cost_head"]) == (0, 0, 0)
    assert_it_adds_up(found)


def test_costs_in_another_currency_than_the_purchases_are_not_passed_over(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted = story.arm(60, "start", "contacted", version)
    story.arm(60, "start", "control", version)
    for member in contacted:
        story.buys(member, 2000, currency="USD")
        story.message(member, "mail", "sent", units=1, cost_millicents=1000)
    sources = story.sources(currency="EUR")
    assert "Write `[costs]` in USD." in spoken(section(sources), sources)["en"]
    sources = story.sources(currency="USD")
    assert "[costs]" not in spoken(section(sources), sources)["en"]


def test_each_message_that_may_have_left_is_counted_and_no_other(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    members = story.arm(6, "start", "contacted", version)
    for member, state in zip(members, ("sent", "unknown", "failed", "suppressed", "queued", "sending"), strict=True):
        story.message(member, "mail", state, units=1, cost_millicents=1000)
    (mail, _) = table_rows(section(story.sources()), "money-channels")
    assert (mail["messages"], mail["cost"]) == (2, pytest.approx(0.02))


def test_every_word_is_there_in_both_languages(story: Story) -> None:
    won(story)
    sources = story.sources()
    said = spoken(section(sources), sources)
    assert "Each extra purchase in group “contacted” cost €0.34" in said["en"]
    assert "Een extra aankoop in groep “benaderd” kostte €" in said["nl"]


def test_parts_of_a_cent_are_shown(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    story.message(member, "mail", "sent", units=1, cost_millicents=50)
    sources = story.sources()
    assert "on average €0.0005 each" in spoken(section(sources), sources)["en"]


def test_a_group_is_set_against_the_control(story: Story) -> None:
    won(story)
    (account,) = table_rows(section(story.sources()), "money-accounts")
    lift = difference_of_proportions(Sums.of_count(100, 40), Sums.of_count(100, 10))
    money = difference_of_means(Sums(100, 80_000, 40 * 2000**2, 100), Sums(100, 20_000, 10 * 2000**2, 100))
    assert account["extra_cost"] == pytest.approx(10.3)
    assert account["extra_responses"] == times(lift, 100)
    assert account["extra_turnover"] == times(money, 100)
    assert account["cost_per_response"].estimate == pytest.approx(10.3 / 30)
    assert account["return_on_cost"].estimate == pytest.approx(600 / 10.3)
    for name in ("cost_per_response", "return_on_cost"):
        assert account[name].low < account[name].estimate < account[name].high


def test_what_is_left_is_counted_customer_by_customer(story: Story) -> None:
    """The net of each customer is money less cost, and the two hang together: the interval is not that of money alone."""
    won(story)
    (account,) = table_rows(section(story.sources()), "money-accounts")
    cents = [2000 * (place < 40) - (place < 80) - 95 * (place < 10) for place in range(100)]
    net = Sums(100, sum(cents), sum(each**2 for each in cents), 100)
    expected = times(difference_of_means(net, Sums(100, 20_000, 10 * 2000**2, 100)), 100)
    assert (account["net"].estimate, account["net"].low, account["net"].high) == pytest.approx(
        (expected.estimate, expected.low, expected.high), rel=1e-9
    )


def times(effect: Effect, customers: int) -> Effect:
    assert None not in (effect.estimate, effect.low, effect.high)
    return Effect(*(each * customers for each in (effect.estimate, effect.low, effect.high) if each is not None))


def test_without_a_lift_nothing_is_priced(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, control = (story.arm(100, "start", name, version) for name in ("contacted", "control"))
    for member in [*contacted[:11], *control[:10]]:
        story.buys(member, 2000)
    for member in contacted:
        story.message(member, "mail", "sent", units=1, cost_millicents=50_000)
    found = section(story.sources())
    (account,) = table_rows(found, "money-accounts")
    assert account["cost_per_response"] == UNDEFINED
    assert account["return_on_cost"] == UNDEFINED
    assert account["net"].low < 0 < account["net"].high
    assert keys(found)[:2] == ["money.unknown.turnover", "money.no_price"]


def test_a_harmful_campaign_has_no_price_but_a_negative_return(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, control = (story.arm(100, "start", name, version) for name in ("contacted", "control"))
    for member in [*contacted[:5], *control[:40]]:
        story.buys(member, 2000)
    story.message(contacted[0], "mail", "sent", units=1, cost_millicents=50_000)
    story.message(contacted[1], "mail", "sent", units=1, cost_millicents=50_000)
    for member in contacted[2:]:
        story.message(member, "mail", "sent", units=1, cost_millicents=50_001)
    found = section(story.sources())
    (account,) = table_rows(found, "money-accounts")
    assert account["cost_per_response"] == UNDEFINED
    assert account["return_on_cost"].high < 0
    assert keys(found)[:2] == ["money.lost.turnover", "money.no_price"]


def test_turnover_is_called_turnover_until_the_workspace_declares_a_margin(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    contacted, control = (story.arm(50, "start", name, version) for name in ("contacted", "control"))
    for number, member in enumerate([*contacted[:20], *control[:2]]):
        row = Purchase(key=f"m{number}", customer_id=member.customer_id, purchased_at=NOON, amount_cents=1000, margin_cents=None)
        story.session.add(row if number else Purchase(**{**row.model_dump(), "margin_cents": 700}))
    story.message(contacted[0], "mail", "sent", units=1, cost_millicents=95_000)
    story.session.flush()
    sources = story.sources()
    assert "money.not_margin" in keys(section(sources))
    margin = MetricSpec("profit", "margin", margin_share=0.25)
    found = section(replace(sources, metrics={**sources.metrics, "profit": margin}))
    (account,) = table_rows(found, "money-accounts")
    assert account["extra_margin"].estimate == pytest.approx(7.00 + 19 * 2.50 - 2 * 2.50)
    assert "money.not_margin" not in keys(found)


def test_whoever_is_not_compared_has_costs_all_the_same(story: Story) -> None:
    """A split after a message: half of the customers never come to it."""
    arms = {"new": {"share": "50%"}, "old": {"share": "50%", "control": True}}
    version = story.runs(flow(EVERYONE, MAIL, split(arms), DONE))
    members = story.enters(8, version)
    for member in members:
        story.message(member, "mail", "sent", units=1, cost_millicents=1000)
    story.assigns(members[:2], "arms", "new", version)
    story.assigns(members[2:4], "arms", "old", version)
    found = section(story.sources())
    assert [(row["group"], row["messages"]) for row in table_rows(found, "money-groups")] == [
        ("new", 2),
        ("old", 2),
        ("not_compared", 4),
        ("sum", 8),
    ]
    assert_it_adds_up(found)
    assert keys(found)[0] == "money.free.turnover"


def test_a_broken_split_is_not_priced(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    story.arm(100, "start", "contacted", version)
    story.arm(300, "start", "control", version)
    found = section(story.sources())
    assert found is None  # nothing was sent, and nothing may be compared
    (member,) = story.arm(1, "start", "contacted", version)
    story.message(member, "mail", "sent", units=1, cost_millicents=1000)
    assert keys(section(story.sources()))[0] == "money.not_valid"


def test_without_messages_and_groups_there_is_no_account(story: Story) -> None:
    story.enters(3, story.runs(flow(EVERYONE, DONE)))
    assert section(story.sources()) is None
