"""The little Markdown that letters are written in: paragraphs, headings, lists, **bold** and *italic*.

A backslash makes the next character plain; at the end of a line it breaks the line there. Values are guarded: whatever a
customer is called, it is neither a heading nor bold.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

Style = Literal["regular", "bold", "italic"]
Kind = Literal["paragraph", "heading", "item"]
Run = tuple[Style, str]


_OPENING = re.compile(r"\s*(#{1,3}|[-*])\s+")


def guard(value: str) -> str:
    """A value that means only itself in this mark-up."""
    plain = value.replace("\\", "\\\\").replace("*", "\\*")
    return f"\\{plain}" if plain.startswith(("#", "-")) else plain


def plain_text(markup: str) -> str:
    """The words without the mark-up."""
    return "\n\n".join("".join(words for _, words in runs(text, kind)) for kind, text in blocks(markup))


def blocks(markup: str) -> Iterator[tuple[Kind, str]]:
    """The blocks of a text, which blank lines (or the next item of a list) divide; each text is mark-up still."""
    for block in re.split(r"\n[ \t]*\n", markup.strip()):
        kind: Kind = "paragraph"
        lines: list[str] = []
        for line in block.split("\n"):
            opening = _OPENING.match(line)
            if opening:
                if lines:
                    yield kind, _joined(lines)
                kind, lines = ("heading" if "#" in opening[0] else "item"), [line[opening.end() :]]
            else:
                lines.append(line)
        if any(lines):
            yield kind, _joined(lines)


def runs(text: str, kind: Kind = "paragraph") -> tuple[Run, ...]:
    """The runs of one block. They may be broken at plain spaces, and must be at line feeds."""
    pieces = groupby(_pieces(text, "bold" if kind == "heading" else "regular"), key=lambda piece: piece[0])
    return tuple((style, "".join(words for _, words in each)) for style, each in pieces)


def _joined(lines: list[str]) -> str:
    """Lines of a block as one text: a line feed stays only where a single backslash asks for it."""
    text = "\n".join(line.strip() for line in lines)
    return re.sub(r"(?<!\\)((?:\\\\)*)\\\n", "\\1\v", text).replace("\n", " ").replace("\v", "\n").strip()


def _pieces(text: str, base: Style) -> Iterator[Run]:
    style = base
    for escaped, mark, words in _TOKEN.findall(text):
        if mark:
            wanted: Style = "bold" if mark == "**" else "italic"
            style = base if style == wanted else wanted
        else:
            yield style, escaped or words


# Escaped, a mark that touches a word, or words; a lone asterisk between spaces is only an asterisk.
_TOKEN = re.compile(r"\\(.)|((?<=\S)\*\*?|\*\*?(?=\S))|([^\\*]+|[\\*])")
