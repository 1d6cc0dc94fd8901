"""Where Graphviz put everything: its SVG, read back as boxes, lines and words in one system of coordinates (points, y downwards)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from engine.picture.outlines import Box, Point

SVG = "{http://www.w3.org/2000/svg}"
LINK_TITLE = "{http://www.w3.org/1999/xlink}title"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `x` is its left end, `y` its base line."""

    text: str
    x: float
    y: float
    size: float
    colour: str
    bold: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A filled surface: a card, a badge, a sample in the legend, or the head of an arrow."""

    colour: str
    box: Box
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What Graphviz drew for a node, an edge, or the graph itself: heading and legend."""

    sort: str  # node, edge or graph
    id: str
    kind: str  # the class that draw_dot gave it
    tooltip: str
    words: tuple[Words, ...]
    blocks: tuple[Block, ...]
    curves: tuple[tuple[tuple[Point, ...], float], ...]  # points of cubic curves, and how wide the line is

    @property
    def heights(self) -> list[float]:
        """Where it begins and ends, from top to bottom: all of its boxes and curves."""
        return [y for block in self.blocks for y in (block.box.top, block.box.bottom)] + [y for points, _ in self.curves for _, y in points]

    def moved(self, down: float) -> "Part":
        """The part, some points further down."""
        return replace(
            self,
            words=tuple(replace(line, y=line.y + down) for line in self.words),
            blocks=tuple(replace(block, box=block.box.moved(down), points=_moved(block.points, down)) for block in self.blocks),
            curves=tuple((_moved(points, down), width) for points, width in self.curves),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """All that was laid out; `parts` in Graphviz's order."""

    width: float
    height: float
    title: str
    language: str
    parts: tuple[Part, ...]


def read_layout(svg: bytes) -> Layout:
    """Read what ``dot -Tsvg`` wrote for a text of draw_dot."""
    root = ET.fromstring(svg)  # noqa: S314  # Graphviz wrote it, and there is nothing from outside in it
    _, _, width, height = (float(each) for each in root.attrib["viewBox"].split())
    graph = next(root.iter(f"{SVG}g"))
    shift = _shift(graph.get("transform", ""))
    parts = [_part(graph, shift), *(_part(group, shift) for group in graph.findall(f"{SVG}g") if group.get("class"))]
    language = next((name[5:] for name in graph.get("class", "").split() if name.startswith("lang-")), "en")
    return Layout(width, height, parts[0].tooltip, language, tuple(parts))


def _shift(transform: str) -> Point:
    found = re.search(rf"translate\(({NUMBER.pattern})[ ,]+({NUMBER.pattern})\)", transform)
    assert found, "Graphviz always moves its drawing to the origin"
    return float(found[1]), float(found[2])


def _part(group: ET.Element, shift: Point) -> Part:
    sort, *kinds = group.get("class", "").split()
    elements = list(_own(group))
    return Part(
        sort,
        group.get("id", ""),
        kinds[0] if kinds else "",
        next((element.get(LINK_TITLE, "") for element in elements if element.tag == f"{SVG}a"), ""),
        _level(_words(element, shift) for element in elements if element.tag == f"{SVG}text" and element.text),
        tuple(_block(element, shift) for element in elements if element.tag == f"{SVG}polygon"),
        tuple(_curve(element, shift) for element in elements if element.tag == f"{SVG}path"),
    )


def _own(group: ET.Element) -> Iterator[ET.Element]:
    """The elements of a group, through the links that Graphviz wraps them in, but not those of other parts."""
    for element in group:
        yield element
        if not element.get("class"):
            yield from _own(element)


def _words(element: ET.Element, shift: Point) -> Words:
    return Words(
        element.text or "",
        float(element.attrib["x"]) + shift[0],
        float(element.attrib["y"]) + shift[1],
        float(element.attrib["font-size"]),
        element.get("fill", "#000000"),
        element.get("font-weight") == "bold",
    )


def _level(lines: Iterable[Words]) -> tuple[Words, ...]:
    """Words beside one another on one base line: Graphviz sets bold ones a little higher than others of the same size."""
    level: list[Words] = []
    for line in lines:
        beside = bool(level) and abs(line.y - level[-1].y) < line.size / 3
        level.append(replace(line, y=level[-1].y) if beside else line)
    return tuple(level)


def _block(element: ET.Element, shift: Point) -> Block:
    points = _points(element.attrib["points"], shift)
    across, down = [x for x, _ in points], [y for _, y in points]
    return Block(element.get("fill", "none").lower(), Box(min(across), min(down), max(across), max(down)), points)


def _curve(element: ET.Element, shift: Point) -> tuple[tuple[Point, ...], float]:
    return _points(element.attrib["d"], shift), float(element.get("stroke-width", "1"))


def _moved(points: tuple[Point, ...], down: float) -> tuple[Point, ...]:
    return tuple((x, y + down) for x, y in points)


def _points(text: str, shift: Point) -> tuple[Point, ...]:
    numbers = [float(each) for each in NUMBER.findall(text)]
    return tuple((x + shift[0], y + shift[1]) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
