"""The inbox sends back what it was told to, and it is read as what came from outside would be."""

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.email.incoming import feedback_of, mail_id, read, written_at
from channels.email.incoming.mailroom import FOLDER, Mailroom
from channels.feedback import Feedback, Happening
from store.looping import RunningServer
from studio.inbox import read_record, start_inbox
from studio.inbox.answers import AnswerBook
from tests.conftest import NOON
from tests.email.returned_mails import BOUNCES_TO, KEY, OUR_HEADERS, OURS

MAIL = f"{OUR_HEADERS}Date: Mon, 02 Mar 2026 10:00:00 +0100\n\nHoi €\n".replace("\n", "\r\n").encode()
ANNA = "anna@example.com"


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[RunningServer]:
    running = start_inbox(tmp_path / "inbox.db")
    yield running
    running.stop()


def send(inbox: RunningServer, sender: str = BOUNCES_TO, mail: bytes = MAIL) -> None:
    with smtplib.SMTP("127.0.0.1", inbox.port, "localhost") as connection:
        assert connection.sendmail(sender, [ANNA], mail) == {}


def came_back(tmp_path: Path) -> list[bytes]:
    room = Mailroom(tmp_path / FOLDER)
    return [room.read(name) or b"" for name in room.waiting()]


def feedback(tmp_path: Path) -> Feedback:
    (raw,) = came_back(tmp_path)
    (found,) = feedback_of(read(raw, OURS), "m", written_at(raw, NOON))
    return found


@pytest.mark.parametrize(
    ("answer", "happening", "text"),
    [
        ("complain", Happening.COMPLAINED, ""),
        ("return", Happening.BOUNCED_HARD, ""),
        ("reply", Happening.REPLIED, "Thank you, that looks good. Can you call me about it?"),
        ("away", Happening.AUTO_REPLIED, ""),
    ],
)
def test_a_mail_is_taken_and_what_comes_back_is_about_it_in_its_own_time(
    inbox: RunningServer, tmp_path: Path, answer: str, happening: Happening, text: str
) -> None:
    AnswerBook(tmp_path / "inbox.db").tell("*@example.com", answer)
    send(inbox)
    found = feedback(tmp_path)
    assert (found.happening, found.key, found.proven, found.text) == (happening, KEY, True, text)
    assert found.at == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    assert read_record(tmp_path / "inbox.db").mails == 1


@pytest.mark.parametrize("answer", ["complain", "return", "reply", "away"])
def test_without_a_return_path_of_its_own_the_mail_is_still_known_by_what_is_quoted(
    inbox: RunningServer, tmp_path: Path, answer: str
) -> None:
    AnswerBook(tmp_path / "inbox.db").tell("*", answer)
    send(inbox, "news@shop.example")
    found = feedback(tmp_path)
    assert (found.key, found.proven) == (KEY, False)
    assert answer != "return" or found.address == ANNA


def test_a_bounce_is_never_answered_and_nobody_answers_without_being_told(inbox: RunningServer, tmp_path: Path) -> None:
    send(inbox)
    AnswerBook(tmp_path / "inbox.db").tell("bert@*", "complain")
    send(inbox)
    AnswerBook(tmp_path / "inbox.db").tell("*", "complain")
    send(inbox, "")
    assert came_back(tmp_path) == []


def test_the_same_mail_twice_comes_back_as_one(inbox: RunningServer, tmp_path: Path) -> None:
    AnswerBook(tmp_path / "inbox.db").tell("*", "complain")
    send(inbox)
    send(inbox)
    send(inbox, mail=MAIL.replace(KEY.encode(), b"3f2a90bc11de.4712"))
    assert len({mail_id(raw) for raw in came_back(tmp_path)}) == 2


@pytest.mark.parametrize("mail", [b"\r\n\r\n", b"\xff: \xfe\r\n\r\n", b"Subject: a\r\n b\r\nX: " + b"x" * 100_000 + b"\r\n\r\nHi"])
def test_a_strange_mail_comes_back_too(inbox: RunningServer, tmp_path: Path, mail: bytes) -> None:
    for answer in ("complain", "return", "reply", "away"):
        AnswerBook(tmp_path / "inbox.db").tell("*", answer)
        send(inbox, mail=mail)
    assert len(came_back(tmp_path)) == 4


def test_a_mailroom_that_cannot_be_written_costs_only_what_would_come_back(inbox: RunningServer, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file in the way")
    AnswerBook(tmp_path / "inbox.db").tell("*", "complain")
    send(inbox)
    assert read_record(tmp_path / "inbox.db").mails == 1
