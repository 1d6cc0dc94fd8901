"""A pilot that was run and measured, and what becomes of it: by a person's word, or by the flow's own rule. On both databases."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from contactflow.bootstrap import open_campaign, open_desk, open_workspace
from contactflow.checking import check_context, check_one
from contactflow.promoting import EditedSinceError, Wish, carry_out, prepare
from contactflow.rules import Rules
from customers.tables import Customer, Purchase
from engine.campaigns import open_versions, start
from engine.interventions import pause, resume
from engine.promote import Decided, decisions
from engine.wave import carry_out as carry_out_wave
from store.clock import SystemClock
from store.session import reading, writing
from tests.conftest import NOON
from tests.contactflow.conftest import CUSTOMERS, Call, Said

FLOW = """\
# The pilot.
campaign: pilot
purpose: offers
learn:
  question: Does it help?
  metric: purchase
  within: 2 weeks
  also: spend
THEN
flow:
  in:
    audience: country = 'NL'
    holdout: 50%     # for the pilot only
  rest:
    wait: 1 day
  done:
    goal: seen
"""
WEEK = timedelta(days=7)
At = Callable[[int], None]


@pytest.fixture
def pilot(workspace: Path, database_url: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with people, on a database of each kind, whose clock stands at NOON."""
    monkeypatch.setenv("CONTACTFLOW_DATABASE_URL", database_url)
    monkeypatch.setenv("CONTACTFLOW_NOW", NOON.isoformat())
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    return workspace


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> At:
    return lambda weeks: monkeypatch.setenv("CONTACTFLOW_NOW", (NOON + weeks * WEEK).isoformat())


def run(root: Path, then: str = "", share_that_buys: float = 1.0) -> None:
    """Carry the pilot's first wave out at NOON; of those contacted so many buy within the week, and nobody else."""
    file = root / "flows" / "pilot.yaml"
    file.write_text(FLOW.replace("THEN\n", f"  then: {then}\n" if then else ""))
    graph = check_one(file, check_context(root)).require()
    with open_workspace(root) as workspace, open_desk(workspace, SystemClock()) as desk:
        start(workspace, graph, file.read_text(), NOON)
        assert carry_out_wave(open_versions(workspace, "pilot"), NOON, desk) == []
        with writing(workspace.database) as session:
            asked = text("SELECT customer_id FROM exposure WHERE arm = 'contacted' ORDER BY customer_id")
            contacted = session.execute(asked).scalars().all()
            for number, customer in enumerate(contacted[: round(len(contacted) * share_that_buys)]):
                at = NOON + timedelta(days=3)
                session.add(Purchase(key=f"p{number}", customer_id=customer, purchased_at=at, amount_cents=1000, currency="EUR"))


def logged(root: Path) -> tuple[Decided, ...]:
    with open_workspace(root) as workspace, reading(workspace.database) as session:
        return decisions(session, "pilot")


def current(root: Path) -> str:
    with open_workspace(root) as workspace:
        return open_versions(workspace, "pilot")[0].graph.version


def promote(call: Call, root: Path, *more: str) -> Said:
    return call("promote", "pilot", "-w", root, *more)


