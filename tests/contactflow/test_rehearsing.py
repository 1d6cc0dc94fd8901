"""`contactflow inbox` tells the inbox what to answer, and a campaign meets it over SMTP."""

import json
from pathlib import Path

import pytest

from studio.inbox.answers import AnswerBook, Rule
from tests.contactflow.conftest import Call


def test_the_inbox_is_told_from_a_terminal_and_takes_mail_again(workspace: Path, call: Call) -> None:
    here = ("--workspace", workspace)
    assert call("inbox", *here).out == "The inbox takes every mail.\n"
    assert call("inbox", "bounce", "*@example.org", "--part", "10", *here).out == "*@example.org (10% of them): bounce\n"
    assert call("inbox", "complain", "a@*", "--part", "25 %", *here).out.startswith("a@* (25% of them): complain\n")
    assert call("inbox", "accept", "a@*", *here).code == 0
    assert call("inbox", "slow", *here).out == "*: slow, 10 seconds\n*@example.org (10% of them): bounce\n"
    assert AnswerBook(workspace / "inbox.db").rules() == (Rule("*", "slow", 100, 10), Rule("*@example.org", "bounce", 10))
    assert [row["pattern"] for row in json.loads(call("inbox", "accept", "*", "--format", "json", *here).out)] == ["*@example.org"]
    assert call("inbox", "accept", *here).out == "The inbox takes every mail.\n"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [(("slow", "--seconds", "0"), 1), (("explode",), 2), (("bounce", "*", "--part", "0"), 2), (("bounce", "*", "--part", "ten"), 2)],
)
def test_what_the_inbox_cannot_be_told_is_refused(workspace: Path, call: Call, wrong: tuple[str, ...], code: int) -> None:
    assert call("inbox", *wrong, "--workspace", workspace).code == code
    assert AnswerBook(workspace / "inbox.db").rules() == ()


def test_a_manager_sees_what_a_complaint_and_a_reply_do(workspace: Path, call: Call, carry_out: Call) -> None:
    """Over real SMTP, with what came back taken in between the waves, in the campaign's own time."""
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    book = AnswerBook(workspace / "inbox.db")
    book.tell("*", "complain")
    book.tell("c1*", "reply")
    ran = carry_out("spring", "--at", "2026-03-02 09:00", "--until", "2026-03-02 12:00", "-w", workspace)
    assert ran.code == 0, ran.err
    status = json.loads(call("status", "spring", "--format", "json", "-w", workspace).out)[0]
    came_back = {each["kind"]: each["messages"] for each in status["came_back"]}
    sent = next(each["count"] for each in status["messages"] if (each["node"], each["state"]) == ("mail", "sent"))
    assert came_back["complained"] + came_back["replied"] == sent
    assert status["ended"]["goal_reached"] == came_back["replied"] > 3
    assert f"take in returned mail {sent}" in ran.out
    explained = call("explain", "spring", "c1", "-w", workspace).out
    assert "2026-03-02 09:0" in next(line for line in explained.splitlines() if "the customer replied" in line)
