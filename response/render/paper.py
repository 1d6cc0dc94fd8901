"""The page of a printed report: its measures, styles, footer and boxes."""

from typing import Any, Literal

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table

from response.render.theme import INK, RULE, SOFT

_MM = 72 / 25.4
WIDTH, HEIGHT = 210 * _MM, 297 * _MM
SIDE, TOP, BOTTOM = 18 * _MM, 18 * _MM, 20 * _MM
CONTENT = WIDTH - 2 * SIDE
FONTS = ("ContactflowSans", "ContactflowSans-Bold")
TINT, GOOD, BAD = HexColor("#f3f1ec"), HexColor("#1d6b43"), HexColor("#a3352b")
_BARS = {"better": GOOD, "worse": BAD, "not-valid": BAD, "alarm": BAD}


def _style(name: str, size: float = 9.5, *, bold: bool = False, colour: str = INK, **more: Any) -> ParagraphStyle:
    values: dict[str, Any] = {"leading": size * 1.38, "spaceAfter": 4, "splitLongWords": 1, **more}
    return ParagraphStyle(name, fontName=FONTS[bold], fontSize=size, textColor=HexColor(colour), bulletFontName=FONTS[0], **values)


STYLES = {
    style.name: style
    for style in (
        _style("title", 20, bold=True, spaceAfter=6),
        _style("h2", 14, bold=True, spaceBefore=18, spaceAfter=7, keepWithNext=1),
        _style("h3", 10.5, bold=True, spaceBefore=10, spaceAfter=4, keepWithNext=1),
        _style("h3 of many", 10.5, bold=True, spaceBefore=10, spaceAfter=4),
        _style("contents", 10.5, bold=True, spaceBefore=16, spaceAfter=4, keepWithNext=1),
        _style("toc", 9.5),
        _style("unseen", 1, spaceAfter=0),
        _style("text"),
        _style("opening", 11.5, spaceAfter=7),
        _style("headline", 12.5, spaceAfter=0),
        _style("soft", 8.5, colour=SOFT),
        _style("alarm", bold=True, colour="#a3352b"),
        _style("caption", 8.5, colour=SOFT, spaceBefore=3, spaceAfter=8),
        _style("bullet", leftIndent=11, bulletIndent=1),
        _style("term", bold=True, spaceBefore=6, spaceAfter=1, keepWithNext=1),
        _style("sql", 6.5, colour="#333333", spaceBefore=2, spaceAfter=6, backColor=TINT, borderPadding=3),
    )
}

# Without a font of ours, reportlab names one of its own in the file, which is not inside it.
CONTENTS = [("FONTNAME", (0, 0), (-1, -1), FONTS[0]), ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]


def cell_style(size: float, *, right: bool, bold: bool = False, colour: str | Color = INK) -> ParagraphStyle:
    """A table's cell: figures stand right."""
    tint = HexColor(colour) if isinstance(colour, str) else colour
    alignment: Literal[0, 2] = 2 if right else 0
    return ParagraphStyle(
        "cell", fontName=FONTS[bold], fontSize=size, leading=size * 1.28, textColor=tint, splitLongWords=1, alignment=alignment
    )


def box(text: Paragraph, tone: str) -> Table:
    """A sentence in a box, with a bar beside it that says how it is meant."""
    made = Table([[text]], colWidths=[CONTENT], spaceBefore=8)
    made.setStyle(
        [
            ("FONTNAME", (0, 0), (-1, -1), FONTS[0]),
            ("BACKGROUND", (0, 0), (-1, -1), TINT),
            ("LINEBEFORE", (0, 0), (0, -1), 3, _BARS.get(tone, HexColor(SOFT))),
            ("LEFTPADDING", (0, 0), (-1, -1), 11),
            ("RIGHTPADDING", (0, 0), (-1, -1), 11),
            ("TOPPADDING", (0, 0), (-1, -1), 8),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
        ]
    )
    return made


def footer(canvas: Canvas, text: str) -> None:
    """What stands below every page."""
    canvas.saveState()
    canvas.setStrokeColor(HexColor(RULE))
    canvas.line(SIDE, BOTTOM - 12, WIDTH - SIDE, BOTTOM - 12)
    canvas.setFont(FONTS[0], 7.5)
    canvas.setFillColor(HexColor(SOFT))
    canvas.drawString(SIDE, BOTTOM - 24, text)
    canvas.drawRightString(WIDTH - SIDE, BOTTOM - 24, str(canvas.getPageNumber()))
    canvas.restoreState()
