"""Whether the words of a condition stand in an order that makes sense; told here, so that sqlglot only meets what it can parse."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from sqlglot.tokenizer_core import TokenType

from customers.conditions.cursor import Function, Unread, Word, short
from customers.conditions.faults import ConditionFault
from customers.conditions.tree import Constant

MOST_BRACKETS = 24  # brackets and `not` in each other, as they are written
MOST_JOINTS = 200  # `and` and `or`
MOST_SUMS = 40  # + - * /

_COMPARISONS = frozenset((TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE))
_SUMS = frozenset((TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH))
_JOINTS = frozenset((TokenType.AND, TokenType.OR))
_NEGATABLE = frozenset((TokenType.IN, TokenType.LIKE, TokenType.BETWEEN))


@dataclass
class _Level:
    """What was seen since a bracket opened. `lists` says whether commas may stand here."""

    start: int
    lists: bool
    compared: bool = False
    between: bool = False  # a `between` still waits for its `and`
    prefixes: int = 0


class _Disorder(Exception):  # noqa: N818  # not an error that anybody sees: it ends the search at the first disorder
    def __init__(self, start: int, end: int, message: str, remedy: str, *, told: bool = False) -> None:
        self.faults = [] if told else [ConditionFault(start, end, message, remedy)]


def disorder(text: str, words: Sequence[Word]) -> list[ConditionFault] | None:
    """None when the words may stand in this order; else the first fault, or nothing when it comes from a word that has one already."""
    try:
        _Order(text, words).check()
    except _Disorder as found:
        return found.faults
    return None


@dataclass
class _Order:
    text: str
    words: Sequence[Word]
    levels: list[_Level] = field(default_factory=lambda: [_Level(0, lists=False)])
    at: int = 0

    def check(self) -> None:
        self._limits()
        while True:
            self._operand()
            if not self._operators():
                return

    def _limits(self) -> None:
        joints = [word for word in self.words if word.type in _JOINTS]
        if len(joints) > MOST_JOINTS:
            self._fail(
                joints[MOST_JOINTS], f"the condition has more than {MOST_JOINTS} `and` and `or`.", "Use `in (...)`, or several segments."
            )
        sums = [word for word in self.words if word.type in _SUMS]
        if len(sums) > MOST_SUMS:
            self._fail(sums[MOST_SUMS], f"the condition reckons more than {MOST_SUMS} times.", "Import the result as an attribute.")

    def _operand(self) -> None:
        """Take one value or one whole phrase, with the brackets and signs before it."""
        while True:
            word = self._here()
            if word is None:
                raise _Disorder(max(len(self.text) - 1, 0), len(self.text), self._ends_early(), "Say what follows.")
            self.at += 1
            if isinstance(word.leaf, Function):
                self._list(word)
            elif word.leaf:
                return
            elif word.type is TokenType.L_PAREN:
                self._open(word, lists=False)
            elif word.type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS):
                self._prefix(word)
            else:
                self._misplaced(word)

    def _operators(self) -> bool:
        """Go past closing brackets and tests for null to the next operator; False at the end of the text."""
        while (word := self._here()) is not None:
            self.at += 1
            level = self.levels[-1]
            if word.type is TokenType.R_PAREN:
                self._close(word)
            elif word.type is TokenType.IS:
                self._compare(level, word)
                if self._tests_null():
                    continue
                return True
            else:
                self._binary(level, word)
                return True
        if len(self.levels) > 1:
            start = self.levels[-1].start
            raise _Disorder(start, start + 1, "the bracket that opens here is never closed.", "Add ) where it ends.")
        if self.levels[-1].between:
            raise _Disorder(max(len(self.text) - 1, 0), len(self.text), "`between` lacks its second value.", "Write `between 1 and 5`.")
        return False

    def _binary(self, level: _Level, word: Word) -> None:
        if level.between and word.type in (TokenType.OR, TokenType.COMMA):
            self._fail(word, "`between` lacks its second value.", "Write `between 1 and 5`.")
        if word.type in _JOINTS:
            level.compared = level.between
            level.between, level.prefixes = False, 0
        elif word.type is TokenType.COMMA and level.lists:
            level.compared, level.prefixes = False, 0
        elif word.type is TokenType.NOT and self._type() in _NEGATABLE:
            self.at += 1
            self._binary(level, self.words[self.at - 1])
        elif word.type in _COMPARISONS or word.type in _NEGATABLE:
            self._compare(level, word)
            level.between = word.type is TokenType.BETWEEN
            if word.type is TokenType.IN:
                self._list(word)
        elif word.type is TokenType.ESCAPE:
            self._escape(word)
        elif word.type not in _SUMS:
            self._missing_joint(word)

    def _compare(self, level: _Level, word: Word) -> None:
        if level.compared:
            self._fail(word, "two comparisons stand in a row.", "Write `and` between them: 1 < age and age < 5.")
        level.compared = True

    def _escape(self, word: Word) -> None:
        following = self._here()
        letter = following.leaf.value if following and isinstance(following.leaf, Constant) else None
        if self.at < 4 or self.words[self.at - 3].type is not TokenType.LIKE or not isinstance(letter, str) or len(letter) != 1:
            self._fail(word, "`escape` stands after `like` and a text, and names one character.", "Write `like '10!%' escape '!'`.")

    def _tests_null(self) -> bool:
        if self._type() is TokenType.NOT:
            self.at += 1
        if self._type() is not TokenType.NULL:
            return False
        self.at += 1
        return True

    def _open(self, word: Word, *, lists: bool) -> None:
        self.levels.append(_Level(word.start, lists))
        self._depth(word)

    def _close(self, word: Word) -> None:
        if len(self.levels) == 1:
            self._fail(word, "this bracket closes nothing.", "Leave it out, or add ( where it opens.")
        if self.levels.pop().between:
            self._fail(word, "`between` lacks its second value.", "Write `between 1 and 5`.")

    def _prefix(self, word: Word) -> None:
        self.levels[-1].prefixes += 1
        self._depth(word)

    def _depth(self, word: Word) -> None:
        if len(self.levels) - 1 + sum(level.prefixes for level in self.levels) > MOST_BRACKETS:
            self._fail(word, f"brackets and `not` are nested more than {MOST_BRACKETS} deep.", "Make a segment of an inner part.")

    def _bracket(self, word: Word) -> Word:
        following = self._here()
        if following is None or following.type is not TokenType.L_PAREN:
            self._fail(word, f"`{self._shown(word)}` needs brackets.", f"Write {self._shown(word)} (...).")
        self.at += 1
        return self.words[self.at - 1]

    def _list(self, word: Word) -> None:
        """Open the brackets that come after a function or `in`."""
        self._open(self._bracket(word), lists=True)
        if self._type() is TokenType.R_PAREN:
            self._fail(self.words[self.at], "the brackets are empty.", "Write at least one value.")

    def _misplaced(self, word: Word) -> None:
        if word.type is TokenType.NULL:
            self._fail(word, "null is not a value to compare with.", "Write `is null` or `is not null`.")
        before = f"before `{self._shown(word)}`"
        self._fail(word, f"something is missing {before}.", "Write an attribute, a value or a phrase there.")

    def _missing_joint(self, word: Word) -> None:
        previous = self.words[self.at - 2]
        if word.type is TokenType.COMMA:
            self._fail(word, "a comma stands only between the values of `in (...)` or of a function.", "Write `and` or `or`.")
        message = f"`{self._shown(word)}` follows `{self._shown(previous)}` with nothing between them."
        remedy = "Write `and`, `or` or a comparison; a text stands in quotes."
        raise _Disorder(word.start, word.end, message, remedy, told=isinstance(word.leaf, Unread) or isinstance(previous.leaf, Unread))

    def _ends_early(self) -> str:
        return f"the condition ends after `{self._shown(self.words[-1])}`." if self.words else "the condition is empty."

    def _fail(self, word: Word, message: str, remedy: str) -> NoReturn:
        raise _Disorder(word.start, word.end, message, remedy)

    def _shown(self, word: Word) -> str:
        return short(self.text[word.start : word.end])

    def _here(self) -> Word | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def _type(self) -> TokenType | None:
        word = self._here()
        return word.type if word else None
