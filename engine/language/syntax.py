"""YAML's syntax errors in the words of somebody who writes a flow, and at the place that is to be changed."""

import re
from typing import Any

from engine.language.faults import Fault, quoted

# What a line looks like, the most telling first: pattern, message, remedy. The column is that of group 1.
_LINES = (
    (r"^\s*(?:- )?[\w .-]+:\s+(\{\{.*)$", "text with {{ variables }} needs quotes.", 'Write it as "{{ customer.first_name }}, hello".'),
    (r"^\s*(?:- )?[\w .-]+:\s+([@`%].*)$", "a value cannot begin with SIGN.", "Put the value in quotes."),
    (r"^\s*(?:- )?(:)\s", "there is a colon without a key in front of it.", "Write a key, or take the line away."),
    (r"^\s*(?:- )?[\w-]+(:)[^\s:]", "there is no space after the colon.", "Write a space after the colon: `key: value`."),
)
_COLON_IN_TEXT = re.compile(r"^\s*(?:- )?[\w .-]+:\s+([^\s'\"{\[|>].*?)(:)(?:\s|$)")
_QUOTE_AND_MORE = re.compile(r"""^\s*(?:- )?[\w .-]+:\s+(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*([^\s#,}\]].*)$""")

# What the parser says (a part of it): code, whether the place is where the part began, message, remedy.
_PROBLEMS = (
    ("found unexpected end of stream", "quotes", True, "the quote that opens here is never closed.", "Close it with the same sign."),
    ("found unexpected document indicator", "quotes", True, "the quote that opens here is never closed.", "Close it with the same sign."),
    (
        "found unknown escape character",
        "escape",
        False,
        "a backslash in double quotes begins a special sign.",
        "Use single quotes, or write the backslash twice.",
    ),
    ("hexdecimal", "escape", False, "the number after the backslash is not complete.", "Write the letter itself instead."),
    (
        "invalid Unicode character escape",
        "escape",
        False,
        "the number after the backslash is no letter.",
        "Write the letter itself instead.",
    ),
    (
        "could not find expected ':'",
        "no-colon",
        True,
        "this line has no colon, so it is neither a key nor a value.",
        "Write `key: value`, or indent it below the text that it belongs to.",
    ),
    (
        "mapping values are not allowed",
        "indentation",
        False,
        "a key cannot stand here.",
        "Indent it like its neighbours; text with a colon in it needs quotes.",
    ),
    ("mapping keys are not allowed", "question-mark", False, "a value cannot begin with `? `.", "Put the text in quotes."),
    (
        "block sequence entries",
        "dash",
        False,
        "a list cannot begin on the line of its key.",
        "Put each `- ` on a line of its own below; text that begins with a dash needs quotes.",
    ),
    (
        "expected '-' indicator",
        "indentation",
        False,
        "this does not belong to the list above.",
        "Begin it with `- `, or indent it like the key that it belongs to.",
    ),
    (
        "expected ',' or '}'",
        "bracket",
        True,
        "the mapping that { opens is not right: a comma or } is missing.",
        "Write {key: value, key: value}.",
    ),
    ("expected ',' or ']'", "bracket", True, "the list that [ opens is not right: a comma or ] is missing.", "Write [one, two]."),
    (
        "expected key",
        "indentation",
        False,
        "this line is indented differently from its neighbours.",
        "Indent the keys that belong together by the same number of spaces.",
    ),
    (
        "node content",
        "no-value",
        False,
        "there is a sign here where a value should stand.",
        "Put text that begins with such a sign in quotes.",
    ),
    ("cannot start any token", "sign", False, "a value cannot begin with this sign.", "Put the value in quotes."),
    ("tab character", "tab", False, "there is a tab here.", "Indent with spaces, two a step."),
    ("directive", "percent", True, "a line cannot begin with %.", "Take the line out, or put the text in quotes."),
    ("incompatible YAML", "percent", True, "this file asks for another version of YAML.", "Take the line with %YAML out."),
    ("document start", "rest", False, "there is something behind the end of the value.", "Take it out, or put the whole text in quotes."),
    ("anchor", "anchor", True, "`&` begins the name of a part to be repeated.", "Put text with & at its beginning in quotes."),
    ("alias", "alias", True, "`*` repeats a part of the file.", "Put text with * at its beginning in quotes."),
    ("tag", "tag", True, "`!` begins a tag, which is not for flows.", "Put text with ! at its beginning in quotes."),
    ("block scalar", "block", False, "after | or > the text begins on the next line.", "Put the text on the lines below, indented."),
    (
        "comment or line break",
        "block",
        False,
        "after | or > the text begins on the next line.",
        "Put the text on the lines below, indented.",
    ),
    ("indentation indicator", "block", False, "the number after | or > is not right.", "Leave the number out."),
)
_UNKNOWN = ("syntax", False, "the file cannot be understood from here on.", "Compare this line with those above: spaces, colons, quotes.")


def explain_syntax_error(error: Any, text: str, file: str) -> Fault:
    """The fault behind a YAMLError."""
    problem = f"{getattr(error, 'problem', None) or error} {getattr(error, 'context', None) or ''}"
    mark = getattr(error, "problem_mark", None)
    began = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    known = next((entry[1:] for entry in _PROBLEMS if entry[0] in problem), _UNKNOWN)
    if known[0] in ("quotes", "bracket") and began and (known[0] == "quotes" or began.line != line):
        return Fault(file, began.line + 1, began.column + 1, *_words(known))
    found = _from_the_lines(lines, line, column)
    if found:
        return Fault(file, found[0] + 1, found[1] + 1, "syntax", found[2], found[3])
    code, at_beginning, _, _ = known
    if at_beginning and began and code != "bracket":
        line, column = began.line, began.column
    line = min(line, max(len(lines) - 1, 0))
    return Fault(file, line + 1, column + 1, *_words(known))


def _words(known: tuple[str, bool, str, str]) -> tuple[str, str, str]:
    return known[0], known[2], known[3]


def _from_the_lines(lines: list[str], at: int, column: int) -> tuple[int, int, str, str] | None:
    """Line, column, message and remedy when the line at fault, or the one above it, shows a usual slip."""
    for number in (at, at - 1):
        if not 0 <= number < len(lines):
            continue
        line = lines[number][:500]
        for pattern, message, remedy in _LINES:
            if match := re.match(pattern, line):
                return number, match.start(1), message.replace("SIGN", match[1][0]), remedy
        if number == at and (match := _COLON_IN_TEXT.match(line)) and match.start(2) <= column:
            return number, match.start(2), f"there is a colon inside the text {quoted(match[1])}.", "Put the whole text in quotes."
        if number == at and (match := _QUOTE_AND_MORE.match(line)):
            return number, match.start(1), "there is text behind the closing quote.", "Put the whole text inside the quotes."
    return None
