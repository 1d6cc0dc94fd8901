"""The drawing as SVG: nothing outside the file, an id for every node and edge, and words for who cannot see it."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from engine.picture.drawing import Drawing, Group, Stroke
from engine.picture.layout import Words
from engine.picture.lettering import is_measured, width_of
from engine.picture.outlines import number
from engine.picture.style import PAPER

FAMILY = "Helvetica, Arial, 'Liberation Sans', Arimo, sans-serif"
FOR_ALL = (
    f'role="img" aria-labelledby="picture-title picture-description" font-family="{FAMILY}" stroke-linecap="round" stroke-linejoin="round"'
)
PIXELS_PER_POINT = 96 / 72


def svg_of(drawing: Drawing) -> str:
    """A complete, self-contained SVG file."""
    width, height = number(drawing.width), number(drawing.height)
    shown = f'width="{number(drawing.width * PIXELS_PER_POINT)}" height="{number(drawing.height * PIXELS_PER_POINT)}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" {shown} viewBox="0 0 {width} {height}" lang="{drawing.language}" {FOR_ALL}>',
        f'<title id="picture-title">{escape(drawing.title)}</title>',
        f'<desc id="picture-description">{escape(drawing.description)}</desc>',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        *(line for group in drawing.groups for line in _group(group)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _group(group: Group) -> Iterator[str]:
    yield f"<g id={quoteattr(group.id)} class={quoteattr(group.sort)}>"
    if group.title:
        yield f"<title>{escape(group.title)}</title>"
    yield from (_stroke(stroke) for stroke in group.strokes)
    yield from (_words(words) for words in group.words)
    yield "</g>"


def _stroke(stroke: Stroke) -> str:
    line = f' stroke="{stroke.line}" stroke-width="{number(stroke.width)}"' if stroke.line else ""
    dashes = f' stroke-dasharray="{stroke.dashes}"' if stroke.dashes else ""
    opacity = f' opacity="{number(stroke.opacity)}"' if stroke.opacity != 1 else ""
    return f'<path d="{stroke.d}" fill="{stroke.fill or "none"}"{line}{dashes}{opacity}/>'


def _words(words: Words) -> str:
    bold = ' font-weight="bold"' if words.bold else ""
    # A viewer with another typeface squeezes the line into the width that its box was made for.
    width = width_of(words.text, words.size, words.bold)
    fit = f' textLength="{number(width)}" lengthAdjust="spacingAndGlyphs"' if is_measured(words.text, words.bold) else ""
    place = f'x="{number(words.x)}" y="{number(words.y)}"'
    return f'<text {place} font-size="{number(words.size)}"{bold} fill="{words.colour}"{fit}>{escape(words.text)}</text>'
