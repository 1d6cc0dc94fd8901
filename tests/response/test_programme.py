"""All campaigns together, side by side, and against what is meant: figures that can be done by hand, on both databases."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import Engine, event, select
from sqlmodel import Session

from customers.conditions.vocabulary import AttributeKind
from customers.tables import Contact, Customer, Purchase, table_of
from engine.metrics import BUILT_IN, MetricSpec
from engine.tables import Programme
from response.comparing import comparing_document
from response.parts import Document, Section
from response.programme import programme_document
from response.render.html import as_html
from response.render.pages import page_as_json
from response.sections.programme import section
from response.standing import Campaigning, Terms, sum_of
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Effect, Sums
from response.statistics.totals import sum_of_effects, times
from response.strategy import Meant, strategy_document
from store.session import reading, writing
from tests.response.response_story import AMSTERDAM, DONE, HOLDOUT, MAIL, NOON, Story, flow, telling
from tests.response.section_reading import keys, rows, said, spoken

TERMS = Terms(NOON + timedelta(days=60), AMSTERDAM.key, "EUR", share=0.1)
OPEN, HELD = 360, 40


def draw(session: Session, people: int = OPEN, held: int = HELD, share: float = 0.1) -> None:
    """Customers 1, 2, ..., of whom the last `held` are held out, drawn at NOON."""
    for n in range(1, people + held + 1):
        session.add(Customer(id=n, key=f"c{n}", created_at=NOON, changed_at=NOON))
    session.flush()
    for n in range(1, people + held + 1):
        session.add(Programme(customer_id=n, held_out=n > people, share=share, at=NOON))
    session.flush()


def buy(session: Session, customer: int, cents: int, days: float, **values: Any) -> None:
    key = f"{customer}-{days}-{cents}-{values}"
    session.add(Purchase(key=key, customer_id=customer, purchased_at=NOON + timedelta(days=days), amount_cents=cents, **values))
    session.flush()


def programme_of(database: Engine, terms: Terms = TERMS, campaigns: tuple[Campaigning, ...] = ()) -> Document:
    with reading(database) as session:
        return programme_document(session, terms, campaigns)


def part(document: Document, name: str) -> Section:
    (found,) = [each for each in document.sections if each.name == name]
    return found


def test_the_hold_out_is_compared_on_what_was_bought_since_the_draw(database: Engine) -> None:
    with writing(database) as session:
        draw(session)
        for n in range(1, 91):
            buy(session, n, 1_000, days=30)
        for n in range(OPEN + 1, OPEN + 7):
            buy(session, n, 2_000, days=1)
        buy(session, 1, 500, days=31)  # a second purchase: one buyer, more spend
        buy(session, 200, 9_900, days=-1)  # before the draw
        buy(session, 201, 9_900, days=61)  # after the report's moment
        buy(session, 1, 7_700, days=2, currency="USD")
    document = programme_of(database)
    purchase, spend = rows(part(document, "programme_together"), "programme")
    assert (purchase["open_customers"], purchase["held_customers"]) == (OPEN, HELD)
    assert (purchase["open_rate"], purchase["held_rate"]) == (90 / OPEN, 6 / HELD)
    assert purchase["absolute"] == difference_of_proportions(Sums.of_count(OPEN, 90), Sums.of_count(HELD, 6))
    assert purchase["verdict"] == "inconclusive"
    assert (spend["open_rate"], spend["held_rate"]) == (pytest.approx(905 / OPEN), pytest.approx(120 / HELD))
    assert said(part(document, "programme_together"), "programme.counted")["held"] == HELD
    assert document.headline[0].key == "programme.share.more"


def test_nothing_before_since_is_counted(database: Engine) -> None:
    with writing(database) as session:
        draw(session)
        buy(session, 1, 1_000, days=3)
        buy(session, 2, 1_000, days=20)
    document = programme_of(database, replace(TERMS, since=NOON + timedelta(days=10)))
    assert rows(part(document, "programme_together"), "programme")[0]["open_rate"] == 1 / OPEN


def test_margin_is_the_purchases_own_or_the_metrics_share(database: Engine) -> None:
    with writing(database) as session:
        draw(session, 10, 10)
        buy(session, 1, 1_000, days=3, margin_cents=250)
        buy(session, 2, 1_000, days=3)
    own = {**BUILT_IN, "margin": MetricSpec("margin", "margin", margin_share=0.4)}
    margin = rows(part(programme_of(database, replace(TERMS, metrics=own)), "programme_together"), "programme")[2]
    assert (margin["metric"], margin["open_rate"]) == ("margin", pytest.approx((2.50 + 4.00) / 10))


def test_a_draw_that_went_wrong_is_not_valid(database: Engine) -> None:
    with writing(database) as session:
        draw(session, 300, 100)  # a tenth was to be held out
        buy(session, 1, 100, days=1)
    document = programme_of(database)
    assert document.headline[0].key == "programme.broken"
    assert {row["verdict"] for row in rows(part(document, "programme_together"), "programme")} == {"not valid"}
    assert "programme.ratio" not in keys(part(document, "programme_together"))


@pytest.mark.parametrize(("share", "key"), [(None, "programme.none"), (0.05, "programme.nobody_drawn")])
def test_without_a_draw_it_says_what_is_missing(database: Engine, share: float | None, key: str) -> None:
    document = programme_of(database, replace(TERMS, share=share))
    assert document.headline[0].key == key
    assert keys(part(document, "programme_together")) == [key]


def test_messages_to_the_held_out_are_told(database: Engine) -> None:
    with writing(database) as session:
        draw(session)
        for n, days, campaign in ((1, 1, "spring"), (400, 1, "spring"), (399, -1, "spring"), (398, 1, None)):
            at = NOON + timedelta(days=days)
            session.add(Contact(at=at, customer_id=n, direction="out", channel="email", kind="sent", campaign=campaign))
    assert said(part(programme_of(database), "programme_together"), "programme.leaked") == {"customers": 1, "share": 1 / HELD}


def test_pressure_counts_customers_by_messages_of_ninety_days(database: Engine) -> None:
    with writing(database) as session:
        draw(session, 10, 0)
        for n, count in ((1, 1), (2, 3), (3, 8)):
            for message in range(count):
                at = NOON + timedelta(days=message)
                session.add(Contact(at=at, customer_id=n, direction="out", channel="sms", kind="sent", campaign="a"))
        session.add(Contact(at=NOON - timedelta(days=31), customer_id=4, direction="out", channel="sms", kind="sent", campaign="a"))
        session.add(Contact(at=NOON, customer_id=3, direction="in", channel="web", kind="opted_out", campaign="a"))
    found = part(programme_of(database), "programme_pressure")
    bands = {row["messages_90"]: (row["customers"], row["opted_out"]) for row in rows(found, "pressure-all")[:-1]}
    assert bands == {"0": (7, 0), "1": (1, 0), "2-3": (1, 0), "4-6": (0, 0), "7+": (1, 1)}
    assert rows(found, "pressure-channels")[-1]["messages"] == 12
    assert said(found, "pressure_all.opening")["mean"] == 1.2


def spring(story: Story, bought: tuple[int, int] = (30, 10), **header: Any) -> Campaigning:
    """A campaign of 100 contacted and 100 in control, of whom so many bought 10 each."""
    graph = flow(HOLDOUT, MAIL, DONE, **header)
    version = story.runs(graph)
    for arm, buyers in zip(("contacted", "control"), bought, strict=True):
        for member in story.arm(100, "start", arm, version)[:buyers]:
            story.buys(member, 1_000)
    return Campaigning(story.report(), graph)


def named(campaign: Campaigning, name: str) -> Campaigning:
    return replace(campaign, report=replace(campaign.report, campaign=name))


def test_the_sum_of_campaigns_adds_each_ones_own_difference(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story)
    exempt = Campaigning(one.report, flow(HOLDOUT, MAIL, DONE, programme="exempt"))
    without = named(replace(one, report=replace(one.report, comparisons=())), "without")
    added = sum_of([one, named(one, "again"), exempt, without])
    assert (added.counted, added.missing) == (("spring", "again"), ("without",))
    single = difference_of_proportions(Sums.of_count(100, 30), Sums.of_count(100, 10))
    total = added.by_metric["purchase"]
    assert total.estimate == pytest.approx(40)
    assert total.low == pytest.approx(40 - 2**0.5 * 100 * (0.2 - (single.low or 0)))
    assert added.by_metric["spend"].estimate == pytest.approx(400)
    assert one.brought("purchase") == times(single, 100)


def test_the_sum_stands_beside_the_hold_out_with_why_they_may_differ(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story)
        people = story.session.execute(select(table_of(Customer).c.id).order_by(table_of(Customer).c.id)).scalars().all()
        for n in people:
            story.session.add(Programme(customer_id=n, held_out=n % 10 == 0, share=0.1, at=NOON + timedelta(hours=1)))
    document = programme_of(database, campaigns=(one,))
    beside = rows(part(document, "programme_together"), "programme-beside")
    assert [row["metric"] for row in beside] == ["purchase", "spend"]
    assert beside[0]["by_campaigns"].estimate == pytest.approx(20)
    assert keys(part(document, "programme_together"))[-5:] == [
        f"programme.why.{each}" for each in ("before", "twice", "forward", "windows", "chance")
    ]
    table = rows(part(document, "programme_campaigns"), "campaigns")
    assert (table[0]["campaign"], table[0]["verdict"], table[0]["extra_buyers"].estimate) == ("spring", "better", pytest.approx(20))
    assert table[-1]["extra_buyers"].estimate == pytest.approx(20)


def test_every_page_reads_in_both_languages_and_as_data(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story)
        story.session.add(Programme(customer_id=1, held_out=False, share=0.1, at=NOON))
        story.session.add(Programme(customer_id=2, held_out=True, share=0.1, at=NOON))
        mailed = story.again([3], next(iter(story.versions)), NOON, 2)[0]
        story.contact(mailed, "sent", channel="email", direction="out")
    with reading(database) as session:
        pages = [
            programme_document(session, replace(TERMS, share=None), (one, named(one, "other"))),
            comparing_document(session, TERMS, (one, named(one, "other"))),
            strategy_document(session, TERMS, SHOP, MEANT),
        ]
    for page in pages:
        for language in ("en", "nl"):
            html = as_html(page, language)
            assert f'lang="{language}"' in html
            assert "{" not in html.split("</style>")[1]
        assert page_as_json(page)["sections"]


def test_campaigns_side_by_side_are_only_described(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story)
        version = next(iter(story.versions))
        member = story.enters(1, version)[0]
        message = story.message(member, "mail", "sent", cost_millicents=250_000)
        story.contact(member, "sent", channel="email", direction="out", message_id=message)
        story.contact(member, "visited", channel="web", message_id=message)
        one = Campaigning(story.report(), one.flow)
    other = named(replace(one, report=replace(one.report, comparisons=(), overall=(("purchase", 41.0),))), "other")
    with reading(database) as session:
        document = comparing_document(session, TERMS, (one, other))
    effects = part(document, "compare_effects")
    assert keys(effects)[:2] == ["compare.opening.some", "compare.not_randomised"]
    first, second = rows(effects, "compare")
    assert (first["campaign"], first["verdict"], first["cost"]) == ("spring", "better", 2.5)
    assert first["cost_per_extra"].estimate == pytest.approx(2.5 / 20)
    assert first["cost_per_extra"].low < first["cost_per_extra"].estimate < first["cost_per_extra"].high
    assert (second["verdict"], second["cost_per_extra"]) == (None, None)
    by_channel = rows(part(document, "compare_channels"), "compare-channels")
    assert (by_channel[0]["channel"], by_channel[0]["sent_customers"], by_channel[0]["responded"], by_channel[0]["cost"]) == (
        "email",
        1,
        1,
        2.5,
    )


def test_two_campaigns_that_differ_by_chance_are_said_to(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story)
    with reading(database) as session:
        alike = comparing_document(session, TERMS, (one, named(one, "other")))
    found = said(part(alike, "compare_effects"), "compare.overlap")
    assert (found["one"], found["other"], found["difference"].estimate) == ("spring", "other", 0)


def test_an_effect_that_may_be_none_has_no_cost_per_extra_one(database: Engine) -> None:
    with telling(database) as story:
        one = spring(story, bought=(12, 10))
    with reading(database) as session:
        document = comparing_document(session, TERMS, (one, named(one, "other")))
    assert rows(part(document, "compare_effects"), "compare")[0]["cost_per_extra"] == UNDEFINED


@dataclass(frozen=True)
class Shop:
    segments: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, AttributeKind] = field(default_factory=dict)
    zone: ZoneInfo = AMSTERDAM


SHOP = Shop({"north": "postcode like '9%'", "south": "postcode like '6%'"})
MEANT = {"north": Meant("a second visit", "email", "purchase"), "south": Meant("", None, "spend")}


def test_what_a_segment_got_stands_against_what_was_meant(database: Engine) -> None:
    with writing(database) as session:
        for n in range(1, 21):
            postcode = {0: "9712 AB", 1: "6211 AB", 2: None}[n % 3]
            session.add(Customer(id=n, key=f"c{n}", postcode=postcode, created_at=NOON, changed_at=NOON))
        session.flush()
        for n, channel in ((3, "sms"), (3, "sms"), (6, "email"), (1, "email")):
            at = NOON + timedelta(days=1)
            session.add(Contact(at=at, customer_id=n, direction="out", channel=channel, kind="sent", campaign="a"))
        session.add(Contact(at=NOON, customer_id=3, direction="in", channel="sms", kind="opted_out", campaign="a"))
        session.add(Contact(at=NOON, customer_id=6, direction="in", channel="email", kind="clicked", campaign="a", human=False))
        session.add(Contact(at=NOON - timedelta(days=90), customer_id=9, direction="out", channel="print", kind="sent", campaign="a"))
        buy(session, 3, 1_000, days=2)
        buy(session, 1, 3_000, days=2)
    with reading(database) as session:
        document = strategy_document(session, TERMS, SHOP, MEANT)
    north, south = rows(part(document, "strategy_meant"), "strategy")
    assert (north["customers"], north["meant_channel"], north["most_channel"]) == (6, "email", "sms")
    assert (north["on_meant"], north["reached"], north["measured"]) == (1 / 3, 2 / 6, 1 / 6)
    assert north["per_month"] == pytest.approx(3 / 6 / 90 * 30)
    assert (south["customers"], south["measured"]) == (7, pytest.approx(30 / 7))
    assert document.headline[0].key == "strategy.some_astray"
    channels = {(row["segment"], row["channel"]): row for row in rows(part(document, "strategy_channels"), "strategy-channels")}
    assert {key: row["messages"] for key, row in channels.items()} == {("north", "sms"): 2, ("north", "email"): 1, ("south", "email"): 1}
    assert (channels["north", "sms"]["opt_out_rate"], channels["north", "email"]["responded"]) == (1, 0)


def test_a_few_customers_are_not_told_apart(database: Engine) -> None:
    with writing(database) as session:
        session.add(Customer(id=1, key="c1", postcode="9712 AB", created_at=NOON, changed_at=NOON))
        session.flush()
        buy(session, 1, 1_000, days=2)
        session.add(Contact(at=NOON, customer_id=1, direction="out", channel="sms", kind="sent", campaign="a"))
    with reading(database) as session:
        found = part(strategy_document(session, TERMS, SHOP, MEANT), "strategy_meant")
    assert rows(found, "strategy")[0]["measured"] is None


def test_a_campaigns_own_report_says_where_it_stands(database: Engine) -> None:
    with telling(database) as story:
        spring(story)
        story.session.add(Customer(id=9_001, key="held", created_at=NOON, changed_at=NOON))
        story.session.flush()
        story.session.add(Programme(customer_id=9_001, held_out=True, share=0.1, at=NOON))
        first = story.session.execute(select(table_of(Customer).c.id).order_by(table_of(Customer).c.id).limit(1)).scalar_one()
        for days in (1, 2):
            at = NOON + timedelta(days=days)
            story.session.add(Contact(at=at, customer_id=first, direction="out", channel="sms", kind="sent", campaign="summer"))
        at = NOON + timedelta(days=40)  # outside the window
        story.session.add(Contact(at=at, customer_id=first + 1, direction="out", channel="sms", kind="sent", campaign="summer"))
        story.session.flush()
        sources = story.sources()
        found = section(sources)
        told = spoken(found, sources)
    assert keys(found) == ["standing.among", "standing.brought"]
    assert said(found, "standing.among") == {"held": 1, "share": 1 / 200}
    assert said(found, "standing.brought")["buyers"].estimate == pytest.approx(20)
    assert rows(found, "other-campaigns")[0] == {"other_campaign": "summer", "sent_customers": 1, "share": 1 / 200}
    assert told["nl"] != told["en"]


def test_pages_ask_as_many_questions_of_many_customers_as_of_few(database: Engine) -> None:
    counts = []
    for many in (20, 400):
        with writing(database) as session:
            for table in (Programme, Customer):
                session.execute(table_of(table).delete())
            draw(session, many, many // 10)
        seen: list[str] = []
        listen = lambda *details, seen=seen: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
        event.listen(database, "before_cursor_execute", listen)
        programme_of(database)
        with reading(database) as session:
            strategy_document(session, TERMS, SHOP, MEANT)
        event.remove(database, "before_cursor_execute", listen)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_sum_of_symmetric_intervals_is_that_of_their_standard_errors() -> None:
    total = sum_of_effects([Effect(1.0, 0.0, 2.0), Effect(2.0, 0.0, 4.0)])
    assert [total.estimate, total.low, total.high] == pytest.approx([3.0, 3 - 5**0.5, 3 + 5**0.5])
    assert sum_of_effects([]) == UNDEFINED
    assert sum_of_effects([Effect(1.0, 0.0, 2.0), UNDEFINED]) == UNDEFINED


def test_the_interval_of_a_sum_of_lifts_covers_as_often_as_it_says() -> None:
    """Three campaigns with few responses, where adding standard errors would be too sure of itself on one side."""
    random, truth, covered, rounds = np.random.default_rng(11), 3 * 400 * 0.01, 0, 1_500
    for _ in range(rounds):
        parts = []
        for _ in range(3):
            test, control = random.binomial(400, 0.03), random.binomial(100, 0.02)
            parts.append(times(difference_of_proportions(Sums.of_count(400, int(test)), Sums.of_count(100, int(control))), 400))
        total = sum_of_effects(parts)
        covered += (total.low or 0) <= truth <= (total.high or 0)
    assert 0.935 < covered / rounds < 0.985
