"""By contacts before the entry, and by the number of messages where lot decided it; counted by hand, on both databases."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.nodes.send import Send
from engine.nodes.wait_for import WaitFor
from engine.tables import Member
from response.sections.pressure import drawn_frequencies, section
from response.statistics.proportions import difference_of_proportions
from response.statistics.sums import UNDEFINED, Sums
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, MAIL, Story, flow, split, telling
from tests.response.section_reading import keys, said, spoken
from tests.response.section_tables import assert_it_adds_up, table_rows


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def got(story: Story, members: Sequence[Member], days: Sequence[float], **values: Any) -> None:
    """Each of them got a message of another campaign so many days before coming in."""
    row = {"campaign": "winter", "channel": "email", "direction": "out", **values}
    for member in members:
        for each in days:
            story.contact(member, row.get("kind", "sent"), days=-each, **{name: value for name, value in row.items() if name != "kind"})


def two_bands(story: Story) -> None:
    """60 of each side heard nothing, and 60 got two mails, one of them long ago."""
    version = story.runs(flow(HOLDOUT, MAIL, DONE))
    for arm, quiet_buyers, busy_buyers in (("contacted", 6, 30), ("control", 6, 12)):
        members = story.arm(120, "start", arm, version)
        got(story, members[60:], (10, 60))
        for member in [*members[:quiet_buyers], *members[60 : 60 + busy_buyers]]:
            story.buys(member, 1000)
        if arm == "contacted":
            story.contact(members[60], "opted_out")


def test_customers_are_told_apart_by_what_they_got_before(story: Story) -> None:
    two_bands(story)
    found = section(story.sources())
    short, long = table_rows(found, "pressure-30"), table_rows(found, "pressure-90")
    assert [(row["contacts_before"], row["assigned"], row["control_assigned"]) for row in short] == [
        ("0", 60, 60),
        ("1", 60, 60),
        ("sum", 120, 120),
    ]
    assert [row["contacts_before"] for row in long] == ["0", "2", "sum"]
    assert [(row["rate"], row["control_rate"], row["opted_out"]) for row in long] == [
        (0.1, 0.1, 0.0),
        (0.5, 0.2, 1 / 60),
        (0.3, 0.15, 1 / 120),
    ]
    assert long[1]["absolute"] == difference_of_proportions(Sums.of_count(60, 30), Sums.of_count(60, 12))
    assert_it_adds_up(found)


def test_it_opens_with_the_two_ends_and_says_that_this_is_no_effect(story: Story) -> None:
    two_bands(story)
    sources = story.sources()
    found = section(sources)
    assert keys(found) == ["pressure.slope", "pressure.descriptive", "pressure.not_drawn", "pressure.lift.differs"]
    ends = said(found, "pressure.slope")
    assert (ends["least"], ends["most"], ends["low"], ends["high"]) == ("0", "2", 0.1, 0.5)
    texts = spoken(found, sources)
    assert "2 or 3 times" in texts["en"]
    assert "2 of 3 keer" in texts["nl"]


@pytest.mark.parametrize(
    ("days", "values", "short", "long"),
    [
        (29.999, {}, "1", "1"),
        (30, {}, "1", "1"),
        (30.001, {}, "0", "1"),
        (90, {}, "0", "1"),
        (90.001, {}, "0", "0"),
        (0, {}, "0", "0"),
        (5, {"kind": "unknown"}, "1", "1"),
        (5, {"kind": "suppressed"}, "0", "0"),
        (5, {"kind": "opened", "direction": "in"}, "0", "0"),
    ],
)
def test_only_messages_that_left_before_the_entry_count(story: Story, days: float, values: dict[str, str], short: str, long: str) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    (member,) = story.arm(1, "start", "contacted", version)
    got(story, story.arm(1, "start", "control", version), [1])  # so that there is a section
    got(story, [member], [days], **values)
    found = section(story.sources())
    bands = [next(row["contacts_before"] for row in table_rows(found, f"pressure-{window}") if row["assigned"]) for window in (30, 90)]
    assert bands == [short, long]


def test_a_band_of_few_has_no_lift(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, DONE))
    for arm in ("contacted", "control"):
        members = story.arm(60, "start", arm, version)
        got(story, members[:49] if arm == "control" else members, [1])
    found = section(story.sources())
    assert [row["absolute"] == UNDEFINED for row in table_rows(found, "pressure-30")] == [True, True, False]
    assert "pressure.lift.unknown" in keys(found)


def test_without_a_control_it_describes_only(story: Story) -> None:
    members = story.enters(60, story.runs(flow(EVERYONE, DONE)))
    got(story, members[:30], [1])
    found = section(story.sources())
    assert [(row["contacts_before"], row["assigned"]) for row in table_rows(found, "pressure-30")] == [("0", 30), ("1", 30), ("sum", 60)]
    assert "control_rate" not in table_rows(found, "pressure-30")[0]


def test_who_never_heard_from_us_and_got_what_everybody_got_makes_no_section(story: Story) -> None:
    story.arm(3, "start", "contacted", story.runs(flow(HOLDOUT, MAIL, DONE)))
    assert section(story.sources()) is None


MORE = Send.model_validate({"id": "more", "send": "email", "template": "b.txt", "next": "mail"})
DRAWN: dict[str, dict[str, Any]] = {"often": {"share": "50%", "next": "more"}, "seldom": {"share": "50%", "next": "mail", "control": True}}


def test_a_split_over_different_numbers_of_messages_is_frequency_drawn_by_lot(story: Story) -> None:
    version = story.runs(flow(EVERYONE, split(DRAWN), MORE, MAIL, DONE))
    often, seldom = story.arm(60, "arms", "often", version), story.arm(60, "arms", "seldom", version)
    for member in often:
        story.message(member, "more", "sent")
    for member in [*often, *seldom]:
        story.message(member, "mail", "sent", hop=2)
    for member in often[:30]:
        story.buys(member, 100)
    sources = story.sources()
    found = section(sources)
    assert keys(found) == ["pressure.drawn", "sentence.whole"]
    assert [(row["group"], row["written"], row["messages_each"], row["rate"]) for row in table_rows(found, "pressure-arms")] == [
        ("often", 2, 2.0, 0.5),
        ("seldom", 1, 1.0, 0.0),
    ]
    assert "at most 1 in one group and 2 in another" in spoken(found, sources)["en"]


def test_only_lot_between_different_numbers_of_messages_draws_frequency() -> None:
    again = WaitFor.model_validate({"id": "again", "wait_for": "purchase", "at_most": "3 days", "then": "done", "timeout": "more"})
    assert drawn_frequencies(flow(EVERYONE, split(DRAWN), MORE, MAIL, DONE)) == {"arms": {"often": 2, "seldom": 1}}
    # by the data, not by lot
    given = {name: {"is": name, "next": arm["next"]} for name, arm in DRAWN.items()}
    assert drawn_frequencies(flow(EVERYONE, split(given, by="segment"), MORE, MAIL, DONE)) == {}
    # the same number in both arms, or one against none: an ordinary test
    same = {name: {**arm, "next": "mail"} for name, arm in DRAWN.items()}
    assert drawn_frequencies(flow(EVERYONE, split(same), MORE, MAIL, DONE)) == {}
    none = {"often": DRAWN["often"], "seldom": {"share": "50%", "next": "done"}}
    assert drawn_frequencies(flow(EVERYONE, split(none), MORE, MAIL, DONE)) == {}
    # a way that comes back to itself is followed once
    looping = MORE.model_copy(update={"next": "again"})
    assert drawn_frequencies(flow(EVERYONE, split(DRAWN), looping, again, MAIL, DONE)) == {}
