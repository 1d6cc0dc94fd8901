"""The drawing as PNG, twice as fine as a screen."""

import importlib
from typing import Any

from engine.picture.drawing import Drawing
from engine.picture.errors import PictureError
from engine.picture.lettering import FILES
from engine.picture.svg import PIXELS_PER_POINT, svg_of

SHARPNESS = 2  # pixels of the PNG to one of a screen
MOST_PIXELS = 12_000  # on a side; a larger picture is drawn less fine
TYPEFACE = "Liberation Sans"


def png_of(drawing: Drawing) -> bytes:
    """A PNG. Raises PictureError when nothing is installed that can make one.

    resvg is a wheel without needs of its own, draws with the bundled letters and gives the same pixels everywhere; cairosvg
    needs the system's Cairo library and letters.
    """
    scale = min(SHARPNESS * PIXELS_PER_POINT, MOST_PIXELS / max(drawing.width, drawing.height))
    svg, width = svg_of(drawing), round(drawing.width * scale)
    if resvg := _module("resvg_py"):
        return bytes(resvg.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True, **_letters()))
    if cairo := _module("cairosvg"):
        return bytes(cairo.svg2png(bytestring=svg.encode(), output_width=width))
    raise PictureError(
        "A PNG needs the Python package resvg-py (pip install resvg-py), or cairosvg with the Cairo library "
        "(Debian and Ubuntu: apt-get install libcairo2). An SVG or a PDF needs neither."
    )


def _letters() -> dict[str, Any]:
    return {"font_files": [str(file) for file in FILES.values()], "font_family": TYPEFACE, "sans_serif_family": TYPEFACE}


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):  # OSError: cairosvg is there, the Cairo library is not
        return None
