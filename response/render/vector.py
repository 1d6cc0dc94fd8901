"""An SVG drawn into a PDF as lines and letters. It reads what Vega and our own pictures write, not all of SVG."""

import re
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any
from xml.etree import ElementTree as ET

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from reportlab.platypus import Flowable

_INHERITED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity", "fill-opacity", "font-weight")
_TRANSFORM = re.compile(r"(translate|rotate|scale)\(([^)]*)\)")
_COMMAND = re.compile(r"([MLHVCAZmlhvcaz])([^MLHVCAZmlhvcaz]*)")
_NUMBER = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
_CIRCLE = 0.5522847498  # how far the handles of a quarter of a circle reach
_CAPS = {"butt": 0, "round": 1, "square": 2}

Style = Mapping[str, str]
Point = tuple[float, float]


class Vector(Flowable):
    """A drawing scaled to a width in points, or to a height where that is less.

    `fonts` are the registered names of the plain and the bold letters.
    """

    def __init__(self, svg: str, width: float, fonts: tuple[str, str], most: float = inf) -> None:
        super().__init__()
        self._root = ET.fromstring(svg.encode())  # noqa: S314  # drawn by ourselves a moment ago
        _, _, across, down = (float(each) for each in self._root.attrib["viewBox"].split())
        self._scale = min(width / across, most / down)
        self._fonts = fonts
        self.width, self.height = across * self._scale, down * self._scale

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        canvas: Canvas = self.canv
        canvas.saveState()
        canvas.translate(0, self.height)
        canvas.scale(self._scale, -self._scale)
        self._element(canvas, self._root, {"fill": "#000000"})
        canvas.restoreState()

    def _element(self, canvas: Canvas, element: ET.Element, outer: Style) -> None:
        if element.get("display") == "none":
            return
        style = {**outer, **{name: element.attrib[name] for name in _INHERITED if name in element.attrib}}
        canvas.saveState()
        _transform(canvas, element.get("transform", ""))
        match element.tag.rsplit("}", 1)[-1]:
            case "g" | "svg":
                for child in element:
                    self._element(canvas, child, style)
            case "path":
                _shape(canvas, _path(canvas, element.get("d", "")), style)
            case "rect":
                _shape(canvas, _box(canvas, element), style)
            case "line":
                _shape(canvas, _line(canvas, element), {**style, "fill": "none"})
            case "text":
                self._letters(canvas, element, style)
        canvas.restoreState()

    def _letters(self, canvas: Canvas, element: ET.Element, style: Style) -> None:
        canvas.translate(float(element.get("x", "0")), float(element.get("y", "0")))
        canvas.scale(1, -1)
        canvas.setFont(self._fonts[style.get("font-weight") == "bold"], float(element.get("font-size", "12px").removesuffix("px")))
        canvas.setFillColor(HexColor(style["fill"]))
        text = element.text or ""
        match element.get("text-anchor"):
            case "middle":
                canvas.drawCentredString(0, 0, text)
            case "end":
                canvas.drawRightString(0, 0, text)
            case _:
                canvas.drawString(0, 0, text)


def _transform(canvas: Canvas, text: str) -> None:
    for name, numbers in _TRANSFORM.findall(text):
        values = [float(each) for each in _NUMBER.findall(numbers)]
        match name:
            case "translate":
                canvas.translate(values[0], values[1] if len(values) > 1 else 0)
            case "rotate":
                canvas.rotate(values[0])
            case _:
                canvas.scale(values[0], values[-1])


def _shape(canvas: Canvas, path: PDFPathObject, style: Style) -> None:
    fill, stroke = (style.get(name, "none") for name in ("fill", "stroke"))
    opacity = float(style.get("opacity", "1"))
    if fill != "none":
        canvas.setFillColor(HexColor(fill))
        canvas.setFillAlpha(opacity * float(style.get("fill-opacity", "1")))
    if stroke != "none":
        canvas.setStrokeColor(HexColor(stroke))
        canvas.setStrokeAlpha(opacity)
        canvas.setLineWidth(float(style.get("stroke-width", "1")))
        canvas.setLineCap(_CAPS[style.get("stroke-linecap", "butt")])
        dashes = [float(each) for each in _NUMBER.findall(style.get("stroke-dasharray", ""))]
        canvas.setDash(dashes if dashes and dashes[-1] else [])
    canvas.drawPath(path, stroke=int(stroke != "none"), fill=int(fill != "none"))


def _box(canvas: Canvas, element: ET.Element) -> PDFPathObject:
    path = canvas.beginPath()
    path.rect(*(float(element.get(name, "0")) for name in ("x", "y", "width", "height")))
    return path


def _line(canvas: Canvas, element: ET.Element) -> PDFPathObject:
    path = canvas.beginPath()
    path.moveTo(*(float(element.get(name, "0")) for name in ("x1", "y1")))
    path.lineTo(*(float(element.get(name, "0")) for name in ("x2", "y2")))
    return path


def _path(canvas: Canvas, d: str) -> PDFPathObject:
    path = canvas.beginPath()
    here: Point = (0, 0)
    for command, numbers in _steps(d):
        relative = command.islower()
        match command.upper():
            case "Z":
                path.close()
            case "H" | "V":
                x, y = (numbers[0], None) if command in "Hh" else (None, numbers[0])
                here = _moved(here, x, y, relative=relative)
                path.lineTo(*here)
            case "C":
                path.curveTo(*numbers)
                here = numbers[4], numbers[5]
            case "A":
                end = numbers[5], numbers[6]
                _half_circle(path, here, end, clockwise=bool(numbers[4]))
                here = end
            case _:
                here = _moved(here, numbers[0], numbers[1], relative=relative)
                (path.moveTo if command in "Mm" else path.lineTo)(*here)
    return path


def _steps(d: str) -> Iterator[tuple[str, list[float]]]:
    """Each command once for every set of its numbers."""
    sizes = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "A": 7}
    for command, text in _COMMAND.findall(d):
        numbers = [float(each) for each in _NUMBER.findall(text)]
        size = sizes.get(command.upper(), 0)
        if not size:
            yield command, []
        for start in range(0, len(numbers), size or 1):
            yield command, numbers[start : start + size]


def _moved(here: Point, x: float | None, y: float | None, *, relative: bool) -> Point:
    if relative:
        return here[0] + (x or 0), here[1] + (y or 0)
    return here[0] if x is None else x, here[1] if y is None else y


def _half_circle(path: Any, start: Point, end: Point, *, clockwise: bool) -> None:
    """Vega draws its dots as two half circles; each is two quarters."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    out = start[0] - middle[0], start[1] - middle[1]
    side = (-out[1], out[0]) if clockwise else (out[1], -out[0])
    for first, then in ((out, side), (side, (-out[0], -out[1]))):
        handles = [(first[n] + _CIRCLE * then[n], then[n] + _CIRCLE * first[n]) for n in (0, 1)]
        across, down = handles
        path.curveTo(
            middle[0] + across[0], middle[1] + down[0], middle[0] + across[1], middle[1] + down[1], middle[0] + then[0], middle[1] + then[1]
        )
