"""The messages of a flow are looked at as the actual audience would get them, before anything leaves."""

import email
import email.policy
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text

from contactflow.bootstrap import open_workspace
from contactflow.checking import check_context, check_one
from contactflow.content import check_content
from engine.campaigns import not_started
from tests.conftest import NOON
from tests.contactflow.conftest import FLOW, Call

MAIL = """<mjml>
  <mj-head><mj-preview>What is in it for {{ customer.first_name }}</mj-preview></mj-head>
  <mj-body><mj-section><mj-column>
    <mj-text color="#cccccc">Dear {{ customer.first_name }} of {{ customer.city or "here" }}</mj-text>
    <mj-image src="https://shop.example/pear.png" href="/pears" />
    <mj-button href="{{ links.page }}">Look</mj-button>
    <mj-text><a href="{{ links.opt_out }}">Stop</a></mj-text>
  </mj-column></mj-section></mj-body>
</mjml>
"""


@pytest.fixture
def shop(workspace: Path, call: Call) -> Path:
    """Sixty people, of whom six have no address, and five of the others no first name."""
    (workspace / "templates/mail.mjml").write_text(MAIL)
    flow = FLOW.replace("template: hello.txt\n    unreachable", "template: mail.mjml\n    unreachable")
    (workspace / "flows/spring.yaml").write_text(
        flow.replace("Hello {{ customer.first_name }}", "Hello {{ customer.first_name or 'there' }}")
    )
    rows = (workspace / "customers.csv").read_text().splitlines()
    nameless = [row.replace(f"Name{n}", "") if n in (1, 2, 3, 4, 5, 10) else row for n, row in enumerate(rows)]
    (workspace / "customers.csv").write_text("\n".join(nameless) + "\n")
    assert call("import", "customers", workspace / "customers.csv", "--workspace", workspace).code == 0
    return workspace


def checked(call: Call, shop: Path, *more: str) -> dict[str, Any]:
    said = call("check", "--content", "spring", "--format", "json", "--workspace", shop, *more)
    assert said.code == 1
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_every_trouble_of_a_mail_has_its_line_and_column(shop: Path, call: Call) -> None:
    found = checked(call, shop)
    faults = {(each["code"], Path(each["file"]).name, each["line"], each["column"]) for each in found["faults"]}
    assert faults == {
        ("contrast", "mail.mjml", 4, 21),
        ("no-alt", "mail.mjml", 5, 20),
        ("relative-link", "mail.mjml", 5, 51),
        ("lacking", "mail.mjml", 2, 45),
        ("lacking", "hello.txt", 1, 10),
    }
    assert all(each["remedy"] and each["message"] for each in found["faults"])


def test_who_lacks_what_is_counted_among_those_who_would_be_written_to(shop: Path, call: Call) -> None:
    content = checked(call, shop)["content"][0]
    mail = content["nodes"][0]
    assert (content["audience"], content["sampled"], mail["reachable"], mail["composed"]) == (60, 60, 54, 49)
    assert mail["lacking"] == {"customer.first_name": 5, "customer.city": 54}
    assert mail["left_out"] == {"customer.first_name": 5}
    assert mail["refused"] == {"no usable address for this channel is known": 6}
    assert 3_000 < mail["largest_bytes"] < 20_000


def test_what_everybody_lacks_is_counted_also_when_a_sample_is_composed(shop: Path, call: Call) -> None:
    mail = checked(call, shop, "--sample", "20")["content"][0]["nodes"][0]
    assert mail["lacking"]["customer.first_name"] == 5
    assert 5 < mail["composed"] < 40


def test_words_say_what_json_says(shop: Path, call: Call) -> None:
    said = call("check", "--content", "spring", "--workspace", shop)
    assert "mail (email): 54 can be written to, 6 not: no usable address" in said.out
    assert "5 would get nothing: customer.first_name has no value" in said.out
    assert "54 have no customer.city, and get the words that stand in for it" in said.out


