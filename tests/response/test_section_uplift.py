"""Whom the campaign moves: a ranking that is there is found, one that is not is denied, on both databases."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from customers.attributes import declare_attributes, profile_table
from customers.conditions.vocabulary import AttributeKind
from customers.tables import Customer, Purchase
from engine.nodes.update import Update
from engine.tables import Exposure, Member
from response.features import MOST, Known, known_on_entry
from response.sections.uplift import section
from response.sides import money_of, sides_of
from response.sources import Sources
from store.bulk import insert_rows
from store.clock import to_micros
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, NOON, Story, flow, telling
from tests.response.section_reading import keys, said, spoken
from tests.response.section_tables import table_rows
from tests.response.test_hillstrom import put

pytest.importorskip("sklearn", reason="the extra `analysis` is not installed")
DECLARED = {"likes_mail": AttributeKind.BOOLEAN, "shoe": AttributeKind.TEXT, "since": AttributeKind.DATE, "visits": AttributeKind.NUMBER}
NOTED = Update.model_validate({"id": "noted", "update": {"visits": "9"}})


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def crowd(story: Story, size: int, moved: float, *nodes: Any) -> None:
    """`size` customers of each side. A fifth buy anyway; of those who like mail and were contacted, `moved` more."""
    version = story.runs(flow(HOLDOUT, *nodes, DONE))
    generator = np.random.default_rng(11)
    at, everyone = to_micros(NOON), range(1, 2 * size + 1)
    likes, shoes = generator.random(2 * size) < 0.5, generator.choice(["red", "blue"], 2 * size)
    buys = generator.random(2 * size) < 0.2 + moved * (likes & (np.arange(2 * size) < size))
    put(story, Customer, "id key created_at changed_at", ((n, f"u{n}", at, at) for n in everyone))
    columns = "id campaign_id version_id customer_id entered_at node arrived_at entry hop fresh"
    put(story, Member, columns, ((n, story.campaign_id, story.versions[version], n, at, "done", at, 1, 0, False) for n in everyone))
    columns = "member_id node campaign_id customer_id version arm at"
    arms = ("contacted", "control")
    put(story, Exposure, columns, ((n, "start", story.campaign_id, n, version, arms[n > size], at) for n in everyone))
    declare_attributes(story.session, DECLARED)
    day = (NOON - timedelta(days=400)).date()
    rows = ((n, bool(like), str(shoe), day, float(n % 7)) for n, like, shoe in zip(everyone, likes, shoes, strict=True))
    insert_rows(story.session, profile_table(DECLARED), ["customer_id", *DECLARED], rows)
    before, after = (to_micros(NOON + timedelta(days=days)) for days in (-20, 2))
    bought = [(f"b{n}", n, before, 500, "EUR") for n in everyone if n % 3 == 0]
    bought += [(f"a{n}", n, after, 2000, "EUR") for n, did in zip(everyone, buys, strict=True) if did]
    put(story, Purchase, "key customer_id purchased_at amount_cents currency", bought)


def known(sources: Sources, most: int = MOST) -> Known:
    sides = sides_of(sources)
    return known_on_entry(sources, sides, sides.metric, money_of(sources), most)


def test_a_ranking_that_is_there_is_found(story: Story) -> None:
    crowd(story, 2000, 0.3)
    sources = story.sources()
    found = section(sources)
    assert keys(found)[0] == "uplift.usable"
    tenths = table_rows(found, "uplift-tenths")
    assert sum(row["assigned"] + row["control_assigned"] for row in tenths) == 4000
    assert tenths[0]["absolute"].estimate > 0.2
    assert tenths[-1]["absolute"].estimate < 0.1
    texts = spoken(found, sources)
    assert "There is a usable ranking" in texts["en"]
    assert "Er is een bruikbare rangorde" in texts["nl"]
    assert "uplift.profit.usable.turnover" in keys(found)


def test_the_curve_stands_beside_lot_and_ends_at_the_result(story: Story) -> None:
    crowd(story, 1500, 0.3)
    sources = story.sources()
    curve = table_rows(section(sources), "uplift-qini")
    ends = [row["gain"].estimate for row in curve if row["written_to"] == 1.0]
    result = sources.report.headline
    assert result is not None
    assert ends == [pytest.approx(result.absolute.estimate)] * 2
    assert {row["order"] for row in curve} == {"ranking", "by_lot"}


def test_where_everybody_is_moved_alike_no_ranking_is_claimed(story: Story) -> None:
    crowd(story, 1500, 0.0)
    found = section(story.sources())
    assert keys(found)[0] == "uplift.unusable"
    assert "uplift.profit.unusable.turnover" in keys(found)


def test_a_second_report_says_the_same(story: Story) -> None:
    crowd(story, 1200, 0.3)
    assert section(story.sources()) == section(story.sources())


def test_what_was_known_before_is_used_and_nothing_after(story: Story) -> None:
    crowd(story, 1000, 0.0, NOTED)
    sources = story.sources()
    first = known(sources)
    assert set(first.names) == {"days", "days known", "orders", "orders known", "cents", "cents known"} | {
        *("likes_mail", "shoe red", "shoe blue", "since")
    }  # `visits` is written by the flow itself
    late = [(f"late{n}", n, to_micros(NOON + timedelta(days=9)), 99_999, "EUR") for n in range(1, 500)]
    put(story, Purchase, "key customer_id purchased_at amount_cents currency", late)
    second = known(story.sources())
    assert np.array_equal(first.features, second.features)
    assert second.outcome.sum() > first.outcome.sum()


def test_columns_belong_to_their_customers(story: Story) -> None:
    crowd(story, 1000, 0.3)
    found = known(story.sources())
    assert found.treated.tolist() == [True] * 1000 + [False] * 1000
    bought = column(found, "orders known")
    assert bought.tolist() == [float(n % 3 == 0) for n in range(1, 2001)]
    assert column(found, "cents")[2] == pytest.approx(np.log1p(500))
    likes = column(found, "likes_mail").astype(bool)
    assert found.outcome[:1000][likes[:1000]].mean() > 0.4
    assert found.outcome[:1000][~likes[:1000]].mean() < 0.3
    assert set(np.unique(found.value)) == {0.0, 20.0}


def column(found: Known, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = found.features[:, found.names.index(name)]
    return values


def test_an_attribute_that_changed_after_the_start_is_left_out_by_name(story: Story) -> None:
    crowd(story, 1000, 0.0)
    story.session.connection().execute(text("UPDATE profile SET shoe = 'green' WHERE customer_id <= 100"))
    found = section(story.sources())
    assert said(found, "uplift.left_out")["attributes"] == "shoe"
    assert not any(name.startswith("shoe") for name in known(story.sources()).names)


def test_of_very_many_customers_a_fixed_sample_is_taken(story: Story) -> None:
    crowd(story, 1500, 0.3)
    one, two = known(story.sources(), 1000), known(story.sources(), 1000)
    assert len(one.treated) == 1000
    assert np.array_equal(one.features, two.features)
    assert 430 < one.treated.sum() < 570
    assert "uplift.sampled" in keys(section(story.sources(), 1000))


def test_too_few_customers_are_told(story: Story) -> None:
    crowd(story, 999, 0.3)
    found = section(story.sources())
    assert keys(found) == ["uplift.too_few"]
    assert said(found, "uplift.too_few") == {"test": 999, "control": 999, "least": 1000}


def test_too_little_response_is_told(story: Story) -> None:
    crowd(story, 1000, 0.0)
    story.session.connection().execute(text("DELETE FROM purchase WHERE key LIKE 'a%' AND customer_id % 20 > 0"))
    assert keys(section(story.sources())) == ["uplift.too_few_responses"]


def test_without_the_learner_one_sentence_says_how_to_get_it(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(story, 1000, 0.3)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    sources = story.sources()
    found = section(sources)
    assert keys(found) == ["uplift.missing"]
    assert "pip install 'contactflow[analysis]'" in spoken(found, sources)["nl"]


def test_without_a_comparison_there_is_nothing_to_rank(story: Story) -> None:
    story.enters(3, story.runs(flow(EVERYONE, DONE)))
    sources = story.sources()
    assert section(sources) is None
    assert section(replace(sources, report=replace(sources.report, experiments=()))) is None
