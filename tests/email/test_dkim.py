"""Signatures are verified by another implementation, also of whole mails as they travel."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import BatchInfo, Content, Message, MessageKey
from channels.email import EmailSettings
from channels.email.dkim import DkimSigner, public_record
from channels.email.letterhead import Letterhead
from channels.email.settings import SigningKey
from store.errors import SettingsError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


RSA, OTHER_RSA = (pem(rsa.generate_private_key(65_537, 2048)) for _ in range(2))
ED25519 = pem(ed25519.Ed25519PrivateKey.generate())
KEYS = (SigningKey("example.com", "r", RSA), SigningKey("example.com", "e", ED25519))
DNS = {b"r._domainkey.example.com.": public_record(RSA).encode(), b"e._domainkey.example.com.": public_record(ED25519).encode()}


def verdicts(signed: bytes, dns: Mapping[bytes, bytes] = DNS) -> list[bool]:
    """What dkimpy says of each signature."""
    count = signed.split(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
    return [_verdict(signed, n, dns) for n in range(count)]


def _verdict(signed: bytes, number: int, dns: Mapping[bytes, bytes]) -> bool:
    try:
        return bool(dkim.DKIM(signed).verify(idx=number, dnsfunc=lambda name, **_: dns.get(name)))
    except dkim.ValidationError:  # the body's hash
        return False


def mail(subject: str = "Hello", address: str = "ann@example.org", name: str = "Shop", **settings_: object) -> bytes:
    """A mail as it goes over the wire, without the final dot."""
    given_ = EmailSettings(
        host="127.0.0.1", port=25, sender_address="shop@example.com", sender_name=name, signing_keys=KEYS, **settings_  # type: ignore[arg-type]  # a test's own
    )  # fmt: skip
    batch = BatchInfo("b", "spring", "v1", "mail", "Spring", NOON)
    content = Content({"subject": subject, "text": "Dear Ann,\n\n.leading dot  \n\n\n", "html": "<p>Dear  Ann</p>\n"})
    message = Message(MessageKey("v1.7"), address, content, {"one_click": "https://example.com/o/abc"})
    data = Letterhead(given_, batch).mail(message)
    assert data.endswith(b"\r\n.\r\n")
    return data[:-3]


def test_a_mail_is_signed_with_both_kinds_of_keys() -> None:
    data = mail()
    assert verdicts(data) == [True, True]
    assert data.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=r;")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.text(max_size=100))
def test_any_subject_and_sender_keep_the_signature_good(subject: str, name: str) -> None:
    assert verdicts(mail(subject, name=name)) == [True, True]


def test_an_address_beyond_ascii_is_signed_too() -> None:
    assert verdicts(mail(address="zoë@exämple.org")) == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: Hello", b"Subject: Hullo"),
        (b"From: Shop", b"From: Bank"),
        (b"Dear Ann", b"Dear Bob"),
        (b"List-Unsubscribe: <https://example.com", b"List-Unsubscribe: <https://example.net"),
        (b"Subject: Hello", b"From: other@example.net\r\nSubject: Hello"),
    ],
)
def test_whatever_a_reader_sees_cannot_be_changed_on_the_way(old: bytes, new: bytes) -> None:
    changed = mail().replace(old, new, 1)
    assert changed != mail()
    assert verdicts(changed) == [False, False]


def test_another_key_in_dns_does_not_verify() -> None:
    assert verdicts(mail(), {**DNS, b"r._domainkey.example.com.": public_record(OTHER_RSA).encode()}) == [False, True]


def test_the_newest_key_that_has_begun_signs() -> None:
    old, new = SigningKey("example.com", "old", RSA), SigningKey("example.com", "new", OTHER_RSA, date(2026, 3, 10))

    def selector(at: datetime) -> bytes:
        [line] = [line for line in DkimSigner((new, old), at).signatures(b"From: <a@b>\r\n\r\nx\r\n").split(b"\r\n") if b"s=" in line]
        return line.rpartition(b"s=")[2].rstrip(b";")

    assert [selector(NOON), selector(NOON + timedelta(days=8))] == [b"old", b"new"]


def test_without_a_key_that_has_begun_nothing_is_signed() -> None:
    assert DkimSigner((SigningKey("example.com", "new", RSA, date(2030, 1, 1)),), NOON).signatures(b"From: <a@b>\r\n\r\nx\r\n") == b""


@pytest.mark.parametrize("text", [b"", b"no key", RSA[:200], pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_cannot_sign_is_told_with_its_selector(text: bytes) -> None:
    with pytest.raises(SettingsError, match=r"selector 'bad'.*contactflow dkim SELECTOR"):
        DkimSigner((SigningKey("example.com", "bad", text),), NOON)


def test_a_key_is_never_shown() -> None:
    assert "PRIVATE" not in repr(KEYS)
