"""From DOT to files. Graphviz only lays the flow out; the drawing is ours, so that SVG, PNG and PDF are the same picture."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Literal, assert_never

from engine.picture.drawing import Drawing, draw
from engine.picture.layout import read_layout
from engine.picture.lettering import FILES
from engine.picture.svg import PIXELS_PER_POINT, svg_of
from store.errors import ContactflowError

PictureFormat = Literal["svg", "png", "pdf", "dot"]
LAYOUT_SECONDS = 120
SHARPNESS = 2  # pixels of a PNG to a pixel of a screen
MOST_PIXELS = 12_000  # on a side; a larger picture is drawn less fine


class PictureError(ContactflowError):
    """The picture cannot be made here, and the text says what to install or to do."""


def render(dot: str, format: PictureFormat) -> bytes:  # noqa: A002  # the word that everyone knows
    """The picture as a file, from a text of `draw_dot`. The same text gives the same bytes. Raises PictureError."""
    match format:
        case "dot":
            return dot.encode()
        case "svg":
            return svg_of(_drawing(dot)).encode()
        case "png":
            return _png(_drawing(dot))
        case "pdf":
            from engine.picture.pdf import pdf_of  # noqa: PLC0415  # reportlab is slow to import and only a PDF needs it

            return pdf_of(_drawing(dot))
        case _:
            assert_never(format)


def _drawing(dot: str) -> Drawing:
    return draw(read_layout(_laid_out(dot)))


def _laid_out(dot: str) -> bytes:
    program = layout_program()
    if not program:
        raise PictureError(
            "No Graphviz was found to lay out the picture. Install the Python package graphviz-pure (pip install graphviz-pure), "
            "or Graphviz itself (Debian and Ubuntu: apt-get install graphviz)."
        )
    try:
        command = [program, "-Tsvg"]
        done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False, timeout=LAYOUT_SECONDS)  # noqa: S603  # no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PictureError(f"{program} could not lay out the picture ({error}). Install graphviz-pure again, or draw a smaller flow.") from error
    if done.returncode or not done.stdout:
        raise PictureError(f"{program} could not lay out the picture: {done.stderr.decode(errors='replace').strip()[:400]}")
    return done.stdout


@cache
def layout_program() -> str | None:
    """The dot program that came with our environment, else the system's, else None."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("graphviz-pure", path=beside) or shutil.which("graphviz-pure") or shutil.which("dot")


def _png(drawing: Drawing) -> bytes:
    width = round(drawing.width * PIXELS_PER_POINT * min(SHARPNESS, MOST_PIXELS / (max(drawing.width, drawing.height) * PIXELS_PER_POINT)))
    svg = svg_of(drawing)
    try:
        import resvg_py  # noqa: PLC0415
    except ImportError:
        import cairosvg

        return bytes(cairosvg.svg2png(bytestring=svg.encode(), output_width=width))
    fonts = [str(file) for file in FILES.values()]
    name = "Liberation Sans"
    return bytes(
        resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True, font_files=fonts, font_family=name, sans_serif_family=name)
    )
