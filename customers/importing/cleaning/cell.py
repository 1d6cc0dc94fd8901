"""What a cleaner is, and how a column goes through one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from customers.importing.problems import Problem

Value = str | int | float | bool
Cleaner = Callable[[str], Value | Problem | None]  # of a text that is not empty and has no white space around it
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class _Keep:
    """The one value that says: leave what was known as it is."""


KEEP: Final = _Keep()


class Remembered(dict[str, Value | Problem | None]):
    """A cleaner that answers at once for a text it has seen: for columns whose texts return (dates, countries, amounts)."""

    def __init__(self, clean: Cleaner, most: int = _MOST_REMEMBERED) -> None:
        super().__init__({"": None})
        self._clean = clean
        self._most = most

    def __missing__(self, text: str) -> Value | Problem | None:
        if len(self) > self._most:
            self.clear()
            self[""] = None
        value = self[text] = self._clean(text)
        return value


def clean_each(texts: Sequence[str], clean: Cleaner | Remembered) -> list[Value | Problem | None]:
    """Every text's value; None for an empty one."""
    if isinstance(clean, Remembered):
        return list(map(clean.__getitem__, texts))
    return [clean(text) if text else None for text in texts]
