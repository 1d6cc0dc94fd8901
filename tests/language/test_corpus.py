"""Broken flows with the faults that must be told, to the character; good flows without any.

A flow's faults stand beside it in a .txt of the same name, exactly as `contactflow check` shows them.
"""

from pathlib import Path

import pytest

from engine.language.check import check_flow
from engine.language.context import CheckContext
from engine.language.faults import render_faults

HERE = Path(__file__).parent
BROKEN = sorted((HERE / "broken").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))


def test_the_corpus_is_there() -> None:
    assert len(BROKEN) >= 50
    assert len(GOOD) >= 3


@pytest.mark.parametrize("flow", BROKEN, ids=lambda path: path.stem)
def test_every_fault_of_a_broken_flow_is_told(flow: Path, context: CheckContext) -> None:
    checked = check_flow(flow, context)
    assert render_faults(checked.faults) == flow.with_suffix(".txt").read_text(encoding="utf-8").rstrip("\n")
    assert checked.spec is None
    assert checked.graph is None


@pytest.mark.parametrize("flow", GOOD, ids=lambda path: path.stem)
def test_a_good_flow_has_no_faults_and_a_graph(flow: Path, context: CheckContext) -> None:
    checked = check_flow(flow, context)
    assert checked.faults == ()
    assert checked.require().campaign is checked.spec


@pytest.mark.parametrize("flow", BROKEN, ids=lambda path: path.stem)
def test_every_fault_says_what_to_do_in_words_of_ours(flow: Path, context: CheckContext) -> None:
    lines = flow.read_bytes().splitlines()
    for fault in check_flow(flow, context).faults:
        assert fault.remedy
        assert fault.message.endswith((".", "?"))
        assert "\n" not in fault.message + fault.remedy
        for jargon in ("pydantic", "Traceback", "Error", "expected <", "block mapping", "validation", "NoneType", "scalar"):
            assert jargon not in fault.message + fault.remedy
        if fault.file == f"broken/{flow.name}":
            assert 1 <= fault.line <= max(len(lines), 1)
            assert fault.column >= 1
