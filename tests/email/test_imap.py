"""A mailbox elsewhere: what is new is fetched once, marked when it is kept, and never deleted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from channels.email.incoming.imap import ImapMailbox, fetch_unseen
from store.errors import DeliveryError, SettingsError, StorageError
from tests.email.imap_server import Box, ImapServer
from tests.email.returned_mails import QMAIL

MAILS = {4: QMAIL, 7: b"Subject: two\r\n\r\n)\r\nA1 OK not the end\r\n", 9: b""}


@pytest.fixture
def box() -> Box:
    return Box(dict(MAILS))


@pytest.fixture
def server(box: Box) -> Iterator[ImapServer]:
    running = ImapServer(box)
    yield running
    running.stop()


def at(server: ImapServer, folder: str = "INBOX", password: str = Box({}).password) -> ImapMailbox:
    return ImapMailbox.of(f"imap://anna%40shop.example@127.0.0.1:{server.port}/{folder}", password)


def test_what_is_new_is_fetched_as_it_is_and_marked_as_seen(server: ImapServer, box: Box) -> None:
    box.seen = {4}
    got: list[bytes] = []
    assert fetch_unseen(at(server), got.append) == 2
    assert got == [MAILS[7], b""]
    assert box.seen == {4, 7, 9}
    assert box.mails == MAILS
    assert fetch_unseen(at(server), got.append) == 0


def test_a_mail_is_marked_only_when_it_was_kept(server: ImapServer, box: Box) -> None:
    def full_disk(_: bytes) -> None:
        raise StorageError("full")

    with pytest.raises(StorageError, match="full"):
        fetch_unseen(at(server), full_disk)
    assert box.seen == set()
    box.cut_at = "UID STORE"
    got: list[bytes] = []
    with pytest.raises(DeliveryError):
        fetch_unseen(at(server), got.append)
    assert (len(got), box.seen) == (3, set())  # and it is fetched once more: the same mail twice counts once


def test_many_are_marked_some_at_a_time_and_of_a_huge_one_only_the_beginning_is_fetched(server: ImapServer, box: Box) -> None:
    box.mails = dict.fromkeys(range(1, 121), b"x" * 5_000)
    got: list[bytes] = []
    assert fetch_unseen(replace(at(server), most_bytes=1_000), got.append) == 120
    assert {len(raw) for raw in got} == {1_000}
    assert box.commands.count("UID STORE") == 3


def test_a_mail_that_somebody_deleted_in_the_meantime_is_no_mail(server: ImapServer, box: Box) -> None:
    def keep(_: bytes) -> None:
        box.mails.pop(7, None)

    assert fetch_unseen(at(server), keep) == 2
    assert box.seen == {4, 9}


def test_what_is_wrong_is_said_without_the_password(server: ImapServer) -> None:
    with pytest.raises(DeliveryError, match=r"does not open: \[AUTHENTICATIONFAILED\] Invalid credentials$") as wrong:
        fetch_unseen(at(server, password="other-secret"), print)
    assert "other-secret" not in str(wrong.value) + repr(at(server, password="other-secret"))
    with pytest.raises(DeliveryError, match="no such folder"):
        fetch_unseen(at(server, "Bounces"), print)
    server.stop()
    with pytest.raises(DeliveryError, match="cannot be reached: ConnectionRefusedError"):
        fetch_unseen(at(server), print)


@pytest.mark.parametrize(
    ("address", "port", "folder"),
    [
        ("imaps://u%40x.nl@mail.example", 993, "INBOX"),
        ("imap://u%40x.nl@mail.example/Bounces", 143, "Bounces"),
        ("imaps://u%40x.nl@mail.example:1993/A%20b/c%22", 1993, 'A b/c"'),
    ],
)
def test_an_address_of_a_mailbox_is_read(address: str, port: int, folder: str) -> None:
    box = ImapMailbox.of(address, "p")
    assert (box.user, box.host, box.port, box.folder) == ("u@x.nl", "mail.example", port, folder)


@pytest.mark.parametrize(
    "address", ["", "pop3://u@x", "imaps://x/INBOX", "imaps://u:secret@x", "imaps://u@x:99999", "imaps://u%0d%0a@x", "imaps://u@x/%C3%A9"]
)
def test_what_is_no_mailbox_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="write imaps://user@host/INBOX"):
        ImapMailbox.of(address, "p")
