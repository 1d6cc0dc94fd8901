"""The flow with figures on it: what the picture says is what the funnel's table says, on both databases."""

import re
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Engine, event

from engine.graph import FlowGraph
from engine.nodes import Node
from engine.nodes.audience import Audience
from engine.nodes.send import Send
from engine.nodes.wait_for import WaitFor
from engine.picture import FlowFigures, draw_figures
from engine.reasons import Reason
from engine.tables import Member, Move
from response.facts import FunnelRow
from response.flow_counts import flow_counts, is_message
from response.funnel import funnel
from response.parts import Picture
from response.sections.funnel import section
from response.words import LANGUAGES, table
from tests.response.response_story import DONE, NOON, Story, flow, telling
from tests.response.section_reading import keys, rows, said

SVG = "{http://www.w3.org/2000/svg}"
START = Audience.model_validate({"id": "start", "audience": "everyone", "holdout": "20%"})
MAIL = Send.model_validate(
    {
        "id": "mail",
        "send": "email",
        "template": "a.txt",
        "variants": {"warm": {"share": "50%"}, "plain": {"share": "50%", "control": True}},
        "unreachable": "letter",
    }
)
WAIT = WaitFor.model_validate({"id": "answer", "wait_for": "response to mail", "at_most": "5 days", "then": "done", "timeout": "letter"})
LETTER = Send.model_validate({"id": "letter", "send": "print", "template": "l"})


def graph() -> FlowGraph:
    return flow(START, MAIL, WAIT, LETTER, DONE)


def goes(story: Story, member_id: int, *steps: tuple[str, str]) -> None:
    story.session.add_all([Move(member_id=member_id, hop=hop, node=node, exit=exit_, at=NOON) for hop, (node, exit_) in enumerate(steps)])
    story.session.flush()


def tell(story: Story) -> None:
    """40 in control; 100 warm, 60 plain. Of each arm a tenth cannot be mailed, a tenth answers, and one leaves while waiting."""
    version = story.runs(graph())
    for member in story.arm(40, "start", "control", version):
        member.ended = "held_out"
        goes(story, member.id or 0, ("start", "held_out"))
    for arm, many in (("warm", 100), ("plain", 60)):
        members = story.arm(many, "start", "contacted", version)
        story.assigns(members, "mail", arm, version)
        for n, member in enumerate(members):
            _one(story, member.id or 0, member, n, many, arm)


def _one(story: Story, number: int, member: Member, n: int, many: int, arm: str) -> None:
    tenth, first = many // 10, ("start", "next")
    if n < tenth:
        story.message(member, "mail", "suppressed", reason="no_consent", arm=arm)
        story.message(member, "letter", "sent", hop=2, channel="print", cost_millicents=95_000)
        goes(story, number, first, ("mail", "unreachable"), ("letter", "next"), ("done", "goal_reached"))
        member.ended = "goal_reached"
    elif n < 2 * tenth:
        message = story.message(member, "mail", "sent", arm=arm, cost_millicents=50)
        story.contact(member, "sent", channel="email", direction="out", message_id=message)
        story.contact(member, "visited", message_id=message)
        goes(story, number, first, ("mail", "next"), ("answer", "then"), ("done", "goal_reached"))
        member.ended = "goal_reached"
    elif n == 2 * tenth:
        story.message(member, "mail", "sent", arm=arm, cost_millicents=50)
        goes(story, number, first, ("mail", "next"), ("answer", "exit_condition"))
        member.ended = "exit_condition"
    else:
        story.message(member, "mail", "sent", arm=arm, cost_millicents=50)
        member.node = "answer"
        goes(story, number, first, ("mail", "next"))


def total(found: list[FunnelRow]) -> dict[str, int]:
    return {
        "queued": sum(row.messages.queued for row in found),
        "sent": sum(row.messages.sent for row in found),
        "suppressed": sum(row.messages.suppressed for row in found),
        "visited": sum(row.reactions.visited for row in found),
    }


def test_the_picture_adds_up_to_the_table(database: Engine) -> None:
    with telling(database) as story:
        tell(story)
        sources = story.sources()
        by_variant = sources.report.funnel
        by_side = funnel(sources.session, sources.everyone, "mail")
        counts = flow_counts(sources, graph())
        found = section(sources)
    for node in ("mail", "letter"):
        assert total([row for row in by_variant if row.node == node]) == total([row for row in by_side if row.node == node])
    assert counts.side == "mail"
    letters = {row.arm: row.messages.sent for row in by_side if row.node == "letter"}
    assert letters == {"warm": 10, "plain": 6}  # the letter has no variants of its own
    table_rows = {row["node"]: row for row in rows(found, "funnel") if row["node"] == "letter"}
    assert table_rows["letter"]["sent"] == 16
    assert table_rows["letter"]["cost"] == pytest.approx(16 * 0.95)
    assert sum(counts.costs.values()) == pytest.approx(sum(row["cost"] or 0 for row in rows(found, "funnel")))


