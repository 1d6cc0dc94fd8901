"""A flow as DOT: the same graph gives the same text, byte for byte. `render` makes the picture of it."""

from collections.abc import Iterator, Mapping, Sequence

from engine.graph import END, FlowGraph
from engine.nodes import Edge
from engine.picture.cards import Card, card_label, card_of, card_with
from engine.picture.counts import FlowFigures
from engine.picture.heading import heading_label, title_of
from engine.picture.labels import Line, gap, holding, label, lines_of, row, stack, table
from engine.picture.lettering import clean
from engine.picture.style import INK, SOFT, STROKES, STYLES, EdgeKind, Kind
from engine.picture.words import Language, say, word

EDGE_TEXT_WIDTH = 118
ARM_SIZE, ARMS_WIDTH = 9, 124
THIN, THICK = 1.3, 5.0  # points; with counts, an edge is as thick as many went along it
ROOM = "rankdir=TB ranksep=0.42 nodesep=0.38 {0} pad=0.35 labelloc=t labeljust=l"  # in inches
LITTLE_ROOM = "rankdir=TB ranksep=0.2 nodesep=0.24 {0} pad=0.06"  # for a page, which has margins of its own
GRAPH = "splines=true ordering=out fontname=Helvetica bgcolor=white"


def draw_dot(graph: FlowGraph, language: Language = "en") -> str:
    """The DOT text of a flow. Nodes and edges keep the reading order."""
    cards = {node_id: card_of(node, language) for node_id, node in graph.nodes.items()}
    return _text(graph, cards, FlowFigures(), language, framed=True)


def draw_figures(graph: FlowGraph, figures: FlowFigures, language: Language = "en", *, framed: bool = False) -> str:
    """The DOT text of a flow with what happened on its cards and edges; `framed` with heading and legend, which a report has itself."""
    led_to = {edge.target for edge in graph.edges}  # the end that every flow has is left out where no way leads to it
    shown = {node_id: node for node_id, node in graph.nodes.items() if node_id != END or END in led_to}
    cards = {node_id: card_with(node, figures.nodes.get(node_id), language) for node_id, node in shown.items()}
    return _text(graph, cards, figures, language, framed=framed)


def _text(graph: FlowGraph, cards: Mapping[str, Card], figures: FlowFigures, language: Language, *, framed: bool) -> str:
    held = {node_id: node.look().held_out for node_id, node in graph.nodes.items()}
    controls = {node_id: word("{0} held out", language, share) for node_id, share in held.items() if share}
    statements = [
        *(_node(f"node-{card.name}", card, language) for card in cards.values()),
        *(_edge(edge, figures, language) for edge in graph.edges),
        *(statement for node_id, text in controls.items() for statement in _control(node_id, text, figures, language)),
    ]
    body = "\n".join(f"  {statement}" for statement in statements)
    room = (ROOM if framed else LITTLE_ROOM).format(GRAPH)
    frame = f"\n    label={_frame(graph, cards, language, with_control=bool(controls))}" if framed else ""
    return (
        f'digraph "{graph.campaign.campaign}" {{\n'
        f'  graph [id="flow" class="lang-{language}" tooltip={_tooltip(title_of(graph.campaign))}\n    {room}{frame}]\n'
        "  node [shape=box style=filled margin=0 fontname=Helvetica]\n"
        f'  edge [fontname=Helvetica fontcolor="{SOFT}" arrowsize=0.75]\n'
        f"{body}\n}}\n"
    )


def _frame(graph: FlowGraph, cards: Mapping[str, Card], language: Language, *, with_control: bool) -> str:
    kinds: set[Kind] = {card.kind for card in cards.values()} | ({"control"} if with_control else set())
    edges: set[EdgeKind] = {edge.style for edge in graph.edges}
    return heading_label(graph, (kind for kind in STYLES if kind in kinds), (edge for edge in STROKES if edge in edges), language)


def quoted(text: str) -> str:
    """A DOT string."""
    return '"' + clean(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _node(name: str, card: Card, language: Language) -> str:
    style = STYLES[card.kind]
    return (
        f'"{name}" [id="{name}" class="{card.kind}" color="{style.accent}" fillcolor="{style.fill}" '
        f"tooltip={_tooltip(card.tooltip(language))}\n    label={card_label(card, language)}]"
    )


def _tooltip(text: str) -> str:
    # Graphviz reads entities in a tooltip; an ampersand of the author's is to stay one.
    return quoted(text.replace("&", "&amp;"))


def _edge(edge: Edge, figures: FlowFigures, language: Language) -> str:
    words = say(edge.label, language)
    bold = edge.share is not None
    lines = lines_of(words, 10, INK if bold else SOFT, EDGE_TEXT_WIDTH, bold=bold)
    first, *others = figures.edges.get((edge.source, edge.exit)) or ("",)
    lines += (Line(first, 10, INK, bold=True),) if first else ()
    lines += _arms(others)
    count, most = figures.weights.get((edge.source, edge.exit), 0), max(figures.weights.values(), default=0)
    width = THIN + (THICK - THIN) * count / most if count else THIN
    name = f"edge-{edge.source}.{edge.exit}"
    attributes = [f'id="{name}" class="{edge.style}" style={STROKES[edge.style].dot} penwidth={width:.2f}']
    attributes += [f'color="{STROKES[edge.style].colour}"', f"tooltip={_tooltip(f'{edge.source} → {edge.target} {words}'.strip())}"]
    attributes += [f"label={_beside(lines, width)}"] if lines else []
    return f'"node-{edge.source}" -> "node-{edge.target}" [{" ".join(attributes)}]'


def _arms(texts: Sequence[str]) -> tuple[Line, ...]:
    """What each arm did, beside one another when there is room: height is what makes a page full."""
    together = Line(" · ".join(texts), ARM_SIZE, SOFT)
    return (together,) if texts and together.width <= ARMS_WIDTH else tuple(Line(text, ARM_SIZE, SOFT) for text in texts)


def _beside(lines: tuple[Line, ...], edge_width: float) -> str:
    away = gap(4 + round(edge_width))
    return label(table([row([away, holding(stack(lines)), away])]))


def _control(node_id: str, text: str, figures: FlowFigures, language: Language) -> Iterator[str]:
    name = f"control-{node_id}"
    card = Card("control", "", text, (word("measured, gets nothing", language),), figures=figures.controls.get(node_id))
    yield _node(name, card, language)
    stroke = STROKES["control"]
    yield (
        f'"node-{node_id}" -> "{name}" [id="edge-{name}" class="control" style={stroke.dot} penwidth={THIN} color="{stroke.colour}" '
        f"tooltip={_tooltip(text)}]"
    )
