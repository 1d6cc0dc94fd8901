"""The normal form of an e-mail address: checked by email-validator, without asking DNS, and quickly for the usual ones."""

import re
from functools import lru_cache

# Nothing that email-validator would read otherwise; all else takes the long road.
_USUAL_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*", re.ASCII)
_MOST_LOCAL = 64
_MOST_ADDRESS = 254


def normal_address(text: str) -> str | None:
    """The address as it is sent to, or None when it cannot be one.

    The domain is in lower case and in its ASCII form; the part before the @ is kept, for its owner may tell case apart.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return None
    if len(local) <= _MOST_LOCAL and _USUAL_LOCAL.fullmatch(local):
        ascii_domain = _normal_domain(domain)
        address = f"{local}@{ascii_domain}"
        return address if ascii_domain and len(address) <= _MOST_ADDRESS else None
    return _normal_unusual(f"{local}@{domain}")


@lru_cache(maxsize=65_536)
def _normal_domain(domain: str) -> str | None:
    # One check a domain: an audience of a million has some thousands of them.
    address = _normal_unusual(f"a@{domain}")
    return address.rpartition("@")[2] if address else None


@lru_cache(maxsize=4_096)
def _normal_unusual(address: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - `contactflow check` reads no address

    try:
        found = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    return found.ascii_email or f"{found.local_part}@{found.ascii_domain}"
