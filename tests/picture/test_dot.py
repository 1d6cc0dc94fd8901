"""The DOT text: golden for four flows, and true for any flow."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.graph import FlowGraph
from engine.metrics import BUILT_IN
from engine.nodes.update import Update
from engine.picture import FlowFigures, draw_dot, draw_figures, render
from engine.picture.drawing import Drawing, Group, draw
from engine.picture.layout import Part, read_layout
from engine.picture.lettering import width_of
from engine.picture.outlines import Box
from engine.picture.rendering import layout_program
from engine.picture.style import STROKES, STYLES
from engine.picture.words import DUTCH, Language
from tests.picture import flows as examples
from tests.picture.random_flows import flows

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


DRAWN = {
    "winback": lambda: draw_dot(examples.winback()),
    "three_arms": lambda: draw_dot(examples.three_arms()),
    "every_kind": lambda: draw_dot(examples.every_kind()),
    "every_kind_nl": lambda: draw_dot(examples.every_kind(), "nl"),
    "sixty": lambda: draw_dot(examples.sixty()),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_text_is_the_golden_one(name: str) -> None:
    """After a change that is meant: CONTACTFLOW_WRITE_GOLDEN=1 pytest tests/picture, look at the pictures, and commit both."""
    golden = GOLDEN / f"{name}.dot"
    dot = DRAWN[name]()
    if os.environ.get("CONTACTFLOW_WRITE_GOLDEN"):
        golden.write_text(dot, encoding="utf-8")
    assert dot == golden.read_text(encoding="utf-8")


def test_the_text_is_the_same_in_another_process_with_another_hash_seed() -> None:
    program = "import sys; import tests.picture.flows as f; from engine.picture import draw_dot; "
    program += "sys.stdout.reconfigure(encoding='utf-8'); print(draw_dot(f.every_kind()), end='')"
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert texts == {DRAWN["every_kind"]().encode()}


@QUICK
@given(flows())
def test_every_node_and_every_edge_of_any_flow_is_drawn_once(graph: FlowGraph) -> None:
    parts = laid_out(draw_dot(graph))
    held = [node_id for node_id, node in graph.nodes.items() if node.look().held_out]
    nodes = [f"node-{node_id}" for node_id in graph.nodes] + [f"control-{node_id}" for node_id in held]
    edges = [f"edge-{edge.source}.{edge.exit}" for edge in graph.edges] + [f"edge-control-{node_id}" for node_id in held]
    assert Counter(part.id for part in parts if part.sort == "node") == Counter(nodes)
    assert Counter(part.id for part in parts if part.sort == "edge") == Counter(edges)


@QUICK
@given(flows())
def test_no_text_of_any_flow_is_wider_or_higher_than_its_card(graph: FlowGraph) -> None:
    assert_all_inside(laid_out(draw_dot(graph)))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_words_that_break_pictures_stay_inside_too(language: Language) -> None:
    graph = examples.nasty()
    dot = draw_dot(graph, language)
    assert_all_inside(laid_out(dot))
    said = " ".join(words.text for group in finished(dot).groups for words in group.words)
    assert "<b>Zn</b> \\N'" in said
    assert '"O' not in said
    assert '& \\N "quoted"' in said


@QUICK
@given(flows(), st.sampled_from(["en", "nl"]))
def test_the_same_flow_gives_the_same_bytes(graph: FlowGraph, language: Language) -> None:
    dot = draw_dot(graph, language=language)
    assert dot == draw_dot(graph, language=language)
    assert render(dot, "svg") == render(dot, "svg")


@QUICK
@given(flows())
def test_graphviz_accepts_the_text_without_a_word(graph: FlowGraph) -> None:
    program = layout_program()
    assert program
    done = subprocess.run([program, "-Tsvg"], input=draw_dot(graph).encode(), capture_output=True, check=False)
    complaints = [line for line in done.stderr.decode().splitlines() if "non-ASCII" not in line]
    assert (done.returncode, complaints) == (0, [])


def test_sixty_nodes_do_not_overlap_and_their_letters_stay_clear_of_other_cards() -> None:
    parts = laid_out(draw_dot(examples.sixty()))
    cards = [part.blocks[0].box for part in parts if part.sort == "node"]
    labels = [label_box(part) for part in parts if part.sort == "edge" and part.words]
    assert len(cards) == 62  # with the end and the control group
    assert not [(one, other) for place, one in enumerate(cards) for other in cards[:place] if overlap(one, other)]
    assert not [(label, card) for label in labels for card in cards if overlap(label, card)]


def test_everything_that_we_say_has_a_dutch_word() -> None:
    sources = [file.read_text(encoding="utf-8") for folder in ("nodes", "picture") for file in (ROOT / "engine" / folder).glob("*.py")]
    patterns = {found for source in sources for found in re.findall(r'(?:Phrase|word)\(\s*"([^"]+)"', source)}
    patterns |= {style.word for style in STYLES.values()} | {stroke.meaning for stroke in STROKES.values()} | set(BUILT_IN)
    assert len(patterns) > 40
    assert patterns - set(DUTCH) == set()


def test_a_dutch_picture_speaks_dutch() -> None:
    dot = draw_dot(examples.every_kind(), language="nl")
    for words in (
        "LOTING",
        "hoogstens 36 uur",
        "niet binnen 36 uur",
        "Tot maandag 09:00",
        "12,5% apart gehouden",
        "niet bereikbaar",
        "anders",
    ):
        assert f">{words}<" in dot.replace("<b>", "").replace("</b>", ""), words
    assert "hier houdt de campagne op" not in dot  # the author has words of their own
    assert "Hier houdt de campagne op" in draw_dot(examples.winback(), language="nl")


def test_an_edge_is_as_thick_as_many_went_along_it() -> None:
    dot = draw_figures(examples.winback(), FlowFigures(weights={("mail", "next"): 0, ("answer", "then"): 50, ("answer", "timeout"): 100}))
    widths = {part.id: part.curves[0][1] for part in laid_out(dot) if part.sort == "edge"}
    assert widths["edge-mail.next"] < widths["edge-answer.then"] < widths["edge-answer.timeout"]


def test_time_outs_are_dashed_and_those_who_cannot_be_reached_dotted() -> None:
    lines = {line.split("id=")[1].split()[0]: line for line in draw_dot(examples.every_kind()).splitlines() if "->" in line}
    assert "style=dashed" in lines['"edge-reply.timeout"']
    assert "style=dotted" in lines['"edge-hello.unreachable"']
    assert "style=solid" in lines['"edge-reply.then"']


def test_the_held_out_are_a_branch_of_their_own_that_gets_nothing() -> None:
    dot = draw_dot(examples.winback())
    assert '"node-lapsed" -> "control-lapsed"' in dot
    assert "10% held out" in dot
    assert "measured, gets nothing" in dot
    assert "control-" not in draw_dot(examples.three_arms())


def test_the_legend_shows_the_kinds_that_occur_and_no_others() -> None:
    legend = next(group for group in finished(draw_dot(examples.three_arms())).groups if group.sort == "legend")
    assert [words.text for words in legend.words] == ["Audience", "Split", "E-mail", "Wait", "End", "Goes on"]


def test_the_heading_says_what_who_why_and_which_version() -> None:
    graph = examples.winback()
    heading = next(group for group in finished(draw_dot(graph)).groups if group.sort == "heading")
    said = " ".join(words.text for words in heading.words)
    for words in (
        "Win back lapsed customers",
        "owner marketing",
        "Does a personal pick",
        f"version {graph.version}",
        "purchase since entry",
    ):
        assert words in said


def test_arms_carry_their_shares() -> None:
    said = [words.text for group in finished(draw_dot(examples.three_arms())).groups for words in group.words]
    assert {"mens 1/3", "womens 1/3", "control 1/3"} <= set(said)


def test_a_refused_consent_is_said_in_words() -> None:
    look = Update.model_validate({"id": "x", "update": {"consent": {"sms": False}, "city": "Delft", "score": ""}}).look()
    assert look.lines == ("consent for sms: no", "city = Delft", "score taken away")


def laid_out(dot: str) -> tuple[Part, ...]:
    program = layout_program()
    assert program
    return read_layout(subprocess.run([program, "-Tsvg"], input=dot.encode(), capture_output=True, check=True).stdout).parts


def finished(dot: str) -> Drawing:
    program = layout_program()
    assert program
    return draw(read_layout(subprocess.run([program, "-Tsvg"], input=dot.encode(), capture_output=True, check=True).stdout))


def assert_all_inside(parts: tuple[Part, ...]) -> None:
    for part in parts:
        if part.sort == "node":
            card = part.blocks[0].box
            for words in part.words:
                right = words.x + width_of(words.text, words.size, words.bold)
                assert card.left + 12 <= words.x, words
                assert right <= card.right - 8, words
                assert card.top <= words.y - words.size * 0.75, words
                assert words.y + words.size * 0.25 <= card.bottom, words


def label_box(part: Part) -> Box:
    right = max(words.x + width_of(words.text, words.size, words.bold) for words in part.words)
    top = min(words.y - words.size * 0.75 for words in part.words)
    return Box(part.words[0].x, top, right, max(words.y for words in part.words))


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def test_groups_of_a_drawing_have_ids_of_their_own() -> None:
    groups: tuple[Group, ...] = finished(draw_dot(examples.sixty())).groups
    assert len({group.id for group in groups}) == len(groups)
