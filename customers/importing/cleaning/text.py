"""Names, streets and other plain text; keys."""

import re
import unicodedata

from customers.importing.problems import TOO_LONG, UNREADABLE_LETTER, Problem

MOST_LETTERS = 200
# Joiners are letters to Persian and to emoji; every other invisible sign is an accident or a trick.
_JOINERS = "\u200c\u200d"
_SPREADSHEET_NUMBER = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_SPOILT_KEY = Problem("a spreadsheet has rounded the number", "format the column as text in the spreadsheet and export it again")


def plain(text: str) -> str | Problem | None:
    """The text in normal form (NFC) without control characters, and with single spaces."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text if len(text) <= MOST_LETTERS else TOO_LONG
    tidy = visible(text)
    if "\ufffd" in tidy:
        return UNREADABLE_LETTER
    return TOO_LONG if len(tidy) > MOST_LETTERS else tidy or None


def key(text: str) -> str | Problem | None:
    """A key, letter by letter as the source has it."""
    if "+" in text and _SPREADSHEET_NUMBER.fullmatch(text):
        return _SPOILT_KEY
    return plain(text)


def visible(text: str) -> str:
    """The text without what cannot be seen."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    if spaced.isprintable():
        return spaced
    return " ".join("".join(letter for letter in spaced if letter.isprintable() or letter in _JOINERS).split())
