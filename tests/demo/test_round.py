"""A small town lives through the whole demo: real waves by Prefect, real SMTP, real HTTP, a virtual clock."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from contactflow.present import NOW
from demo.households import Household, Shop, invented
from demo.terminal import CommandFailedError, Terminal
from demo.tour import Outcome, Tour, examples

HOUSEHOLDS, DAYS = 300, 14
# Prefect's client leaves sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


class Round:
    """The demo after it was walked: what it said, and what it came to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[str] = []
        self.households = [invented(number, "35-44", "1" if number % 3 else "0", "DELI") for number in range(1, HOUSEHOLDS + 1)]
        self.outcome: Outcome = Tour(root, Shop(self.households, list(_purchases(self.households))), self.said.append, DAYS).walk()

    def column(self, query: str) -> list[tuple[object, ...]]:
        """What the workspace's own database says."""
        database = create_engine(f"sqlite:///{self.root / 'contactflow.db'}")
        try:
            with database.connect() as connection:
                return [tuple(row) for row in connection.execute(text(query))]
        finally:
            database.dispose()


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Round:
    return Round(tmp_path_factory.mktemp("demo") / "workspace")


def _purchases(households: list[Household]) -> Iterator[tuple[str, str, str, str]]:
    for number, each in enumerate(households):
        yield f"basket-{number}", each.key, f"2017-{1 + number % 12:02}-15 11:00:00", "18.40"


def test_what_happened_and_what_was_written_down_is_the_same(walked: Round) -> None:
    assert [check for check in walked.outcome.checks if not check.holds] == []
    happened = {check.what: check.happened for check in walked.outcome.checks}
    busy = [what for what in happened if "logged" in what]
    assert len(busy) == 7
    assert all(happened[what] > 0 for what in busy), happened


def test_every_answer_that_was_posted_is_one_row_with_its_flow_and_node(walked: Round) -> None:
    answers = walked.column("SELECT campaign, version, node, detail, key FROM contact WHERE kind = 'answered'")
    assert len(answers) == walked.outcome.town.browser.done["answers"]
    assert len({key for *_, key in answers}) == len(answers)
    for campaign, version, node, detail, _ in answers:
        assert campaign == "winback"
        assert version
        assert node in ("mail", "text", "letter")
        assert json.loads(str(detail))["answers"]["interest"] in ("fresh", "family", "cooking", "bargains")


def test_the_control_got_nothing_and_nobody_got_anything_without_consent(walked: Round) -> None:
    got, assigned = walked.outcome.town.got, walked.outcome.assigned
    control = set(assigned.everyone) - set(assigned.mails)
    assert 30 < len(control) < 90
    assert not control & set(got)
    channels = {"personal": "email", "general": "email", "text": "sms", "letter": "print"}
    assert got
    assert all(channels[message] in assigned.everyone[who].reachable for who, messages in got.items() for message in messages)


def test_nobody_is_lost_and_nobody_is_written_to_twice(walked: Round) -> None:
    states = {state for (state,) in walked.column("SELECT DISTINCT state FROM outbox WHERE due_at <= (SELECT max(at) FROM contact)")}
    assert states <= {"sent", "suppressed"}
    assert walked.column("SELECT customer_id, node FROM outbox WHERE state = 'sent' GROUP BY 1, 2 HAVING count(*) > 1") == []
    assert all(len(set(messages)) == len(messages) for messages in walked.outcome.town.got.values())


def test_the_report_is_held_against_a_truth_that_it_does_not_know(walked: Round) -> None:
    by_what = {each.what: each for each in walked.outcome.compared}
    assert len(by_what) == 3
    for each in by_what.values():
        assert each.truth.difference > 0
        assert each.low < each.estimate < each.high
    assert by_what["being written to: people who buy"].truth.without < 0.15


def test_the_visitor_is_shown_each_command_and_how_long_it_took(walked: Round) -> None:
    told = "\n".join(walked.said)
    for command in (
        "import customers",
        "import purchases",
        "check winback",
        "draw winback",
        "simulate winback",
        "status winback",
        "report winback",
    ):
        assert f"$ contactflow {command}" in told
    assert told.count(" s]") == 7
    for who in examples(walked.outcome):
        assert f"explain winback {who}" in told
    with (walked.root / "data" / "customers.rejected.csv").open(encoding="utf-8-sig", newline="") as lost:
        assert {row["column"] for row in csv.DictReader(lost)} >= {"key", "email", "postcode"}
    for file in ("winback.html", "winback.svg", "winback.pdf", "winback-plan.svg"):
        assert (walked.root / file).stat().st_size > 1_000
    assert NOW not in os.environ


def test_a_command_that_fails_stops_the_demo_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="contactflow init"):
        Terminal(tmp_path, print).run("import", "customers", "no-such-file.csv")
