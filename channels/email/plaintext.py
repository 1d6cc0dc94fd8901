"""The text of a mail, made from its HTML: once, while it is compiled."""

import re
from html.parser import HTMLParser

_SKIPPED = frozenset({"head", "script", "style", "title"})
_BLOCKS = frozenset(
    [
        "address",
        "blockquote",
        "div",
        "dl",
        "dt",
        "dd",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tr",
        "ul",
    ]
)
_SPACED = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "blockquote", "table"])
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all")


def text_of(html: str, token: re.Pattern[str]) -> str:
    """The text that a reader of the HTML would see, with links written out.

    `token` stands for a Jinja block, alone or in a comment: it is kept, and does not make an empty line of its own.
    """
    reader = _Reader(token)
    reader.feed(html)
    reader.close()
    return _laid_out("".join(reader.pieces), token)


class _Reader(HTMLParser):
    def __init__(self, token: re.Pattern[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._token = token
        self._hidden: list[str] = []  # elements that are open and not shown
        self._links: list[tuple[str, int]] = []  # href, and where the label begins in pieces

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if self._hidden or tag in _SKIPPED or _HIDDEN.search(values.get("style", "")):
            if tag not in _VOID:
                self._hidden.append(tag)
            return
        if tag == "img":
            self.pieces.append(values.get("alt", ""))
        elif tag == "a":
            self._links.append((values.get("href", ""), len(self.pieces)))
        else:
            self._space(tag)
            self.pieces.append({"br": "\n", "li": "- ", "hr": "---\n"}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
        elif tag == "a" and self._links:
            self._link(*self._links.pop())
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        else:
            self._space(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            # A no-break space is laid out as a space; U+200C and such are put in previews as filling.
            self.pieces.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        if not self._hidden and self._token.fullmatch(data):
            self.pieces.append(data)

    def _space(self, tag: str) -> None:
        self.pieces.append("\n\n" if tag in _SPACED else "\n" if tag in _BLOCKS else "")

    def _link(self, href: str, begin: int) -> None:
        label = "".join(self.pieces[begin:]).strip()
        if not href or href.startswith("#"):
            return
        shown = href.removeprefix("mailto:").removeprefix("tel:")
        if not label:
            self.pieces.append(shown)
        elif label != shown:
            self.pieces.append(f" <{shown}>")


def _laid_out(text: str, token: re.Pattern[str]) -> str:
    """Lines without blanks at their ends, at most one empty line together; a line of tokens only takes no line."""
    only_tokens = re.compile(rf"(?:\s*(?:{token.pattern}))+\s*")
    lines: list[str] = []
    pending = ""  # tokens that wait for the line they steer
    for line in text.split("\n"):
        stripped = line.strip(" \t")
        if stripped and only_tokens.fullmatch(stripped):
            pending += "".join(token.findall(stripped))
        elif stripped:
            lines.append(f"{pending}{re.sub(' {2,}', ' ', stripped)}\n")
            pending = ""
        elif lines and lines[-1] != "\n":
            lines.append("\n")
    return f"{''.join(lines).strip()}{pending}\n"
