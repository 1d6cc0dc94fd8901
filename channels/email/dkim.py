"""DKIM signatures (RFC 6376, and RFC 8463 for Ed25519): relaxed headers, simple body, since a mail of ours is not rewrapped on its way out.

Our own few lines over `cryptography`: the libraries that there are make a body canonical character by character, and sign a tenth as
many mails a second. Each signature is verified by another implementation in the tests.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from channels.email.settings import SigningKey
from store.errors import SettingsError

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]
_Sign = Callable[[bytes], bytes]

LEAST_RSA_BITS = 1024  # RFC 8301: fewer are not even looked at; new keys have 2048
# Every header that a reader or a provider acts on, as far as the mail has it. From is named twice, so that none can be added.
SIGNED = (
    "from", "from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding", "reply-to",
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip
_BLANKS = re.compile(rb"[ \t\r\n]+")
_FOLDED = re.compile(rb"\r\n(?![ \t])")
_LINE = 70  # characters of a signature on a line of the header


class DkimSigner:
    """Signs mails: once with each algorithm that there is a key of. Raises SettingsError for a key that cannot sign."""

    def __init__(self, keys: Sequence[SigningKey], at: datetime) -> None:
        """With the newest key of each algorithm that has begun at `at`."""
        chosen: dict[str, tuple[SigningKey, _Sign]] = {}
        for key in sorted(keys, key=lambda each: each.begins or date.min):
            if key.begins is None or key.begins <= at.date():
                algorithm, sign = _signing(key)
                chosen[algorithm] = key, sign
        self._chosen, self._at = tuple(chosen.items()), int(at.timestamp())

    def signatures(self, mail: bytes) -> bytes:
        """The DKIM-Signature headers of a mail (headers, an empty line, body), to stand before it; none without a key."""
        if not self._chosen:
            return b""
        head, _, body = mail.partition(b"\r\n\r\n")
        names, headers = _canonical(head)
        body_hash = b64encode(sha256(_simple(body)).digest()).decode()
        return b"".join(self._signature(name, *each, names, headers, body_hash) for name, each in self._chosen)

    def _signature(self, algorithm: str, key: SigningKey, sign: _Sign, names: str, headers: bytes, body_hash: str) -> bytes:
        who = f"v=1; a={algorithm}; c=relaxed/simple; d={key.domain}; s={key.selector};"
        fields = f"{who}\r\n t={self._at}; h={names};\r\n bh={body_hash};\r\n b="
        unsigned = _BLANKS.sub(b" ", f"dkim-signature:{fields}".encode())
        signed = b64encode(sign(headers + unsigned)).decode()
        lines = "\r\n ".join(signed[at : at + _LINE] for at in range(0, len(signed), _LINE))
        return f"DKIM-Signature: {fields}{lines}\r\n".encode()


def public_record(pem: bytes) -> str:
    """What DNS has to say at SELECTOR._domainkey.DOMAIN (TXT). Raises SettingsError for a key that cannot sign."""
    key = _loaded(pem, "The key")
    if isinstance(key, Ed25519PrivateKey):
        return f"v=DKIM1; k=ed25519; p={b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()}"
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"


def _signing(key: SigningKey) -> tuple[Algorithm, _Sign]:
    private = _loaded(key.pem, f"The DKIM key of selector '{key.selector}'")
    if isinstance(private, Ed25519PrivateKey):
        # RFC 8463, 3: what is signed is the hash, not the text.
        return "ed25519-sha256", lambda data: private.sign(sha256(data).digest())
    padding, algorithm = PKCS1v15(), hashes.SHA256()
    return "rsa-sha256", lambda data: private.sign(data, padding, algorithm)


def _loaded(pem: bytes, what: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{what} is no private key in PEM without a password. Make one with: contactflow dkim SELECTOR") from error
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS):
        return key
    raise SettingsError(f"{what} is neither RSA of at least {LEAST_RSA_BITS} bits nor Ed25519. Make one with: contactflow dkim SELECTOR")


def _canonical(head: bytes) -> tuple[str, bytes]:
    """The names of the signed headers, and these as they are signed: RFC 6376, 3.4.2."""
    found: dict[str, bytes] = {}
    for line in _FOLDED.split(head):
        name, _, value = line.partition(b":")
        found[name.strip().lower().decode("ascii", "replace")] = value
    names, counted = [], set[str]()
    signed = []
    for name in SIGNED:
        if name not in found:
            continue
        names.append(name)
        if name not in counted:  # named once more than it is there: RFC 6376, 8.15
            counted.add(name)
            signed.append(name.encode() + b":" + _BLANKS.sub(b" ", found[name]).strip() + b"\r\n")
    return ":".join(names), b"".join(signed)


def _simple(body: bytes) -> bytes:
    """RFC 6376, 3.4.3: one line end at the end, however many there were."""
    return body.rstrip(b"\r\n") + b"\r\n"
