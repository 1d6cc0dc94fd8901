"""Addresses that name one message: where its bounces go (VERP), and where a mail that unsubscribes from it goes.

``b-KEY-MARK@domain``: the mark is a keyed hash of the key, so that nobody can bounce a message that he was never sent. Mail
servers on the way may fold the case of an address, so it has one: a key with other letters is spelled in base 32 (``e-``).
"""

import re
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from enum import Enum

from channels.contract import MessageKey
from store.errors import InputError
from store.tokens import Signer

MOST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_PLAIN = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*")
_LOCAL = re.compile(r"([beuv])-([a-z0-9_.-]{0,62})-([a-z2-7]{20})")
SIGNED_LOCAL = re.compile(r"(?<![\w.+-])[beuv]-[a-z0-9_.-]{0,41}-[a-z2-7]{20}(?=@)", re.ASCII | re.IGNORECASE)


class For(Enum):
    """What an address is for: the letter before a plain key, and the one before a key in base 32."""

    RETURN = ("b", "e")
    UNSUBSCRIBE = ("u", "v")


class ReturnPaths:
    """Makes and reads such addresses, with the keys of the workspace."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def return_path(self, key: MessageKey, domain: str) -> str:
        """The envelope sender of a message. Raises InputError for a key that does not fit: more than 41 plain characters."""
        return f"{self._local(For.RETURN, key)}@{domain}"

    def unsubscribe_address(self, key: MessageKey, domain: str) -> str:
        """For ``List-Unsubscribe: <mailto:...>``. Raises InputError as ``return_path`` does."""
        return f"{self._local(For.UNSUBSCRIBE, key)}@{domain}"

    def key_of(self, address: str) -> MessageKey | None:
        """The message whose return path this is, in whatever case and brackets; None when we did not make it."""
        return self._read(For.RETURN, address)

    def unsubscribed_key_of(self, address: str) -> MessageKey | None:
        """The message that someone unsubscribes from by a mail to this address; None when we did not make it."""
        return self._read(For.UNSUBSCRIBE, address)

    def _local(self, purpose: For, key: MessageKey) -> str:
        local = _written(purpose, key, self._signer.mark(purpose.name, key.encode()))
        if len(local) > MOST_LOCAL:
            raise InputError(f"A message key of {len(key)} characters does not fit into a return path. Use a shorter key, of a-z and 0-9.")
        return local

    def _read(self, purpose: For, address: str) -> MessageKey | None:
        local = address.strip().strip("<>").rpartition("@")[0]
        found = _LOCAL.fullmatch(local.lower()) if local.isascii() else None
        if found is None or found[1] not in purpose.value or len(local) > MOST_LOCAL:
            return None
        key, mark = _key(found[2], plain=found[1] == purpose.value[0]), b32decode(found[3].upper() + "====")
        # Base 32 has spare bits; only the one spelling that we wrote may pass.
        if key is None or _written(purpose, key, mark) != found[0]:
            return None
        return key if self._signer.is_marked(purpose.name, key.encode(), mark) else None


def _written(purpose: For, key: MessageKey, mark: bytes) -> str:
    plain, encoded = purpose.value
    spelled = f"{plain}-{key}" if _PLAIN.fullmatch(key) else f"{encoded}-{_base32(key.encode())}"
    return f"{spelled}-{_base32(mark)}"


def _base32(data: bytes) -> str:
    return b32encode(data).decode("ascii").rstrip("=").lower()


def _key(spelled: str, *, plain: bool) -> MessageKey | None:
    if plain:
        return MessageKey(spelled)
    try:
        return MessageKey(b32decode(spelled.upper() + "=" * (-len(spelled) % 8)).decode())
    except (NotBase32, UnicodeDecodeError):
        return None
