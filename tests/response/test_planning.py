"""What an answer needs, from what customers do anyway; the base on both databases, by hand."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from customers.tables import Contact, Customer, Purchase, table_of
from engine.campaigns import not_started
from engine.metrics import BUILT_IN, MetricSpec
from response.baseline import arrivals, baseline
from response.planning import Base, Pair, needed
from response.statistics.looks import HYBRID_FIXED
from response.statistics.moments import Moments
from response.statistics.power import power_of_means, power_of_proportions, sample_size_of_proportions
from store.clock import to_micros
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

PURCHASE, SPEND = BUILT_IN["purchase"], BUILT_IN["spend"]
DAY = timedelta(days=1)
FLOW = "  in: {audience: days_since_purchase > 30, holdout: 10%}\n  won: {goal: buys}\n"


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, database: Engine) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), database)


def buys(bench: Bench, customer: int, days_ago: float, cents: int = 1000, currency: str = "EUR") -> None:
    with writing(bench.workspace.database) as session:
        key = f"{customer}-{days_ago}"
        at = NOON - timedelta(days=days_ago)
        session.add(Purchase(key=key, customer_id=customer, purchased_at=at, amount_cents=cents, currency=currency))


def counted(bench: Bench, spec: MetricSpec, days: int = 14) -> Moments:
    running = not_started(bench.workspace, bench.start(FLOW)[0].graph)
    with reading(bench.workspace.database) as session:
        return baseline(session, running, spec, "EUR", to_micros(NOON - days * DAY), to_micros(NOON))


def story(bench: Bench) -> None:
    """Five customers whom the audience would have let in a fortnight ago, and three whom it would not."""
    bench.people(8)
    for customer in range(1, 6):
        buys(bench, customer, 100)
    buys(bench, 1, 10, 1250)
    buys(bench, 1, 13.999, 250)  # soon after the beginning of the window: in it
    buys(bench, 2, 0.5, 3000)
    buys(bench, 3, 3, 999, "USD")
    buys(bench, 6, 20)  # bought too lately to be let in then
    buys(bench, 6, 5)
    buys(bench, 7, 14.0001, 7777)  # a moment before


def test_the_base_is_what_the_audience_of_then_did_since(bench: Bench) -> None:
    story(bench)
    assert counted(bench, PURCHASE).outcome.mean == pytest.approx(3 / 5)
    spend = counted(bench, SPEND)
    assert (spend.n, spend.y, spend.yy) == (5, 1500 + 3000, 1500**2 + 3000**2)
    assert spend.outcome.mean == pytest.approx(9.0)


def test_who_bought_in_the_window_is_not_in_the_audience_of_today_but_was_then(bench: Bench) -> None:
    story(bench)
    assert counted(bench, PURCHASE).n == 5


def test_a_ratio_has_both_its_sides(bench: Bench) -> None:
    story(bench)
    found = counted(bench, MetricSpec("basket", "spend", per="orders"))
    assert (found.y, found.x, found.xy) == (4500, 3, 1500 * 2 + 3000 * 1)  # the dollars are on neither side


def test_reactions_are_those_of_people_to_any_campaign(bench: Bench) -> None:
    story(bench)
    with writing(bench.workspace.database) as session:
        for customer, human, campaign in ((1, True, "old"), (1, True, "old"), (2, False, "old"), (3, True, "other"), (6, True, "old")):
            at = NOON - 2 * DAY
            seen = Contact(at=at, customer_id=customer, campaign=campaign, channel="web", direction="in", kind="visited", human=human)
            session.add(seen)
    assert counted(bench, BUILT_IN["visit"]).y == 2


def test_who_was_erased_is_not_counted(bench: Bench) -> None:
    story(bench)
    buys(bench, 8, 35)
    with writing(bench.workspace.database) as session:
        session.execute(update(table_of(Customer)).where(table_of(Customer).c.id.in_((1, 8))).values(erased_at=NOON))
    assert counted(bench, PURCHASE).n == 4
    [running] = bench.start(FLOW)
    with reading(bench.workspace.database) as session:
        assert arrivals(session, running, to_micros(NOON - 14 * DAY), to_micros(NOON)) == 0


def test_who_newly_qualifies_is_counted(bench: Bench) -> None:
    story(bench)
    buys(bench, 8, 35)
    [running] = bench.start(FLOW)
    with reading(bench.workspace.database) as session:
        assert arrivals(session, running, to_micros(NOON - 14 * DAY), to_micros(NOON)) == 1


def test_an_audience_that_nobody_is_in_says_nothing(bench: Bench) -> None:
    bench.people(3)
    assert Base.of_history(PURCHASE, counted(bench, PURCHASE)) is None


def test_nobody_who_did_it_is_not_a_rate_to_plan_with() -> None:
    assert Base.of_history(PURCHASE, Moments(500, 0, 0, 0, 0, 0)) is None
    found = Base.of_history(PURCHASE, Moments(500, 25, 25, 0, 0, 0))
    assert found is not None
    assert found.mean == 0.05
    assert found.variance == pytest.approx(0.0475)


def test_a_pair_has_the_sizes_of_its_written_shares_and_the_power_of_its_counts() -> None:
    found = needed(Pair("in", "holdout", "contacted", "control", 910, 90, arm_share=0.9), PURCHASE, Base.of_rate(0.03), 0.01)
    assert found.sizes == sample_size_of_proportions(0.04, 0.03, 0.9, alpha=HYBRID_FIXED)
    assert found.power == power_of_proportions(0.04, 0.03, 910, 90, HYBRID_FIXED)
    assert found.enough is False
    assert found.detectable is not None
    assert power_of_proportions(0.03 + found.detectable, 0.03, 910, 90, HYBRID_FIXED) == pytest.approx(0.8)


def test_what_is_needed_is_enough_and_one_less_is_not() -> None:
    base = Base.of_rate(0.03)
    sizes = needed(Pair("in", "split", "a", "b", 0, 0, arm_share=0.5), PURCHASE, base, 0.01).sizes
    assert sizes is not None
    assert needed(Pair("in", "split", "a", "b", sizes.test, sizes.control), PURCHASE, base, 0.01).enough
    assert needed(Pair("in", "split", "a", "b", sizes.test - 9, sizes.control - 9), PURCHASE, base, 0.01).enough is False


def test_several_arms_against_one_control_take_more() -> None:
    one, three = (needed(Pair("x", "split", "a", "b", 500, 500, arms), PURCHASE, Base.of_rate(0.1), 0.05) for arms in (1, 3))
    assert one.sizes is not None
    assert three.sizes is not None
    assert three.sizes.total > one.sizes.total
    assert three.alpha == pytest.approx(HYBRID_FIXED / 3)


def test_of_what_is_better_when_it_is_less_a_fall_is_looked_for() -> None:
    opt_out, pair = BUILT_IN["opt_out"], Pair("x", "variants", "a", "b", 2000, 2000)
    found = needed(pair, opt_out, Base.of_rate(0.05), 0.01)
    assert found.sizes == sample_size_of_proportions(0.04, 0.05, alpha=HYBRID_FIXED)
    assert needed(pair, opt_out, Base.of_rate(0.005), 0.01).sizes is None  # it cannot fall below nothing


def test_amounts_take_the_spread_that_was_seen() -> None:
    found = needed(Pair("x", "holdout", "a", "b", 900, 100, arm_share=0.9), SPEND, Base(12.0, 400.0), 2.0)
    assert found.sizes is not None
    assert power_of_means(2.0, 400, 400, found.sizes.test, found.sizes.control, HYBRID_FIXED) >= 0.8
    assert found.power == power_of_means(2.0, 400, 400, 900, 100, HYBRID_FIXED)


def test_an_empty_arm_says_what_is_needed_and_nothing_else() -> None:
    found = needed(Pair("x", "split", "a", "b", 0, 0, arm_share=0.5), PURCHASE, Base.of_rate(0.1), 0.02)
    assert found.sizes is not None
    assert (found.detectable, found.power, found.enough) == (None, None, None)
