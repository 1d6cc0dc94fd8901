"""A workspace whose settings name SendGrid: mail leaves through it, and `serve` hears what became of it."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from channels.email.sendgrid.fake import FakeSendGrid
from contactflow.adapters import Adapters
from contactflow.bootstrap import open_desk, open_workspace
from contactflow.checking import check_context, check_one
from contactflow.sendgrid import SendGridSection
from contactflow.settings import Secrets, read_settings
from engine.campaigns import open_versions, start
from engine.wave import Trouble, carry_out
from store.clock import SystemClock
from store.errors import SettingsError
from store.session import open_database, reading
from tests.conftest import NOON
from tests.contactflow.conftest import Call, call, make_workspace
from tests.sendgrid.trial import sendgrid

__all__ = ["call"]


def configured(root: Path, fake: FakeSendGrid, port: int = 8484, key: str | None = None) -> Path:
    sections = (
        f'[landing]\nport = {port}\nbase_url = "http://127.0.0.1:{port}"\n',
        '[email]\ntransport = "sendgrid"\nsender = "news@shop.example"\n',
        f'[email.sendgrid]\naddress = "{fake.address}"\nwebhook_key = "{fake.webhook_key}"\n',
    )
    with (root / "contactflow.toml").open("a") as file:
        file.writelines(f"\n{section}" for section in sections)
    (root / ".env").write_text(f"CONTACTFLOW_SECRET_KEY=0123456789abcdef\nCONTACTFLOW_SENDGRID_KEY={key or fake.key}\n")
    return root


def carried_out(root: Path) -> list[Trouble]:
    """The troubles of a first wave of the campaign `spring`, without Prefect."""
    path = root / "flows" / "spring.yaml"
    with open_workspace(root) as workspace, open_desk(workspace, SystemClock()) as desk:
        start(workspace, check_one(path, check_context(root)).require(), path.read_text(), NOON)
        return carry_out(open_versions(workspace, "spring"), NOON, desk)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(root: Path, address: str) -> Iterator[None]:
    """The public pages of a workspace."""
    command = [sys.executable, "-m", "contactflow.cli", "serve", "--pages-only", "-w", str(root)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert f"Events of providers: {address}/hooks/sendgrid\n" in iter(server.stdout.readline, "")
        for _ in range(600):
            try:
                httpx.get(address)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                break
        yield
    finally:
        server.terminate()
        server.communicate()


def kinds(root: Path) -> dict[str, int]:
    database = open_database(f"sqlite:///{root / 'contactflow.db'}")
    with reading(database) as session:
        found = session.execute(text("SELECT kind, count(*) FROM contact GROUP BY kind"))
        counts = {str(kind): int(count) for kind, count in found}
    database.dispose()
    return counts


def test_a_campaign_leaves_through_sendgrid_and_its_webhook_is_heard(tmp_path: Path, call: Call) -> None:
    with sendgrid() as fake:
        port = free_port()
        address, root = f"http://127.0.0.1:{port}", configured(make_workspace(tmp_path / "shop"), fake, port)
        assert call("import", "customers", root / "customers.csv", "-w", root).code == 0
        assert carried_out(root) == []
        assert len(fake.accepted) > 30
        mail = fake.accepted[0]
        now = datetime.now(UTC)
        event = {"event": "delivered", "sg_event_id": "e1", "timestamp": int(now.timestamp()), "email": mail.to, **mail.arguments}
        body, headers = fake.signed([event], now)
        with serving(root, address):
            assert httpx.post(f"{address}/hooks/sendgrid", content=body, headers=headers).status_code == 204
            assert httpx.post(f"{address}/hooks/sendgrid", content=body + b" ", headers=headers).status_code == 403
        assert kinds(root)["delivered"] == 1


def test_a_wrong_key_stops_the_batch_and_says_so(tmp_path: Path, call: Call) -> None:
    with sendgrid() as fake:
        root = configured(make_workspace(tmp_path / "shop"), fake, key="SG.wrong")
        assert call("import", "customers", root / "customers.csv", "-w", root).code == 0
        (trouble,) = carried_out(root)
        assert "CONTACTFLOW_SENDGRID_KEY" in trouble.message
        assert fake.accepted == []
        assert "failed" not in kinds(root)


def test_sendgrid_and_smtp_may_be_a_chain(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "shop")
    with (root / "contactflow.toml").open("a") as file:
        file.write('\n[email]\ntransport = ["sendgrid", "smtp"]\n')
    adapters = Adapters(root, read_settings(root), Secrets(sendgrid_key="SG.x"))
    adapters.one("email").close()
    assert "SG.x" not in json.dumps(repr(adapters))


def test_a_webhook_key_that_is_none_is_told() -> None:
    assert SendGridSection().hooks() == {}
    with pytest.raises(SettingsError, match="webhook_key"):
        SendGridSection(webhook_key="none").hooks()
