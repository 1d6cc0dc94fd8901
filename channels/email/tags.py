"""The Jinja tags in a text: where they stand, whether they are closed, and their exchange for tokens that MJML leaves alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from channels.contract import WordingFault
from channels.email.source import Source

_SHOWN = 40
HOLE = "\ue000"  # stands in a text for every character of a tag, so that offsets stay as they are

_TAG = re.compile(
    r"""\{\#.*?\#\}
    |\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}
    |\{\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?!\}\}).)*?\}\}
    |\{%(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?!%\}).)*?%\}""",
    re.DOTALL | re.VERBOSE,
)
_WORD = re.compile(r"\{%[-+]?\s*(?P<word>\w+)(?P<rest>.*)", re.DOTALL)
_OPENS = {"for": "endfor", "if": "endif", "set": "endset", "filter": "endfilter", "macro": "endmacro", "call": "endcall", "with": "endwith"}
_MIDDLE = {"else": ("if", "for"), "elif": ("if",)}
_ELSEWHERE = ("include", "extends", "import", "from", "block", "endblock")
_KNOWN = (*_OPENS, *_OPENS.values(), *_MIDDLE, *_ELSEWHERE, "do", "raw", "endraw")


@dataclass(frozen=True, slots=True)
class Tag:
    """One Jinja tag, as written; `start` is its offset."""

    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_comment(self) -> bool:
        return self.text.startswith("{#")

    @property
    def is_block(self) -> bool:
        """Whether it steers (``{% if %}``) and shows nothing by itself."""
        return self.text.startswith("{%")

    @property
    def shown(self) -> str:
        """The tag as a message quotes it."""
        text = " ".join(self.text.split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def find_tags(text: str) -> list[Tag]:
    """Every Jinja tag of a text, comments too."""
    return [Tag(match.start(), match[0]) for match in _TAG.finditer(text)]


def holed(text: str, tags: list[Tag]) -> str:
    """The text with every tag made into holes, and comments into blanks; each line break stays where it is."""
    pieces, position = [], 0
    for tag in tags:
        pieces += [text[position : tag.start], re.sub(r"[^\n]", " " if tag.is_comment else HOLE, tag.text)]
        position = tag.end
    return "".join([*pieces, text[position:]])


def alone(tag: Tag) -> str:
    """A template that has this tag only, so that what is wrong in it can be told from the rest."""
    match = _WORD.match(tag.text)
    if not match:
        return tag.text
    word = match["word"]
    if word in _OPENS and not _is_assignment(word, match["rest"]):
        return f"{tag.text}{{% {_OPENS[word]} %}}"
    if word in _MIDDLE:
        return f"{{% if true %}}{tag.text}{{% endif %}}"
    return tag.text if word in (*_OPENS, "raw") else ""


def _is_assignment(word: str, rest: str) -> bool:
    return word == "set" and re.match(r"[^'\"]*?=", rest) is not None


def tag_faults(source: Source, tags: list[Tag]) -> Iterator[WordingFault]:
    """Blocks that are not closed, closed twice or unknown, and tags that have no end."""
    open_tags: list[tuple[str, Tag]] = []
    for tag in tags:
        match = _WORD.match(tag.text)
        if not match or match["word"] == "raw":
            continue
        yield from _block_fault(source, tag, match["word"], match["rest"], open_tags)
    for word, tag in open_tags:
        yield source.fault(tag.start, f"{{% {word} %}} is never closed.", f"Add {{% {_OPENS[word]} %}} where it ends.")
    rest = holed(source.text, tags)
    for begin in re.finditer(r"\{\{|\{%|\{#", rest):
        end = {"{{": "}}", "{%": "%}", "{#": "#}"}[begin[0]]
        yield source.fault(begin.start(), f"{begin[0]} has no {end}.", f"Close it with {end}.")


def _block_fault(source: Source, tag: Tag, word: str, rest: str, open_tags: list[tuple[str, Tag]]) -> Iterator[WordingFault]:
    innermost = open_tags[-1][0] if open_tags else ""
    if _is_assignment(word, rest):
        return
    if word in _OPENS:
        open_tags.append((word, tag))
    elif word in _OPENS.values():
        if _OPENS.get(innermost) == word:
            open_tags.pop()
        else:
            yield source.fault(tag.start, f"{{% {word} %}} closes nothing that is open here.", _what_is_open(innermost))
    elif word in _MIDDLE:
        if innermost not in _MIDDLE[word]:
            yield source.fault(tag.start, f"{{% {word} %}} stands outside an {{% if %}}.", _what_is_open(innermost))
    elif word in _ELSEWHERE:
        yield source.fault(
            tag.start,
            f"{{% {word} %}} cannot be used in this way in a message.",
            'Put the shared part in a file and write {% include "FILE" %}.',
        )
    else:
        near = get_close_matches(word, _KNOWN, 1)
        yield source.fault(
            tag.start, f"{{% {word} %}} is not known.", f"Did you mean {{% {near[0]} %}}?" if near else "Use if, for, set or include."
        )


def _what_is_open(innermost: str) -> str:
    return f"Close {{% {innermost} %}} first, with {{% {_OPENS[innermost]} %}}." if innermost else "Remove it, or open it before."
