"""Where members can go: references, dead ends, places that nobody reaches, and circles without a pause."""

from collections.abc import Mapping

from engine.graph import END
from engine.language.context import CheckContext
from engine.language.draft import Draft
from engine.language.faults import did_you_mean, listed, quoted
from engine.language.source import Mapping as Keys
from engine.nodes import Node, node_types

_PROBE = "?"  # no node is called so


def check_graph(draft: Draft, _context: CheckContext) -> None:
    """Everything about the shape of the flow, and what each node finds wrong with itself."""
    if not draft.ids:
        return
    _check_references(draft)
    _check_own(draft)
    _check_ends(draft)
    _check_entries(draft)
    _check_cycles(draft)


class _View:
    """The flow as its nodes see it."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes

    def suggest(self, word: str, known: tuple[str, ...]) -> str:
        return did_you_mean(word, known)


def _check_references(draft: Draft) -> None:
    known = (*draft.ids, END)
    for leaf in draft.leaves:
        if leaf.what == "node" and leaf.text not in known:
            message = f"there is no node {quoted(leaf.text)}.{did_you_mean(leaf.text, known)}"
            remedy = f"Nodes of this flow: {listed(dict.fromkeys(known), 'and')}."
            draft.blame(leaf.scalar.place, "unknown-node", message, remedy)


def _check_own(draft: Draft) -> None:
    view = _View(draft.nodes)
    for node_id, node in draft.nodes.items():
        for fault in node.faults(view):
            draft.blame(draft.place_in(node_id, fault.path), "node", _subject(node_id, fault.message), fault.remedy)


def _subject(node_id: str, message: str) -> str:
    return f"node {quoted(node_id)}: {message}"


def _check_ends(draft: Draft) -> None:
    """The last node has nothing below it; a goal or an end has nothing behind it; `next` must be a way that somebody takes."""
    last = list(draft.ids)[-1]
    outside = any(fault.code == "outside-flow" for fault in draft.faults)  # what should follow stands there
    for node_id, node in draft.nodes.items():
        if node_id == END and not node.leaves:
            message = f"`end` is the way out of every flow, and cannot be a `{node.word}`."
            draft.blame(draft.ids[END].place, "end", message, "Give this node another name.")
        if node.next and all(edge.target != _PROBE for edge in node.model_copy(update={"next": _PROBE}).edges(_PROBE + _PROBE)):
            remedy = "Take `next` out." if node.leaves else "Take `next` out; the other keys say where it goes on."
            message = f"node {quoted(node_id)}: nobody ever goes on by `next`."
            draft.blame(draft.place_in(node_id, ("next",)), "useless-next", message, remedy)
        if node_id == last and not node.leaves and not outside:
            _check_last(draft, node_id, node)


def _check_last(draft: Draft, node_id: str, node: Node) -> None:
    known = {edge.exit for edge in node.edges(None)}
    lacking = [edge.exit for edge in node.edges(_PROBE) if edge.exit not in known]
    if lacking:
        way = "" if lacking == ["next"] else f" for {listed((f'`{each}`' for each in lacking), 'and')}"
        message = f"node {quoted(node_id)} ends nowhere: it is the last one, and does not say what follows{way}."
        draft.blame(draft.ids[node_id].place, "ends-nowhere", message, "Add `next: NODE`, or `next: end` when the flow is over then.")


def _check_entries(draft: Draft) -> None:
    entries = [node_id for node_id, node in draft.nodes.items() if node.is_entry]
    maybe = [node_id for node_id, tree in draft.broken.items() if not isinstance(tree, Keys) or _is_entry(tree) or not _typed(tree)]
    if not entries and not maybe:
        place = draft.place_of(("flow",))
        draft.blame(
            place, "no-audience", "the flow has no audience, so nobody comes in.", "Begin with a node that has `audience: CONDITION`."
        )
    _check_ways_back(draft, entries)
    if entries or maybe:
        _check_reached(draft, entries + maybe)


def _is_entry(tree: Keys) -> bool:
    return any(tree.get(word) is not None for word, kind in node_types().items() if kind.is_entry)


def _typed(tree: Keys) -> bool:
    return any(tree.get(word) is not None for word in node_types())


def _check_ways_back(draft: Draft, entries: list[str]) -> None:
    for node_id in draft.ids:
        for way in draft.ways[node_id]:
            if way.target in entries:
                word = draft.nodes[way.target].word
                message = f"node {quoted(node_id)} leads to the {word} {quoted(way.target)}, where members only come in."
                remedy = f"Lead to the node behind it, or put the {word} at the top."
                where = way.leaf.scalar.place if way.leaf else draft.ids[node_id].place
                draft.blame(where, "leads-to-audience", message, remedy)


def _check_reached(draft: Draft, entries: list[str]) -> None:
    reached = set(entries)
    open_ = list(entries)
    while open_:
        new = {way.target for way in draft.ways.get(open_.pop(), ())} - reached
        reached |= new
        open_.extend(new)
    for node_id, key in draft.ids.items():
        if node_id not in reached and node_id != END:
            message = f"no way leads to node {quoted(node_id)}."
            draft.blame(key.place, "unreachable", message, "Lead to it with `next`, `then`, `timeout` or a branch, or take it out.")


def _check_cycles(draft: Draft) -> None:
    """Circles in which a member would go round for ever in one moment: each is told once, at its first node."""
    at_once = {node_id: [target for target in _at_once(draft, node_id) if target in draft.nodes] for node_id in draft.nodes}
    told: set[str] = set()
    for start in draft.nodes:
        circle = None if start in told else _circle(start, at_once)
        if circle:
            told.update(circle)
            path = " -> ".join(quoted(each) for each in (*circle, start))
            message = f"members would go round for ever without a wait: {path}."
            remedy = "Put a node with `wait: 1 day` in between. `until` a moment does not do: it lets go whoever comes at that moment."
            draft.blame(draft.ids[start].place, "cycle", message, remedy)


def _at_once(draft: Draft, node_id: str) -> list[str]:
    node = draft.nodes[node_id]
    return [edge.target for edge in node.edges(draft.below.get(node_id)) if not node.holds_up(edge.exit)]


def _circle(start: str, targets: Mapping[str, list[str]]) -> list[str] | None:
    """The shortest way from a node back to itself."""
    before: dict[str, str] = {}
    open_ = [start]
    for node_id in open_:
        for target in targets[node_id]:
            if target == start:
                circle = [node_id]
                while circle[0] != start:
                    circle.insert(0, before[circle[0]])
                return circle
            if target not in before:
                before[target] = node_id
                open_.append(target)
    return None
