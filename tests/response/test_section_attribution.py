"""Credit by message, beside the control; paths counted by hand, on both databases."""

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Engine

from engine.nodes.send import Send
from engine.tables import Member
from response.journeys import MOST_TOUCHES, paths
from response.sections.attribution import section
from response.sides import sides_of
from response.statistics.attribution import Path
from tests.response.response_story import DONE, EVERYONE, HOLDOUT, MAIL, Story, flow, pick, telling
from tests.response.section_reading import keys, said, spoken
from tests.response.section_tables import assert_it_adds_up, table_rows

TEXT = Send.model_validate({"id": "text", "send": "sms", "template": "b.txt"})


@pytest.fixture
def story(database: Engine) -> Iterator[Story]:
    with telling(database) as told:
        yield told


def got(story: Story, member: Member, touches: Sequence[tuple[str, float]], kind: str = "sent") -> None:
    for node, days in touches:
        story.contact(member, kind, days=days, node=node, direction="out", channel="email")


def journeys(story: Story) -> None:
    """Ten contacted, ten in control; two paths lead to a purchase, one is without, one purchase comes before any message."""
    version = story.runs(flow(HOLDOUT, MAIL, TEXT, DONE))
    contacted, control = (story.arm(10, "start", arm, version) for arm in ("contacted", "control"))
    for member in contacted[:3]:
        got(story, member, [("text", 2), ("mail", 1)])  # written down in another order than they happened
        story.buys(member, 100, days=3)
    got(story, contacted[3], [("mail", 1), ("text", 5)])
    story.buys(contacted[3], 100, days=3)  # so that the text came too late to count
    for member in contacted[4:6]:
        got(story, member, [("mail", 1), ("text", 2)])
    story.buys(contacted[6], 100, days=1)
    story.buys(control[0], 100, days=1)
    got(story, control[1], [("mail", 1)])  # a stray message to the control is nobody's path


def test_paths_are_the_messages_before_the_first_response(story: Story) -> None:
    journeys(story)
    sources = story.sources()
    found = {path.touches: path for path in paths(sources, sides_of(sources), ["mail", "text"])}
    assert found == {
        (): Path((), 1, 3),
        ("mail",): Path(("mail",), 1, 0),
        ("mail", "text"): Path(("mail", "text"), 3, 2),
    }


@pytest.mark.parametrize(
    ("days", "kind", "counts"),
    [(-0.001, "sent", False), (0, "sent", True), (27.999, "sent", True), (28, "sent", False), (1, "unknown", True), (1, "failed", False)],
)
def test_a_touch_left_within_the_window(story: Story, days: float, kind: str, counts: bool) -> None:
    (member,) = story.arm(1, "start", "contacted", story.runs(flow(HOLDOUT, MAIL, TEXT, DONE)))
    got(story, member, [("mail", days)], kind)
    sources = story.sources()
    (found,) = paths(sources, sides_of(sources), ["mail", "text"])
    assert found.touches == (("mail",) if counts else ())


def test_of_a_long_path_the_last_messages_count(story: Story) -> None:
    (member,) = story.arm(1, "start", "contacted", story.runs(flow(HOLDOUT, MAIL, TEXT, DONE)))
    got(story, member, [("text", 1), *(("mail", 2 + day) for day in range(MOST_TOUCHES))])
    sources = story.sources()
    (found,) = paths(sources, sides_of(sources), ["mail", "text"])
    assert found.touches == ("mail",) * MOST_TOUCHES


def test_a_path_over_many_nodes_still_fits_a_number(story: Story) -> None:
    sends = [MAIL.model_copy(update={"id": f"node-{number}"}) for number in range(60)]
    (member,) = story.arm(1, "start", "contacted", story.runs(flow(HOLDOUT, *sends, DONE)))
    names = [send.id for send in sends]
    got(story, member, [(name, 1 + place / 10) for place, name in enumerate(names)])
    sources = story.sources()
    (found,) = paths(sources, sides_of(sources), names)
    assert found.touches == tuple(names[-10:])


def test_credit_is_shared_out_by_each_convention(story: Story) -> None:
    journeys(story)
    found = section(story.sources())
    mail, text, total = table_rows(found, "attribution")
    assert (mail["channel"], text["channel"]) == ("email", "sms")
    assert [mail[f"credit_{name}"] for name in ("first", "last", "linear", "position")] == [4.0, 1.0, 2.5, 2.5]
    assert [text[f"credit_{name}"] for name in ("first", "last", "linear", "position")] == [0.0, 3.0, 1.5, 1.5]
    assert mail["credit_markov"] + text["credit_markov"] == pytest.approx(total["credit_markov"]) == 4.0
    assert_it_adds_up(found)


def test_it_stands_beside_what_the_control_says(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, TEXT, DONE))
    contacted, control = (story.arm(100, "start", arm, version) for arm in ("contacted", "control"))
    for member in contacted[:60]:
        got(story, member, [("mail", 1), ("text", 2)])
        story.buys(member, 100, days=3)
    for member in control[:20]:
        story.buys(member, 100)
    sources = story.sources()
    found = section(sources)
    assert keys(found) == ["attribution.some", "attribution.differ"]
    account = {row["responses_of"]: row["responses"] for row in table_rows(found, "attribution-account")}
    assert (account["after"], account["before"], account["anyway"]) == (60, 0, 20)
    assert account["caused"].value.estimate == pytest.approx(40)
    assert said(found, "attribution.some")["attributed"] == 60
    assert "Came because of the campaign" in spoken(found, sources)["en"]


def test_beside_a_small_control_stands_what_the_result_says(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, TEXT, DONE))
    contacted, control = story.arm(40, "start", "contacted", version), story.arm(30, "start", "control", version)
    for member in contacted[:30]:
        got(story, member, [("mail", 1), ("text", 2)])
        story.buys(member, 100, days=3)
    for member in control[:6]:
        story.buys(member, 100)
    sources = story.sources()
    account = {row["responses_of"]: row["responses"] for row in table_rows(section(sources), "attribution-account")}
    result = pick(sources.report, "purchase", "contacted").absolute
    assert account["anyway"] == 8
    assert account["caused"].value.estimate == pytest.approx(22)
    assert (account["caused"].value.low, account["caused"].value.high) == (40 * (result.low or 0), 40 * (result.high or 0))


def test_without_an_effect_there_is_credit_but_nothing_to_share(story: Story) -> None:
    journeys(story)
    assert keys(section(story.sources()))[0] == "attribution.none"


def test_a_control_that_was_written_to_says_nothing_about_writing(story: Story) -> None:
    version = story.runs(flow(HOLDOUT, MAIL, TEXT, DONE))
    contacted, control = (story.arm(4, "start", arm, version) for arm in ("contacted", "control"))
    for member in [*contacted, *control]:
        got(story, member, [("mail", 1), ("text", 2)])
        story.message(member, "mail", "sent")
        story.buys(member, 100, days=3)
    found = section(story.sources())
    assert keys(found)[0] == "attribution.no_control"
    assert said(found, "attribution.no_control")["attributed"] == 8


def test_one_message_has_no_credit_to_share(story: Story) -> None:
    (member,) = story.arm(1, "start", "contacted", story.runs(flow(EVERYONE, MAIL, TEXT, DONE)))
    got(story, member, [("mail", 1)])
    story.buys(member, 100, days=2)
    assert section(story.sources()) is None
