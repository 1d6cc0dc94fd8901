"""E-mail addresses."""

import re

from email_validator import EmailNotValidError, validate_email

from customers.importing.problems import Problem

_NO_ADDRESS = Problem("not an e-mail address", "write it as name@example.com, one address in a cell")
_NAMED = Problem("more than an e-mail address", "leave only the address itself in the cell: name@example.com")
_NO_DOMAIN = Problem("an e-mail address at a domain that cannot exist", "look for a typing mistake behind the @")
# What the full check would let through unchanged: dot-atoms of at most 64 letters (RFC 5321, 4.5.3.1.1).
_SIMPLE_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_MOST_DOMAINS = 100_000


class Mail:
    """Cleans e-mail addresses; remembers domains, since a million customers share a few.

    The address is given in lower case: providers do not tell Jan@ from jan@, and an opt-out must not either.
    No DNS is asked.
    """

    def __init__(self) -> None:
        self._domains: dict[str, str | None] = {}

    def __call__(self, text: str) -> str | Problem:
        """The address in normal form, or what is wrong with it."""
        name, _, domain = text.rpartition("@")
        if len(name) <= 64 and _SIMPLE_NAME.fullmatch(name):
            known = self._domains.get(domain, "") or self._look_at(domain)
            return f"{name}@{known}".lower() if known else _NO_DOMAIN
        return _slowly(text)

    def _look_at(self, domain: str) -> str | None:
        if domain not in self._domains:
            if len(self._domains) > _MOST_DOMAINS:
                self._domains.clear()
            checked = _slowly(f"a@{domain}")
            self._domains[domain] = checked[2:] if isinstance(checked, str) else None
        return self._domains[domain]


def _slowly(text: str) -> str | Problem:
    try:
        return validate_email(text, check_deliverability=False, strict=True).normalized.lower()
    except EmailNotValidError:
        return _NAMED if text.count("@") == 1 and any(sign in text for sign in "<> :;,") else _NO_ADDRESS
