"""The command line, command by command, and a user's mistakes."""

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contactflow.bootstrap import open_workspace
from contactflow.checking import check_context, check_one
from contactflow.commands import app
from contactflow.guard import exit_code
from customers.vouchers import Issued, issue
from engine.campaigns import start
from store.session import writing
from tests.conftest import NOON
from tests.contactflow.conftest import CUSTOMERS, FLOW, Call, make_workspace, sockets_left_to_the_collector


def test_a_good_workspace_has_no_faults(call: Call, workspace: Path) -> None:
    said = call("check", "-w", workspace)
    assert (said.code, said.out) == (0, "1 flow checked: no faults.\n")


def test_every_fault_is_told_at_its_place_with_its_remedy(call: Call, workspace: Path) -> None:
    flow = workspace / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("then: won", "then: wonn").replace("country =", "contry ="))
    said = call("check", flow, "-w", workspace)
    assert said.code == 1
    assert f"{flow}:12:15: " in said.out
    assert "Did you mean 'country'?" in said.out
    assert "wonn" in said.out
    assert "2 faults" in said.err


def test_faults_are_told_to_programs_too(call: Call, workspace: Path) -> None:
    flow = workspace / "flows" / "spring.yaml"
    flow.write_text(flow.read_text().replace("then: won", "then: wonn"))
    said = call("check", "--format", "json", "-w", workspace)
    [fault] = json.loads(said.out)["faults"]
    assert (fault["line"], fault["column"]) == (22, 11)


@pytest.mark.parametrize("kind", ["svg", "png", "pdf", "dot"])
def test_a_flow_is_drawn(call: Call, workspace: Path, kind: str) -> None:
    picture = workspace / f"spring.{kind}"
    assert call("draw", "spring", "-o", picture, "-w", workspace).code == 0
    starts = {"svg": b"<", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    assert picture.read_bytes().lstrip().startswith(starts[kind])


def test_a_picture_of_another_kind_is_refused_as_wrong_usage(call: Call, workspace: Path) -> None:
    said = call("draw", "spring", "-o", workspace / "spring.bmp", "-w", workspace)
    assert said.code == 2
    assert "svg, png, pdf, dot" in " ".join(said.err.split())


def test_customers_are_previewed_and_imported(call: Call, workspace: Path) -> None:
    preview = call("import", "customers", workspace / "customers.csv", "--preview", "-w", workspace)
    assert "nothing was written" in preview.out
    first = call("import", "customers", workspace / "customers.csv", "-w", workspace, "--format", "json")
    assert json.loads(first.out)["new"] == CUSTOMERS
    again = call("import", "customers", workspace / "customers.csv", "-w", workspace)
    assert f"{CUSTOMERS} unchanged" in again.out


def test_a_simulation_says_what_would_happen_and_stores_nothing(call: Call, workspace: Path) -> None:
    call("import", "customers", workspace / "customers.csv", "-w", workspace)
    arguments = ("simulate", "spring", "--at", "2026-03-02 09:00", "--assume", "response=50%", "-w", workspace)
    told = json.loads(call(*arguments, "--format", "json").out)
    assert told["audience"] == CUSTOMERS
    assert {each["arm"] for each in told["arms"]} == {"control", "contacted"}
    contacted = next(each["people"] for each in told["arms"] if each["arm"] == "contacted")
    assert told["messages"] == contacted  # who has no address for mail gets a text
    assert [each["reason"] for each in told["left_out"]] == ["no_address"]
    assert told["ended"]["held_out"] == CUSTOMERS - contacted
    assert sum(told["ended"].values()) == CUSTOMERS
    assert "60 people would come in" in call(*arguments).out
    assert "No campaign has run here yet" in call("status", "-w", workspace).out


def test_a_wrong_assumption_is_wrong_usage(call: Call, workspace: Path) -> None:
    said = call("simulate", "spring", "--assume", "luck=50%", "-w", workspace)
    assert (said.code, "response" in said.err) == (2, True)


def test_a_plan_of_a_flow_that_has_not_run(call: Call, workspace: Path) -> None:
    assert "has not run yet" in call("plan", "spring", "-w", workspace).out


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, prefect_address: str) -> Path:
    """A workspace whose campaign has been carried out for four virtual days, with Prefect and real mail."""
    root = make_workspace(tmp_path_factory.mktemp("ran") / "shop")
    with pytest.MonkeyPatch.context() as environment, sockets_left_to_the_collector():
        environment.setenv("PREFECT_API_URL", prefect_address)
        for arguments in (
            ["import", "customers", str(root / "customers.csv")],
            ["run", "spring", "--at", "2026-03-02 09:00", "--until", "2026-03-08"],
        ):
            assert exit_code(partial(app, [*arguments, "-w", str(root)], prog_name="contactflow")) == 0
    return root