def test_nobody_is_lost_between_nodes(database: Engine) -> None:
    with telling(database) as story:
        tell(story)
        sources = story.sources()
        counts = flow_counts(sources, graph())
    came = {"start": 200}
    for edge in graph().edges:
        came[edge.target] = came.get(edge.target, 0) + counts.along(edge.source, edge.exit)
    assert {node: counts.arrived(node) for node in graph().nodes} == {node: came.get(node, 0) for node in graph().nodes}
    assert (counts.here("answer"), counts.dropped("answer")) == (126, {"exit_condition": 2})
    assert counts.along("mail", "unreachable", "warm") == 10
    ended = sum(sum(counts.dropped(node).values()) for node in graph().nodes)
    assert ended + sum(counts.here(node) for node in graph().nodes) == sources.report.window.customers


def picture(database: Engine) -> Picture:
    with telling(database) as story:
        tell(story)
        found = section(story.sources())
    (drawn,) = [each for each in found.parts if isinstance(each, Picture)]
    return drawn


def test_the_picture_says_counts_rates_reasons_and_cost(database: Engine) -> None:
    drawn = picture(database)
    english = {element.text for element in ET.fromstring(drawn.svg).iter(f"{SVG}text")}
    assert {"warm", "plain", "100", "60", "90", "54", "90%"} <= english
    assert {"16 not sent: no consent", "126 here now", "2 left: exit condition held", "€9.50", "€5.70"} <= english
    assert {"160 · 80%", "144 · 90%", "16 · 10%"} <= english
    dutch = {element.text for element in ET.fromstring(drawn.in_language("nl")).iter(f"{SVG}text")}
    assert {"16 niet verzonden: geen toestemming", "126 nu hier"} <= dutch
    assert drawn.in_language("fr") == drawn.svg


def test_the_end_that_every_flow_has_is_drawn_where_a_way_leads_to_it() -> None:
    assert 'id="node-end"' not in draw_figures(flow(START, DONE), FlowFigures())
    assert 'id="node-end"' in draw_figures(flow(START, LETTER), FlowFigures())


def test_before_arms_are_assigned_nothing_is_told_apart(database: Engine) -> None:
    drawn = picture(database)
    labels = re.findall(r'<g id="label-edge-start.next".*?</g>', drawn.svg, re.DOTALL)
    assert "160" in labels[0]
    assert "warm" not in labels[0]


def test_the_section_opens_with_how_many_got_something(database: Engine) -> None:
    with telling(database) as story:
        tell(story)
        found = section(story.sources())
    assert keys(found)[:2] == ["funnel.open.all", "funnel.lost"]
    assert said(found, "funnel.open.all") == {
        "customers": 200,
        "sent": 16,
        "responded": 16,
        "opted_out": 0,
        "sent_share": 0.08,
        "responded_share": 0.08,
        "opted_out_share": 0.0,
    }


def test_the_number_of_statements_depends_on_no_customers(database: Engine) -> None:
    counted = []
    with telling(database) as story:
        version = story.runs(graph())
        for many in (2, 50):
            members = story.arm(many, "start", "contacted", version)
            for member in members:
                goes(story, member.id or 0, ("start", "next"))
            sources = story.sources()
            seen: list[str] = []
            listen = lambda *details, seen=seen: seen.append(details[2])  # noqa: E731  # an event wants a callable to remove
            event.listen(database, "before_cursor_execute", listen)
            section(sources)
            event.remove(database, "before_cursor_execute", listen)
            counted.append(len(seen))
    assert counted[0] == counted[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_short_word_for_a_card(language: str) -> None:
    words = table(language)
    assert [reason.value for reason in Reason if f"drop.{reason.value}" not in words] == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_reason_has_a_sentence_of_its_own(language: str) -> None:
    words = table(language)
    assert [reason.value for reason in Reason if not words.get(f"reason.{reason.value}")] == []


@pytest.mark.parametrize(("node", "sends"), [(START, False), (MAIL, True), (WAIT, False), (LETTER, True), (DONE, False)])
def test_messages_are_told_from_other_nodes(node: Node, sends: bool) -> None:
    assert is_message(node) is sends
