"""Amounts of money, numbers, and yes or no."""

import re
from typing import Literal

from customers.importing.problems import Problem

DecimalSign = Literal["comma", "point"]

_NO_AMOUNT = Problem("not an amount", "write it as 12.50 or 12,50")
_NO_NUMBER = Problem("not a number", "write it as 12.5 or 12,5")
_NO_WHOLE = Problem("not a whole number", "write it as 12")
_UNCLEAR = Problem("a number that can be read in two ways, such as 1.234", "write `decimal: comma` or `decimal: point` in the mapping")
_TOO_LARGE = Problem("a number that is too large", "look for digits that do not belong to it")
_NO_CHOICE = Problem("neither yes nor no", "write yes or no")
_NO_CURRENCY = Problem("not a currency", "write its three letters: EUR")
_POINT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?")
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)?(?:,\d+)?")
_TWO_WAYS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_AROUND = re.compile(r"[\s'\u2019]|^[€$£]|[€$£]$|^eur\b|\beur$", re.IGNORECASE)
_CENTS = re.compile(r"(-?)(\d{1,13})\.(\d{2})")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}")
_LARGEST = 2**53  # beyond it a number in a double is not exact
_YES = frozenset({"yes", "y", "true", "1", "1.0", "x", "on", "ja", "j", "waar", "aan", "oui", "wahr", "t"})
_NO = frozenset({"no", "n", "false", "0", "0.0", "off", "nee", "onwaar", "uit", "non", "nein", "falsch", "f"})
_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP"}


class Numbers:
    """Cleans numbers that are written with this decimal sign; without one, each is read the only way that it can be.

    `file_sign` is what the kind of file suggests; it settles numbers that can be read in two ways, but never amounts.
    """

    def __init__(self, sign: DecimalSign | None, file_sign: DecimalSign) -> None:
        self._sign = sign
        self._file_sign = file_sign

    def cents(self, text: str) -> int | Problem:
        """An amount in currency units, in cents; what is beyond the cents is rounded half away from zero."""
        simple = _CENTS.fullmatch(text) if self._sign != "comma" else None
        if simple:
            cents = int(simple[2] + simple[3])
            return -cents if simple[1] else cents
        if self._sign is None and _TWO_WAYS.fullmatch(_bare(text)):
            return _UNCLEAR
        decimal = self._decimal(_bare(text))
        if decimal is None:
            return _NO_AMOUNT
        return _rounded(decimal)

    def number(self, text: str) -> float | Problem:
        """A number."""
        if _SCIENTIFIC.fullmatch(text):
            return _in_range(float(text))
        decimal = self._decimal(_bare(text))
        return _NO_NUMBER if decimal is None else _in_range(float(decimal))

    def whole(self, text: str) -> int | Problem:
        """A whole number; 12.0 is one."""
        if text.isdecimal() and text.isascii():
            return int(text) if len(text) < 16 else _TOO_LARGE
        number = self.number(text)
        if isinstance(number, Problem):
            return number if number is _TOO_LARGE else _NO_WHOLE
        return int(number) if number.is_integer() else _NO_WHOLE

    def _decimal(self, bare: str) -> str | None:
        """The number with a point as decimal sign and nothing else, or None."""
        if not any(map(str.isdigit, bare)) or not bare.isascii():
            return None
        signs: tuple[DecimalSign, ...] = (self._sign,) if self._sign else (self._file_sign, "point", "comma")
        for sign in signs:
            if sign == "point" and _POINT.fullmatch(bare):
                return bare.replace(",", "")
            if sign == "comma" and _COMMA.fullmatch(bare):
                return bare.replace(".", "").replace(",", ".")
        return None


def choice(text: str) -> bool | Problem:
    """Yes or no, in the words of people and of programs."""
    word = text.casefold()
    if word in _YES:
        return True
    return False if word in _NO else _NO_CHOICE


def currency(text: str) -> str | Problem:
    """The three letters of a currency (ISO 4217)."""
    code = _SYMBOLS.get(text, text.upper())
    return code if len(code) == 3 and code.isascii() and code.isalpha() else _NO_CURRENCY


def _bare(text: str) -> str:
    # A minus that a word processor made, or that stands behind the number as bookkeepers write it.
    bare = _AROUND.sub("", text.replace("\u2212", "-"))
    return "-" + bare[:-1] if bare.endswith("-") and not bare.startswith("-") else bare


def _rounded(decimal: str) -> int | Problem:
    whole, _, rest = decimal.lstrip("+-").partition(".")
    padded = (rest + "000")[:3]
    cents = int((whole or "0") + padded[:2]) + (padded[2] >= "5")
    if cents > _LARGEST:
        return _TOO_LARGE
    return -cents if decimal.startswith("-") else cents


def _in_range(number: float) -> float | Problem:
    return number if abs(number) <= _LARGEST else _TOO_LARGE
