"""Whether an MJML text is put together as MJML allows, with a position and a remedy for all that is wrong.

MJML compilers accept nearly anything and leave out what they do not understand; here that is a fault. The table of what may
stand in what is MJML 4's own: documentation.mjml.io, `Components`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from channels.contract import WordingFault
from channels.email.source import Source
from channels.email.tags import HOLE

_IN_COLUMN = "mj-accordion mj-button mj-carousel mj-divider mj-image mj-navbar mj-raw mj-social mj-spacer mj-table mj-text"  # fmt: skip
CHILDREN: Mapping[str, tuple[str, ...]] = {
    name: tuple(children.split())
    for name, children in {
        "": "mjml",
        "mjml": "mj-head mj-body",
        "mj-head": "mj-attributes mj-breakpoint mj-font mj-html-attributes mj-preview mj-raw mj-style mj-title",
        "mj-html-attributes": "mj-selector",
        "mj-selector": "mj-html-attribute",
        "mj-body": "mj-hero mj-raw mj-section mj-wrapper",
        "mj-wrapper": "mj-hero mj-raw mj-section",
        "mj-section": "mj-column mj-group mj-raw",
        "mj-group": "mj-column mj-raw",
        "mj-column": _IN_COLUMN,
        "mj-hero": _IN_COLUMN,
        "mj-accordion": "mj-accordion-element mj-raw",
        "mj-accordion-element": "mj-accordion-title mj-accordion-text mj-raw",
        "mj-carousel": "mj-carousel-image",
        "mj-navbar": "mj-navbar-link mj-raw",
        "mj-social": "mj-social-element mj-raw",
        "mj-attributes": "",
    }.items()
}
# These hold text and HTML, no more MJML.
CONTENT = frozenset(
    [
        "mj-accordion-text",
        "mj-accordion-title",
        "mj-button",
        "mj-html-attribute",
        "mj-navbar-link",
        "mj-preview",
        "mj-raw",
        "mj-social-element",
        "mj-style",
        "mj-table",
        "mj-text",
        "mj-title",
    ]
)
KNOWN = frozenset({child for children in CHILDREN.values() for child in children} | {"mj-all", "mj-class"})

_COUNTED = re.compile(r"(inner-)?(width|height|padding|border|font-size|line-height|icon-size|icon-height|text-padding)(-.*)?")
_ONLY_ONCE = ("mj-head", "mj-body")  # compilers take the first and leave the others out
_NEEDED = {"mj-font": ("name", "href"), "mj-class": ("name",)}
_ELEMENT = re.compile(
    r"<!--.*?(?:-->|\Z)|<[?!][^<>]*>|<(?P<close>/?)(?P<name>[A-Za-z][\w.-]*)(?P<rest>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|<", re.DOTALL
)
_ATTRIBUTE = re.compile(r"\s*(?P<name>[A-Za-z_][\w:.-]*)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")


@dataclass
class _Open:
    name: str
    offset: int
    names: set[str] = field(default_factory=set)  # of what was found in it, for mj-attributes


def structure_faults(source: Source, holed: str) -> Iterator[WordingFault]:
    """All that is wrong with the MJML; `holed` is the text with its Jinja tags made into holes."""
    yield from _Reader(source, holed).faults()


class _Reader:
    def __init__(self, source: Source, text: str) -> None:
        self._source, self._text = source, text
        self._position = 0
        self._open = [_Open("", 0)]

    def faults(self) -> Iterator[WordingFault]:
        while match := _ELEMENT.search(self._text, self._position):
            yield from self._loose_text(self._position, match.start())
            self._position = match.end()
            if match["name"] is None:
                yield from self._nameless(match)
            elif match["close"]:
                yield from self._close(match["name"].lower(), match.start())
            else:
                yield from self._begin(match)
        yield from self._loose_text(self._position, len(self._text))
        yield from self._unclosed()

    def _fault(self, offset: int, message: str, remedy: str) -> WordingFault:
        return self._source.fault(offset, message, remedy)

    def _nameless(self, match: re.Match[str]) -> Iterator[WordingFault]:
        """What begins with < and is no element; a remark is none of our business."""
        if match[0] == "<":
            yield self._fault(match.start(), "this < begins no tag.", "Write &lt; for the sign, or close the tag and its quotes.")
        elif not match[0].startswith("<!--"):
            yield self._fault(match.start(), f"{match[0][:20]} would vanish.", "Remove it; an MJML file begins with <mjml>.")

    def _loose_text(self, begin: int, end: int) -> Iterator[WordingFault]:
        """Text between elements: MJML drops it without a word."""
        found = re.search(r"\S", self._text[begin:end])
        if not found:
            return
        if found[0] == HOLE:
            yield self._fault(
                begin + found.start(), "a tag between MJML elements would vanish.", "Put it in <mj-raw>: <mj-raw>{% ... %}</mj-raw>."
            )
        else:
            yield self._fault(begin + found.start(), "text between MJML elements would vanish.", "Put it in an <mj-text>.")

    def _begin(self, match: re.Match[str]) -> Iterator[WordingFault]:
        name, parent = match["name"].lower(), self._open[-1]
        closed = match["rest"].endswith("/")
        fault = self._misplaced(name, parent, match.start())
        yield from [fault] if fault else ()
        yield from self._attribute_faults(name, match)
        yield from self._lacking(name, match)
        once = name in _ONLY_ONCE and parent.name != "mj-attributes"
        if once and name in parent.names:
            yield self._fault(match.start(), f"there is a second <{name}>, and it would vanish.", f"Put all of it in one <{name}>.")
        if once:
            parent.names.add(name)
        if parent.name == "mj-attributes":
            yield from self._repeated(name, parent, match)
        if closed:
            return
        if name in CONTENT and parent.name != "mj-attributes":
            yield from self._skip_content(name, match)
        elif name in KNOWN or not fault:
            self._open.append(_Open(name, match.start()))
        else:
            self._skip_unknown(name)

    def _misplaced(self, name: str, parent: _Open, offset: int) -> WordingFault | None:
        if not name.startswith("mj"):
            return self._fault(offset, f"<{name}> is HTML, and would vanish here.", "Put HTML in <mj-text> or <mj-raw>.")
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, 1)
            return self._fault(offset, f"<{name}> is not known.", f"Did you mean <{near[0]}>?" if near else "See documentation.mjml.io.")
        allowed = CHILDREN.get(parent.name)
        if parent.name == "mj-attributes" or allowed is None or name in allowed:
            return None
        place = f"in <{parent.name}>" if parent.name else "outside <mjml>"
        homes = " or ".join(f"<{home}>" for home, children in CHILDREN.items() if home and name in children)
        return self._fault(offset, f"<{name}> cannot stand {place}.", f"Put it in {homes}." if homes else "Begin the file with <mjml>.")

    def _attribute_faults(self, name: str, match: re.Match[str]) -> Iterator[WordingFault]:
        begin = match.start("rest")
        rest = match["rest"].removesuffix("/")
        position = 0
        for attribute in _ATTRIBUTE.finditer(rest):
            if rest[position : attribute.start()].strip():
                break
            position = attribute.end()
            yield from self._attribute_fault(name, attribute, begin)
        if rest[position:].strip():
            at = begin + position + len(rest[position:]) - len(rest[position:].lstrip())
            yield self._fault(
                at, f'<{name}> has an attribute that is not written as name="value".', "Correct it, with quotes around the value."
            )

    def _attribute_fault(self, name: str, attribute: re.Match[str], begin: int) -> Iterator[WordingFault]:
        at, word, value = begin + attribute.start("name"), attribute["name"].lower(), attribute["value"][1:-1]
        if HOLE in value and (_COUNTED.fullmatch(word) or word in ("mj-class", "css-class")):
            yield self._fault(
                at, f"'{word}' of <{name}> is worked out once for everybody.", "Write a fixed value; vary text, links and colours."
            )

    def _lacking(self, name: str, match: re.Match[str]) -> Iterator[WordingFault]:
        given = {each["name"].lower() for each in _ATTRIBUTE.finditer(match["rest"])}
        for attribute in _NEEDED.get(name, ()):
            if attribute not in given:
                yield self._fault(match.start(), f"<{name}> has no '{attribute}'.", f'Write <{name} {attribute}="...">.')

    def _repeated(self, name: str, parent: _Open, match: re.Match[str]) -> Iterator[WordingFault]:
        named = re.search(r"\bname\s*=\s*([\"'])(.*?)\1", match["rest"])
        key = f"{name} {named[2]}" if name == "mj-class" and named else name
        if key in parent.names:
            yield self._fault(match.start(), f"<{name}> stands in <mj-attributes> twice.", "Put its attributes together in one.")
        parent.names.add(key)

    def _skip_content(self, name: str, match: re.Match[str]) -> Iterator[WordingFault]:
        end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, match.end())
        if not end:
            yield self._fault(match.start(), f"<{name}> is never closed.", f"Add </{name}> where it ends.")
            return
        inner = re.compile(r"<(mj-[\w-]+)", re.IGNORECASE).search(self._text, match.end(), end.start())
        if inner:
            yield self._fault(inner.start(), f"<{inner[1]}> cannot stand in <{name}>.", f"Close it before, with </{name}>.")
        if name == "mj-style" and "inline" in match["rest"] and HOLE in self._text[match.end() : end.start()]:
            yield self._fault(match.start(), "inline style is worked out once for everybody.", "Write fixed values in it.")
        self._position = end.end()

    def _skip_unknown(self, name: str) -> None:
        end = re.compile(rf"</{re.escape(name)}\s*>", re.IGNORECASE).search(self._text, self._position)
        self._position = end.end() if end else self._position

    def _close(self, name: str, offset: int) -> Iterator[WordingFault]:
        names = [each.name for each in self._open]
        if names[-1] == name:
            self._open.pop()
        elif name in names[1:]:
            inner = self._open[-1]
            yield self._fault(offset, f"</{name}> comes before <{inner.name}> is closed.", f"Add </{inner.name}> before it.")
            del self._open[len(names) - 1 - names[::-1].index(name) :]
        else:
            yield self._fault(offset, f"</{name}> closes nothing that is open.", "Remove it, or open it before.")

    def _unclosed(self) -> Iterator[WordingFault]:
        for each in self._open[1:]:
            yield self._fault(each.offset, f"<{each.name}> is never closed.", f"Add </{each.name}> where it ends.")
        for name in ("mjml", "mj-body"):
            if not re.search(rf"<{name}[\s>]", self._text, re.IGNORECASE):
                yield self._fault(0, f"there is no <{name}>.", "A mail begins with <mjml><mj-body> and ends with </mj-body></mjml>.")
                return
