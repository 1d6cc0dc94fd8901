"""What people ask for, and the messages that answer it: no way round consent."""

from collections.abc import Collection, Iterator

from engine.language.context import CheckContext
from engine.language.draft import Draft
from engine.language.faults import quoted
from engine.nodes.request import JOIN, Request, request_node
from engine.nodes.send import Send

CHANNEL = "email"  # a request names an e-mail address, and nothing else


def check_requests(draft: Draft, _context: CheckContext) -> None:
    """A message that answers a request goes by mail, at once, to who asked; and joining is for a purpose."""
    for node_id, node in draft.nodes.items():
        if isinstance(node, Send) and node.answers_request:
            for message, remedy in _answer_faults(draft, node):
                draft.blame(draft.place_in(node_id, ("answers_request",)), "request", f"node {quoted(node_id)}: {message}", remedy)
    join = request_node(draft.nodes, JOIN)
    if join and draft.tree is not None and draft.tree.get("purpose") is None:
        message = f"node {quoted(join.id)} lets people join, but the campaign does not say what they allow by that."
        draft.blame(draft.place_in(join.id, ("request",)), "no-purpose", message, "Add `purpose:` at the top.")


def _answer_faults(draft: Draft, node: Send) -> Iterator[tuple[str, str]]:
    entries = {node_id for node_id, each in draft.nodes.items() if each.is_entry}
    asking = {node_id for node_id in entries if isinstance(draft.nodes[node_id], Request)}
    if node.send != CHANNEL:
        yield "only an e-mail answers a request.", "Send it by `email`, or take the line out."
    if node.id in _behind(draft, entries - asking):
        message = "people come here who did not ask for it, so that it needs their consent."
        yield message, "Give them a message of their own, without `answers_request`."
    elif node.id not in _behind(draft, asking) or node.id in _behind(draft, _pauses(draft)):
        remedy = "Put it behind the node with `request`, with nothing that waits or sends in between, or take the line out."
        yield "it does not follow a `request` at once.", remedy


def _pauses(draft: Draft) -> set[str]:
    """The nodes after which what was asked for is no longer what somebody asked for a moment ago."""
    return {node_id for node_id, node in draft.nodes.items() if node.rests or isinstance(node, Send)}


def _behind(draft: Draft, starts: Collection[str]) -> set[str]:
    """The nodes to which a way leads from any of these."""
    found: set[str] = set()
    open_ = list(starts)
    while open_:
        new = {way.target for way in draft.ways.get(open_.pop(), ())} - found
        found |= new
        open_.extend(new)
    return found
