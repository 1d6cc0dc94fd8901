"""A connection that is to be secure is secure, or nothing is sent."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from channels.contract import BatchInfo, Content, Message, MessageKey, Outcome, Receipt
from channels.email import EmailChannel, EmailSettings
from channels.email.settings import Security
from store.errors import DeliveryError
from tests.email.naughty_servers import certificate_in, listening

BATCH = BatchInfo("b", "winback", "1a2b3c", "mail", "Win back", datetime(2026, 3, 2, 9, tzinfo=UTC))
MESSAGES = [Message(MessageKey(f"k{i}"), f"u{i}@example.com", Content({"subject": "Hello", "text": "x" * 100_000})) for i in range(6)]


class Silent:
    """A Wire that keeps nothing."""

    def start(self, keys: object) -> None: ...

    def done(self, receipt: Receipt) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


@contextmanager
def serving(certificate: tuple[Path, Path], security: Security) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    starttls = security == "starttls"

    def make(loop: asyncio.AbstractEventLoop) -> SMTP:
        return SMTP(
            Sink(),
            hostname="localhost",
            authenticator=_authenticate,
            auth_required=starttls,  # aiosmtpd does not know that the other way is encrypted, too
            auth_require_tls=starttls,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            loop=loop,
        )

    with listening(make, None if starttls else context) as port:
        yield port


def _authenticate(*given: object) -> AuthResult:
    return AuthResult(success=given[-1] == LoginPassword(b"shop", b"right"), handled=False)


def deliver(port: int, security: Security, password: str = "right") -> list[Outcome]:
    channel = EmailChannel(
        EmailSettings(
            host="127.0.0.1",
            port=port,
            sender_address="shop@example.org",
            security=security,
            username="shop",
            password=password,
            connections=2,
            timeout_seconds=10,
        )
    )
    try:
        return [receipt.outcome for receipt in channel.deliver(MESSAGES, BATCH, Silent())]
    finally:
        channel.close()


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


SECURE = pytest.mark.parametrize("security", ["starttls", "tls"])


@SECURE
@pytest.mark.usefixtures("trusted")
def test_mail_goes_over_an_encrypted_connection_after_logging_in(certificate: tuple[Path, Path], security: Security) -> None:
    with serving(certificate, security) as port:
        assert deliver(port, security) == [Outcome.ACCEPTED] * 6


@SECURE
@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_told_and_not_shown(certificate: tuple[Path, Path], security: Security) -> None:
    with serving(certificate, security) as port, pytest.raises(DeliveryError, match="refuses the user name or password") as told:
        deliver(port, security, "wr0ng")
    assert "wr0ng" not in str(told.value)


@SECURE
def test_a_certificate_that_nobody_vouches_for_is_not_believed(certificate: tuple[Path, Path], security: Security) -> None:
    with serving(certificate, security) as port, pytest.raises(DeliveryError, match="cannot be reached securely"):
        deliver(port, security)
