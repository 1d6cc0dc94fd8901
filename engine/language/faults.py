"""A fault in a file: where, what, and what to do."""

import difflib
from bisect import bisect
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

SHOWN_CHARACTERS = 60
_NEIGHBOURS = 20


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. `line` and `column` count from 1, in characters; `code` is stable, for programs that read the JSON.

    A `warning` is something to know: the file can be used as it is.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    remedy: str
    severity: Literal["fault", "warning"] = "fault"

    def render(self) -> str:
        """``file:line:column: message`` (a warning says so), and the remedy on an indented line of its own."""
        kind = "warning: " if self.severity == "warning" else ""
        place = f"{self.file}:{self.line}:{self.column}: {kind}{self.message}"
        return f"{place}\n    {self.remedy}" if self.remedy else place

    def as_json(self) -> dict[str, Any]:
        """The fields by name, for `--format json`."""
        return asdict(self)


def render_faults(faults: Iterable[Fault]) -> str:
    """All faults, in the order of the file."""
    return "\n".join(fault.render() for fault in faults)


def quoted(text: str) -> str:
    """A user's own text inside a message: on one line, short, and without characters that steer a terminal."""
    plain = "".join(letter if letter.isprintable() else " " if letter in "\n\t" else f"\\u{ord(letter):04x}" for letter in text)
    return f"'{plain}'" if len(plain) <= SHOWN_CHARACTERS else f"'{plain[: SHOWN_CHARACTERS - 3]}...'"


def listed(words: Iterable[str], last: str = "or") -> str:
    """``a, b or c``, at most sixteen of them."""
    shown = list(words)
    if len(shown) > 16:
        return ", ".join(shown[:16]) + f" and {len(shown) - 16} more"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant by `word`."""
    names = list(known)
    plain = {_plain(name): name for name in reversed(names)}
    if _plain(word) in plain:
        return plain[_plain(word)]
    found = difflib.get_close_matches(_plain(word[:200]), _promising(_plain(word[:200]), plain), 1, 0.68)
    return plain[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a space in front, or an empty text."""
    found = nearest(word, known)
    return f" Did you mean '{found}'?" if found else ""


def _promising(word: str, names: Iterable[str]) -> list[str]:
    """The few of many names that begin or end like a word: comparing a thousand in full takes too long for a thousand slips."""
    known = sorted(names)
    if len(known) <= 4 * _NEIGHBOURS:
        return known
    at, mirrored = bisect(known, word), sorted(name[::-1] for name in known)
    behind = bisect(mirrored, word[::-1])
    begin = known[max(at - _NEIGHBOURS, 0) : at + _NEIGHBOURS]
    return [*begin, *(name[::-1] for name in mirrored[max(behind - _NEIGHBOURS, 0) : behind + _NEIGHBOURS])]


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")
