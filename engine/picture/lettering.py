"""How wide text is in the bundled typeface, and how it is broken into lines that fit.

Liberation Sans has the widths of Helvetica and Arial, so what fits here fits in any viewer that has one of them.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent / "fonts"
FILES = {False: FOLDER / "LiberationSans-Regular.ttf", True: FOLDER / "LiberationSans-Bold.ttf"}
FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold
BREAK_AFTER = re.compile(r"(?<=[\s_\-/,.;:)\]=|&])")
MORE = "…"


@cache
def widths(bold: bool) -> dict[int, float]:
    """Code point to width, in thousandths of the size."""
    from reportlab.pdfbase.ttfonts import TTFontFile  # noqa: PLC0415  # a tenth of a second that only drawing needs

    face = TTFontFile(str(FILES[bold]))
    known: dict[int, float] = face.charWidths
    return known


def width_of(text: str, size: float, bold: bool = False) -> float:
    """The width of a line in points; signs outside the bundled typeface count as the widest that fonts have."""
    return sum(_advance(sign, bold) for sign in text) * size / 1000


@lru_cache(maxsize=4096)
def _advance(sign: str, bold: bool) -> float:
    known = widths(bold).get(ord(sign))
    if known is not None:
        return known
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 1050 if unicodedata.east_asian_width(sign) in "WF" and unicodedata.category(sign) != "So" else 1400


def clean(text: str) -> str:
    """One line that XML can hold: white space of any kind is one space, forbidden signs are replaced."""
    return " ".join(FORBIDDEN.sub("\ufffd", text).split())


def wrap(text: str, size: float, limit: float, bold: bool = False, most: int = 8) -> tuple[str, ...]:
    """Lines of `text` that are at most `limit` points wide: broken at spaces, else after a sign, else anywhere.

    No more than `most` lines; the last then ends in three dots.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(clean(text), size, limit, bold):
        if line and width_of((line + piece).rstrip(), size, bold) > limit:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    lines += [line.rstrip()] if line.strip() else []
    return tuple(lines[:most]) if len(lines) <= most else (*lines[: most - 1], _shortened(lines[most - 1], size, limit, bold))


def _pieces(text: str, size: float, limit: float, bold: bool) -> Iterator[str]:
    for word in re.findall(r"\S+\s*", text):
        if width_of(word.rstrip(), size, bold) <= limit:
            yield word
            continue
        for part in BREAK_AFTER.split(word):
            yield from _chopped(part, size, limit, bold)


def _chopped(part: str, size: float, limit: float, bold: bool) -> Iterator[str]:
    piece = ""
    for sign in part:
        if piece and _advance(sign, bold) and width_of((piece + sign).rstrip(), size, bold) > limit:
            yield piece
            piece = ""
        piece += sign
    if piece:
        yield piece


def _shortened(line: str, size: float, limit: float, bold: bool) -> str:
    while line and width_of(line + MORE, size, bold) > limit:
        line = line[:-1]
    return line.rstrip() + MORE


def is_measured(text: str, bold: bool = False) -> bool:
    """Whether the bundled typeface has every sign of the text, so that its width is known and not guessed."""
    return all(ord(sign) in widths(bold) for sign in text)
