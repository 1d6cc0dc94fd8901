"""A key is made, written into the settings, signs a mail, and DNS is compared with it."""

import stat
from pathlib import Path

import dkim
import pytest

from channels.contract import BatchInfo, Content, Message, MessageKey, Receipt
from channels.email.letterhead import Letterhead
from contactflow.adapters import Adapters
from contactflow.settings import Secrets, read_settings
from tests.conftest import NOON
from tests.contactflow.conftest import Call
from tests.email.naughty_servers import server


class Listening:
    """A Wire that keeps what comes back."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def start(self, keys: object) -> None: ...

    def done(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)


def section(key: str = "keys/2026-03.pem") -> str:
    return f'\n[email]\nsender = "shop@example.com"\n[[email.dkim]]\nselector = "2026-03"\nkey = "{key}"\n'


def signed(root: Path) -> bytes:
    settings = Adapters(root, read_settings(root), Secrets()).email_settings()
    letterhead = Letterhead(settings, BatchInfo("b", "spring", "v1", "mail", "Spring", NOON))
    return letterhead.mail(Message(MessageKey("v1.1"), "ann@example.org", Content({"subject": "Hi", "text": "Dear Ann"})))[:-3]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_new_key_signs_as_soon_as_the_settings_name_it(call: Call, workspace: Path, kind: str) -> None:
    with (workspace / "contactflow.toml").open("a") as file:
        file.write(section())
    said = call("dkim", "2026-03", "--type", kind, "-w", workspace)
    key = workspace / "keys" / "2026-03.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    [record] = [line.strip() for line in said.out.splitlines() if line.strip().startswith("v=DKIM1")]
    asked: list[bytes] = []

    def dns(name: bytes, **_: object) -> bytes:
        asked.append(name)
        return record.encode()

    assert dkim.DKIM(signed(workspace)).verify(dnsfunc=dns)
    assert asked == [b"2026-03._domainkey.example.com."]
    before = key.read_bytes()
    again = call("dkim", "2026-03", "-w", workspace)
    assert (again.code, "Choose another selector" in again.err, key.read_bytes()) == (1, True, before)

    zone = workspace / "zone"
    zone.write_text('$ORIGIN example.com.\n@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=none"\n')
    doubt = call("trust", zone, "-w", workspace)
    assert (doubt.code, record in doubt.out) == (1, True)
    with zone.open("a") as file:
        file.write("2026-03._domainkey TXT " + " ".join(f'"{record[at : at + 200]}"' for at in range(0, len(record), 200)) + "\n")
    assert "every reason to trust" in call("trust", zone, "-w", workspace).out
    assert call("trust", zone, "-w", workspace, "--format", "json").out == "[]\n"


def test_a_domain_for_bounces_is_in_each_return_path_and_asked_for_in_dns(call: Call, workspace: Path) -> None:
    with (workspace / "contactflow.toml").open("a") as file:
        file.write('\n[email]\nsender = "shop@example.com"\nbounce_domain = "bounces.example.com"\n')
    secrets, key = Secrets(secret_key="0123456789abcdef,fedcba9876543210"), MessageKey("1a2b3c4d5e6f.1")
    adapters = Adapters(workspace, read_settings(workspace), secrets)
    sender = Letterhead(adapters.email_settings(), BatchInfo("b", "spring", "v1", "mail", "Spring", NOON)).sender_of(key)
    paths = adapters.return_paths()
    assert paths is not None
    assert sender.endswith("@bounces.example.com")
    assert paths.key_of(sender) == key
    zone = workspace / "zone"
    zone.write_text('$ORIGIN example.com.\n@ TXT "v=spf1 -all"\n_dmarc TXT "v=DMARC1; p=none"\n')
    doubt = call("trust", zone, "-w", workspace)
    assert (doubt.code, "bounces.example.com: there is no MX record" in doubt.out) == (1, True)
    assert call("check", "-w", workspace).code == 0


def test_with_two_providers_mail_goes_over_the_second_when_the_first_is_out_of_reach(workspace: Path) -> None:
    wire = Listening()
    with server() as record:
        with (workspace / "contactflow.toml").open("a") as file:
            file.write(
                f"""
[email]
transport = ["sendgrid", "smtp"]
host = "127.0.0.1"
port = {record.port}
security = "none"
[email.sendgrid]
address = "http://127.0.0.1:9"
"""
            )
        channel = Adapters(workspace, read_settings(workspace), Secrets(sendgrid_key="SG.key")).one("email")
        content = Content({"subject": "Hi", "text": "Dear Ann"})
        messages = [Message(MessageKey(f"v1.{number}"), f"u{number}@example.org", content) for number in range(3)]
        receipts = list(channel.deliver(messages, BatchInfo("b", "spring", "v1", "mail", "Spring", NOON), wire))
        channel.close()
    assert record.kept == dict.fromkeys(("v1.0", "v1.1", "v1.2"), 1)
    assert wire.receipts == receipts
    assert {receipt.detail for receipt in receipts} == {"OK (smtp)"}


def test_how_many_a_receiving_side_takes_at_once_comes_from_the_settings(workspace: Path) -> None:
    assert Adapters(workspace, read_settings(workspace), Secrets()).email_settings().receivers_at_once == {}
    with (workspace / "contactflow.toml").open("a") as file:
        file.write('\n[limits.email.receivers_at_once]\n"gmail.com" = 2\n"*" = 4\n')
    settings = Adapters(workspace, read_settings(workspace), Secrets()).email_settings()
    assert settings.receivers_at_once == {"gmail.com": 2, "*": 4}


def test_a_selector_that_dns_cannot_have_is_wrong_usage(call: Call, workspace: Path) -> None:
    said = call("dkim", "../march", "-w", workspace)
    assert (said.code, "Use letters, figures and hyphens" in said.err) == (2, True)


@pytest.mark.parametrize(("key", "told"), [("keys/none.pem", "cannot be read"), ("env:NO_SUCH_KEY", "the environment has no NO_SUCH_KEY")])
def test_a_key_that_is_not_where_the_settings_say_is_told(call: Call, workspace: Path, key: str, told: str) -> None:
    with (workspace / "contactflow.toml").open("a") as file:
        file.write(section(key))
    said = call("check", "-w", workspace)
    assert (said.code, told in said.err) == (1, True)


def test_a_key_may_come_from_the_environment(call: Call, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("dkim", "2026-03", "-w", workspace)
    monkeypatch.setenv("CONTACTFLOW_DKIM", (workspace / "keys" / "2026-03.pem").read_text().replace("\n", "\\n"))
    with (workspace / "contactflow.toml").open("a") as file:
        file.write(section("env:CONTACTFLOW_DKIM"))
    assert signed(workspace).startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