def test_looking_costs_the_same_number_of_statements_for_any_audience(shop: Path, call: Call) -> None:
    def statements() -> int:
        counted = 0

        def count(*_: Any) -> None:
            nonlocal counted
            counted += 1

        with open_workspace(shop) as opened:
            graph = check_one(shop / "flows/spring.yaml", check_context(shop)).require()
            event.listen(opened.database, "before_cursor_execute", count)
            check_content(not_started(opened, graph), NOON)
        return counted

    few = statements()
    rows = (shop / "customers.csv").read_text().splitlines()
    more = [row.replace(f"c{n},", f"x{n},").replace(f"c{n}@", f"x{n}@") for n, row in enumerate(rows[1:], 1)]
    (shop / "more.csv").write_text("\n".join([rows[0], *more]) + "\n")
    assert call("import", "customers", shop / "more.csv", "--workspace", shop).code == 0
    assert statements() == few


def rows_of(shop: Path) -> dict[str, int]:
    database = create_engine(f"sqlite:///{shop / 'contactflow.db'}")
    tables = ("contact", "outbox", "member", "exposure", "wording", "campaign", "flow_version")
    with database.connect() as connection:
        names = [name for (name,) in connection.execute(text("select name from sqlite_master where type = 'table'"))]
        counts = {name: connection.execute(text(f"select count(*) from {name}")).scalar_one() for name in names if name in tables}
    database.dispose()
    return counts


def test_a_preview_is_the_very_message_and_leaves_no_trace(shop: Path, call: Call, tmp_path: Path) -> None:
    before = rows_of(shop)
    said = call("preview", "spring", "mail", "--customer", "c7", "--workspace", shop)
    assert (said.code, "Dear Name7 of here" in said.out) == (0, True)
    for ending in ("html", "eml", "txt"):
        assert call("preview", "spring", "mail", "--customer", "c7", "-o", tmp_path / f"m.{ending}", "--workspace", shop).code == 0
    mail = email.message_from_bytes((tmp_path / "m.eml").read_bytes(), policy=email.policy.default)
    assert (mail["Subject"], mail["To"]) == ("Hello Name7", "c7@example.com")
    assert "Dear Name7 of here" in (tmp_path / "m.html").read_text()
    assert "Dear Name7 of here" in (tmp_path / "m.txt").read_text()
    assert rows_of(shop) == before


def test_a_preview_says_who_would_not_get_it_and_why(shop: Path, call: Call) -> None:
    said = call("preview", "spring", "mail", "--customer", "c20", "--workspace", shop)
    assert (said.code, said.err) == (0, "It would not be sent: no usable address for this channel is known.\n")
    said = call("preview", "spring", "mail", "--customer", "c1", "--workspace", shop)
    assert (said.code, "customer.first_name has no value" in said.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mial", "--customer", "c7"), "Did you mean 'mail'?"),
        (("answer", "--customer", "c7"), "Node 'answer' sends nothing."),
        (("mail", "--customer", "nobody"), "There is no customer 'nobody'."),
        (("mail", "--customer", "c7", "--variant", "b"), "Node 'mail' has no variant 'b'."),
        (("mail", "--customer", "c7", "-o", "mail.png"), "mail.png cannot hold this message."),
        (("mail", "--customer", "c7", "--to", "nobody"), "'nobody' is not an e-mail address."),
        (("text", "--customer", "c7", "--to", "a@example.com"), "Node 'text' sends no e-mail."),
    ],
)
def test_what_cannot_be_shown_is_said_with_what_to_do(shop: Path, call: Call, arguments: tuple[str, ...], told: str) -> None:
    said = call("preview", "spring", *arguments, "--workspace", shop)
    assert (said.code, told in said.err) == (1, True), said


def test_a_test_goes_to_colleagues_marked_and_counts_nowhere(shop: Path, call: Call) -> None:
    before = rows_of(shop)
    said = call("preview", "spring", "mail", "--customer", "c7", "--to", "a@example.com", "--to", "b@example.com", "--workspace", shop)
    assert (said.code, [line.split(":")[0] for line in said.out.splitlines()]) == (0, ["a@example.com", "b@example.com"])
    assert rows_of(shop) == before
    database = create_engine(f"sqlite:///{shop / 'inbox.db'}")
    with database.connect() as connection:
        names = text("select name from sqlite_master where type = 'table' and name like '%mail%'")
        (table,) = connection.execute(names).scalars()
        kept = str(connection.execute(text(f"select * from {table}")).mappings().all())
    database.dispose()
    assert kept.count("[Test] Hello Name7") >= 2
