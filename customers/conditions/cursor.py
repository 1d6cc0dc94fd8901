"""Going through a condition's tokens: leaves, words, and the cursor that reads them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot.tokenizer_core import Token, TokenType

from customers.conditions.faults import ConditionFault
from customers.conditions.tree import Predicate, Value
from customers.conditions.vocabulary import Vocabulary

KEYWORDS = {
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "IN": TokenType.IN,
    "IS": TokenType.IS,
    "LIKE": TokenType.LIKE,
    "BETWEEN": TokenType.BETWEEN,
    "NULL": TokenType.NULL,
    "ESCAPE": TokenType.ESCAPE,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name, before its brackets."""

    name: str


@dataclass(frozen=True, slots=True)
class SegmentName:
    """`in segment NAME`, not yet looked up."""

    name: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that has a fault already: of any kind, so that one mistake is told once."""


Leaf = Predicate | Value | Function | SegmentName | Unread


@dataclass(frozen=True, slots=True)
class Word:
    """One operator, or one leaf of the tree (a name, a value, a whole phrase), and where it stands in the text."""

    type: TokenType
    start: int
    end: int
    leaf: Leaf | None = None


@dataclass
class Cursor:
    """Goes through the tokens of a text and collects faults."""

    text: str
    tokens: Sequence[Token]
    vocabulary: Vocabulary
    place: int = 0
    end: int = 0  # where the last token that was taken ends
    is_statement: bool = False  # a word such as `select` was met
    faults: list[ConditionFault] = field(default_factory=list)

    def token(self, ahead: int = 0) -> Token | None:
        """The token so many places ahead, if there is one."""
        return self.tokens[self.place + ahead] if self.place + ahead < len(self.tokens) else None

    def word(self, ahead: int = 0) -> str:
        """The word so many places ahead in small letters; empty for a sign, a number, a quoted text or the end."""
        token = self.token(ahead)
        return (
            token.text.lower()
            if token and (token.token_type is TokenType.VAR or token.text.upper() in KEYWORDS) and not is_quoted(token)
            else ""
        )

    def take(self, count: int = 1) -> None:
        """Go on by so many tokens."""
        self.place += count
        self.end = self.tokens[self.place - 1].end + 1

    def fault(self, start: int, message: str, remedy: str) -> Unread:
        """Note a fault that reaches from `start` to the last token taken."""
        self.faults.append(ConditionFault(start, max(self.end, start + 1), message, remedy))
        return Unread()

    def name(self) -> str | None:
        """Take a name as nodes and segments have them: quoted, or letters, digits, _ and - without a blank between."""
        token = self.token()
        if token is None:
            return None
        if is_quoted(token):
            self.take()
            return token.text
        match = re.compile(r"[\w-]+").match(self.text, token.start)
        if match is None:
            return None
        while (following := self.token()) is not None and following.start < match.end():
            self.take()
        return match[0]


def is_quoted(token: Token) -> bool:
    """Whether it is a text in quotes, single or double."""
    return token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)


def short(text: str) -> str:
    """A text that is not too long for a message."""
    return text if len(text) <= 40 else text[:39] + "…"
