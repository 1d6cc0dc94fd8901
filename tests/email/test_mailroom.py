"""Mail that came back waits in a Maildir: whole or not at all, and readable by others."""

import mailbox
import threading
from pathlib import Path

import pytest

from channels.email.incoming import Reply, read
from channels.email.incoming.mailroom import Mailroom
from tests.email.returned_mails import BOUNCES_TO, KEY, OURS, mail

RAW = mail("From: anna@example.com\nTo: news@shop.example\nSubject: Re: x\n", "Ja\n.\nFrom here\n")


@pytest.fixture
def room(tmp_path: Path) -> Mailroom:
    return Mailroom(tmp_path / "shop" / "returned")


def test_a_mail_waits_as_it_came_below_the_addresses_of_its_envelope(room: Mailroom) -> None:
    assert room.waiting() == []
    room.deposit(RAW)
    room.deposit(RAW, "x@shop.example", "")
    with_envelope = b"Return-Path: <anna@example.com>\r\nDelivered-To: " + BOUNCES_TO.encode() + b"\r\n" + RAW
    room.deposit(RAW, BOUNCES_TO, "anna@example.com")
    kept = {room.read(name) for name in room.waiting()}
    assert kept == {RAW, b"Return-Path: <>\r\nDelivered-To: x@shop.example\r\n" + RAW, with_envelope}
    found = read(with_envelope, OURS)
    assert isinstance(found, Reply)
    assert found.trace
    assert found.trace.key == KEY


def test_an_envelope_cannot_write_headers_of_its_own(room: Mailroom) -> None:
    room.deposit(RAW, "a\r\nX-One: 1", "b\nX-Two: >2")
    assert (room.read(room.waiting()[0]) or b"").startswith(b"Return-Path: <bX-Two: 2>\r\nDelivered-To: aX-One: 1\r\nFrom: ")


def test_what_was_taken_in_is_seen_and_what_a_person_should_see_is_flagged(room: Mailroom, tmp_path: Path) -> None:
    for _ in range(3):
        room.deposit(RAW)
    first, second, third = room.waiting()
    room.put_away(first)
    room.put_away(second, for_a_person=True)
    assert room.waiting() == [third]
    others = mailbox.Maildir(tmp_path / "shop" / "returned", create=False)
    assert sorted(each.get_flags() for each in others) == ["", "FS", "S"]
    room.put_away(first)  # by another process, in the meantime
    assert room.read(first) is None


def test_what_is_half_written_does_not_wait_and_a_mail_that_the_disk_does_not_give_is_none_to_read(room: Mailroom, tmp_path: Path) -> None:
    room.deposit(RAW)
    folder = tmp_path / "shop" / "returned"
    (folder / "tmp" / "half").write_bytes(RAW[:20])
    (folder / "new" / "a-folder").mkdir()
    (folder / "new" / ".hidden").write_bytes(RAW)
    assert len(room.waiting()) == 1
    assert room.read("a-folder") == b""


def test_many_threads_deposit_at_once(room: Mailroom) -> None:
    def deposit() -> None:
        for _ in range(20):
            room.deposit(RAW)

    threads = [threading.Thread(target=deposit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(room.waiting()) == 160
