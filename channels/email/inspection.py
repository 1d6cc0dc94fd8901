"""What a reader or a mail program would stumble over in a mail: looked for in what one recipient gets."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urlsplit

from channels.colours import READABLE, READABLE_LARGE, contrast

CLIPPED_BYTES = 102_000  # Gmail cuts off what is longer: the unsubscribe link first
LONGEST_SUBJECT = 70  # characters; a phone shows about 40
LONGEST_PREHEADER = 120
_SHORTEST_TEXT = 40
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
_UNSEEN = frozenset(["head", "style", "script", "title"])
_LARGE_PX, _LARGE_BOLD_PX = 24.0, 18.66
_SCHEMES = frozenset(["http", "https", "mailto", "tel", "sms"])
_SERVER = re.compile(r"localhost|[\w-]+(\.[\w-]+)+|[0-9a-f:]*:[0-9a-f:]*", re.IGNORECASE)
_FILLING = re.compile(r"[\s\u00ad\u034f\u200b-\u200f\u2007\u00a0\ufeff]+")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to mend. `quotes` are texts that stand near it in the template, the best first."""

    code: str
    message: str
    remedy: str
    quotes: tuple[str, ...] = ()
    severity: Literal["fault", "warning"] = "fault"


def inspect(parts: Mapping[str, str], links: Mapping[str, str]) -> list[Remark]:
    """All remarks on one mail; `links` are its personal ones, of which opt_out has to be there."""
    html, text, subject = parts.get("html", ""), parts.get("text", ""), parts.get("subject", "")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    remarks = [*_subject(subject), *_sizes(html, text), *_unsubscribe(html, text, links)]
    if html:
        remarks += [*_preheader(reader.preheader), *reader.remarks, *_fonts(html)]
    for each in re.findall(r"<((?:https?:)?[^<>\s]*)>", text) if not html else ():
        remarks += _link_remarks(each)
    return list(dict.fromkeys(remarks))


def links_of(parts: Mapping[str, str]) -> list[str]:
    """The addresses on the web that the links of a mail lead to, each once."""
    html, text = parts.get("html", ""), parts.get("text", "")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = reader.hrefs if html else re.findall(r"https?://[^\s<>\"]*[^\s<>\".,;:!?'()]", text)
    return list(dict.fromkeys(each.strip() for each in found if each.strip().lower().startswith(("http://", "https://"))))


def _subject(subject: str) -> Iterator[Remark]:
    if len(subject) > LONGEST_SUBJECT:
        message = f"the subject has {len(subject)} characters; mail programs cut it off at {LONGEST_SUBJECT}, phones at 40."
        yield Remark("subject-length", message, "Put what matters in front, and make it shorter.", (), "warning")
    if subject.isupper() and len(subject) > 10:
        yield Remark("subject-capitals", "the subject is all capitals, as spam is.", "Write it as a sentence.", (), "warning")


def _sizes(html: str, text: str) -> Iterator[Remark]:
    size = len(html.encode())
    if size > CLIPPED_BYTES:
        message = f"the HTML has {size / 1_000:.0f} kB; Gmail cuts off what comes after {CLIPPED_BYTES / 1_000:.0f} kB."
        yield Remark("clipped", message, "Take out sections, or move some to the landing page.", ("<mj-body", "<body"))
    if html and len(_FILLING.sub(" ", text).strip()) < _SHORTEST_TEXT:
        yield Remark("no-text", "the text part is (nearly) empty.", "Write the message in words too, not in pictures alone.", ("<mj-body",))


def _unsubscribe(html: str, text: str, links: Mapping[str, str]) -> Iterator[Remark]:
    link = links.get("opt_out", "")
    escaped = link.replace("&", "&amp;")
    for part, name in ((html.replace(escaped, link) if html else link, "HTML"), (text, "text")):
        if link and link not in part:
            yield Remark(
                "no-unsubscribe", f"the {name} has no link to say stop.", "Show {{ links.opt_out }} at the end.", ("</mj-body", "</body")
            )
            return


def _preheader(preheader: str) -> Iterator[Remark]:
    shown = _FILLING.sub(" ", preheader).strip()
    if not shown:
        message = "there is no preheader: inboxes show the first words of the mail beside the subject."
        yield Remark("no-preheader", message, "Write <mj-preview>...</mj-preview> into <mj-head>.", ("<mj-head", "<mjml"), "warning")
    elif len(shown) > LONGEST_PREHEADER:
        message = f"the preheader has {len(shown)} characters; inboxes show at most about {LONGEST_PREHEADER}."
        yield Remark("preheader-length", message, "Make it shorter.", ("<mj-preview",), "warning")


def _fonts(html: str) -> Iterator[Remark]:
    found = re.findall(r"""<link[^>]*href=["']([^"']+)["'][^>]*stylesheet|@import url\(([^)]+)\)""", html)
    for host in sorted({urlsplit(one or other).netloc for one, other in found}):
        message = f"letters are fetched from {host}: Gmail and Outlook show others, and {host} learns who reads the mail."
        yield Remark("remote-font", message, "Name letters that every machine has.", (host, "mj-font", "font-family"), "warning")


