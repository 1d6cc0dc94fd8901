"""The listener takes what comes back for our addresses over real sockets, and nothing else."""

import contextlib
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.email.incoming import DeliveryReport, read
from channels.email.incoming.listener import Door, Protocol, start_listener
from channels.email.incoming.mailroom import Mailroom
from store.errors import StorageError
from store.looping import RunningServer
from tests.email.returned_mails import BOUNCES_TO, KEY, OURS, PATHS, report

GONE = report("Final-Recipient: rfc822; anna@example.com\nAction: failed\nStatus: 5.1.1\n", returned="Subject: x\n")
Start = Callable[..., RunningServer]


@pytest.fixture
def room(tmp_path: Path) -> Mailroom:
    return Mailroom(tmp_path / "returned")


@pytest.fixture
def start(room: Mailroom) -> Iterator[Start]:
    running: list[RunningServer] = []

    def listen(protocol: Protocol = "smtp", **more: object) -> RunningServer:
        door = Door("127.0.0.1", 0, protocol, **more)  # type: ignore[arg-type]  # a field of its own each
        running.append(start_listener(door, PATHS, room))
        return running[-1]

    yield listen
    for each in running:
        each.stop()


def client(protocol: Protocol, port: int) -> smtplib.SMTP:
    return smtplib.LMTP("127.0.0.1", port) if protocol == "lmtp" else smtplib.SMTP("127.0.0.1", port, "localhost")


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_bounce_to_a_signed_address_is_on_the_disk_when_it_was_answered(start: Start, room: Mailroom, protocol: Protocol) -> None:
    with client(protocol, start(protocol).port) as connection:
        assert connection.sendmail("", [BOUNCES_TO.upper()], GONE) == {}
        (name,) = room.waiting()
        assert connection.sendmail("x@example.com", [PATHS.unsubscribe_address(KEY, "a.b")], b"Subject: stop\r\n\r\n.\r\n..a") == {}
    found = read(room.read(name) or b"", OURS)
    assert isinstance(found, DeliveryReport)
    assert found.trace
    assert found.trace.key == KEY
    wish = next(room.read(each) or b"" for each in room.waiting() if each != name)
    assert wish.endswith(b"Subject: stop\r\n\r\n.\r\n..a\r\n")
    assert wish.startswith(b"Return-Path: <x@example.com>\r\nDelivered-To: u-")


@pytest.mark.parametrize(
    "address", ["anna@example.com", "postmaster@shop.example", BOUNCES_TO.replace("b-3", "b-4"), "b-1.2-aaaa@x.y", "a"]
)
def test_nobody_elses_mail_is_taken(start: Start, room: Mailroom, address: str) -> None:
    with client("smtp", start().port) as connection, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        connection.sendmail("spam@example.com", [address], GONE)
    assert refused.value.recipients[address][0] in (550, 553)
    assert room.waiting() == []


def test_an_address_for_complaints_is_taken_when_it_was_named(start: Start, room: Mailroom) -> None:
    with client("lmtp", start("lmtp", also=["fbl@shop.example"]).port) as connection:
        assert connection.sendmail("fbl@provider.example", ["FBL@shop.example"], GONE) == {}
    assert len(room.waiting()) == 1


def test_a_second_recipient_waits_for_a_mail_of_its_own(start: Start, room: Mailroom) -> None:
    other = PATHS.unsubscribe_address(KEY, "a.b")
    with client("smtp", start().port) as connection:
        assert connection.sendmail("", [BOUNCES_TO, other], GONE)[other][0] == 452
    assert len(room.waiting()) == 1


def test_a_mail_that_is_too_large_is_refused_and_the_next_one_taken(start: Start, room: Mailroom) -> None:
    with client("smtp", start(most_bytes=20_000).port) as connection:
        with pytest.raises(smtplib.SMTPSenderRefused) as announced:
            connection.sendmail("", [BOUNCES_TO], GONE + b"x\r\n" * 10_000)
        assert announced.value.smtp_code == 552
        connection.rset()
        connection.esmtp_features.pop("size")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            connection.sendmail("", [BOUNCES_TO], GONE + b"x\r\n" * 9_000)
        assert refused.value.smtp_code == 552
        assert connection.sendmail("", [BOUNCES_TO], GONE) == {}
    assert len(room.waiting()) == 1


