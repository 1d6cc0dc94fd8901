"""Stored flows with what is compared on their landing page beside their nodes, for reports."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.campaigns import stored_graph
from engine.graph import FlowGraph
from engine.nodes.node import Contrast
from engine.tables import FlowVersion
from landing.page import Page
from landing.page_files import PageShelf, compared_as


def graphs_with_pages(templates: Path) -> Callable[[FlowVersion], FlowGraph]:
    """Reads a stored version back, with the variants of its page as the page's file has them now."""
    shelf = PageShelf(templates)

    def graph_of(version: FlowVersion) -> FlowGraph:
        graph = stored_graph(version)
        name = graph.campaign.page
        page = shelf.page(name)
        return replace(graph, beside={compared_as(name): _contrast(page)}) if page.variants else graph

    return graph_of


def _contrast(page: Page) -> Contrast:
    named = any(variant.control for variant in page.variants.values())
    return Contrast("page", page.control, page.shares, named=named)
