"""The outlines of the kinds, as SVG paths that fill a given box. All have a flat top and bottom, where the edges arrive and leave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.picture.style import Outline

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def moved(self, down: float) -> "Box":
        """The box, some points further down."""
        return Box(self.left, self.top + down, self.right, self.bottom + down)

    def inset(self, by: float) -> "Box":
        """The box that is smaller by `by` on every side."""
        return Box(self.left + by, self.top + by, self.right - by, self.bottom - by)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An outline: the `body` is filled, `shade` is filled in the stroke's colour at a low opacity, `detail` is only stroked."""

    body: str
    shade: str = ""
    detail: str = ""


def drawn(outline: Outline, box: Box, scale: float = 1) -> Drawn:
    """The outline that fills the box; `scale` makes its corners smaller for a sample in the legend."""
    return OUTLINES[outline](box, scale)


def _funnel(box: Box, scale: float) -> Drawn:
    slope = 14 * scale
    return Drawn(
        rounded(((box.left, box.top), (box.right, box.top), (box.right - slope, box.bottom), (box.left + slope, box.bottom)), 5 * scale)
    )


def _ticket(box: Box, scale: float) -> Drawn:
    notch = 9 * scale
    return Drawn(
        path(
            (
                (box.left, box.top),
                (box.right, box.top),
                (box.right, box.middle - notch),
                (box.right - notch, box.middle),
                (box.right, box.middle + notch),
                (box.right, box.bottom),
                (box.left, box.bottom),
                (box.left, box.middle + notch),
                (box.left + notch, box.middle),
                (box.left, box.middle - notch),
            )
        )
    )


def _octagon(box: Box, scale: float) -> Drawn:
    cut = 12 * scale
    return Drawn(
        path(
            (
                (box.left + cut, box.top),
                (box.right - cut, box.top),
                (box.right, box.top + cut),
                (box.right, box.bottom - cut),
                (box.right - cut, box.bottom),
                (box.left + cut, box.bottom),
                (box.left, box.bottom - cut),
                (box.left, box.top + cut),
            )
        )
    )


def _envelope(box: Box, scale: float) -> Drawn:
    point = ((box.left + box.right) / 2, box.top + 12 * scale)
    flap = ((box.left, box.top), point, (box.right, box.top))
    return Drawn(_rectangle(box), path(flap), path(flap, closed=False))


def _bubble(box: Box, scale: float) -> Drawn:
    left, radius = box.left + 8 * scale, 10 * scale
    corners = (
        (left, box.top),
        (box.right, box.top),
        (box.right, box.bottom),
        (left + 12 * scale, box.bottom),
        (box.left, box.bottom),  # the tail
        (left, box.bottom - 18 * scale),
    )
    return Drawn(rounded(corners, (radius, radius, radius, scale, scale, 3 * scale)))


def _page(box: Box, scale: float) -> Drawn:
    fold = 14 * scale
    body = ((box.left, box.top), (box.right - fold, box.top), (box.right, box.top + fold), (box.right, box.bottom), (box.left, box.bottom))
    ear = ((box.right - fold, box.top), (box.right - fold, box.top + fold), (box.right, box.top + fold))
    return Drawn(path(body), path(ear), path(ear, closed=False))


def _pill(box: Box, scale: float) -> Drawn:
    return Drawn(_round_box(box, min(box.height / 2, 20 * scale)))


def _double_pill(box: Box, scale: float) -> Drawn:
    inner = box.inset(max(3 * scale, 1.6))
    return Drawn(_pill(box, scale).body, detail=_round_box(inner, min(inner.height / 2, 17.5 * scale)))


def _hexagon(box: Box, scale: float) -> Drawn:
    side = 15 * scale
    return Drawn(
        path(
            (
                (box.left + side, box.top),
                (box.right - side, box.top),
                (box.right, box.middle),
                (box.right - side, box.bottom),
                (box.left + side, box.bottom),
                (box.left, box.middle),
            )
        )
    )


def _barred(box: Box, scale: float) -> Drawn:
    bar = 6 * scale
    lines = (((x, box.top), (x, box.bottom)) for x in (box.left + bar, box.right - bar))
    return Drawn(_rectangle(box), detail="".join(path(line, closed=False) for line in lines))


def _plate(box: Box, scale: float) -> Drawn:
    shoulder, middle = box.bottom - 11 * scale, (box.left + box.right) / 2
    corners = ((box.left, box.top), (box.right, box.top), (box.right, shoulder), (middle, box.bottom), (box.left, shoulder))
    return Drawn(rounded(corners, 3 * scale))


def _round(box: Box, _scale: float) -> Drawn:
    return Drawn(_round_box(box, box.height / 2))


def _chip(box: Box, scale: float) -> Drawn:
    return Drawn(_round_box(box, 5 * scale))


OUTLINES: dict[Outline, Callable[[Box, float], Drawn]] = {
    "funnel": _funnel,
    "ticket": _ticket,
    "octagon": _octagon,
    "envelope": _envelope,
    "bubble": _bubble,
    "page": _page,
    "pill": _pill,
    "double_pill": _double_pill,
    "hexagon": _hexagon,
    "barred": _barred,
    "plate": _plate,
    "round": _round,
    "chip": _chip,
}


def _rectangle(box: Box) -> str:
    return _round_box(box, 2)


def _round_box(box: Box, radius: float) -> str:
    return rounded(((box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)), radius)


def circle(x: float, y: float, radius: float) -> str:
    """A circle as a path."""
    return _round_box(Box(x - radius, y - radius, x + radius, y + radius), radius)


def path(points: Sequence[Point], closed: bool = True) -> str:
    """Straight lines through the points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + ("Z" if closed else "")


def rounded(points: Sequence[Point], radius: float | Sequence[float]) -> str:
    """A closed outline with rounded corners: a radius for all, or one for each."""
    radii = [float(radius)] * len(points) if isinstance(radius, int | float) else list(radius)
    commands = []
    for place, (corner, reach) in enumerate(zip(points, radii, strict=True)):
        before, after = points[place - 1], points[(place + 1) % len(points)]
        start, end = _towards(corner, before, reach), _towards(corner, after, reach)
        # 0.5523: the cubic that is closest to a quarter of a circle
        first, second = _towards(start, corner, reach * 0.5523), _towards(end, corner, reach * 0.5523)
        commands.append(f"{'L' if place else 'M'}{_pair(start)}C{_pair(first)} {_pair(second)} {_pair(end)}")
    return "".join(commands) + "Z"


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    share = min(distance / length, 1) if length else 0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _pair(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    """A coordinate with at most two decimals, and no minus before a zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
