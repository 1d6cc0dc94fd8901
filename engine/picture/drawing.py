"""The finished drawing: what Graphviz laid out, with our outlines, badges, icons, arrows and samples, ready for any kind of file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import dist
from typing import cast

from engine.picture.icons import ICONS
from engine.picture.layout import NUMBER, Layout, Part, Words
from engine.picture.lettering import width_of
from engine.picture.outlines import Box, Point, circle, drawn, number, path
from engine.picture.style import BADGE, PAPER, RULE, STROKES, STYLES, EdgeKind, Kind, Style
from engine.picture.words import Language, word

ACCENTS: dict[str, Kind] = {style.accent: kind for kind, style in STYLES.items()}
COLOURS: dict[str, EdgeKind] = {stroke.colour: kind for kind, stroke in STROKES.items()}
ICON_FIELD = 24
LEGEND_GAP = 26  # points between the flow and the legend
FOOT = 28  # points below the legend


@dataclass(frozen=True, slots=True)
class Stroke:
    """A shape: `d` has only the commands M, L, C and Z, absolute. Without `fill` only a line, without `line` only a surface."""

    d: str
    fill: str = ""
    line: str = ""
    width: float = 1
    dashes: str = ""
    opacity: float = 1


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together: a node, an edge, the labels, heading or legend. `title` says it in words."""

    id: str
    sort: str
    title: str
    strokes: tuple[Stroke, ...]
    words: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of a picture; later groups lie over earlier ones."""

    width: float
    height: float
    title: str
    description: str
    language: str
    groups: tuple[Group, ...]


def draw(layout: Layout) -> Drawing:
    """The finished drawing of a layout."""
    if not any(part.sort == "graph" and part.words for part in layout.parts):
        return _unframed(layout)
    heading, flow, legend = _arranged(layout)
    nodes = [part for part in flow if part.sort == "node"]
    edges = [part for part in flow if part.sort == "edge"]
    groups = [_heading(heading, layout.width), *_flow(edges, nodes), _legend(legend)]
    height = max(block.box.bottom for block in legend.blocks) + FOOT
    return Drawing(layout.width, height, layout.title, _told(layout, nodes), layout.language, tuple(groups))


def _unframed(layout: Layout) -> Drawing:
    """Only the flow, with no more around it than it needs."""
    nodes = [part for part in layout.parts if part.sort == "node"]
    edges = [part for part in layout.parts if part.sort == "edge"]
    return Drawing(layout.width, layout.height, layout.title, _told(layout, nodes), layout.language, tuple(_flow(edges, nodes)))


def _flow(edges: Sequence[Part], nodes: Sequence[Part]) -> Iterator[Group]:
    yield from (_edge(part) for part in edges)
    yield from (_edge_label(part) for part in edges if part.words)
    yield from (_node(part) for part in nodes)


def _told(layout: Layout, nodes: Sequence[Part]) -> str:
    about = word("Flow of the campaign", cast("Language", layout.language))
    return f"{about}: {'; '.join(part.tooltip for part in nodes)}."


def _arranged(layout: Layout) -> tuple[Part, list[Part], Part]:
    """Heading, flow and legend. Graphviz knows one label only, so that the legend comes above the flow, and goes below it here."""
    graph = next(part for part in layout.parts if part.sort == "graph")
    others = [part for part in layout.parts if part.sort != "graph"]
    samples = tuple(block for block in graph.blocks if block.colour in ACCENTS or block.colour in COLOURS)
    legend_top = min(block.box.top for block in samples)
    flow_top = min(y for part in others for y in part.heights)
    flow_bottom = max(y for part in others for y in part.heights)
    up = flow_top - legend_top
    heading = replace(graph, words=tuple(line for line in graph.words if line.y < legend_top), blocks=())
    legend = replace(graph, words=tuple(line for line in graph.words if line.y >= legend_top), blocks=samples)
    return heading, [part.moved(-up) for part in others], legend.moved(flow_bottom - up - legend_top + LEGEND_GAP)


def _heading(part: Part, width: float) -> Group:
    foot = max(line.y for line in part.words) + 12
    left = min(line.x for line in part.words)
    rule = Stroke(path(((left, foot), (width - left, foot)), closed=False), line=RULE)
    return Group("heading", "heading", "", (rule,), part.words)


def _node(part: Part) -> Group:
    kind = cast("Kind", part.kind)
    style = STYLES[kind]
    card, badge = part.blocks[0].box, part.blocks[1].box
    return Group(part.id, f"node {kind}", part.tooltip, (*_card(style, card, 1), *_badge(kind, badge)), part.words)


def _card(style: Style, box: Box, scale: float) -> Iterator[Stroke]:
    outline = drawn(style.outline, box, scale)
    width = 1.4 if scale == 1 else 1.1
    yield Stroke(outline.body, style.fill, style.accent, width, "3,2.5" if style.outline == "chip" else "")
    if outline.shade:
        yield Stroke(outline.shade, style.accent, opacity=0.16)
    if outline.detail:
        yield Stroke(outline.detail, "", PAPER if style.solid else style.accent, width * 0.75)


def _badge(kind: Kind, box: Box) -> Iterator[Stroke]:
    style = STYLES[kind]
    x, y = (box.left + box.right) / 2, box.middle
    yield Stroke(circle(x, y, BADGE / 2), PAPER if style.solid else style.accent)
    yield icon(kind, (x, y), 16, style.accent if style.solid else PAPER)


def icon(kind: Kind, centre: Point, size: float, colour: str) -> Stroke:
    """The icon of a kind around a point."""
    scale = size / ICON_FIELD
    corner = (centre[0] - size / 2, centre[1] - size / 2)
    places = iter(range(10_000))

    def moved(found: re.Match[str]) -> str:
        return number(float(found[0]) * scale + corner[next(places) % 2])

    return Stroke(NUMBER.sub(moved, ICONS[kind]), line=colour, width=2 * scale)


def _edge(part: Part) -> Group:
    stroke = STROKES[cast("EdgeKind", part.kind)]
    lines = [Stroke(_cubic(points), line=stroke.colour, width=width, dashes=stroke.dashes) for points, width in part.curves]
    heads = [
        Stroke(_head(points[-1], block.points, width), stroke.colour)
        for (points, width), block in zip(part.curves, part.blocks, strict=True)
    ]
    return Group(part.id, f"edge {part.kind}", part.tooltip, (*lines, *heads))


def _head(foot: Point, corners: tuple[Point, ...], width: float) -> str:
    """An arrow head from where the line stops to where Graphviz's own head points."""
    tip = max(corners, key=lambda corner: dist(corner, foot))
    length = dist(tip, foot)
    across, down = (tip[0] - foot[0]) / length, (tip[1] - foot[1]) / length
    half = max(3.4, width * 1.2)
    sides = ((foot[0] - down * half, foot[1] + across * half), (foot[0] + down * half, foot[1] - across * half))
    return path((sides[0], tip, sides[1]))


