"""`contactflow power`, and the warning that `check` gives from its last answer. On both databases."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from contactflow.bootstrap import open_workspace
from contactflow.checking import check_context, check_one
from contactflow.planned import Kept, keep, question_of
from customers.tables import Purchase
from store.clock import SystemClock
from store.session import writing
from tests.conftest import NOON
from tests.contactflow.conftest import CUSTOMERS, Call

IN_MONEY = "spend\n  within: 2 weeks"


@pytest.fixture
def shop(workspace: Path, database_url: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with people, of whom one in ten bought last week."""
    monkeypatch.setenv("CONTACTFLOW_DATABASE_URL", database_url)
    monkeypatch.setenv("CONTACTFLOW_NOW", NOON.isoformat())
    flow = workspace / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("  within: 2 weeks\n", "  within: 2 weeks\n  minimum_lift: 5 points\n"))
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    with open_workspace(workspace) as opened, writing(opened.database) as session:
        for customer in range(1, CUSTOMERS + 1, 10):
            at = NOON - timedelta(days=7)
            session.add(Purchase(key=f"p{customer}", customer_id=customer, purchased_at=at, amount_cents=1000, currency="EUR"))
    return workspace


def test_the_answer_is_said_first_and_then_shown(shop: Path, call: Call) -> None:
    said = call("power", "spring", "-w", shop)
    assert said.code == 0, said.err
    first, _, rest = said.out.partition("\n")
    assert first.startswith("To see a difference of 5 points in purchase in four cases out of five, ")
    assert "Only 60 do: the goal cannot be reached" in first
    assert "Without the campaign: 10.00% (purchase), as of the 60 customers" in rest
    assert "contacted  control" in rest


def test_the_base_rate_is_the_audiences_own_history_or_the_one_given(shop: Path, call: Call) -> None:
    own = json.loads(call("power", "spring", "-w", shop, "--format", "json").out)
    assert own["base"]["mean"] == pytest.approx(0.1)
    assert own["history"]["customers"] == CUSTOMERS
    given = json.loads(call("power", "spring", "-w", shop, "--format", "json", "--base-rate", "3%").out)
    assert (given["base"]["mean"], given["history"]) == (0.03, None)
    [ours], [theirs] = own["comparisons"], given["comparisons"]
    assert ours["arm_customers"] + ours["control_customers"] == CUSTOMERS
    assert ours["arm_needed"] == pytest.approx(4 * ours["control_needed"], abs=4)  # a hold-out of a fifth
    assert ours["audience_needed"] == ours["arm_needed"] + ours["control_needed"]
    assert ours["audience_needed"] > theirs["audience_needed"]
    assert ours["days"] is None
    assert ours["enough"] is False


def test_an_audience_that_grows_says_how_long_it_takes(shop: Path, call: Call) -> None:
    flow = shop / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("audience: country = 'NL'", "audience: days_since_purchase > 3\n    again: 1 day"))
    told = json.loads(call("power", "spring", "-w", shop, "--format", "json", "--base-rate", "10%").out)
    assert told["audience"] == 6
    assert told["a_day"] == pytest.approx(6 / 14)
    [only] = told["comparisons"]
    assert only["days"] == pytest.approx((only["audience_needed"] - 6) / (6 / 14) + 14)
    assert "0.4 people come in on a day" in call("power", "spring", "-w", shop, "--base-rate", "10%").out


def test_what_cannot_be_known_is_said_and_not_made_up(shop: Path, call: Call) -> None:
    flow = shop / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("metric: purchase", "metric: visit"))
    said = call("power", "spring", "-w", shop)
    assert said.code == 0
    assert "none did it (visit)" in said.out
    assert json.loads(call("power", "spring", "-w", shop, "--format", "json").out)["comparisons"] == []
    assert "warning" not in call("check", "-w", shop).out


