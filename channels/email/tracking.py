"""Links that are followed, marks for the web statistics of where they lead, and the picture that tells of an opening.

All of it is done to a wording once, when it is loaded: for each recipient nothing more is merged than one address.
"""

import html as entities
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from jinja2 import TemplateSyntaxError

from channels.email.merging import compile_faultlessly, names_set_in, variables_of
from channels.email.slots import NEEDED
from channels.email.tags import HOLE, Tag, find_tags, holed
from channels.email.wording import EmailWording
from channels.following import host_of

CLICK = "{{ links.click }}"
PIXEL = '<img src="{{ links.open }}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">'
_ANCHOR = re.compile(
    r"""<a(?:rea)?(?=\s)(?:[^<>"']|"[^"]*"|'[^']*')*?\shref\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s"'<>]+)(?:[^<>"']|"[^"]*"|'[^']*')*>""",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(r"(?<=<)https?://[^<>\n]+(?=>)|https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]]", re.IGNORECASE)
_LABEL = re.compile(r"(?P<label>.*?)</a\s*>", re.DOTALL | re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)+(?:[:/?#]\S*)?", re.IGNORECASE)
_BRACES = re.compile(r"\A\{\{[-+]?|[-+]?\}\}\Z")


@dataclass(frozen=True, slots=True)
class Tracking:
    """What is to be known of readers. `marks` are utm parameters, encoded, for links to these domains and below; to all without any."""

    clicks: bool = False
    opens: bool = False
    marks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @staticmethod
    def of(options: Mapping[str, str]) -> "Tracking":
        """From a wording's options: `clicks` and `opens` (when they are there), `marks` (a query) and `mark_domains` (with blanks)."""
        marks = tuple(each for each in options.get("marks", "").split("&") if each)
        return Tracking("clicks" in options, "opens" in options, marks, tuple(options.get("mark_domains", "").split()))


def followed(wording: EmailWording, tracking: Tracking) -> EmailWording:
    """The wording with what tracking asks for; itself when that is nothing.

    A link stays as it is when a value names its server, when its address is worked out from what the template itself sets (in a
    loop), and, in HTML, when its words are an address: mail programs warn of those that lead elsewhere than they say.
    """
    links = _Links(wording, tracking)
    html = None if wording.html is None else links.in_html(wording.html)
    if html is not None and tracking.opens:
        html = _with_pixel(html)
    return replace(wording, text=links.in_text(wording.text), html=html, targets=tuple(links.numbers))


def _with_pixel(html: str) -> str:
    end = html.lower().rfind("</body")
    return f"{html}{PIXEL}" if end < 0 else f"{html[:end]}{PIXEL}{html[end:]}"


class _Links:
    """The links of one wording, numbered as they are found; the same address has the same number."""

    def __init__(self, wording: EmailWording, tracking: Tracking) -> None:
        self._wording, self._tracking = wording, tracking
        self.numbers: dict[str, int] = {}

    def in_html(self, html: str) -> str:
        """The HTML with other addresses."""
        holes, pieces, position = holed(html, find_tags(html)), [], 0
        for anchor in _ANCHOR.finditer(holes):
            begin, end = anchor.span("value")
            written = html[begin:end]
            target = _unescaped(written[1:-1] if written[0] in "\"'" else written)
            new = self._address(target, may_follow=not _says_address(holes, anchor.end()))
            pieces += [html[position:begin], written if new == target else f'"{_escaped(new)}"']
            position = end
        return "".join([*pieces, html[position:]])

    def in_text(self, text: str) -> str:
        """The text with other addresses."""
        holes, pieces, position = holed(text, find_tags(text)), [], 0
        for link in _IN_TEXT.finditer(holes):
            pieces += [text[position : link.start()], self._address(text[link.start() : link.end()], may_follow=True)]
            position = link.end()
        return "".join([*pieces, text[position:]])

    def _address(self, target: str, *, may_follow: bool) -> str:
        """What stands in the mail for an address: itself, with marks, or the way over us."""
        target, host = target.strip(), host_of(target.strip())
        if host is None or not self._is_whole(target):
            return target
        marked = _marked(target, self._tracking.marks) if self._is_to_be_marked(host) else target
        if not (may_follow and self._tracking.clicks):
            return marked
        return f"{CLICK}/{self.numbers.setdefault(marked, len(self.numbers) + 1)}{_needs(marked)}"

    def _is_to_be_marked(self, host: str) -> bool:
        name, domains = host.partition(":")[0], self._tracking.domains
        return not domains or any(name == domain or name.endswith(f".{domain}") for domain in domains)

    def _is_whole(self, target: str) -> bool:
        """Whether an address can be worked out by itself, later, from the values that the mail was merged with."""
        try:
            compile_faultlessly(target)
        except TemplateSyntaxError:
            return False
        return not {name.partition(".")[0] for name in variables_of(target)} & self._own_names

    @cached_property
    def _own_names(self) -> frozenset[str]:
        return names_set_in(self._wording.html or "") | names_set_in(self._wording.text)


def _says_address(holes: str, begin: int) -> bool:
    """Whether the words of the link whose tag ends at `begin` are an address themselves."""
    words = _LABEL.match(holes, begin)
    return bool(words and _ADDRESS.fullmatch(entities.unescape(re.sub(r"<[^>]*>", "", words["label"])).strip()))


def _marked(target: str, marks: tuple[str, ...]) -> str:
    """An address with utm parameters, before its fragment; those that it has already stay as they are."""
    if any(tag.is_block for tag in find_tags(target)):
        return target  # whether it has a query is only known when it is merged
    holes = holed(target, find_tags(target))
    end = holes.find("#") if "#" in holes else len(holes)
    missing = [mark for mark in marks if not re.search(rf"[?&;]{re.escape(mark.partition('=')[0])}=", holes[:end])]
    if not missing:
        return target
    joint = "" if holes[:end].endswith(("?", "&")) else "&" if "?" in holes[:end] else "?"
    return f"{target[:end]}{joint}{'&'.join(missing)}{target[end:]}"


def _needs(target: str) -> str:
    """Shows nothing, and makes the mail a fault just where the address itself would: a link to nowhere is not sent."""
    if HOLE not in holed(target, find_tags(target)):
        return ""
    return "".join(_needed(tag) for tag in find_tags(target))


def _needed(tag: Tag) -> str:
    if tag.text.startswith("{{"):
        return f"{{{{ ({_BRACES.sub('', tag.text).strip()}) | {NEEDED} }}}}"
    return "" if tag.is_comment or re.match(r"\{%[-+]?\s*raw\b", tag.text) else tag.text


def _unescaped(written: str) -> str:
    return "".join(piece if is_tag else entities.unescape(piece) for piece, is_tag in _pieces(written))


def _escaped(target: str) -> str:
    return "".join(piece if is_tag else entities.escape(piece) for piece, is_tag in _pieces(target))


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut into tags and what stands between them."""
    tags = {tag.start: tag.end for tag in find_tags(text)}
    cuts = sorted({0, len(text), *tags, *tags.values()})
    for begin, end in pairwise(cuts):
        yield text[begin:end], tags.get(begin) == end
