"""`like`: the same on both databases, with capitals and small letters taken for the same."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Text, literal

from customers.conditions.portable import TO_LOWER, Folded, letters_of

_ESCAPE = "!"


def like(value: ColumnElement[Any], pattern: str, escape: str) -> ColumnElement[bool]:
    """True where `value` fits the pattern; `escape` before %, _ or itself makes it an ordinary character.

    Only the letters that the pattern has need to be folded in the value: whatever else stands there meets % or _, or does not fit.
    """
    folded = Folded(value, letters=letters_of(pattern))
    return folded.like(literal("".join(_units(pattern, escape)), Text()), escape=_ESCAPE)


def _units(pattern: str, escape: str) -> Iterator[str]:
    """The pattern in small letters, with our own escape character in place of the author's."""
    letters = iter(pattern)
    for letter in letters:
        ordinary = letter == escape
        meant = (next(letters, "") if ordinary else letter).translate(TO_LOWER)
        special = meant in ("%", "_", _ESCAPE) if ordinary else meant == _ESCAPE
        yield _ESCAPE + meant if special else meant
