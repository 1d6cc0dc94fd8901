"""A winner becomes the routine: what changes in a manager's file, and that nothing else does."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.graph import FlowGraph, build_graph
from engine.language.check import check_text, read_flow
from engine.language.context import CheckContext
from engine.nodes.node import ContrastKind
from engine.promote import Decided, Winner, changed_lines, decisions, promoted_text, write_down
from store.errors import InputError
from store.session import reading, writing
from tests.conftest import NOON
from tests.engine.conftest import Bench

FLOW = """\
# What we try in spring.
campaign: test     # the name
purpose: offers

flow:
  in:
    audience: everyone
    holdout: 50%   # half of them, as a pilot

  # Three ways to begin.
  way:
    split:
      early: {share: 1/3, next: mail}
      # the losing one
      late: {share: 1/3, next: letter}
      control: {share: 1/3, next: end}

  mail:
    send: email
    subject: 'Hi'
    template: a.txt
    variants: {warm: {share: "50%"}, plain: {share: 30%, template: b.txt, control: yes}, odd: {share: 20%, template: c.txt}}
    unpersonalised: 25%   # to learn
    next: won

  # Only the late ones get it.
  letter:
    send: print
    template: l
    # until further notice
    next: won
  won:
    goal: buys
# the end of the file
"""


def graph(text: str = FLOW) -> FlowGraph:
    return build_graph(read_flow(text, "test"))


def promoted(node: str, kind: ContrastKind, arm: str, tail: str = "10", text: str = FLOW) -> str:
    after = promoted_text(text, graph(text), Winner(node, kind, arm, Decimal(tail)))
    faults = check_text(after, Path("test.yaml"), CheckContext(Path("/nowhere"))).faults
    assert {fault.code for fault in faults} <= {"no-template"}
    return after


def changes(after: str, before: str = FLOW) -> list[str]:
    return [line[6:] for line in changed_lines(before, after)]


def test_a_hold_out_shrinks_to_the_tail_and_its_remark_stays() -> None:
    assert changes(promoted("in", "holdout", "contacted")) == [
        "-     holdout: 50%   # half of them, as a pilot",
        "+     holdout: 10%   # half of them, as a pilot",
    ]


def test_an_arm_of_a_split_takes_all_but_the_controls_tail_and_what_only_losers_led_to_is_taken_out() -> None:
    after = promoted("way", "split", "early", "12.5")
    assert changes(after) == [
        "-       early: {share: 1/3, next: mail}",
        "-       # the losing one",
        "-       late: {share: 1/3, next: letter}",
        "-       control: {share: 1/3, next: end}",
        "+       early: {share: 87.5%, next: mail}",
        "+       control: {share: 12.5%, next: end}",
        "-   # Only the late ones get it.",
        "-   letter:",
        "-     send: print",
        "-     template: l",
        "-     # until further notice",
        "-     next: won",
    ]
    assert after.endswith("  won:\n    goal: buys\n# the end of the file\n")


def test_when_the_control_wins_the_others_share_the_tail() -> None:
    after = graph(promoted("way", "split", "control")).nodes["way"]
    assert [each.shares for each in after.contrasts()] == [{"early": 0.05, "late": 0.05, "control": 0.9}]


def test_variants_on_one_line_are_edited_where_they_stand() -> None:
    assert changes(promoted("mail", "variants", "warm"))[1] == (
        "+     variants: {warm: {share: 90%}, plain: {share: 10%, template: b.txt, control: yes}}"
    )


def test_a_tail_that_cannot_be_divided_evenly_still_adds_up() -> None:
    text = promoted("mail", "variants", "plain", "10", FLOW.replace("odd: {share: 20%", "odd: {share: 10%}, more: {share: 10%"))
    assert "warm: {share: 3.333333%" in text
    assert "plain: {share: 90.000001%" in text


def test_the_unpersonalised_become_the_tail_or_the_routine() -> None:
    assert "unpersonalised: 10%   # to learn" in promoted("mail", "personalisation", "plain")
    assert "unpersonalised: 90%   # to learn" in promoted("mail", "personalisation", "unpersonalised")


def test_what_is_the_routine_already_is_said() -> None:
    text = promoted("in", "holdout", "contacted")
    with pytest.raises(InputError, match="is the routine already, with 10%"):
        promoted_text(text, graph(text), Winner("in", "holdout", "contacted"))


@pytest.mark.parametrize(
    ("node", "kind", "arm", "why"), [("in", "holdout", "control", "stop it"), ("won", "split", "x", "compares nothing")]
)
def test_what_cannot_be_a_routine_is_refused(node: str, kind: ContrastKind, arm: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        promoted(node, kind, arm)


def test_arms_that_the_data_assigns_cannot_be_promoted() -> None:
    text = FLOW.replace("    split:\n", "    by: city\n    split:\n")
    for number in ("early", "late", "control"):
        text = text.replace(f"{number}: {{share: 1/3,", f"{number}: {{is: {number},")
    with pytest.raises(InputError, match="by: city"):
        promoted("way", "split", "early", text=text)


def test_lines_that_end_the_windows_way_stay_so() -> None:
    text = FLOW.replace("\n", "\r\n")
    after = promoted("way", "split", "early", text=text)
    assert after.count("\r\n") == after.count("\n")
    assert after.replace("\r\n", "\n") == promoted("way", "split", "early")


def test_an_arm_written_over_lines_is_taken_out_with_its_lines() -> None:
    block = "      late:\n        share: 1/3\n        next: letter   # by post\n\n      # gets nothing\n"
    text = FLOW.replace("      # the losing one\n      late: {share: 1/3, next: letter}\n", block)
    after = promoted("way", "split", "early", text=text)
    assert "      early: {share: 90%, next: mail}\n\n      # gets nothing\n      control: {share: 10%, next: end}\n" in after


@given(tail=st.integers(1, 99), remark=st.sampled_from(["", "  # a remark", "   "]), quote=st.sampled_from(["", "'", '"']))
def test_whatever_the_layout_only_the_value_changes(tail: int, remark: str, quote: str) -> None:
    text = FLOW.replace("holdout: 50%   # half of them, as a pilot", f"holdout: {quote}37%{quote}{remark}")
    if tail != 37:
        after = promoted("in", "holdout", "contacted", str(tail), text)
        assert after == text.replace(f"holdout: {quote}37%{quote}", f"holdout: {tail}%")


def test_decisions_are_kept_in_their_order(bench: Bench) -> None:
    first = Decided(NOON, "kept", "in", None, "rule", "aaaaaaaaaaaa", None, {"verdict": "inconclusive"})
    second = Decided(NOON, "promoted", "in", "contacted", "person", "aaaaaaaaaaaa", "bbbbbbbbbbbb", {"because": "it is cheap"})
    with writing(bench.workspace.database) as session:
        write_down(session, "test", first)
        write_down(session, "test", second)
    with reading(bench.workspace.database) as session:
        assert decisions(session, "test") == (first, second)
        assert decisions(session, "other") == ()