def test_a_line_without_an_end_ends_with_the_connection(start: Start, room: Mailroom) -> None:
    with client("smtp", start(most_bytes=20_000).port) as connection:
        connection.ehlo()
        connection.mail("")
        connection.rcpt(BOUNCES_TO)
        connection.putcmd("DATA")
        connection.getreply()
        assert connection.sock
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                connection.sock.sendall(b"x" * 10_000)
        connection.close()
    assert room.waiting() == []


def test_whoever_says_nothing_or_goes_on_for_ever_is_not_waited_for(start: Start) -> None:
    for patience in ({"idle_seconds": 0.2}, {"longest_seconds": 0.2}):
        with socket.create_connection(("127.0.0.1", start(**patience).port), timeout=30) as connection:
            said = b""
            try:
                while chunk := connection.recv(1000):
                    said += chunk
            except ConnectionResetError:
                pass
            assert said.startswith(b"220 contactflow")


def test_of_too_many_connections_the_last_are_sent_away_and_return(start: Start, room: Mailroom) -> None:
    port = start(most_connections=20).port
    held = [client("smtp", port) for _ in range(20)]
    with pytest.raises(smtplib.SMTPConnectError) as sent_away:
        client("smtp", port)
    assert sent_away.value.smtp_code == 421
    for each in held:
        assert each.sendmail("", [BOUNCES_TO], GONE) == {}
    for each in held:
        each.quit()
    with client("smtp", port) as connection:
        assert connection.noop()[0] == 250
    assert len(room.waiting()) == 20


def test_what_cannot_be_written_is_not_taken(start: Start, tmp_path: Path) -> None:
    port = start().port
    (tmp_path / "returned").write_text("a file in the way")
    with client("smtp", port) as connection, pytest.raises(smtplib.SMTPDataError) as refused:
        connection.sendmail("", [BOUNCES_TO], GONE)
    assert refused.value.smtp_code == 451


def test_a_port_that_is_taken_is_said(start: Start, room: Mailroom) -> None:
    with pytest.raises(StorageError, match=r"cannot be taken on 127\.0\.0\.1:"):
        start_listener(Door("127.0.0.1", start().port), PATHS, room)


def test_each_mail_is_noticed(room: Mailroom) -> None:
    noticed: list[int] = []
    running = start_listener(Door("127.0.0.1", 0), PATHS, room, lambda: noticed.append(len(room.waiting())))
    with client("lmtp", running.port) as connection:
        for _ in range(3):
            connection.sendmail("", [BOUNCES_TO], GONE)
    running.stop()
    assert noticed == [1, 2, 3]


SERVER = """
import signal
import sys
from pathlib import Path
from channels.email.incoming.listener import Door, start_listener
from channels.email.incoming.mailroom import Mailroom
from tests.email.returned_mails import PATHS

print(start_listener(Door("127.0.0.1", 0, "smtp"), PATHS, Mailroom(Path(sys.argv[1]))).port, flush=True)
signal.pause()
"""


def test_a_kill_loses_no_mail_that_was_answered(tmp_path: Path, room: Mailroom) -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path / "returned")], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout as output:
        port = int(output.readline())
    answered: list[int] = []
    enough = threading.Event()

    def send(first: int) -> None:
        with contextlib.suppress(OSError, smtplib.SMTPException), client("smtp", port) as connection:
            for number in range(first, first + 1_000):
                connection.sendmail("", [BOUNCES_TO], GONE + f"number {number}.".encode())
                answered.append(number)
                if len(answered) >= 100:
                    enough.set()

    senders = [threading.Thread(target=send, args=(1_000 * n,)) for n in range(4)]
    for each in senders:
        each.start()
    assert enough.wait(60)
    process.kill()
    process.wait()
    for each in senders:
        each.join()
    kept = b"".join(room.read(name) or b"" for name in room.waiting())
    assert [number for number in answered if b"number %d." % number not in kept] == []
    assert 100 <= len(answered) < 4_000
