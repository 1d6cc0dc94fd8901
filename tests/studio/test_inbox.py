"""The inbox says 250 for what it keeps, keeps what it said 250 for, and can be counted."""

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.clock import FixedClock
from store.errors import StorageError
from store.session import reading
from studio.inbox import read_record, running_port, start_inbox
from studio.inbox.records import list_campaigns, list_mails, open_records, read_mail

HEAD = "From: a@example.com\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nSubject: =?utf-8?b?4oKsIDU=?=\r\n =?utf-8?b?IG9mZg==?=\r\n"


def mail(key: str, body: str = "Hi") -> bytes:
    headers = f"{HEAD}X-Contactflow-Key: {key}\r\nX-Contactflow-Campaign: winback\r\nX-Contactflow-Node: mail\r\n"
    return (headers + "\r\n" + body + "\r\n").encode()


def send(port: int, *mails: bytes, to: str = "jan@example.com") -> None:
    with smtplib.SMTP("127.0.0.1", port, "localhost") as connection:
        for each in mails:
            connection.sendmail("shop@example.com", [to], each)


def test_what_was_answered_with_250_is_there_and_can_be_counted(tmp_path: Path, clock: FixedClock) -> None:
    inbox = start_inbox(tmp_path / "inbox.db", clock=clock)
    send(inbox.port, mail("k1"), mail("k2"), mail("k2"), b"Subject: somebody else's\r\n\r\nHi\r\n")
    record = read_record(tmp_path / "inbox.db")
    inbox.stop()
    assert (record.mails, record.keys, record.duplicates) == (4, 2, {"k2": 2})
    with reading(open_records(tmp_path / "inbox.db")) as session:
        first = read_mail(session, 1)
    assert first is not None
    assert (first.key, first.campaign, first.node) == ("k1", "winback", "mail")
    assert first.subject == "€ 5 off"
    assert first.received_at == clock.now()
    assert first.sent_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert first.raw == mail("k1")


@pytest.mark.parametrize(
    "body", ["", ".", "..", ".\r\n.", "a\r\n.b\r\n..c", "ends with a dot.", "\r\n\r\n", "x" * 200_000, "line.\r\n" * 5_000]
)
def test_a_body_is_kept_as_it_was_sent(tmp_path: Path, body: str) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    send(inbox.port, mail("k", body), mail("after"))
    inbox.stop()
    with reading(open_records(tmp_path / "inbox.db")) as session:
        found = read_mail(session, 1)
        assert found is not None
        assert found.raw == mail("k", body)
        assert list_mails(session, "", 1).total == 2


def test_an_empty_message_is_a_message(tmp_path: Path) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    with socket.create_connection(("127.0.0.1", inbox.port)) as connection:
        connection.sendall(b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n.\r\nQUIT\r\n")
        answers = b""
        while chunk := connection.recv(4096):
            answers += chunk
    inbox.stop()
    assert re.findall(rb"^(\d{3}) ", answers, re.MULTILINE) == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]


def test_a_connection_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    with socket.create_connection(("127.0.0.1", inbox.port)) as connection:
        connection.sendall(b"EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: half")
        while b"354" not in connection.recv(4096):
            pass
    send(inbox.port, mail("whole"))
    inbox.stop()
    assert read_record(tmp_path / "inbox.db").mails == 1


def test_a_kill_leaves_every_mail_that_was_answered(tmp_path: Path) -> None:
    process, port = start_process(tmp_path)
    answered: list[str] = []

    def work(name: int) -> None:
        try:
            with smtplib.SMTP("127.0.0.1", port, "localhost") as connection:
                for index in range(10_000):
                    connection.sendmail("a@example.com", ["b@example.com"], mail(f"{name}-{index}"))
                    answered.append(f"{name}-{index}")
                    if len(answered) == 150:
                        process.send_signal(signal.SIGKILL)
        except (OSError, smtplib.SMTPException):
            return

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.wait()
    record = read_record(tmp_path / "inbox.db")
    assert len(answered) >= 150
    assert len(answered) <= record.keys <= len(answered) + 4
    assert not record.duplicates


