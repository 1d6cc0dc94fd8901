"""What the inbox is told to answer, so that a campaign can be rehearsed with addresses that bounce, wait, or never answer."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

from store.errors import InputError

Answer = Literal["bounce", "defer", "drop", "slow", "complain", "return", "reply", "away"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
LONGEST_SECONDS = 600
_LONGEST_PATTERN = 200
_FILE = "inbox-answers.json"


@dataclass(frozen=True, slots=True)
class Rule:
    """How mail to addresses like `pattern` is answered. `part` is the share of those addresses, in percent: always the same ones.

    bounce: 550, there is nobody. defer: 451, try again later. drop: the mail goes over, and the connection breaks before an answer.
    slow: taken, but only after `seconds`. The others take it, and send a mail back: complain: a provider's report that it was called spam.
    return: a bounce after all. reply: a person's answer. away: an automatic one.
    """

    pattern: str
    answer: Answer
    part: int = 100
    seconds: int = 0

    def fits(self, address: str) -> bool:
        """Whether it is about this address. Capitals do not count."""
        lowered = address.casefold()
        return fnmatchcase(lowered, self.pattern) and _place(self.answer, lowered) < self.part


class AnswerBook:
    """The rules of the inbox at `database`, the newest first. They lie in a file beside it, and take effect with the next mail."""

    def __init__(self, database: Path) -> None:
        self._file = database.with_name(_FILE)
        self._seen: tuple[int, int] | None = None
        self._rules: tuple[Rule, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        """The rules as they are now; read again only when the file is another one."""
        try:
            found = self._file.stat()
        except OSError:
            self._seen, self._rules = None, ()
            return ()
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            self._rules, self._seen = _read(self._file), (found.st_ino, found.st_mtime_ns)
        return self._rules

    def rule_for(self, address: str) -> Rule | None:
        """The newest rule that fits, or nothing: then the mail is taken."""
        return next((rule for rule in self.rules() if rule.fits(address)), None)

    def tell(self, pattern: str, answer: str, part: int = 100, seconds: int = 0) -> Rule:
        """Answer so from now on, instead of an earlier rule with the same pattern and answer. Raises InputError for what makes no sense."""
        rule = _checked(pattern.strip().casefold(), answer, part, seconds)
        self._write((rule, *(each for each in self.rules() if (each.pattern, each.answer) != (rule.pattern, rule.answer))))
        return rule

    def accept(self, pattern: str | None = None, answer: str | None = None) -> int:
        """Take mail again: forget the rules with a pattern (or all), and with an answer (or any). Gives how many rules went."""
        rules, meant = self.rules(), None if pattern is None else pattern.strip().casefold()
        left = tuple(rule for rule in rules if rule.pattern != (meant or rule.pattern) or rule.answer != (answer or rule.answer))
        self._write(left)
        return len(rules) - len(left)

    def _write(self, rules: tuple[Rule, ...]) -> None:
        beside = self._file.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps([asdict(rule) for rule in rules], indent=2, ensure_ascii=False), encoding="utf-8")
        beside.replace(self._file)


def _checked(pattern: str, answer: str, part: int, seconds: int) -> Rule:
    known = next((each for each in ANSWERS if each == answer), None)
    if known is None:
        raise InputError(f"The inbox cannot answer '{answer}'. Choose {', '.join(ANSWERS)}.")
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        raise InputError("The inbox needs to know for which addresses. Write a pattern such as *@example.org, or * for all.")
    if not 1 <= part <= 100:
        raise InputError("The part of the addresses is a whole number from 1 to 100 percent.")
    if known != "slow":
        return Rule(pattern, known, part)
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise InputError(f"How slow? Write a number of seconds from 1 to {LONGEST_SECONDS}.")
    return Rule(pattern, known, part, seconds)


def _read(file: Path) -> tuple[Rule, ...]:
    """The rules of a file; one that a person broke is left out, so that the inbox goes on."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(rule for row in (rows if isinstance(rows, list) else ()) if (rule := _rule(row)))


def _rule(row: Any) -> Rule | None:
    try:
        return _checked(str(row["pattern"]), row["answer"], int(row.get("part", 100)), int(row.get("seconds", 0)))
    except (InputError, TypeError, KeyError, ValueError, AttributeError):
        return None


def _place(answer: Answer, address: str) -> int:
    """0 to 99: where an address stands among all, the same in every process, and another place for another answer."""
    return int.from_bytes(hashlib.sha256(f"{answer} {address}".encode("utf-8", "replace")).digest()[:4]) % 100
