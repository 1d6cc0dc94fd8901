"""Charts and pictures as SVG: Altair says what is drawn, vl-convert draws it without a browser and without the network."""

import re
from functools import cache
from typing import Any

import vl_convert
from markupsafe import Markup, escape

from engine.picture.lettering import FOLDER
from response.parts import Chart, Picture
from response.render.charts import drawn
from response.render.reader import Reader
from response.render.theme import config

_VEGA_LITE = "6.4"
_GENERATOR = re.compile(r' (?:xmlns:xlink="[^"]*"|version="1\.1"|class="[^"]*"|pointer-events="none"|role="[^"]*"|aria-\w+="[^"]*")')
_EMPTY = re.compile(r'<path[^>]* d=""[^>]*/>|<path d="M0,0h0v0h0Z"[^>]*/>|<g></g>')
_TAG = re.compile(r"<[^>]*>")
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")  # within tags only: a text may be 33.456
_ID = re.compile(r'(id="|url\(#)(clip\d+)')


def chart_svg(chart: Chart, reader: Reader, width: int) -> Markup:
    """The chart as SVG of so many pixels wide; empty where there is nothing to draw."""
    picture = drawn(chart, reader, width)
    if picture is None:
        return Markup("")
    svg = _svg(picture.to_dict())
    named = _ID.sub(rf"\1{chart.name}-{width}-\2", svg)
    opening = f'<svg role="img" aria-label="{escape(reader.say(chart.title))}"'
    return Markup(named.replace("<svg", opening, 1))  # noqa: S704  # drawn by Vega, which escapes every text


def picture_svg(picture: Picture, language: str) -> Markup:
    """The picture as it stands in a page."""
    svg = picture.in_language(language)
    return Markup(svg[svg.index("<svg") :])  # noqa: S704  # drawn by us, with every text escaped


def _svg(specification: dict[str, Any]) -> str:
    _bundled_letters()
    svg: str = vl_convert.vegalite_to_svg(specification, vl_version=_VEGA_LITE, config=config(), allowed_base_urls=[])
    lean = _TAG.sub(lambda tag: _LONG.sub(r"\1", tag[0]), _EMPTY.sub("", _GENERATOR.sub("", svg)))
    while "<g></g>" in lean:
        lean = lean.replace("<g></g>", "")
    return lean


@cache
def _bundled_letters() -> None:
    """Measure texts by the typeface that we carry, so that a chart is the same on every machine."""
    vl_convert.register_font_directory(str(FOLDER))
