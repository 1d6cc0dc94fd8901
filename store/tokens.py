"""Signed tokens for links, and short codes for paper."""

import hashlib
import hmac
import re
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from hmac import compare_digest
from random import Random

from itsdangerous.encoding import base64_decode
from itsdangerous.signer import Signer as ItsSigner
from itsdangerous.signer import SigningAlgorithm

from store.clock import EPOCH
from store.errors import SettingsError, TokenError

KEY_BYTES = 16  # the shortest key that is accepted
SIGNATURE_BYTES = 12
HOUR = timedelta(hours=1)
NEVER = 0
_HOUR_BITS = 24  # 1,915 years from 1970
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SHAPE = re.compile(r"[A-Za-z0-9_-]{2,15}\.[A-Za-z0-9_-]{16}")


class Signer:
    """Makes and reads compact signed tokens: a number, when it expires, and what it is for.

    The first of `keys` signs and all of them verify, so that a new key is put in front and the old one
    is dropped when its last link has expired. A token is URL-safe and 19 to 32 characters long.
    Raises SettingsError without a key, or for one of less than 16 bytes.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or min(len(key) for key in keys) < KEY_BYTES:
            raise SettingsError(f"A secret key has fewer than {KEY_BYTES} characters, or there is none. Set CONTACTFLOW_SECRET_KEY.")
        oldest_first = list(reversed(keys))
        self._for_purpose = cache(lambda purpose: _signer(purpose, oldest_first))
        # Begun once and copied for each token: beginning costs several times what the rest of a signature does.
        self._begun = cache(lambda purpose: hmac.new(self._for_purpose(purpose).derive_key(), digestmod=hashlib.sha256))

    def sign(self, purpose: str, subject: int, expires: datetime | None) -> str:
        """A token for `subject` that is of no use for another purpose, nor after `expires` (rounded up to a full hour)."""
        if not 0 <= subject < 2**63:
            raise TokenError("Only a number from 0 to 2**63 can be signed.")
        hours = NEVER if expires is None else max(1, -((EPOCH - expires) // HOUR))
        number = subject << _HOUR_BITS | hours
        payload = _spelled(number.to_bytes(max(1, -(-number.bit_length() // 8))))
        return (payload + b"." + _spelled(self.mark(purpose, payload))).decode("ascii")

    def mark(self, purpose: str, data: bytes) -> bytes:
        """SIGNATURE_BYTES by which ``is_marked`` knows `data` as ours, for what has to be spelled otherwise than a token."""
        signature = self._begun(purpose).copy()
        signature.update(data)
        return signature.digest()[:SIGNATURE_BYTES]

    def is_marked(self, purpose: str, data: bytes, mark: bytes) -> bool:
        """Whether `mark` was made of `data` for this purpose, by any of the keys."""
        return len(mark) == SIGNATURE_BYTES and self._is_signed(purpose, data, _spelled(mark))

    def _is_signed(self, purpose: str, data: bytes, signature: bytes) -> bool:
        """Mostly by the key that signs now, which is at hand; itsdangerous tries each, and begins anew with each."""
        return compare_digest(_spelled(self.mark(purpose, data)), signature) or self._for_purpose(purpose).verify_signature(data, signature)

    def read(self, purpose: str, token: str, now: datetime) -> int:
        """The subject of a token. Raises TokenError when it is not ours, was altered, is for another purpose or has expired."""
        # Decoders forgive foreign letters; only the one spelling that we wrote may pass.
        if not _SHAPE.fullmatch(token):
            raise TokenError("This is not one of our links.")
        payload, _, signature = token.encode("ascii").rpartition(b".")
        if not self._is_signed(purpose, payload, signature):
            raise TokenError("This is not one of our links.")
        number = int.from_bytes(base64_decode(payload))
        subject, hours = number >> _HOUR_BITS, number % (1 << _HOUR_BITS)
        if hours != NEVER and now > EPOCH + hours * HOUR:
            raise TokenError("This link has expired.")
        return subject


def _spelled(data: bytes) -> bytes:
    """As itsdangerous spells it, without asking what it was given: three times a mail."""
    return b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


class _ShortHmac(SigningAlgorithm):
    """HMAC-SHA-256, its first 96 bits: exactly 16 characters, and 2**95 guesses on average."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, hashlib.sha256)[:SIGNATURE_BYTES]


def _signer(purpose: str, keys: list[bytes]) -> ItsSigner:
    return ItsSigner(keys, salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_ShortHmac())


# Crockford's base 32: no I, L, O or U. A symbol's place is the element of GF(32) that it stands for.
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10  # nine random symbols, 45 bits, and one that checks them
_LOOK_ALIKE = str.maketrans("ILOU", "110V")


def new_code(random: Random) -> str:
    """A fresh short code as it is printed and stored: ``7K3QX-9MPTY``. Give it a SystemRandom where guessing matters."""
    symbols = [random.randrange(32) for _ in range(CODE_LENGTH - 1)]
    return _written([*symbols, _double(_weighed(symbols))])


def normalise_code(text: str) -> str:
    """The code that someone typed, as it is stored; any case, with spaces and dashes, I and L for 1, O for 0, U for V.

    Any one wrong symbol and any two symbols that changed places are found. Raises TokenError with a hint.
    """
    letters = re.sub(r"[\s\u2010-\u2015.-]", "", text).upper().translate(_LOOK_ALIKE)
    if any(letter not in SYMBOLS for letter in letters):
        raise TokenError("A code has only letters and digits.")
    if len(letters) != CODE_LENGTH:
        raise TokenError(f"A code has {CODE_LENGTH} letters and digits; this one has {len(letters)}.")
    symbols = [SYMBOLS.index(letter) for letter in letters]
    if _weighed(symbols) != 0:
        raise TokenError("There is a typing mistake in the code. Compare it with the letter, sign by sign.")
    return _written(symbols)


def _weighed(symbols: Sequence[int]) -> int:
    """The sum of the symbols in GF(32), each weighed by a power of 2 that no other place has.

    Distinct weights that are not 0 are what finds every single change and every swap, near or far.
    Source: Wagner and Putter 1989, Error detecting decimal digits, CACM 32:106, carried over to GF(32).
    """
    total = 0
    for symbol in symbols:
        total = _double(total) ^ symbol
    return total


def _double(element: int) -> int:
    """Twice an element of GF(32), whose polynomial x^5 + x^2 + 1 is primitive."""
    twice = element << 1
    return twice ^ 0b100101 if twice & 0b100000 else twice


def _written(symbols: Sequence[int]) -> str:
    letters = "".join(SYMBOLS[symbol] for symbol in symbols)
    return f"{letters[:5]}-{letters[5:]}"
