"""How charts look: one typeface, few colours, and none of them needed to tell two things apart."""

from typing import Any

INK, SOFT, RULE, BAND, PAPER = "#22262b", "#5b6470", "#dedbd4", "#ebe6d8", "#fdfcfa"
SERIES = ("#1f5f8b", "#a8500f", "#57703a", "#84407d", "#8a6a00")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
DASHES: tuple[list[int], ...] = ([], [9, 3], [2, 2], [9, 3, 2, 3], [5, 2])
MUTED_DASH = [4, 4]
# From far below to far above nothing; the middle is nothing. The figure stands in every cell.
HEAT = ("#e9a56b", "#f1c49c", "#f8e1cc", "#f3f1ec", "#cfe0ec", "#a3c6de", "#74aacd")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
SIZE, SMALL = 13, 12
# What each colour is called in pages/report.css, where the dark page gives it another value.
NAMES = (
    {INK: "ink", SOFT: "soft", RULE: "rule", BAND: "band", PAPER: "paper"}
    | {colour: f"c{place}" for place, colour in enumerate(SERIES)}
    | {colour: f"h{place}" for place, colour in enumerate(HEAT)}
)


def page_colours() -> str:
    """Rules that give a drawing's colours the page's own values, so that it follows light, dark and paper."""
    return "\n".join(
        f'.chart svg [{use}="{colour}"] {{ {use}: var(--{name}); }}' for colour, name in NAMES.items() for use in ("fill", "stroke")
    )


def config() -> dict[str, Any]:
    """The theme as Vega-Lite's configuration."""
    axis = {"domain": False, "ticks": False, "grid": False, "labelFontSize": SMALL, "labelColor": SOFT, "titleFontSize": SMALL}
    return {
        "font": FONT,
        "background": None,
        "aria": False,  # the page says what is seen, and gives the table; a mark by itself says nothing
        "view": {"stroke": None},
        "axis": {**axis, "gridColor": RULE, "titleColor": SOFT, "titleFontWeight": "normal", "labelPadding": 6},
        "text": {"fontSize": SIZE, "fill": INK, "font": FONT},
    }
