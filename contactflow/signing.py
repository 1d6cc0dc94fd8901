"""Keys that sign mail: read from where the settings say, made, and compared with what DNS says."""

import os
from pathlib import Path
from typing import Literal

from channels.email.settings import SigningKey
from contactflow.mailing import DkimSection, EmailSection
from contactflow.settings import environment
from store.errors import InputError, SettingsError

FOLDER = "keys"  # in the workspace, where new keys are put
RSA_BITS = 2048
Kind = Literal["rsa", "ed25519"]


def signing_keys(root: Path, email: EmailSection) -> tuple[SigningKey, ...]:
    """The keys of the settings. Raises SettingsError for one that is not where they say."""
    own = email.sender.rpartition("@")[2]
    return tuple(SigningKey(each.domain or own, each.selector, _pem(root, each), each.begins) for each in email.dkim)


def make_key(root: Path, selector: str, kind: Kind) -> Path:
    """Write a new private key to the workspace, readable by its owner only. Raises InputError when there is one of that name."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    file = root / FOLDER / f"{selector}.pem"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    key = Ed25519PrivateKey.generate() if kind == "ed25519" else generate_private_key(65_537, RSA_BITS)
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{file} is there already, and mails may be signed with it. Choose another selector.") from None
    with os.fdopen(opened, "wb") as written:
        written.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def _pem(root: Path, section: DkimSection) -> bytes:
    where = f"[[email.dkim]] of selector '{section.selector}'"
    if section.key.startswith("env:"):
        name = section.key.removeprefix("env:")
        value = environment().get(name)
        if not value:
            raise SettingsError(f"{where}: the environment has no {name}. Put the key into it, in PEM.")
        return value.replace("\\n", "\n").encode()
    try:
        return (root / section.key).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{where}: {root / section.key} cannot be read ({type(error).__name__}). Make a key with: contactflow dkim SELECTOR"
        ) from error
