"""The picture of a flow: deterministic DOT from the graph, and SVG, PNG and PDF that all show the same."""

from engine.picture.counts import FigureRow, Figures, FlowFigures
from engine.picture.dot import draw_dot, draw_figures
from engine.picture.errors import PictureError
from engine.picture.rendering import PictureFormat, render

__all__ = [
    "FigureRow",
    "Figures",
    "FlowFigures",
    "PictureError",
    "PictureFormat",
    "draw_dot",
    "draw_figures",
    "render",
]