@pytest.mark.parametrize(
    ("keeps_goal", "change", "more", "why"),
    [
        (False, ("", ""), (), "no learning goal"),
        (
            True,
            ("purchase\n  within: 2 weeks\n  minimum_lift: 5 points", IN_MONEY),
            ("--base-rate", "3%"),
            "no share of customers",
        ),
        (True, ("", ""), ("--base-rate", "plenty"), "is not a share"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    shop: Path, call: Call, keeps_goal: bool, change: tuple[str, str], more: tuple[str, ...], why: str
) -> None:
    flow = shop / "flows" / "spring.yaml"
    text = flow.read_text()
    head, learn, nodes = text.partition("learn:")[0], text[text.index("learn:") : text.index("flow:")], text[text.index("flow:") :]
    flow.write_text(head + (learn if keeps_goal else "").replace(*change) + nodes)
    said = call("power", "spring", "-w", shop, *more)
    assert said.code in (1, 2)
    assert why in " ".join(said.err.split())


def test_check_warns_of_a_goal_out_of_reach_and_still_succeeds(shop: Path, call: Call) -> None:
    assert "warning" not in call("check", "-w", shop).out
    call("power", "spring", "-w", shop)
    said = call("check", "-w", shop)
    assert said.code == 0
    assert f"{shop / 'flows/spring.yaml'}:10:3: warning: the learning goal cannot be reached: a difference of 5 points takes " in said.out
    assert "60 come in" in said.out
    assert "(counted today)" in said.out
    assert said.out.endswith("1 flow checked: no faults, 1 warning.\n")
    told = json.loads(call("check", "-w", shop, "--format", "json").out)
    assert told["faults"] == []
    [warning] = told["warnings"]
    assert (warning["code"], warning["severity"], warning["line"]) == ("goal-out-of-reach", "warning", 10)


def test_a_warning_is_about_the_goal_that_was_asked_and_no_other(shop: Path, call: Call) -> None:
    call("power", "spring", "-w", shop)
    flow = shop / "flows" / "spring.yaml"
    text = flow.read_text()
    flow.write_text(text.replace("goal: comes back", "goal: came back"))
    assert "warning" in call("check", "-w", shop).out  # the wording has nothing to do with it
    for old, new in (("5 points", "50 points"), ("holdout: 20%", "holdout: 50%"), ("country = 'NL'", "country = 'BE'")):
        flow.write_text(text.replace(old, new))
        assert "warning" not in call("check", "-w", shop).out


def test_a_goal_within_reach_is_no_warning(shop: Path, call: Call) -> None:
    flow = shop / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("5 points", "70 points"))
    assert "it is enough" in call("power", "spring", "-w", shop).out
    assert call("check", "-w", shop).out == "1 flow checked: no faults.\n"


@pytest.mark.parametrize(
    ("days", "said"), [(0, "counted today"), (1, "counted yesterday"), (40, "counted 40 days ago")], ids=["today", "yesterday", "old"]
)
def test_a_warning_says_how_old_it_is(workspace: Path, call: Call, days: int, said: str) -> None:
    graph = check_one(workspace / "flows" / "spring.yaml", check_context(workspace)).require()
    asked_at = (SystemClock().now() - timedelta(days=days, minutes=1)).isoformat()
    keep(workspace, "spring", Kept(question_of(graph), asked_at, 60, 9000, None, None))
    assert said in call("check", "-w", workspace).out


@pytest.mark.parametrize("text", ["", "{", "[]", '{"question": 1}', "null"])
def test_an_answer_that_cannot_be_read_is_no_answer(workspace: Path, call: Call, text: str) -> None:
    file = workspace / ".contactflow" / "planned" / "spring.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert call("check", "-w", workspace).out == "1 flow checked: no faults.\n"


def test_a_check_that_warns_still_loads_no_database(workspace: Path) -> None:
    graph = check_one(workspace / "flows" / "spring.yaml", check_context(workspace)).require()
    keep(workspace, "spring", Kept(question_of(graph), SystemClock().now().isoformat(), 60, 9000, "9.00 points", None))
    program = (
        "import sys; from contactflow.commands import app\n"
        f"try: app(['check', '-w', {str(workspace)!r}])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sqlalchemy', 'sqlmodel', 'numpy', 'scipy', 'prefect') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "1 warning" in done.stdout
    assert done.stdout.rstrip().endswith("[]")
