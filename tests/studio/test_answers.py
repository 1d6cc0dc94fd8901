"""The inbox answers what it was told, over SMTP, from the next mail on."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from store.errors import InputError
from store.looping import RunningServer
from studio.inbox import read_record, start_inbox
from studio.inbox.answers import AnswerBook, Rule
from studio.paths import StudioPaths
from studio.router import studio_router


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[RunningServer]:
    running = start_inbox(tmp_path / "inbox.db")
    yield running
    running.stop()


@pytest.fixture
def book(tmp_path: Path) -> AnswerBook:
    return AnswerBook(tmp_path / "inbox.db")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(studio_router(StudioPaths(tmp_path / "inbox.db", tmp_path / "sms.jsonl", tmp_path / "print")))
    with TestClient(app, follow_redirects=False) as opened:
        yield opened


def answer(connection: smtplib.SMTP, address: str) -> tuple[int, bytes]:
    try:
        connection.sendmail("shop@example.com", [address], b"Subject: x\r\n\r\nHi")
    except smtplib.SMTPRecipientsRefused as refused:
        return refused.recipients[address]
    return 250, b""


def test_addresses_bounce_or_are_deferred_as_told_and_others_are_taken(inbox: RunningServer, book: AnswerBook, tmp_path: Path) -> None:
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection:
        assert answer(connection, "Jan@example.org") == (250, b"")
        book.tell("*@Example.ORG", "bounce")
        book.tell("later@*", "defer")
        assert answer(connection, "Jan@example.org") == (550, b"5.1.1 No such person here (the inbox was told to bounce)")
        assert answer(connection, "later@example.org") == (451, b"4.7.1 Try again later (the inbox was told to defer)")
        assert answer(connection, "jan@example.com") == (250, b"")
        assert book.accept("*@example.org") == 1
        assert answer(connection, "Jan@example.org") == (250, b"")
    assert read_record(tmp_path / "inbox.db").mails == 3


def test_a_dropped_mail_gets_no_answer_and_is_not_kept(inbox: RunningServer, book: AnswerBook, tmp_path: Path) -> None:
    book.tell("*", "drop")
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection, pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        answer(connection, "jan@example.com")
    book.accept()
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection:
        assert answer(connection, "jan@example.com")[0] == 250
    assert read_record(tmp_path / "inbox.db").mails == 1


def test_a_slow_answer_comes_after_its_seconds(inbox: RunningServer, book: AnswerBook) -> None:
    book.tell("*", "slow", seconds=2)
    with (
        smtplib.SMTP("127.0.0.1", inbox.port, "localhost", timeout=0.5) as connection,
        pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"),
    ):
        answer(connection, "jan@example.com")
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost", timeout=30) as connection:
        assert answer(connection, "jan@example.com")[0] == 250


def test_a_part_is_about_that_part_and_always_the_same_addresses(book: AnswerBook) -> None:
    addresses = [f"c{number}@example.com" for number in range(2_000)]
    book.tell("*", "bounce", part=10)
    first = [address for address in addresses if book.rule_for(address)]
    assert 150 < len(first) < 250
    book.tell("*", "bounce", part=20)
    assert set(first) < {address for address in addresses if book.rule_for(address)}
    book.tell("*", "defer", part=20)
    found = [rule.answer for address in addresses if (rule := book.rule_for(address))]
    assert 300 < found.count("defer") < 500
    assert 220 < found.count("bounce") < 420  # of the four fifths that are left


def test_the_newest_rule_that_fits_counts_and_another_process_sees_it(book: AnswerBook, tmp_path: Path) -> None:
    other = AnswerBook(tmp_path / "inbox.db")
    assert other.rules() == ()
    book.tell("*@example.com", "defer")
    other.tell("jan@*", "bounce")
    found = book.rule_for("jan@example.com"), book.rule_for("piet@example.com")
    assert [rule and rule.answer for rule in found] == ["bounce", "defer"]
    assert other.tell("*@example.com", "defer", 50) == Rule("*@example.com", "defer", 50)
    assert [rule.pattern for rule in book.rules()] == ["*@example.com", "jan@*"]
    book.tell("jan@*", "slow", seconds=5)
    assert (book.accept("JAN@*", "bounce"), book.accept("jan@*"), book.accept(), book.rules()) == (1, 1, 1, ())


@pytest.mark.parametrize(
    "wrong", [("", "bounce", 100, 0), ("*", "explode", 100, 0), ("*", "defer", 0, 0), ("*", "defer", 101, 0), ("*", "slow", 100, 0)]
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(book: AnswerBook, wrong: tuple[str, str, int, int]) -> None:
    with pytest.raises(InputError):
        book.tell(*wrong)
    assert book.rules() == ()


@pytest.mark.parametrize("content", ["", "{", "{}", "[1]", '[{"pattern": "*", "answer": "explode"}]', '[{"answer": "bounce"}]', "\x00"])
def test_a_file_that_a_person_broke_does_not_stop_the_inbox(inbox: RunningServer, book: AnswerBook, tmp_path: Path, content: str) -> None:
    (tmp_path / "inbox-answers.json").write_text(content)
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection:
        assert answer(connection, "jan@example.com")[0] == 250
    assert book.rules() == ()


def test_the_page_tells_the_inbox_and_takes_it_back(client: TestClient, book: AnswerBook) -> None:
    assert "Every mail is taken" in client.get("/inbox/answers").text
    form = {"pattern": "<b>*@example.org", "answer": "slow", "part": "25", "seconds": "30"}
    assert client.post("/inbox/answers", data=form).headers["location"] == "/inbox/answers"
    assert book.rules() == (Rule("<b>*@example.org", "slow", 25, 30),)
    page = client.get("/inbox/answers").text
    assert "25% of the mail is taken slowly, after 30 seconds." in page
    assert "<b>" not in page
    assert "1 rule" in client.get("/inbox").text
    assert client.post("/inbox/answers/accept", data={"pattern": "<b>*@example.org", "answer": "slow"}).status_code == 303
    assert book.rules() == ()


def test_the_page_says_what_is_wrong(client: TestClient) -> None:
    page = client.post("/inbox/answers", data={"pattern": "*", "answer": "slow", "seconds": "soon"})
    assert page.status_code == 400
    assert "How slow? Write a number of seconds" in page.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "http://testserver"}, 303),
        ({}, 303),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
def test_no_other_site_presses_the_buttons(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/inbox/answers", data={"pattern": "*", "answer": "bounce"}, headers=headers).status_code == status
