"""A manager holds a campaign, lets it go on and stops it, from another terminal than the one that carries it out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contactflow.conftest import CUSTOMERS, Call, make_workspace

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign in which some wait for an answer and others are in the control group."""
    root = make_workspace(tmp_path / "shop")
    monkeypatch.setenv("CONTACTFLOW_NOW", "2026-03-02 10:00")
    for arguments in (["import", "customers", str(root / "customers.csv")], ["run", "spring", "--at", "2026-03-02 09:00"]):
        subprocess.run([sys.executable, "-m", "contactflow.cli", *arguments, "-w", str(root)], check=True)
    return root


def carried_out(root: Path, until: str) -> subprocess.CompletedProcess[str]:
    """The campaign, in a terminal of its own."""
    command = [sys.executable, "-m", "contactflow.cli", "run", "spring", "--at", "2026-03-02 11:00", "--until", until, "-w", str(root)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def standing(call: Call, root: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(call("status", "spring", "-w", root, "--format", "json").out)[0]
    return told


def test_a_campaign_is_held_goes_on_and_is_stopped(call: Call, started: Path) -> None:
    waiting = standing(call, started)["nodes"]["answer"]["at"]
    assert 0 < waiting < CUSTOMERS
    assert "Let it go on with: contactflow resume spring" in call("pause", "spring", "-w", started).out

    held = carried_out(started, "2026-03-20")
    assert (held.returncode, "spring was paused by a person (2026-03-02 10:00)" in held.stderr) == (1, True)
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

    assert carried_out(started, "2026-03-20").returncode == 1
    told = standing(call, started)
    assert (told["nodes"]["answer"]["at"], told["ended"]["stopped"]) == (0, waiting)
    assert [each["kind"] for each in told["interventions"]] == ["paused", "resumed", "stopped"]


@pytest.mark.parametrize("command", ["pause", "resume", "stop"])
def test_a_campaign_that_never_ran_cannot_be_halted(call: Call, workspace: Path, command: str) -> None:
    said = call(command, "spring", "-w", workspace)
    assert (said.code, "No campaign called 'spring' has run here" in said.err) == (1, True)
