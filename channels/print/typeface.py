"""The letters' typeface: three fonts, what they can write and how wide it is."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from channels.print.markup import Style
from store.errors import SettingsError

MOST_WORDS = 200_000  # of which the widths are remembered


class Typeface:
    """Regular, bold and italic of one family, registered with reportlab."""

    def __init__(self, name: str, files: dict[Style, Path]) -> None:
        self.name = name
        self._fonts = {style: _register(f"{name}-{style}", file) for style, file in files.items()}
        self._letters = frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in self._fonts.values())) | {ord("\n")}
        self._widths: dict[tuple[Style, str], float] = {}

    def font(self, style: Style) -> str:
        """The name under which reportlab knows a font."""
        return str(self._fonts[style].fontName)

    def width(self, style: Style, word: str) -> float:
        """The width of a word, in thousandths of the size; remembered, because letters repeat their words."""
        known = self._widths.get((style, word))
        if known is None:
            if len(self._widths) > MOST_WORDS:
                self._widths.clear()
            known = self._widths[style, word] = self._fonts[style].stringWidth(word, 1000)
        return known

    def cannot_write(self, text: str) -> set[str]:
        """The characters that the typeface does not have."""
        return {each for each in set(text) if ord(each) not in self._letters}


@cache
def load_typeface(folder: Path | None) -> Typeface:
    """The house's own typeface from a folder, or Lato, or (where it is not installed) Vera, which knows western Europe only."""
    if folder:
        styles: dict[Style, str] = {"regular": "Regular", "bold": "Bold", "italic": "Italic"}
        return Typeface(folder.name, {style: _only(folder, ending) for style, ending in styles.items()})
    lato = find_spec("fontpkg_lato")
    if lato and lato.submodule_search_locations:
        files = Path(lato.submodule_search_locations[0]) / "files"
        return Typeface(
            "Lato", {"regular": files / "Lato-Regular.ttf", "bold": files / "Lato-Bold.ttf", "italic": files / "Lato-Italic.ttf"}
        )
    files = Path(reportlab.__file__).parent / "fonts"
    return Typeface("Vera", {"regular": files / "Vera.ttf", "bold": files / "VeraBd.ttf", "italic": files / "VeraIt.ttf"})


def _only(folder: Path, ending: str) -> Path:
    found = sorted(folder.glob(f"*-{ending}.ttf"))
    if len(found) != 1:
        raise SettingsError(
            f"[print] typeface: {folder} holds {len(found)} files called *-{ending}.ttf.\n    Put exactly one of each there: "
            "*-Regular.ttf, *-Bold.ttf and *-Italic.ttf."
        )
    return found[0]


def _register(name: str, file: Path) -> TTFont:
    try:
        font = TTFont(name, str(file))
    except TTFError as error:
        raise SettingsError(f"[print] typeface: {file.name} is not a TrueType font.\n    Take the .ttf files of the family.") from error
    pdfmetrics.registerFont(font)
    return font
