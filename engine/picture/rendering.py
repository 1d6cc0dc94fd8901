"""From DOT to files. Graphviz only lays the flow out; the drawing is ours, so that SVG, PNG and PDF are the same picture."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, assert_never

from engine.picture.drawing import Drawing, draw
from engine.picture.errors import PictureError
from engine.picture.layout import read_layout
from engine.picture.png import png_of
from engine.picture.svg import svg_of

PictureFormat = Literal["svg", "png", "pdf", "dot"]
LAYOUT_SECONDS = 120


def render(dot: str, format: PictureFormat) -> bytes:  # noqa: A002  # the word that everyone knows
    """The picture as a file, from a text of `draw_dot`. The same text gives the same bytes. Raises PictureError."""
    match format:
        case "dot":
            return dot.encode()
        case "svg":
            return svg_of(_drawing(dot)).encode()
        case "png":
            return png_of(_drawing(dot))
        case "pdf":
            from engine.picture.pdf import pdf_of  # noqa: PLC0415  # reportlab's canvas is slow to import and only a PDF needs it

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
        advice = "Install graphviz-pure again, or draw a smaller flow."
        raise PictureError(f"{program} could not lay out the picture: {error}. {advice}") from error
    if done.returncode or not done.stdout:
        raise PictureError(f"{program} could not lay out the picture: {done.stderr.decode(errors='replace').strip()[:400]}")
    return done.stdout


def layout_program() -> str | None:
    """The dot program that came with our environment, else one on the path: graphviz-pure before the system's dot."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("graphviz-pure", path=beside) or shutil.which("graphviz-pure") or shutil.which("dot")