def _link_remarks(href: str) -> Iterator[Remark]:
    address = href.strip()
    quotes = (f'href="{href}"', href)
    parts = urlsplit(address) if _is_split(address) else None
    if address in ("", "#") or address.startswith("#"):
        yield Remark("dead-link", f"the link '{address}' leads nowhere.", "Write where it leads, with https://.", quotes)
    elif parts is None or (parts.scheme and parts.scheme.lower() not in _SCHEMES):
        yield Remark("dead-link", f"the link '{address[:60]}' cannot be followed from a mail.", "Write an address with https://.", quotes)
    elif not parts.scheme:
        yield Remark("relative-link", f"the link '{address[:60]}' has no https:// in front, and leads nowhere.", "Write all of it.", quotes)
    elif parts.scheme.startswith("http") and not re.fullmatch(
        r"(localhost|[\w-]+(\.[\w-]+)+|\[[0-9a-f:]+\])", parts.hostname or "", re.IGNORECASE
    ):
        yield Remark("dead-link", f"the link '{address[:60]}' names no server.", "Correct the address.", quotes)


def _is_split(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return False
    return " " not in address


@dataclass(frozen=True, slots=True)
class _Look:
    """How text looks at some place; a colour of None cannot be told (a picture lies behind)."""

    tag: str = ""
    background: str | None = "#ffffff"
    colour: str | None = "#000000"
    size_px: float = 16.0
    bold: bool = False
    hidden: bool = False


@dataclass
class _Reader(HTMLParser):
    remarks: list[Remark] = field(default_factory=list)
    preheader: str = ""
    hrefs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._looks = [_Look()]
        self._links: list[str] = []
        self._pairs: set[tuple[str, str]] = set()
        self._shown = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        look = _look_of(tag, given, self._looks[-1])
        if tag == "a" and "href" in given:
            self.remarks += _link_remarks(given["href"])
            self._links.append(given["href"])
            self.hrefs.append(given["href"])
        if tag == "img" and not look.hidden:
            self._picture(given)
        if tag not in _VOID:
            self._looks.append(look)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._looks) - 1, 0, -1):
            if self._looks[depth].tag == tag:
                del self._looks[depth:]
                break
        if tag == "a" and self._links:
            self._links.pop()

    def handle_data(self, data: str) -> None:
        look, words = self._looks[-1], " ".join(data.split())
        if not words or any(each.tag in _UNSEEN for each in self._looks):
            return
        if look.hidden:
            self.preheader += "" if self._shown else data
            return
        self._shown = True
        if look.background and look.colour and (look.background, look.colour) not in self._pairs:
            self._pairs.add((look.background, look.colour))
            self.remarks += _contrast(look, words)

    def _picture(self, given: Mapping[str, str]) -> None:
        name = given.get("src", "").rpartition("/")[2]
        is_spacer = given.get("width") in ("0", "1") or given.get("height") in ("0", "1")
        if not given.get("alt", "").strip() and not is_spacer:
            message = f"the picture '{name[:60]}' has no words for whoever does not see it" + (
                ", and it is a link." if self._links else "."
            )
            remedy = 'Write alt="what it shows".'
            self.remarks.append(Remark("no-alt", message, remedy, (given.get("src", ""), name), "fault" if self._links else "warning"))


def _contrast(look: _Look, words: str) -> Iterator[Remark]:
    assert look.background is not None
    assert look.colour is not None
    large = look.size_px >= _LARGE_PX or (look.bold and look.size_px >= _LARGE_BOLD_PX)
    needed, ratio = READABLE_LARGE if large else READABLE, contrast(look.background, look.colour)
    if ratio < needed:
        message = (
            f"'{words[:40]}' is hard to read: {look.colour} on {look.background} has a contrast of {ratio:.1f}, and {needed} is needed."
        )
        yield Remark("contrast", message, "Make one of the two colours lighter or darker.", (words[:40], look.colour, words[:12]))


def _look_of(tag: str, given: Mapping[str, str], around: _Look) -> _Look:
    style = {name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in given.get("style", "").split(";"))}
    look = replace(around, tag=tag, hidden=around.hidden or "none" in style.get("display", "").split() or style.get("mso-hide") == "all")
    behind = style.get("background-color") or style.get("background") or given.get("bgcolor", "")
    if "url(" in style.get("background", "") + style.get("background-image", "") or given.get("background"):
        look = replace(look, background=None)
    elif found := next((colour for each in behind.split() if (colour := _colour(each))), None):
        look = replace(look, background=found)
    if colour := _colour(style.get("color") or given.get("color", "")):
        look = replace(look, colour=colour)
    if size := re.match(r"([\d.]+)px", style.get("font-size", "")):
        look = replace(look, size_px=float(size[1]))
    if tag in ("b", "strong", "h1", "h2", "h3", "th") or style.get("font-weight", "") in ("bold", "600", "700", "800", "900"):
        look = replace(look, bold=True)
    return look


def _colour(text: str) -> str | None:
    from PIL import ImageColor  # noqa: PLC0415 - knows the names; not on the way of `contactflow check`

    try:
        red, green, blue = ImageColor.getrgb(text.removesuffix("!important").strip())[:3]
    except (ValueError, IndexError):
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"
