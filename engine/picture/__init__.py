"""The picture of a flow: deterministic DOT from the graph, and SVG, PNG and PDF that all show the same."""

from engine.picture.counts import NodeCounts
from engine.picture.dot import draw_dot
from engine.picture.errors import PictureError
from engine.picture.rendering import PictureFormat, render

__all__ = ["NodeCounts", "PictureError", "PictureFormat", "draw_dot", "render"]
