"""What MJML's own compiler takes, and the library that compiles here does not: put into words that both understand.

An attribute that is given twice counts as it was given first, as in HTML. Blocks of ``mj-attributes`` (a brand's and a mail's own)
add up, and the later one wins. A font may be declared twice, and a built-in one may come from a place of the template's own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# The library knows these by itself, and loads each from Google when a text asks for it.
BUILT_IN_FONTS: Mapping[str, str] = {
    name: f"https://fonts.googleapis.com/css?family={name.replace(' ', '+')}:300,400,500,700"
    for name in ("Open Sans", "Droid Sans", "Lato", "Roboto", "Ubuntu")
}
_REST = r"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?"
_ELEMENT = re.compile(rf"<(?P<name>mj-[\w-]+)(?P<rest>{_REST})(?P<end>/?>)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s+(?P<name>[A-Za-z_][\w:.-]*)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*')")
_BLOCK = re.compile(r"<mj-attributes\s*>(?P<inner>.*?)</mj-attributes\s*>", re.DOTALL | re.IGNORECASE)
_DEFAULT = re.compile(rf"<(?P<name>mj-[\w-]+)(?P<rest>{_REST})(?:/>|>(?P<inner>.*?)</(?P=name)\s*>)", re.DOTALL | re.IGNORECASE)
_FONT = re.compile(rf"<mj-font(?P<rest>\s{_REST})(?:/>|>\s*</mj-font\s*>)", re.IGNORECASE)
# Elements that the library gives a number by lot; a template has to compile to the same bytes every time.
_LOT = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{16}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Understood:
    """A text for the library, and the fonts that come from elsewhere than it knows: its own address to the template's."""

    text: str
    fonts: Mapping[str, str] = field(default_factory=dict)

    def finished(self, html: str) -> str:
        """What the library made of the text, with what it cannot be told put in."""
        for known, wanted in self.fonts.items():
            html = html.replace(known, wanted)
        numbers: dict[str, str] = {}
        return _LOT.sub(lambda lot: numbers.setdefault(lot[0], f"{len(numbers):016}"), html)


def understood(text: str) -> Understood:
    """The text as the library can compile it; the text has passed the checks of structure.py."""
    text, fonts = _fonts_once(_added_up(_ELEMENT.sub(_once, text)))
    return Understood(text, fonts)


def attributes_of(rest: str) -> Iterator[tuple[str, str]]:
    """Name and value, in its quotes, of each attribute in what follows an element's name."""
    for match in _ATTRIBUTE.finditer(rest):
        yield match["name"].lower(), match["value"]


def _once(element: re.Match[str]) -> str:
    given = list(attributes_of(element["rest"]))
    kept = dict(reversed(given))
    return element[0] if len(kept) == len(given) else f"<{element['name']}{_written(dict(given) | kept)}{element['end']}"


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={value}" for name, value in attributes.items())


def _added_up(text: str) -> str:
    """One block of defaults instead of several."""
    blocks = list(_BLOCK.finditer(text))
    if len(blocks) < 2:
        return text
    defaults: dict[tuple[str, str], tuple[dict[str, str], str]] = {}
    for element in (each for block in blocks for each in _DEFAULT.finditer(block["inner"])):
        name, attributes = element["name"].lower(), dict(attributes_of(element["rest"]))
        key = (name, attributes.get("name", "")[1:-1] if name == "mj-class" else "")
        before, inner = defaults.get(key, ({}, ""))
        defaults[key] = (before | attributes, inner + (element["inner"] or ""))
    written = (f"<{name}{_written(attributes)}>{inner}</{name}>" for (name, _), (attributes, inner) in defaults.items())
    together = iter([f"<mj-attributes>{''.join(written)}</mj-attributes>"])
    return _BLOCK.sub(lambda _: next(together, ""), text)


def _fonts_once(text: str) -> tuple[str, dict[str, str]]:
    """Each font declared once, by the last that declares it; the built-in ones are left to the library."""
    declared: dict[str, str] = {}
    for match in _FONT.finditer(text):
        attributes = dict(attributes_of(match["rest"]))
        declared[attributes.get("name", "''")[1:-1]] = attributes.get("href", "''")[1:-1]
    fonts = {BUILT_IN_FONTS[name]: href for name, href in declared.items() if name in BUILT_IN_FONTS}
    written = "".join(f'<mj-font name="{name}" href="{href}" />' for name, href in declared.items() if name not in BUILT_IN_FONTS)
    together = iter([written])
    return _FONT.sub(lambda _: next(together, ""), text), fonts