def _cubic(points: tuple[Point, ...]) -> str:
    start, *rest = (f"{number(x)} {number(y)}" for x, y in points)
    return f"M{start}C{' '.join(rest)}"


def _edge_label(part: Part) -> Group:
    return Group(f"label-{part.id}", "label", "", tuple(_halo(line) for line in part.words), part.words)


def _halo(line: Words) -> Stroke:
    right = line.x + width_of(line.text, line.size, line.bold)
    corners = (line.x - 2, line.y - line.size * 0.85), (right + 2, line.y + line.size * 0.28)
    (left, top), (right, bottom) = corners
    return Stroke(path(((left, top), (right, top), (right, bottom), (left, bottom))), PAPER, opacity=0.85)


def _legend(part: Part) -> Group:
    samples = [stroke for block in part.blocks for stroke in _sample(block.colour, block.box)]
    return Group("legend", "legend", "", tuple(samples), part.words)


def _sample(colour: str, box: Box) -> Iterator[Stroke]:
    if colour in ACCENTS:
        kind = ACCENTS[colour]
        style = STYLES[kind]
        yield from _card(style, box, 0.5)
        lower = 1 if style.outline == "envelope" else 0  # below its flap
        yield icon(kind, ((box.left + box.right) / 2, box.middle + lower), 12, PAPER if style.solid else style.accent)
    elif colour in COLOURS:
        stroke = STROKES[COLOURS[colour]]
        yield Stroke(path(((box.left, box.middle), (box.right, box.middle)), closed=False), "", stroke.colour, 1.6, stroke.dashes)
