"""A condition's text as words: sqlglot's tokens, with names and phrases looked up and whatever is not allowed refused."""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from customers.conditions.cursor import KEYWORDS, Cursor, Function, Leaf, Unread, Word, short
from customers.conditions.faults import ConditionFault
from customers.conditions.phrases import PHRASES
from customers.conditions.tree import Attribute, Constant, Today
from customers.conditions.vocabulary import AttributeKind, Vocabulary, suggestion

FUNCTIONS = ("lower", "upper", "length", "coalesce", "abs", "round")
MOST_DIGITS = 15  # every whole number of so many digits is exact in a double, on either database

_STATEMENTS = frozenset(
    "select insert update delete drop create alter attach detach pragma vacuum union intersect except "  # noqa: SIM905  # reads best as words
    "with from where group having order "
    "limit exec execute call copy grant revoke set begin commit rollback truncate merge values table exists returning into load".split()
)
_OPERATORS = frozenset(
    {
        TokenType.L_PAREN,
        TokenType.R_PAREN,
        TokenType.COMMA,
        TokenType.EQ,
        TokenType.NEQ,
        TokenType.LT,
        TokenType.LTE,
        TokenType.GT,
        TokenType.GTE,
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.STAR,
        TokenType.SLASH,
        TokenType.AND,
        TokenType.OR,
        TokenType.NOT,
        TokenType.IN,
        TokenType.IS,
        TokenType.LIKE,
        TokenType.BETWEEN,
        TokenType.NULL,
        TokenType.ESCAPE,
    }
)
_REMEDIES = {
    ";": "Leave it out: a condition is one question, without a semicolon.",
    "!": "Write `not`, or <> for `is different from`.",
    "?": "Write the value itself.",
    ":": "Write the value itself, without a colon.",
    "@": "Write the value itself; an e-mail address stands in quotes.",
    "%": "Leave it out; inside quotes, after `like`, it means any text.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "{": "Leave the braces out: an attribute is written as its name alone.",
    "}": "Leave the braces out: an attribute is written as its name alone.",
    "[": "Use round brackets.",
    "]": "Use round brackets.",
    "`": "Leave it out, or use straight quotes around a text: 'NL'.",
}


class _Tokenizer(Tokenizer):
    # The fewest keywords: whatever else SQL knows is a plain word here, so that an attribute may be called `order_count` or `show`.
    KEYWORDS = {**KEYWORDS, "<>": TokenType.NEQ, "!=": TokenType.NEQ, "<=": TokenType.LTE, ">=": TokenType.GTE, "==": TokenType.EQ}
    COMMENTS: ClassVar[list[str | tuple[str, str]]] = []
    COMMANDS: ClassVar[set[TokenType]] = set()


def read_words(text: str, vocabulary: Vocabulary) -> tuple[list[Word], list[ConditionFault]]:
    """The words of a text and every fault in them: unknown names, unfinished phrases, and what a condition may not hold."""
    # Blanks of other kinds come along when a condition is copied from a word processor; one for one, so that places stay right.
    plain = re.sub(r"\s", " ", text)
    try:
        tokens = _Tokenizer().tokenize(plain)
    except TokenError:
        return [], [_unfinished_quote(plain)]
    cursor = Cursor(plain, tokens, vocabulary)
    cursor.faults += _hidden(plain, tokens)
    words = list(_words(cursor))
    return words, cursor.faults


def _words(cursor: Cursor) -> Iterator[Word]:
    while (token := cursor.token()) is not None:
        start = token.start
        if leaf := _leaf(cursor, token):
            yield Word(TokenType.VAR if isinstance(leaf, Function) else TokenType.IDENTIFIER, start, cursor.end, leaf)
        else:
            cursor.take()
            yield Word(token.token_type, start, cursor.end)


def _leaf(cursor: Cursor, token: Token) -> Leaf | None:
    """The leaf that starts here, or None when it is an operator."""
    phrase = PHRASES.get(cursor.word())
    if phrase and (leaf := phrase(cursor)):
        return leaf
    if _is_comment(cursor, token):
        cursor.take(2)
        return cursor.fault(token.start, "a condition has no comments.", "Put the remark into the flow, after a #.")
    if token.token_type in _OPERATORS and token.text != "!":
        return None
    if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
        return _text(cursor, token)
    if token.token_type is TokenType.NUMBER:
        return _number(cursor, token)
    return _named(cursor, token) if token.token_type is TokenType.VAR else _refused(cursor, token)


def _is_comment(cursor: Cursor, token: Token) -> bool:
    following = cursor.token(1)
    return following is not None and following.start == token.end + 1 and token.text + following.text in ("--", "/*", "*/")


def _text(cursor: Cursor, token: Token) -> Leaf:
    """A text in quotes. Double quotes are read as single ones: no attribute needs quotes, and YAML's authors use both."""
    cursor.take()
    # A lone surrogate (from a damaged file) cannot be stored in either database, and a NUL only in one.
    if "\x00" in token.text or any("\ud800" <= letter <= "\udfff" for letter in token.text):
        return cursor.fault(token.start, "this text holds a character that no database can store.", "Type the text anew.")
    return Constant(token.text, AttributeKind.TEXT)


def _number(cursor: Cursor, token: Token) -> Leaf:
    written = re.compile(r"[\w.]+").match(cursor.text, token.start)
    assert written is not None
    while (following := cursor.token()) is not None and following.start < written.end():
        cursor.take()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", written[0]):
        return cursor.fault(token.start, f"{short(written[0])} is not a number.", "Write digits, with a point for decimals: 1250.50.")
    if len(written[0].replace(".", "")) > MOST_DIGITS:
        return cursor.fault(
            token.start, "this number has too many digits.", f"Use at most {MOST_DIGITS}; a code of digits stands in quotes."
        )
    if "." in written[0]:
        return Constant(float(written[0]), AttributeKind.NUMBER)
    return Constant(int(written[0]), AttributeKind.INTEGER)


def _named(cursor: Cursor, token: Token) -> Leaf:
    name, start = token.text, token.start
    cursor.take()
    following = cursor.token()
    if following and following.token_type is TokenType.DOT:
        return _qualified(cursor, start)
    if name.lower() in ("true", "false"):
        return Constant(name.lower() == "true", AttributeKind.BOOLEAN)
    if name in cursor.vocabulary.attributes:
        return Attribute(name, cursor.vocabulary.attributes[name])
    if name.lower() == "today":
        return Today()
    if following and following.token_type is TokenType.L_PAREN:
        return _function(cursor, name, start)
    return _unknown(cursor, name, start)


def _function(cursor: Cursor, name: str, start: int) -> Leaf:
    if name.lower() in FUNCTIONS:
        return Function(name.lower())
    known = ", ".join(FUNCTIONS)
    cursor.fault(start, f"there is no function '{short(name)}' in a condition.", suggestion(name, FUNCTIONS) or f"Known are {known}.")
    return Function("")


def _qualified(cursor: Cursor, start: int) -> Leaf:
    while (token := cursor.token()) is not None and token.token_type in (
        TokenType.DOT,
        TokenType.VAR,
        TokenType.STAR,
        TokenType.IDENTIFIER,
    ):
        cursor.take()
        if token.token_type is not TokenType.DOT and (following := cursor.token()) and following.token_type is not TokenType.DOT:
            break
    return cursor.fault(
        start,
        f"'{short(cursor.text[start : cursor.end])}' has a point in its name.",
        "Write the attribute's name alone: a condition sees one customer's own data and nothing else.",
    )


def _unknown(cursor: Cursor, name: str, start: int) -> Leaf:
    if name.lower() in _STATEMENTS:
        if cursor.is_statement:
            return Unread()  # the rest of a statement needs no sentence for each word
        cursor.is_statement = True
        return cursor.fault(
            start,
            f"'{short(name)}' is not possible here: a condition asks about one customer, it is not a statement.",
            "Compare attributes with values, such as country = 'NL'.",
        )
    if re.search("[‘’‚‛“”„‟«»´]", name):
        return cursor.fault(start, "these are typographic quotes.", "Use straight quotes: 'NL'.")
    remedy = suggestion(name, (*cursor.vocabulary.attributes, "everyone", "purchase", "today"))
    if not remedy:
        remedy = "Use an attribute, or put a text in quotes; own attributes are declared in contactflow.toml under [attributes]."
    return cursor.fault(start, f"there is no attribute '{short(name)}'.", remedy)


def _refused(cursor: Cursor, token: Token) -> Leaf:
    cursor.take()
    sign = cursor.text[token.start : cursor.end]
    return cursor.fault(token.start, f"{short(sign)} cannot stand in a condition.", _REMEDIES.get(sign, "Leave it out."))


def _hidden(text: str, tokens: Sequence[Token]) -> Iterator[ConditionFault]:
    """Text that the tokenizer passed over, such as a comment of a template language."""
    end = 0
    for start, following in [*((token.start, token.end + 1) for token in tokens), (len(text), len(text))]:
        gap = text[end:start]
        if gap.strip():
            yield ConditionFault(end + len(gap) - len(gap.lstrip()), start, "a condition has no comments.", "Leave it out.")
        end = following


def _unfinished_quote(text: str) -> ConditionFault:
    for match in re.finditer(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|['"]""", text):
        if len(match[0]) == 1:
            return ConditionFault(match.start(), len(text), "the quote that opens here is never closed.", f"Add {match[0]} after the text.")
    return ConditionFault(0, len(text), "a quote is never closed.", "Close it.")
