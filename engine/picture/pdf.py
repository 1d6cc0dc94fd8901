"""The drawing as PDF: one page, A4 or as much larger as stays readable, with its letters inside and a bookmark for every node."""

import io

from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from engine.picture.drawing import Drawing, Group, Stroke
from engine.picture.layout import Words
from engine.picture.lettering import FILES
from engine.picture.paths import commands

MILLIMETRE = 72 / 25.4
MARGIN = 10 * MILLIMETRE
SHEETS = ((210, 297), (297, 420), (420, 594), (594, 841), (841, 1189))  # A4 to A0
SMALLEST_SCALE, LARGEST_SCALE = 0.55, 1.25  # titles stay above 6 points, the smallest words above 4
FONTS = {False: "ContactflowSans", True: "ContactflowSans-Bold"}


def pdf_of(drawing: Drawing) -> bytes:
    """A PDF of one page. Upright or lying, on the smallest sheet that leaves the letters readable."""
    for bold, name in FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(FILES[bold])))
    width, height, scale = _sheet(drawing)
    file = io.BytesIO()
    canvas = Canvas(file, (width, height), invariant=True, initialFontName=FONTS[False], lang=drawing.language)  # type: ignore[arg-type]  # the stubs take the name for a size
    canvas.setTitle(drawing.title)
    canvas.setSubject(drawing.description)
    canvas.setCreator("contactflow")
    canvas.translate((width - drawing.width * scale) / 2, height - max(MARGIN, _spare(height, drawing.height * scale)))
    canvas.scale(scale, scale)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    for group in drawing.groups:
        _group(canvas, group)
    canvas.save()
    return file.getvalue()


def _sheet(drawing: Drawing) -> tuple[float, float, float]:
    """Width and height of the page, and the scale at which the drawing fills it."""
    for short, long in SHEETS:
        best = max(_fits(drawing, short, long), _fits(drawing, long, short))
        if best[0] >= SMALLEST_SCALE:
            return best[1], best[2], min(best[0], LARGEST_SCALE)
    return drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN, 1.0


def _fits(drawing: Drawing, width: float, height: float) -> tuple[float, float, float]:
    page = width * MILLIMETRE, height * MILLIMETRE
    return min((page[0] - 2 * MARGIN) / drawing.width, (page[1] - 2 * MARGIN) / drawing.height), *page


def _spare(page: float, drawing: float) -> float:
    """A third of the room that is left stands above the drawing."""
    return (page - drawing) / 3


def _group(canvas: Canvas, group: Group) -> None:
    for stroke in group.strokes:
        _stroke(canvas, stroke)
    if group.sort.startswith("node ") and group.words:
        top = min(line.y - line.size for line in group.words)
        canvas.bookmarkPage(group.id, fit="XYZ", left=group.words[0].x, top=-top)
        canvas.addOutlineEntry(group.title, group.id)
    for words in group.words:
        _words(canvas, words)


def _stroke(canvas: Canvas, stroke: Stroke) -> None:
    canvas.saveState()
    if stroke.fill:
        canvas.setFillColor(HexColor(stroke.fill))
        canvas.setFillAlpha(stroke.opacity)
    if stroke.line:
        canvas.setStrokeColor(HexColor(stroke.line))
        canvas.setLineWidth(stroke.width)
        canvas.setDash([float(each) for each in stroke.dashes.split(",")] if stroke.dashes else [])
    canvas.drawPath(_path(canvas, stroke.d), stroke=bool(stroke.line), fill=bool(stroke.fill))
    canvas.restoreState()


def _path(canvas: Canvas, d: str) -> PDFPathObject:
    path = canvas.beginPath()
    for command, numbers in commands(d):
        points = [-number if place % 2 else number for place, number in enumerate(numbers)]
        match command:
            case "M":
                path.moveTo(*points)
            case "L":
                path.lineTo(*points)
            case "C":
                for start in range(0, len(points), 6):
                    path.curveTo(*points[start : start + 6])
            case _:
                path.close()
    return path


def _words(canvas: Canvas, words: Words) -> None:
    canvas.setFillColor(HexColor(words.colour))
    canvas.setFont(FONTS[words.bold], words.size)
    canvas.drawString(words.x, -words.y, words.text)