def test_a_winner_becomes_the_routine_with_its_evidence_in_the_log(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    before, file = current(pilot), pilot / "flows" / "pilot.yaml"
    after(3)
    said = promote(call, pilot)
    assert said.code == 0, said.err
    assert "'contacted' against 'control' on purchase: better" in said.out
    assert "   12 -     holdout: 50%     # for the pilot only" in said.out
    assert file.read_text() == FLOW.replace("THEN\n", "").replace("50% ", "10% ")
    [decided] = logged(pilot)
    assert (decided.kind, decided.node, decided.arm, decided.decided_by) == ("promoted", "in", "contacted", "person")
    assert (decided.version_from, decided.version_to) == (before, current(pilot))
    assert before != current(pilot)
    [evidence] = decided.evidence["comparisons"]
    assert (evidence["metric"], evidence["verdict"]) == ("purchase", "better")
    assert evidence["arm_assigned"] + evidence["control_assigned"] == CUSTOMERS
    assert evidence["absolute"]["estimate"] == pytest.approx(1.0)
    assert decided.evidence["goal"] is not None


def test_people_in_flight_stay_on_their_version(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    before = current(pilot)
    after(3)
    promote(call, pilot)
    with open_workspace(pilot) as workspace, reading(workspace.database) as session:
        counted = text("SELECT v.version, count(*) FROM member m JOIN flow_version v ON v.id = m.version_id GROUP BY v.version")
        assert dict(session.execute(counted).tuples().all()) == {before: CUSTOMERS}
        assert [each.graph.version for each in open_versions(workspace, "pilot")][1:] == [before]


def test_a_preview_changes_nothing(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    before, text_before = current(pilot), (pilot / "flows" / "pilot.yaml").read_text()
    after(3)
    told = json.loads(promote(call, pilot, "--preview", "--format", "json").out)
    assert (told["stored"], told["plan"]["changed"]) == (False, ["in"])
    assert "Nothing was changed" in promote(call, pilot, "--preview").out
    assert ((pilot / "flows" / "pilot.yaml").read_text(), current(pilot), logged(pilot)) == (text_before, before, ())


def test_before_the_window_has_closed_it_is_refused_with_the_reason(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    after(1)
    said = promote(call, pilot)
    assert said.code == 1
    assert "still have time to respond" in said.err
    assert (logged(pilot), current(pilot)) == ((), current(pilot))


def test_what_is_not_better_is_refused_unless_a_person_says_why(pilot: Path, call: Call, after: At) -> None:
    run(pilot, share_that_buys=0.0)
    after(3)
    assert "inconclusive" in promote(call, pilot).err
    assert promote(call, pilot, "--arm", "contacted").code == 1
    assert logged(pilot) == ()
    said = promote(call, pilot, "--arm", "contacted", "--because", "the law asks for it", "--control-tail", "5%")
    assert said.code == 0, said.err
    [decided] = logged(pilot)
    assert decided.evidence["because"] == "the law asks for it"
    assert decided.evidence["control_tail"] == 0.05
    assert "holdout: 5% " in (pilot / "flows" / "pilot.yaml").read_text()
    assert "because: the law asks for it" in call("status", "pilot", "-w", pilot).out
    assert json.loads(call("status", "pilot", "-w", pilot, "--format", "json").out)[0]["decisions"][0]["arm"] == "contacted"


def test_a_file_that_was_edited_since_is_not_promoted(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    file = pilot / "flows" / "pilot.yaml"
    file.write_text(file.read_text().replace("1 day", "2 days"))
    after(3)
    said = promote(call, pilot)
    assert said.code == 1
    assert "was edited since it ran" in said.err
    assert "2 days" in file.read_text()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--arm", "control", "--because", "x"), "stop it"),
        (("--arm", "nobody"), "no arm 'nobody'"),
        (("--node", "rest"), "Nothing is compared at 'rest'"),
        (("--control-tail", "100%"), "Nothing would be left"),
    ],
)
def test_what_cannot_be_is_said(pilot: Path, call: Call, after: At, more: tuple[str, ...], why: str) -> None:
    run(pilot)
    after(3)
    said = promote(call, pilot, *more)
    assert said.code in (1, 2)
    assert why in " ".join(said.err.split())


def test_a_second_promotion_finds_that_it_is_the_routine(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    after(3)
    assert promote(call, pilot).code == 0
    assert "is the routine already, with 10%" in promote(call, pilot).err
    assert len(logged(pilot)) == 1


def test_a_rule_waits_for_the_closing_date_and_promotes_once(pilot: Path) -> None:
    run(pilot, then="promote")
    told: list[str] = []
    rules = Rules(pilot, told.append)
    with open_workspace(pilot) as workspace:
        [running] = open_versions(workspace, "pilot")
        assert rules.look(running, NOON + WEEK) is None
        decided = rules.look(running, NOON + 2 * WEEK + timedelta(minutes=1))
        assert decided is not None
        assert (decided.kind, decided.arm, decided.decided_by) == ("promoted", "contacted", "rule")
        promoted = open_versions(workspace, "pilot")[0]
        assert promoted.graph.version == decided.version_to
        assert rules.look(promoted, NOON + 3 * WEEK) is None
    assert told == []
    assert len(logged(pilot)) == 1
    assert "holdout: 10% " in (pilot / "flows" / "pilot.yaml").read_text()


def test_the_report_of_the_pilot_stays_and_is_named_when_the_routine_has_its_own(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    after(3)
    assert promote(call, pilot).code == 0
    digest = logged(pilot)[0].evidence["goal"]
    told = json.loads(call("report", "pilot", "-w", pilot, "--format", "json").out)
    assert "--goal" not in json.dumps(told)
    later = NOON + 3 * WEEK
    with open_workspace(pilot) as workspace:
        with writing(workspace.database) as session:
            session.add(Customer(key="late", created_at=later, changed_at=later, country="NL"))
        with open_desk(workspace, SystemClock()) as desk:
            carry_out_wave(open_versions(workspace, "pilot"), later, desk)
        routine = call("report", "pilot", "-w", pilot, "--format", "json").out
        assert f"contactflow report pilot --goal {digest}" in routine
        assert json.loads(routine)["comparisons"] != told["comparisons"]
        again = json.loads(call("report", "pilot", "-w", pilot, "--goal", digest, "--format", "json").out)
        assert again["comparisons"] == told["comparisons"]


def test_a_rule_does_not_decide_on_the_routine_that_a_person_made(pilot: Path, call: Call, after: At) -> None:
    """With a tail of its own, which the rule would set to the usual one."""
    run(pilot, then="promote")
    after(3)
    assert promote(call, pilot, "--control-tail", "5%").code == 0
    with open_workspace(pilot) as workspace:
        for weeks in (3, 9):
            assert Rules(pilot, print).look(open_versions(workspace, "pilot")[0], NOON + weeks * WEEK) is None
    assert len(logged(pilot)) == 1
    assert "holdout: 5% " in (pilot / "flows" / "pilot.yaml").read_text()


def test_a_rule_that_finds_no_winner_keeps_what_runs_and_says_so_once(pilot: Path) -> None:
    run(pilot, then="promote", share_that_buys=0.0)
    told: list[str] = []
    rules, before = Rules(pilot, told.append), (pilot / "flows" / "pilot.yaml").read_text()
    with open_workspace(pilot) as workspace:
        [running] = open_versions(workspace, "pilot")
        decided = rules.look(running, NOON + 3 * WEEK)
        assert decided is not None
        assert (decided.kind, decided.version_to) == ("kept", None)
        assert rules.look(running, NOON + 4 * WEEK) is None
    assert "nothing is promoted" in told[0]
    assert len(logged(pilot)) == 1
    assert (pilot / "flows" / "pilot.yaml").read_text() == before


def test_a_rule_does_not_touch_a_file_that_was_edited_but_waits(pilot: Path) -> None:
    run(pilot, then="promote")
    file = pilot / "flows" / "pilot.yaml"
    file.write_text(file.read_text().replace("1 day", "2 days"))
    told: list[str] = []
    with open_workspace(pilot) as workspace:
        assert Rules(pilot, told.append).look(open_versions(workspace, "pilot")[0], NOON + 3 * WEEK) is None
    assert "waits" in told[0]
    assert logged(pilot) == ()


def test_of_two_that_promote_at_once_one_does_and_the_other_is_told(pilot: Path) -> None:
    run(pilot)
    now = NOON + 3 * WEEK
    with open_workspace(pilot) as workspace:
        first, second = (prepare(pilot, workspace, Wish("pilot"), now) for _ in range(2))
        carry_out(workspace, first, now)
        with pytest.raises(EditedSinceError, match="has come to run in the meantime"):
            carry_out(workspace, second, now)
    assert len(logged(pilot)) == 1


def test_a_worker_carries_the_rule_out_behind_its_wave(pilot: Path) -> None:
    run(pilot, then="promote")
    before = current(pilot)
    opened = open_campaign(pilot, "pilot")
    with opened.held:
        assert opened.afterwards
        assert opened.afterwards(NOON + 3 * WEEK)
    assert [each.decided_by for each in logged(pilot)] == ["rule"]
    assert current(pilot) != before


def test_a_halted_campaign_decides_nothing_by_itself(pilot: Path) -> None:
    run(pilot, then="promote")
    with open_workspace(pilot) as workspace:
        pause(workspace, "pilot", NOON + WEEK)
        assert Rules(pilot, print).look(open_versions(workspace, "pilot")[0], NOON + 3 * WEEK) is None
        resume(workspace, "pilot", NOON + 3 * WEEK)
        assert Rules(pilot, print).look(open_versions(workspace, "pilot")[0], NOON + 3 * WEEK) is not None


def test_without_the_rule_nothing_happens_by_itself(pilot: Path) -> None:
    run(pilot, then="report")
    with open_workspace(pilot) as workspace:
        assert Rules(pilot, print).look(open_versions(workspace, "pilot")[0], NOON + 9 * WEEK) is None
    assert logged(pilot) == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_run_carries_the_rule_out_on_its_way(pilot: Path, carry_out: Call) -> None:
    run(pilot, then="promote")
    moments = ("--at", (NOON + timedelta(days=1)).isoformat(), "--until", (NOON + 5 * WEEK).isoformat())
    done = carry_out("pilot", *moments, "--format", "json", "-w", pilot)
    assert done.code == 0, done.err
    [decided] = json.loads(done.out)["decisions"]
    assert (decided["arm"], decided["decided_by"], decided["at"]) == ("contacted", "rule", (NOON + 5 * WEEK).isoformat())
    assert current(pilot) == decided["version_to"]


def test_explain_says_by_which_decision_somebody_came_in(pilot: Path, call: Call, after: At) -> None:
    run(pilot)
    after(3)
    promote(call, pilot)
    late = "key,email,country,consent_offers_email\nlate,late@example.com,NL,yes\n"
    (pilot / "late.csv").write_text(late)
    assert call("import", "customers", pilot / "late.csv", "-w", pilot).code == 0
    with open_workspace(pilot) as workspace, open_desk(workspace, SystemClock()) as desk:
        carry_out_wave(open_versions(workspace, "pilot"), NOON + 3 * WEEK, desk)
    said = {key: call("explain", "pilot", key, "-w", pilot).out for key in ("c1", "late")}
    assert "made 'contacted' the routine" in said["late"]
    assert "made 'contacted' the routine" not in said["c1"]
