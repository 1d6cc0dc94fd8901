"""Mails are found in whatever a person keeps them in."""

import mailbox
from pathlib import Path

import pytest

from channels.email.incoming import mail_id
from channels.email.incoming.files import mails_in
from channels.email.incoming.mailroom import Mailroom
from store.errors import NotFoundError
from tests.email.returned_mails import QMAIL, YAHOO

BOTH = sorted(map(mail_id, (QMAIL, YAHOO)))


def found(path: Path) -> list[str]:
    return sorted(map(mail_id, mails_in(path)))


def test_a_mail_a_file_of_many_a_maildir_and_a_folder_hold_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "one.eml").write_bytes(QMAIL)
    (folder / "below" / "two.eml").write_bytes(YAHOO)
    box = mailbox.mbox(tmp_path / "many.mbox")
    for raw in (QMAIL + b"\r\nFrom here on\r\n", YAHOO):
        box.add(raw.replace(b"\r\n", b"\n"))
    box.close()
    room = Mailroom(tmp_path / "maildir")
    room.deposit(QMAIL)
    room.put_away(room.waiting()[0])
    room.deposit(YAHOO)
    assert found(folder / "one.eml") == [mail_id(QMAIL)]
    assert found(folder) == BOTH
    assert found(tmp_path / "maildir") == BOTH
    assert found(tmp_path / "many.mbox") == sorted(map(mail_id, (QMAIL + b"\r\nFrom here on\r\n", YAHOO)))


def test_what_is_not_there_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file or folder"):
        list(mails_in(tmp_path / "not-there"))
    (tmp_path / "empty").mkdir()
    assert found(tmp_path / "empty") == []
    assert [each.name for each in tmp_path.iterdir()] == ["empty"]
