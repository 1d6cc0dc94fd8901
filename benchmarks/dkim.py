"""Mails of 26 kB with a DKIM signature (RSA, 2,048 bits), written out to the last dot, against the bare signatures of openssl.

    .venv/bin/python -m benchmarks.dkim [MAILS]

In seconds of the processor. The reference is `openssl speed` on the same core; beside it stands dkimpy on the same mails. Goal: at
least 0.75 of openssl (here as time: 1.33).
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.figures import Figure
from benchmarks.mail import values, wording
from channels.contract import BatchInfo, Content, Message, MessageKey
from channels.email import EmailSettings
from channels.email.letterhead import Letterhead
from channels.email.settings import SigningKey

ROUNDS = 5
OPENSSL = re.compile(r"^rsa\s+2048 bits\s+([0-9.]+)s", re.MULTILINE)


def main(mails: int) -> None:
    rsa, ed25519 = (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for key in (generate_private_key(65_537, 2048), Ed25519PrivateKey.generate())
    )
    messages = [message(number) for number in range(mails)]
    bare = min(openssl() for _ in range(ROUNDS))
    told = "a bare signature of openssl"
    for title, keys in (("unsigned", ()), ("RSA", (rsa,)), ("Ed25519", (ed25519,)), ("RSA and Ed25519", (rsa, ed25519))):
        letterhead = headed(tuple(SigningKey("example.com", f"s{number}", pem) for number, pem in enumerate(keys)))
        took = min(processor(partial(written, letterhead, messages)) for _ in range(ROUNDS)) * 1e6 / mails
        Figure("dkim", f"{title}: a mail", took, "us", bare, told, 1.33 if title == "RSA" else None).show()
    few = [headed(()).mail(each)[:-3] for each in messages[:50]]
    took = processor(lambda: by_dkimpy(few, rsa)) * 1e6 / len(few)
    Figure("dkim", "dkimpy, RSA: a mail", took, "us", bare, told).show()


def processor(work: Callable[[], object]) -> float:
    """Seconds of the processor, as `openssl speed` counts them."""
    began = time.process_time()
    work()
    return time.process_time() - began


def message(number: int) -> Message:
    content = wording().compose(values(number))
    assert isinstance(content, Content)
    return Message(MessageKey(f"v.{number}"), f"c{number}@example.org", content, {"one_click": f"https://example.com/o/{number}"})


def headed(keys: tuple[SigningKey, ...]) -> Letterhead:
    settings = EmailSettings(host="127.0.0.1", port=25, sender_address="shop@example.com", sender_name="Shop", signing_keys=keys)
    return Letterhead(settings, BatchInfo("b", "spring", "v1", "mail", "Spring", datetime(2026, 3, 2, tzinfo=UTC)))


def written(letterhead: Letterhead, messages: list[Message]) -> None:
    for each in messages:
        letterhead.mail(each)


def by_dkimpy(mails: list[bytes], pem: bytes) -> None:
    for mail in mails:
        dkim.sign(mail, b"s0", b"example.com", pem, canonicalize=(b"relaxed", b"simple"))


def openssl() -> float:
    """Microseconds a signature."""
    told = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], check=True, capture_output=True, text=True).stdout
    found = OPENSSL.search(told)
    assert found, told
    return float(found[1]) * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