def test_a_run_sends_moves_and_ends(call: Call, ran: Path) -> None:
    [told] = json.loads(call("status", "spring", "-w", ran, "--format", "json").out)
    assert told["members"] == CUSTOMERS
    assert told["ended"].keys() == {"held_out", "flow_ended"}
    sent = {(each["node"], each["state"]): each["count"] for each in told["messages"]}
    assert set(sent) == {("mail", "sent"), ("mail", "suppressed"), ("text", "sent")}
    assert told["unknown"] == []


def test_status_in_words(call: Call, ran: Path) -> None:
    assert call("status", "-w", ran).out == "spring: 60 came in, 0 are in, 60 have left\n"
    assert "came to the end of the flow" in call("status", "spring", "-w", ran).out


def test_counts_stand_in_the_picture(call: Call, ran: Path) -> None:
    picture = ran / "counts.svg"
    assert call("draw", "spring", "--counts", "--language", "nl", "-o", picture, "-w", ran).code == 0
    told = picture.read_text()
    assert ">41 · 100%<" in told  # who got the mail, as the report draws it
    assert ">verzonden<" in told


def test_explain_says_why_not(call: Call, ran: Path) -> None:
    told = [json.loads(call("explain", "spring", f"c{n}", "--format", "json", "-w", ran).out) for n in range(10, 61, 10)]
    reasons = {finding["reason"] for each in told for finding in each["findings"]}
    assert reasons >= {"no_address", "flow_ended"}
    assert "no usable address for this channel is known" in "".join(
        call("explain", "spring", f"c{n}", "-w", ran).out for n in range(10, 61, 10)
    )


def test_explain_a_customer_whom_nobody_knows(call: Call, ran: Path) -> None:
    said = call("explain", "spring", "nobody", "-w", ran)
    assert (said.code, "no customer 'nobody'" in said.err) == (1, True)


def test_an_unknown_campaign_is_told_with_those_that_are_known(call: Call, ran: Path) -> None:
    assert "These have: spring." in call("status", "winter", "-w", ran).err


