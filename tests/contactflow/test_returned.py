"""`contactflow import returned`, and the settings of what comes back."""

import json
import mailbox
import re
import threading
from pathlib import Path

import pytest

from contactflow.settings import read_secrets, read_settings
from contactflow.watching import Loop
from store.errors import DeliveryError, SettingsError
from tests.contactflow.conftest import Call
from tests.email.returned_mails import feedback, mail, report

GONE = "Final-Recipient: rfc822; c1@example.com\nAction: failed\nStatus: 5.1.1\n"


def test_a_file_of_returned_mails_is_told_in_words_and_for_programs(workspace: Path, call: Call) -> None:
    here = ("--workspace", workspace)
    box = mailbox.mbox(workspace / "bounces.mbox")
    for raw in (
        report(GONE),
        mail("From: someone@example.org\nSubject: Hours", "When?"),
        feedback("abuse", "Original-Rcpt-To: c1@example.com"),
    ):
        box.add(raw.replace(b"\r\n", b"\n"))
    box.close()
    (workspace / "empty.eml").write_bytes(b"")
    assert call("import", "customers", workspace / "customers.csv", *here).code == 0
    told = call("import", "returned", workspace / "bounces.mbox", *here)
    assert (told.code, told.out) == (0, "3 mails came back: 1 hard bounce, 1 complaint, 2 not ours\n")
    document = json.loads(call("import", "returned", workspace / "bounces.mbox", "--format", "json", *here).out)
    assert (document["mails"], document["complained"], document["repeated"], document["replied"]) == (3, 1, 1, 0)
    assert call("import", "returned", workspace / "empty.eml", *here).out == "1 mail came back: 1 unreadable\n"
    explained = call("explain", "spring", "c1", *here)
    assert explained.code == 1  # no campaign ran; but the customer is heard
    assert call("import", "returned", workspace / "not-there", *here).err.startswith("There is no file or folder")
    assert call("import", "returned", workspace / "empty.eml", "--preview", *here).code == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listen = '8025'", "is no address and port"),
        ("listen = '127.0.0.1:99999'", "is no address and port"),
        ("listen = 'x y:25'", "is no address and port"),
        ("protocol = 'pop'", "Choose 'lmtp' or 'smtp'"),
        ("mailbox = 'pop3://u@x'", "is no mailbox"),
        ("mailbox = 'imaps://u:secret@x'", "is no mailbox"),
        ("every_minutes = 0", "every_minutes"),
    ],
)
def test_what_is_wrong_in_the_section_is_said_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "contactflow.toml").write_text(f"[email.returned]\n{text}\n")
    with pytest.raises(SettingsError, match=told) as wrong:
        read_settings(tmp_path)
    assert ":2:1: " in str(wrong.value)


def test_the_section_is_read(tmp_path: Path) -> None:
    (tmp_path / "contactflow.toml").write_text("[email.returned]\nlisten = '[::1]:8025'\nmailbox = 'imaps://u%40x.nl@mail.example/INBOX'\n")
    assert read_settings(tmp_path).email.returned.door == ("::1", 8025)
    assert read_secrets(tmp_path, {"CONTACTFLOW_IMAP_PASSWORD": "p"}).imap_password == "p"


def test_only_the_inbox_has_return_paths_without_a_domain_for_them(tmp_path: Path) -> None:
    for text, domain in (("", "shop.example"), ("transport = 'smtp'", None), ("bounce_domain = 'back.example'", "back.example")):
        (tmp_path / "contactflow.toml").write_text(f"[email]\nsender = 'hi@Shop.example'\n{text}\n")
        assert read_settings(tmp_path).email.bounces_to == domain


def test_a_loop_tells_an_error_once_and_goes_on() -> None:
    done: list[int] = []
    told: list[str] = []
    ended = threading.Event()

    def work() -> None:
        done.append(1)
        if len(done) in (1, 2):
            raise DeliveryError("no mailbox")
        if len(done) == 4:
            raise KeyError("anna@example.com")
        if len(done) == 5:
            ended.set()

    loop = Loop("test", work, 0.001, told.append)
    loop.start()
    assert ended.wait(30)
    loop.stop()
    by_name, by_place = told
    assert by_name == "What came back waits: no mailbox"
    assert re.fullmatch(r"What came back waits: KeyError \(contactflow\.watching:\d+\)", by_place)
