"""A manager holds a campaign, lets it go on and stops it, from another terminal than the one that carries it out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contactflow.conftest import CUSTOMERS, Call


@pytest.fixture
def started(call: Call, carry_out: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign in which some wait for an answer and others are in the control group."""
    monkeypatch.setenv("CONTACTFLOW_NOW", "2026-03-02 10:00")
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    assert carry_out("spring", "--at", "2026-03-02 09:00", "-w", workspace).code == 0
    return workspace


def standing(call: Call, root: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(call("status", "spring", "-w", root, "--format", "json").out)[0]
    return told


def test_a_campaign_is_held_goes_on_and_is_stopped(call: Call, carry_out: Call, started: Path) -> None:
    later = ("--at", "2026-03-02 11:00", "--until", "2026-03-20")
    waiting = standing(call, started)["nodes"]["answer"]["at"]
    assert 0 < waiting < CUSTOMERS
    assert "Let it go on with: contactflow resume spring" in call("pause", "spring", "-w", started).out

    held = carry_out("spring", *later, "-w", started)
    assert (held.code, "spring was paused by a person (2026-03-02 10:00)" in held.err) == (1, True)
    told = standing(call, started)
    assert (told["halted"], told["next_due"], told["nodes"]["answer"]["at"]) == ("paused", None, waiting)
    assert "paused since 2026-03-02 10:00" in call("status", "-w", started).out
    again = call("pause", "spring", "-w", started)
    assert (again.code, "paused already" in again.err) == (1, True)

    assert "Nobody was lost" in call("resume", "spring", "-w", started).out
    assert standing(call, started)["next_due"] is not None
    unsure = call("stop", "spring", "-w", started)
    assert (unsure.code, "--yes" in unsure.err, standing(call, started)["halted"]) == (2, True, None)
    assert json.loads(call("stop", "spring", "--yes", "-w", started, "--format", "json").out)["left"] == waiting

    assert carry_out("spring", *later, "-w", started).code == 1
    told = standing(call, started)
    assert (told["nodes"]["answer"]["at"], told["ended"]["stopped"]) == (0, waiting)
    assert [each["kind"] for each in told["interventions"]] == ["paused", "resumed", "stopped"]


@pytest.mark.parametrize("command", ["pause", "resume", "stop"])
def test_a_campaign_that_never_ran_cannot_be_halted(call: Call, workspace: Path, command: str) -> None:
    said = call(command, "spring", "-w", workspace)
    assert (said.code, "No campaign called 'spring' has run here" in said.err) == (1, True)
