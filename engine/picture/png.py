"""The drawing as PNG, twice as fine as a screen."""

from typing import Any

from engine.picture.drawing import Drawing
from engine.picture.lettering import FILES
from engine.picture.svg import PIXELS_PER_POINT, svg_of

SHARPNESS = 2  # pixels of the PNG to one of a screen
MOST_PIXELS = 12_000  # on a side; a larger picture is drawn less fine
TYPEFACE = "Liberation Sans"


def png_of(drawing: Drawing) -> bytes:
    """A PNG, drawn with the bundled letters: the same pixels everywhere, whatever the system has."""
    import resvg_py  # noqa: PLC0415  # only a PNG needs it

    scale = min(SHARPNESS * PIXELS_PER_POINT, MOST_PIXELS / max(drawing.width, drawing.height))
    width = round(drawing.width * scale)
    return bytes(resvg_py.svg_to_bytes(svg_string=svg_of(drawing), width=width, skip_system_fonts=True, **_letters()))


def _letters() -> dict[str, Any]:
    return {"font_files": [str(file) for file in FILES.values()], "font_family": TYPEFACE, "sans_serif_family": TYPEFACE}