def test_a_report_is_written_for_people_and_for_programs(call: Call, ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTFLOW_NOW", "2026-04-01 09:00")
    told = json.loads(call("report", "spring", "--format", "json", "-w", ran).out)
    assert {each["metric"] for each in told["comparisons"]} >= {"purchase"}
    page = ran / "spring.html"
    assert call("report", "spring", "-o", page, "-w", ran).code == 0
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("command", [("report", "spring"), ("strategy",), ("compare", "spring", "autumn"), ("programme",)])
def test_a_language_that_reports_are_not_written_in_is_refused(call: Call, ran: Path, command: tuple[str, ...]) -> None:
    said = call(*command, "--language", "fr", "-w", ran)
    assert (said.code, "'fr' is not one of 'en', 'nl'" in said.err) == (2, True)


def test_a_plan_says_what_an_edit_changes(call: Call, ran: Path) -> None:
    assert "unchanged" in call("plan", "spring", "-w", ran).out
    flow = ran / "flows" / "spring.yaml"
    before = flow.read_text()
    flow.write_text(before.replace("at_most: 3 days", "at_most: 4 days"))
    told = json.loads(call("plan", "spring", "--format", "json", "-w", ran).out)
    flow.write_text(before)
    assert told["changed"] == ["answer"]
    assert told["added"] == told["removed"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("draw", "wintr"), "There is no flow 'wintr'"),
        (("run", "spring", "--at", "tomorrowish"), "'tomorrowish' is not a moment"),
        (("import", "customers", "nowhere.csv"), "nowhere.csv"),
        (("status", "spring"), "No campaign called 'spring' has run here"),
        (("deploy", "spring"), "PREFECT_API_URL"),
        (("worker",), "PREFECT_API_URL"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(
    call: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = call(*arguments, "-w", workspace)
    assert said.code == 1
    assert told in said.err
    assert "Traceback" not in said.err


def test_a_folder_that_is_no_workspace_is_told(call: Call, tmp_path: Path) -> None:
    said = call("check", "-w", tmp_path)
    assert (said.code, "contactflow init" in said.err) == (1, True)


def test_a_database_that_is_none_is_told(call: Call, workspace: Path) -> None:
    (workspace / "contactflow.db").write_text("this is not a database, but a text that somebody put here by mistake")
    said = call("status", "-w", workspace)
    assert (said.code, "cannot be opened" in said.err) == (1, True)


def test_wrong_usage_is_exit_2(call: Call) -> None:
    assert call("chekc").code == 2
    assert call("import", "cats", "x.csv").code == 2


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "check",
        "draw",
        "import",
        "run",
        "pause",
        "resume",
        "stop",
        "status",
        "explain",
        "simulate",
        "plan",
        "deploy",
        "worker",
        "serve",
        "report",
    ],
)
def test_every_command_has_help_with_an_example(call: Call, command: str) -> None:
    said = call(command, "--help")
    assert (said.code, "Example: contactflow" in said.out) == (0, True)


def test_vouchers_are_listed_for_the_shop_as_csv_and_json(call: Call, workspace: Path, tmp_path: Path) -> None:
    assert "No campaign called 'spring' has run" in call("vouchers", "spring", "-w", workspace).err
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    with open_workspace(workspace) as opened:
        flow = workspace / "flows" / "spring.yaml"
        start(opened, check_one(flow, check_context(workspace)).require(), flow.read_text(), NOON)
        with writing(opened.database) as session:
            issue(session, [Issued("7K3QX-9MPTY", 1, 1, 1, "spring", "0123456789ab", "mail", None)], NOON)
    said = call("vouchers", "spring", "-w", workspace)
    assert said.out == "code,node,arm,issued_at,purchases\n7K3QX-9MPTY,mail,,2026-03-02T12:00:00+00:00,0\n"
    assert json.loads(call("vouchers", "spring", "--format", "json", "-w", workspace).out)[0]["code"] == "7K3QX-9MPTY"
    file = tmp_path / "vouchers.csv"
    assert call("vouchers", "spring", "-o", file, "-w", workspace).out == f"{file}: 1 voucher\n"
    assert file.read_text() == said.out
    assert "cannot be written" in call("vouchers", "spring", "-o", tmp_path, "-w", workspace).err


def test_a_file_that_cannot_be_read_is_a_fault_like_any_other(call: Call, workspace: Path) -> None:
    (workspace / "flows" / "folder.yaml").mkdir()
    (workspace / "flows" / "self.yaml").symlink_to("self.yaml")
    (workspace / "flows" / "noise.yaml").write_bytes(bytes(range(256)))
    said = call("check", "-w", workspace)
    assert said.code == 1
    assert [name for name in ("folder", "self", "noise") if f"{name}.yaml:" in said.out] == ["folder", "self", "noise"]


def test_a_fault_in_what_flows_share_is_told_once_also_where_none_names_it(call: Call, workspace: Path) -> None:
    brand = workspace / "templates" / "brand"
    brand.mkdir(exist_ok=True)
    (brand / "brand.yaml").write_text("accnt: green\n")
    (brand / "page.css").write_text("@import 'x.css';")
    (workspace / "flows" / "autumn.yaml").write_text(FLOW.replace("campaign: spring", "campaign: autumn"))
    said = call("check", "-w", workspace)
    assert said.out.count("'accnt' is not known") == said.out.count("brings in another file") == 1
    assert said.err == "2 flows checked: 2 faults.\n"


def test_a_flow_that_is_not_there_does_not_hide_the_faults_of_others(call: Call, workspace: Path) -> None:
    (workspace / "flows" / "empty.yaml").write_text("")
    said = call("check", "springg", "empty", "-w", workspace)
    assert "Did you mean 'spring'?" in said.out
    assert "the file is empty" in said.out


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (FLOW + text).encode("utf-8", "surrogatepass")))
def test_no_file_whatever_makes_the_check_fall_over(call: Call, workspace: Path, content: bytes) -> None:
    flow = workspace / "flows" / "spring.yaml"
    flow.write_bytes(content)
    said = call("check", flow, "-w", workspace)
    assert said.code in (0, 1)
    assert "inside contactflow" not in said.err


def test_a_defect_of_ours_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    assert exit_code(broken) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    details = Path(said.split("Give ")[1].split(" to whoever")[0])
    assert "Traceback" in details.read_text()
    details.unlink()
