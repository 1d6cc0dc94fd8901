"""Reading a condition: `parse_condition`.

What may be written: comparisons (=, <>, <, <=, >, >=), `in (...)`, `between`, `like`, `is null`, and, or, not, brackets, + - * /,
the functions lower, upper, length, coalesce, abs and round, `today`, texts in single or double quotes (both mean a text: no
attribute's name needs quotes), numbers, dates in quotes where they meet a date, the attributes of the vocabulary, and the phrases of
phrases.py.

Unknown values: a comparison with something unknown does not hold, whichever it is (=, <>, in, not in, like, not like, ...). `not`
before a condition turns it round: it lets in exactly those whom the condition leaves out, also those of whom nothing is known. So
`country <> 'NL'` are those who are known to be elsewhere, and `not country = 'NL'` is everyone but those known to be in NL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from customers.conditions.cursor import Function, Word
from customers.conditions.faults import ConditionError, ConditionFault, SegmentsError
from customers.conditions.grammar import disorder
from customers.conditions.meaning import INFIX_NOT, Meaning
from customers.conditions.tree import Condition, Constant, Predicate, depth, walk
from customers.conditions.vocabulary import Place, Vocabulary
from customers.conditions.words import read_words

MOST_CHARACTERS = 20_000
MOST_PARTS = 4_000  # with the segments that it refers to
MOST_SEGMENTS_DEEP = 5
MOST_DEPTH = 12  # of the tree, segments included: SQLite's parser holds a stack of 100, and a level of ours takes up to six of it


def parse_condition(text: str, vocabulary: Vocabulary) -> Condition:
    """The condition that `text` says. Raises ConditionError with all faults found; nothing else, whatever the text."""
    return _Reading(vocabulary).condition(text)


def parse_segments(vocabulary: Vocabulary, names: Iterable[str] | None = None) -> dict[str, Condition]:
    """Segments of the vocabulary, in its order: those of `names`, or all. Raises SegmentsError with the faults of all of them."""
    wanted = set(vocabulary.segments if names is None else names)
    understood, faults = {}, {}
    for name, text in vocabulary.segments.items():
        if name not in wanted:
            continue
        try:
            understood[name] = _Reading(_inside_segments(vocabulary), (name,)).condition(text)
        except ConditionError as error:
            faults[name] = error
    if faults:
        raise SegmentsError(faults)
    return understood


@dataclass(frozen=True)
class _Reading:
    vocabulary: Vocabulary
    inside: tuple[str, ...] = ()  # the segments that are being read, outermost first
    known: dict[str, Predicate | str] = field(default_factory=dict)  # each segment is read once, however often it is named

    def condition(self, text: str) -> Condition:
        if len(text) > MOST_CHARACTERS:
            raise _too_large(text, f"the condition is longer than {MOST_CHARACTERS} characters.")
        words, faults = read_words(text, self.vocabulary)
        predicate = self._understand(text, words, faults)
        if faults or predicate is None:
            raise ConditionError(text, faults)
        if len(list(islice(walk(predicate), MOST_PARTS + 1))) > MOST_PARTS:
            raise _too_large(text, "the condition is too large, the segments that it refers to included.")
        if depth(predicate) > MOST_DEPTH:
            raise _too_large(text, f"the condition is nested more than {MOST_DEPTH} deep, the segments that it refers to included.")
        return Condition(text, predicate)

    def _understand(self, text: str, words: list[Word], faults: list[ConditionFault]) -> Predicate | None:
        """The meaning of words in good order; adds to `faults` what has none."""
        if not words and faults:
            return None
        if (found := disorder(text, words)) is not None:
            faults += found
            return None
        try:
            [tree] = _Parser(error_level=ErrorLevel.IMMEDIATE).parse_into(exp.Condition, _tokens(text, words), text)
        except ParseError:
            tree = None
        if tree is None:
            faults.append(ConditionFault(0, len(text), "the condition cannot be understood.", "Write it in simpler parts, with brackets."))
            return None
        return Meaning(text, words, faults, self._segment).predicate(tree)

    def _segment(self, name: str) -> Predicate | str:
        """What a segment's condition means, or what is wrong with it."""
        if name in self.inside:
            return f"segment '{name}' leads back to itself: {', '.join((*self.inside[self.inside.index(name) :], name))}."
        if len(self.inside) >= MOST_SEGMENTS_DEEP:
            return f"segments refer to segments more than {MOST_SEGMENTS_DEEP} deep: {', '.join((*self.inside, name))}."
        if name not in self.known:
            self.known[name] = self._read_segment(name)
        return self.known[name]

    def _read_segment(self, name: str) -> Predicate | str:
        inner = _Reading(_inside_segments(self.vocabulary), (*self.inside, name), self.known)
        try:
            return inner.condition(self.vocabulary.segments[name]).predicate
        except ConditionError as error:
            return f"segment '{name}' has a fault itself: {error.faults[0].message}"


class _Parser(Parser):
    def _negate_range(self, this: exp.Expr | None = None) -> exp.Expr | None:
        if this is not None:
            this.meta[INFIX_NOT] = True
        return this


def _tokens(text: str, words: list[Word]) -> list[Token]:
    """What sqlglot parses: every leaf is an identifier whose name is its place in `words`, so that no word of SQL is left to trip over."""
    tokens = []
    for place, word in enumerate(words):
        kind, name = word.type, text[word.start : word.end]
        if place and words[place - 1].type is TokenType.ESCAPE and isinstance(word.leaf, Constant):
            kind, name = TokenType.STRING, str(word.leaf.value)
        elif word.leaf:
            name = f"f{place}" if isinstance(word.leaf, Function) else str(place)
        tokens.append(Token(kind, name, start=word.start, end=word.end - 1))
    return tokens


def _inside_segments(vocabulary: Vocabulary) -> Vocabulary:
    """A segment knows no flow; it keeps the purpose of whoever asks for it."""
    return replace(vocabulary, sending={}, other_nodes=frozenset(), place=Place.CUSTOMER)


def _too_large(text: str, message: str) -> ConditionError:
    remedy = "Use `in (...)`, make segments of its parts, or import the answer as an attribute."
    return ConditionError(text[:80], [ConditionFault(0, len(text), message, remedy)])