def test_the_process_stops_when_asked_and_takes_its_announcement_away(tmp_path: Path) -> None:
    process, port = start_process(tmp_path)
    assert running_port(tmp_path / "state") == port
    process.terminate()
    assert process.wait(10) == 0
    assert not (tmp_path / "state/inbox.json").exists()


def test_an_announcement_of_a_dead_inbox_is_not_believed(tmp_path: Path) -> None:
    process, _ = start_process(tmp_path)
    process.kill()
    process.wait()
    assert (tmp_path / "state/inbox.json").exists()
    assert running_port(tmp_path / "state") is None
    (tmp_path / "state/inbox.json").write_text("not json")
    assert running_port(tmp_path / "state") is None


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StorageError, match=f"Port {taken.getsockname()[1]} is taken"):
            start_inbox(tmp_path / "inbox.db", taken.getsockname()[1])


def test_a_database_that_cannot_be_written_is_not_answered_with_250(tmp_path: Path) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    database = open_records(tmp_path / "inbox.db")
    with database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE mail")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(inbox.port, mail("k"))
    inbox.stop()
    assert refused.value.smtp_code == 451


def test_the_list_finds_by_every_word(tmp_path: Path) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    send(inbox.port, mail("k1"), to="jan@example.com")
    send(inbox.port, mail("k2"), to="Piet_100%@example.com")
    inbox.stop()
    with reading(open_records(tmp_path / "inbox.db")) as session:
        found = {
            words: [each.key for each in list_mails(session, words, 1).mails]
            for words in ("", "jan", "PIET winback", "n_", "100%", "jan piet")
        }
    assert found == {"": ["k2", "k1"], "jan": ["k1"], "PIET winback": ["k2"], "n_": [], "100%": ["k2"], "jan piet": []}


def test_the_list_can_be_of_one_campaign(tmp_path: Path) -> None:
    inbox = start_inbox(tmp_path / "inbox.db")
    send(inbox.port, mail("k1"), mail("k2").replace(b"winback", b"spring"), b"Subject: no campaign\r\n\r\nHi\r\n")
    inbox.stop()
    with reading(open_records(tmp_path / "inbox.db")) as session:
        assert list_campaigns(session) == ["spring", "winback"]
        assert [each.key for each in list_mails(session, "", 1, "spring").mails] == ["k2"]
        assert list_mails(session, "k1", 1, "spring").total == 0


def test_an_inbox_of_an_earlier_version_gets_what_its_list_needs(tmp_path: Path) -> None:
    database = open_records(tmp_path / "inbox.db")
    with database.begin() as connection:
        connection.exec_driver_sql("DROP INDEX mail_list")
    with reading(open_records(tmp_path / "inbox.db")) as session:
        assert list_mails(session, "jan", 1).total == 0
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN SELECT subject FROM mail INDEXED BY mail_list ORDER BY id DESC")
        assert "USING COVERING INDEX mail_list" in str(plan.all())


def start_process(folder: Path) -> tuple["subprocess.Popen[str]", int]:
    command = [sys.executable, "-m", "studio.inbox", "--db", str(folder / "inbox.db"), "--state", str(folder / "state")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        return process, int(output.readline())


def test_a_signal_is_heard_whichever_thread_gets_it(tmp_path: Path) -> None:
    """Also one that a library began before anything could be blocked, as NumPy's."""
    process, _ = start_process(tmp_path)
    numbers = [int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir()]
    others = [number for number in numbers if number != process.pid]
    os.kill(min(others), signal.SIGTERM)  # Linux gives it to the thread of that number, where that does not block it
    assert process.wait(10) == 0
    assert running_port(tmp_path / "state") is None
