"""What a text costs: the segments that an SMS is cut into, in the GSM alphabet or in UCS-2.

Source: 3GPP TS 23.038 (alphabet and extension table) and TS 23.040 (concatenation header of 7 septets or 6 octets).
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # an escape and a character: two septets

# Typographic characters only. Letters stay as they are written: a name is not worth less than a segment.
_PLAIN = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "‹": "'", "›": "'",
        "′": "'", "″": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "…": "...", "•": "-", "·": "-",
        # U+00A0 forces UCS-2: 70 characters a segment, not 160; twice the price.
        "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u200a": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ", "\u200b": None,
        "\u2060": None, "\ufeff": None, "\u00ad": None,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How a text travels: its alphabet, its length in units of that alphabet, and the segments that are billed."""

    alphabet: Literal["gsm", "ucs2"]
    units: int
    segments: int


def economical(text: str) -> str:
    """The text in composed letters, with typographic characters in their plain form if that makes all of it GSM.

    A text that needs UCS-2 anyway keeps them: they cost nothing more there.
    """
    composed = unicodedata.normalize("NFC", text)
    plain = composed.translate(_PLAIN)
    return plain if _is_gsm(plain) else composed


def size_of(text: str) -> Size:
    """What the text costs as it stands."""
    if _is_gsm(text):
        widths = [2 if each in EXTENSION else 1 for each in text]
        return Size("gsm", sum(widths), _segments(widths, 160, 153))
    widths = [2 if ord(each) > 0xFFFF else 1 for each in text]
    return Size("ucs2", sum(widths), _segments(widths, 70, 67))


def _is_gsm(text: str) -> bool:
    return all(each in BASIC or each in EXTENSION for each in text)


def _segments(widths: list[int], alone: int, joined: int) -> int:
    """Segments of `joined` units when `alone` are not enough; a character of two units is never cut in half."""
    if sum(widths) <= alone:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > joined:
            segments, used = segments + 1, 0
        used += width
    return segments
